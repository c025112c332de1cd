"""The export in Cognigy's text format, read back by the emulator's import."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from knowledge_connector import Chunk, DocumentError, SourceDraft, StoredSource
from knowledge_connector.testing.emulation import RunningServer
from knowledge_connector_cognigy import CognigyTarget
from plugins.cognigy.wire import Wire

CHUNKS = (
    Chunk(
        0, "# Start\r\n\r\nFirst paragraph.\n\n\nSecond `code` one.", {"heading": "Start", "page": 1, "draft": False}
    ),
    Chunk(1, "The end."),
)
DRAFT = SourceDraft(
    external_id="guide/a.md",
    name='What? A "guide"',
    chunk_count=2,
    fingerprint="f",
    metadata_fingerprint="m",
    tags=("Hand Book", "x"),
    uri="https://example.com/a",
    updated_at=datetime(2026, 3, 29, tzinfo=UTC),
    metadata={"author": "Some `body`\nelse"},
)


def test_head_lines_then_chunks_between_empty_lines(target: CognigyTarget) -> None:
    name, text = target.export(StoredSource(DRAFT, CHUNKS))
    assert name == "What- A -guide.ctxt"
    assert text.split("\n\n") == [
        "\n".join(
            [
                "`version: 1`",
                '`title: What? A "guide"`',
                "`externalId: guide/a.md`",
                "`url: https://example.com/a`",
                "`updatedAt: 2026-03-29T00:00:00+00:00`",
                "`author: Some 'body' else`",
                "`tags: [hand-book, x]`",
            ]
        ),
        "`heading: Start`\n`page: 1`\n`draft: false`\n# Start\nFirst paragraph.\nSecond `code` one.",
        "The end.\n",
    ]


def test_the_emulator_imports_it(target: CognigyTarget, server: RunningServer, wire: Wire) -> None:
    name, text = target.export(StoredSource(DRAFT, CHUNKS))
    path = f"{server.url}/new/v2.0{wire.store}/sources/upload"
    httpx.post(path, headers={"X-API-Key": "emu-key"}, files={"file": (name, text.encode())}).raise_for_status()
    server.services.clock.advance(3600)
    (source,) = wire.sources()
    texts = wire.texts(source["_id"])
    assert (source["status"], len(texts), texts[1]) == ("ready", 2, "The end.")
    assert "Second `code` one." in texts[0]


@pytest.mark.parametrize("title", ["", " . ", "///", "x" * 300, "tab\tand\nline", "¥|<>"])
def test_any_title_becomes_a_name_that_is_taken(target: CognigyTarget, title: str) -> None:
    name, _ = target.export(StoredSource(SourceDraft("id", title, 0, "f", "m"), ()))
    assert name.endswith(".ctxt")
    assert 5 < len(name) <= 200
    assert name == name.strip()
    assert not set(name) & set('/\\:*?"<>|¥\n\t')


def test_more_chunks_than_a_file_takes_are_refused(target: CognigyTarget) -> None:
    chunks = tuple(Chunk(number, "x") for number in range(1001))
    with pytest.raises(DocumentError, match="1001 chunks"):
        target.export(StoredSource(SourceDraft("id", "name", 1001, "f", "m"), chunks))
