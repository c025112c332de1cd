"""Cognigy's text format, for sources that shall be uploaded by hand.

Metadata stand in back-ticked `key: value` lines at the head of the file, and of a chunk. An empty line ends the head and each chunk, so
none may stand inside a chunk: there it becomes a plain line break.

Reference: Cognigy documentation, "Cognigy Text Format (CTXT)": header, body, 1,000 chunks, file name of 200 characters.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from knowledge_connector import DocumentError
from knowledge_connector_cognigy import marks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knowledge_connector import Chunk, StoredSource
    from knowledge_connector_cognigy.marks import Scalar

MAX_CHUNKS = 1000
_ENDING = ".ctxt"
_FORBIDDEN = re.compile(r'[/\\:*?"<>|¥\x00-\x1f\x7f]+')


def file_name(title: str) -> str:
    """Give the name of the file, within Cognigy's rules: 200 characters, no punctuation that paths use, no blank at the ends."""
    stem = _FORBIDDEN.sub("-", marks.clean(title)).strip(" .-") or "source"
    return stem[: marks.MAX_NAME - len(_ENDING)].rstrip() + _ENDING


def text_of(stored: StoredSource) -> str:
    """Give the file.

    Raises:
        DocumentError: There are more chunks than a file may have.
    """
    draft = stored.draft
    if len(stored.chunks) > MAX_CHUNKS:
        message = f"{draft.name!r} has {len(stored.chunks)} chunks, and a ctxt file takes {MAX_CHUNKS}"
        raise DocumentError(message, code="too-large", where="target", document_id=draft.external_id)
    data = marks.source_data(draft, None)
    tags = ", ".join(dict.fromkeys(map(marks.tag_for, draft.tags)))
    head: dict[str, Scalar] = {"version": 1, "title": draft.name, **data, **({"tags": f"[{tags}]"} if tags else {})}
    return "\n\n".join([_lines(head), *map(_chunk, stored.chunks)]) + "\n"


def _chunk(chunk: Chunk) -> str:
    text = re.sub(r"\n\s*\n", "\n", marks.clean(chunk.text).replace("\r\n", "\n").strip())
    return "\n".join(filter(None, [_lines(marks.data_of(chunk.metadata)), text]))


def _lines(pairs: Mapping[str, Scalar]) -> str:
    return "\n".join(f"`{key}: {_value(value)}`" for key, value in pairs.items())


def _value(value: Scalar) -> str:
    """On one line, without the back-tick that would end it."""
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(str(value).replace("`", "'").split())
