"""What one document becomes at Totoy: the fields of its source, and the parts of a text that is too long for one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from knowledge_connector import DocumentError, SourceDraft
from knowledge_connector_totoy import memory

if TYPE_CHECKING:
    from knowledge_connector_totoy.config import TotoyConfig

MAX_TEXT_CHARS = 1_000_000
MAX_TITLE_CHARS = 512
MAX_BACKLINK_CHARS = 512


def parts_of(text: str, max_chars: int = MAX_TEXT_CHARS) -> Iterator[str]:
    """Cut a text where paragraphs, lines or words end; the parts together are the text."""
    start = 0
    while len(text) - start > max_chars:
        end = _cut(text, start, start + max_chars)
        yield text[start:end]
        start = end
    yield text[start:]


def _cut(text: str, start: int, end: int) -> int:
    """The last good place to cut, not before the middle."""
    for mark in ("\n\n", "\n", " "):
        found = text.rfind(mark, (start + end) // 2, end)
        if found >= 0:
            return found + len(mark)
    return end


def fields_of(owner: str, draft: SourceDraft, marks: memory.Marks, config: TotoyConfig) -> Mapping[str, Any]:
    """Give the fields of a source without its content, all of them, so that a PATCH leaves nothing of a former version.

    A link that is longer than Totoy takes is left out, since a part of it would lead nowhere.

    Raises:
        DocumentError: A validity date cannot be read.
    """
    backlink = memory.sendable(draft.uri or "")
    return {
        "title": _title(draft.name, marks),
        "backlink": backlink if len(backlink) <= MAX_BACKLINK_CHARS else "",
        "valid_from": _moment(draft, config.valid_from_key),
        "valid_until": _moment(draft, config.valid_until_key),
        "custom_metadata": memory.write_pairs(owner, draft, marks, config.metadata_keys),
    }


def _title(name: str, marks: memory.Marks) -> str:
    suffix = f" ({marks.part}/{marks.parts})" if marks.part > 1 else ""
    room = MAX_TITLE_CHARS - len(suffix)
    return memory.sendable(name if len(name) <= room else name[: room - 1] + "…") + suffix


def _moment(draft: SourceDraft, key: str) -> str | None:
    """A date of the document's metadata as Totoy takes it; UTC where it does not say."""
    value = str(draft.metadata.get(key, ""))
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise DocumentError(
            f"its metadata {key!r} is no ISO 8601 date or time, such as 2026-12-31 or 2026-12-31T23:59:59Z",
            code="bad-date",
            where="target",
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
