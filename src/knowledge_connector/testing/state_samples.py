"""Rows and sources to ask a state store about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from knowledge_connector.model import Chunk, KnowledgeSource, SourceDraft, StoredSource, digest
from knowledge_connector.ports import Known, Lane

LANE = Lane("handbook", "local")
OTHER = Lane("handbook", "assistant")
STRANGER = Lane("wiki", "local")
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
ODD_IDS = ("", "a\x00b", "\udce4.md", "\x1a001a", "100%_\\", "日本語/🙂", "x" * 5000, "ü" * 3000)


def known(external_id: str, /, **changes: object) -> Known:
    """What memory holds of a document that is at the target."""
    row = Known(
        digest(external_id),
        external_id,
        source_id=f"source of {external_id}",
        name=external_id.rpartition("/")[2],
        uri=f"file:///{external_id}",
        revision="1",
        revision_mark="rm",
        content_mark="cm",
        fingerprint=f"fp of {external_id}",
        metadata_fingerprint="mf",
        derived="{}",
        chunk_count=2,
        listed=1,
    )
    return replace(row, **changes)  # type: ignore[arg-type]  # the field names are those of the caller


def source(external_id: str, /, **changes: object) -> KnowledgeSource:
    """The target's record of the same document."""
    row = known(external_id)
    made = KnowledgeSource(
        source_id=str(row.source_id),
        external_digest=row.external_digest,
        external_id=external_id,
        name=row.name,
        fingerprint=row.fingerprint,
        chunk_count=row.chunk_count,
        revision_mark=row.revision_mark,
        metadata_fingerprint=row.metadata_fingerprint,
        tags=("team", "ünïcode"),
        uri=row.uri,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # the field names are those of the caller


def stored(external_id: str, text: str = "Hello.") -> StoredSource:
    """A source with everything that one can have."""
    draft = SourceDraft(
        external_id=external_id,
        name="A name",
        chunk_count=2,
        fingerprint="fp",
        metadata_fingerprint="mf",
        revision_mark="rm",
        description="What it is about",
        tags=("a", "b"),
        uri="https://example.com/ä",
        updated_at=datetime(2026, 10, 25, 2, 30, 1, 5, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        metadata={"words": 3, "score": 0.1, "draft": False, "note": "a\x00\udce4"},
        acl=("group:all",),
        replaces="old",
    )
    return StoredSource(draft, (Chunk(0, text, {"heading": "A › B"}), Chunk(1, "\udce4\x00", {"page": 2})))


def ids(rows: Iterable[Known]) -> list[str | None]:
    """The ids of rows, in order."""
    return [row.external_id for row in rows]
