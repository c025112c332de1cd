"""Clients that are not ours see in the emulator what our adapter wrote, and can write there themselves."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from knowledge_connector import Chunk
from knowledge_connector.testing.drafts import draft_of, write
from knowledge_connector.testing.emulation import RunningServer
from knowledge_connector_cognigy import CognigyTarget
from plugins.cognigy.wire import HastyClock, Wire, config_for

NODE = Path(__file__).with_name("node")

Held = list[tuple[str, list[str], dict[str, Any], list[str]]]


@pytest.fixture
def held(server: RunningServer, wire: Wire) -> Held:
    """Five sources of ours, one of them in three parts, one replaced and one patched."""
    target = CognigyTarget(config_for(server, chunks_per_source=2), HastyClock())
    chunks = [Chunk(number, f"chunk {number}", {"heading": "A › B"}) for number in range(5)]
    with target.open("shelf", fence=1) as session:
        write(session, draft_of("long.md", chunks, tags=("Größe",)), chunks)
        other = write(session, draft_of("other.md", chunks[:1]), chunks[:1])
        write(session, draft_of("other.md", chunks[2:4], replaces=other), chunks[2:4])
        short = write(session, draft_of("short.md", chunks[:1]), chunks[:1])
        write(session, draft_of("short.md", chunks[4:], replaces=short), [Chunk(0, "chunk 4")])
    found = [(one["name"], one["metaData"]["tags"], one["data"], wire.texts(one["_id"])) for one in wire.sources()]
    assert sorted(texts for *_, texts in found) == [
        ["chunk 0", "chunk 1"],
        ["chunk 2", "chunk 3"],
        ["chunk 2", "chunk 3"],
        ["chunk 4"],
        ["chunk 4"],
    ]
    return found


def test_the_client_from_pypi(server: RunningServer, wire: Wire, held: Held) -> None:
    cognigy = pytest.importorskip("cognigy", reason="cognigy-api-client is not installed")
    from cognigy.models.knowledge_chunk import KnowledgeChunkCreate
    from cognigy.models.knowledge_source import KnowledgeSourceCreate, KnowledgeSourceUpdate

    client = cognigy.CognigyClient(api_key="emu-key", base_url=f"{server.url}/api-emu")
    store = wire.store.rpartition("/")[2]
    sources = client.knowledge_sources.list(store)
    seen = [
        (one.name, one.meta_data.tags, one.data, [chunk.text for chunk in client.knowledge_chunks.list(store, one.id)])
        for one in sources
    ]
    assert sorted(seen) == sorted(held)
    made = client.knowledge_sources.create(store, KnowledgeSourceCreate(name="From Python", type="manual"))
    chunk = client.knowledge_chunks.create(store, made.id, KnowledgeChunkCreate(text="a chunk", order=1))
    updated = client.knowledge_sources.update(store, made.id, KnowledgeSourceUpdate(description="Changed"))
    assert (chunk.order, updated.description, updated.chunk_count) == (1, "Changed", 1)
    client.knowledge_sources.delete(store, made.id)
    client.http_client.close()
    assert len(wire.sources()) == len(held)


def test_the_official_client_from_npm(server: RunningServer, wire: Wire, held: Held) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node")
    if not (NODE / "node_modules").is_dir():
        pytest.skip(f"npm install --prefix {NODE} has not been run")
    command = [node, "client.js", server.url, wire.store.rpartition("/")[2]]
    done = subprocess.run(command, cwd=NODE, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert sorted(map(tuple, told["held"])) == sorted(held)
    assert told["updated"] == ["disabled", 1, {"mine": True}]
    assert told["gone"] == "Resource Not Found Error"
    assert len(wire.sources()) == len(held)
