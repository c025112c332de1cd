"""Our values as rows, and back.

Text that UTF-8 cannot carry (lone surrogates) is stored with U+FFFD in their place. Only the external id is kept exactly, since
it is compared: a file name that is not UTF-8 becomes a BLOB.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from knowledge_connector.model import Chunk, KnowledgeSource, Metadata, SourceDraft, id_digest

Row = tuple[Any, ...]

_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode

LISTED = (
    "id, external_digest, external_id, name, fingerprint, chunk_count, revision_mark, metadata_fingerprint, tags, uri"
)
"""Columns that `source_from` takes, in its order."""

DESCRIBED = "external_digest, external_id, name, description, tags, uri, updated_at, metadata, acl, revision_mark, metadata_fingerprint"
"""Columns that `described` gives, and `draft_from` takes with `fingerprint, chunk_count` after them, in their order."""


def clean(text: str) -> str:
    """Give `text` with U+FFFD for every lone surrogate."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def described(draft: SourceDraft) -> Row:
    """What a draft says of its source, as the columns `DESCRIBED`."""
    return (
        id_digest(draft.external_id),
        _exact(draft.external_id),
        clean(draft.name),
        clean(draft.description),
        _array(draft.tags),
        None if draft.uri is None else clean(draft.uri),
        None if draft.updated_at is None else draft.updated_at.isoformat(),
        as_object(draft.metadata),
        None if draft.acl is None else _array(draft.acl),
        draft.revision_mark,
        draft.metadata_fingerprint,
    )


def source_from(row: Row) -> KnowledgeSource:
    """Give the source of a row of `LISTED`."""
    number, external_digest, external_id, name, fingerprint, count, mark, metadata_fingerprint, tags, uri = row
    return KnowledgeSource(
        str(number),
        external_digest,
        as_text(external_id),
        name,
        fingerprint,
        count,
        mark,
        metadata_fingerprint,
        strings(tags),
        uri,
    )


def draft_from(row: Row) -> SourceDraft:
    """Give the draft of a row of `DESCRIBED`, fingerprint and chunk count."""
    (
        _,
        external_id,
        name,
        description,
        tags,
        uri,
        updated_at,
        metadata,
        acl,
        mark,
        metadata_fingerprint,
        fingerprint,
        count,
    ) = row
    return SourceDraft(
        external_id=as_text(external_id),
        name=name,
        chunk_count=count,
        fingerprint=fingerprint,
        metadata_fingerprint=metadata_fingerprint,
        revision_mark=mark,
        description=description,
        tags=strings(tags),
        uri=uri,
        updated_at=None if updated_at is None else datetime.fromisoformat(updated_at),
        metadata=json.loads(metadata),
        acl=None if acl is None else strings(acl),
    )


def chunk_from(row: Row) -> Chunk:
    """Give the chunk of a row of ordinal, text, metadata."""
    ordinal, text, metadata = row
    return Chunk(ordinal, text, json.loads(metadata))


def as_object(metadata: Metadata) -> str:
    """Metadata as JSON; equal metadata give equal text."""
    return clean(_encode(dict(metadata))) if metadata else "{}"


@lru_cache(maxsize=1024)  # most sources of a connector share their tags, and a listing is read on every run
def strings(array: str) -> tuple[str, ...]:
    """The strings of a JSON array."""
    return tuple(json.loads(array))


def as_text(value: str | bytes) -> str:
    """Give an external id as it was, however it is stored."""
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value


def marks(values: Sequence[object]) -> str:
    """As many question marks, for `IN (…)`."""
    return ", ".join("?" * len(values))


def _array(values: Iterable[str]) -> str:
    return clean(_encode(list(values)))


def _exact(text: str) -> str | bytes:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text
