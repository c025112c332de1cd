"""A client that somebody else wrote for the real Cognigy finds the emulator as it expects it."""

from __future__ import annotations

import pytest

from knowledge_connector.testing.emulation import running
from knowledge_connector_cognigy.emulator import CognigyEmulator


def test_the_unofficial_client_writes_reads_and_deletes() -> None:
    cognigy = pytest.importorskip("cognigy", reason="cognigy-api-client is not installed")
    with (
        running([CognigyEmulator], seed=130) as server,
        cognigy.CognigyClient("emu-key", f"{server.url}/api-emu") as client,
    ):
        (store,) = client.knowledge_stores.list()
        assert len(client.knowledge_sources.list(store.id)) == 130

        draft = {"name": "Mine", "type": "manual", "metaData": {"tags": ["handbook"]}}
        source = client.knowledge_sources.create(store.id, draft)
        client.knowledge_chunks.create(store.id, source.id, {"text": "Hello.", "order": 1})
        changed = client.knowledge_sources.update(store.id, source.id, {"description": "Changed"})
        assert (changed.description, changed.meta_data.tags, changed.chunk_count) == ("Changed", ["handbook"], 1)
        assert [chunk.text for chunk in client.knowledge_chunks.list(store.id, source.id)] == ["Hello."]

        client.knowledge_sources.delete(store.id, source.id)
        with pytest.raises(cognigy.exceptions.CognigyAPIError, match="no such source"):
            client.knowledge_sources.get(store.id, source.id)
