"""Stored sources as bytes: compact JSON, packed at zlib's fastest level."""

from __future__ import annotations

import json
import zlib
from dataclasses import fields
from datetime import datetime
from typing import Any

from knowledge_connector.model import Chunk, SourceDraft, StoredSource

_LEVEL = 1
_FIELDS = [field.name for field in fields(SourceDraft)]


def pack(stored: StoredSource) -> bytes:
    """The bytes that `unpack` makes an equal source of."""
    draft = {name: getattr(stored.draft, name) for name in _FIELDS}
    draft["metadata"] = dict(stored.draft.metadata)
    draft["updated_at"] = _pack_time(stored.draft.updated_at)
    chunks = [(chunk.ordinal, chunk.text, dict(chunk.metadata)) for chunk in stored.chunks]
    text = json.dumps({"draft": draft, "chunks": chunks}, ensure_ascii=False, separators=(",", ":"))
    return zlib.compress(text.encode("utf-8", "surrogatepass"), _LEVEL)


def unpack(payload: bytes) -> StoredSource:
    """The source that `pack` was given."""
    stored = json.loads(zlib.decompress(payload).decode("utf-8", "surrogatepass"))
    draft: dict[str, Any] = stored["draft"]
    draft["updated_at"] = _unpack_time(draft["updated_at"])
    draft["tags"] = tuple(draft["tags"])
    draft["acl"] = None if draft["acl"] is None else tuple(draft["acl"])
    chunks = tuple(Chunk(ordinal, text, metadata) for ordinal, text, metadata in stored["chunks"])
    return StoredSource(SourceDraft(**draft), chunks)


def _pack_time(at: datetime | None) -> list[Any] | None:
    """ISO 8601, and for a time in a named zone its local time, that name, and which of two equal hours in autumn it is."""
    if at is None:
        return None
    zone = getattr(at.tzinfo, "key", None)  # a ZoneInfo made from the time zone database
    return [at.isoformat()] if zone is None else [at.replace(tzinfo=None).isoformat(), zone, at.fold]


def _unpack_time(packed: list[Any] | None) -> datetime | None:
    if packed is None:
        return None
    at = datetime.fromisoformat(packed[0])
    if len(packed) == 1:
        return at
    from zoneinfo import ZoneInfo  # slow to load, and rare

    return at.replace(tzinfo=ZoneInfo(packed[1]), fold=packed[2])
