"""Page numbers that travel inside Markdown: one invisible character before the text of each page.

    converter ── page_mark(3) + text ──▶ Markdown ── any chunker ──▶ Chunks ── with_pages ──▶ no marks, `firstPage`, `lastPage`

A mark is one character of Unicode's last private-use plane, so that no chunker can cut it in two. It may stand anywhere in a line, or alone
as a paragraph of its own (before a heading or a table, say). Text that begins with a mark has pages; in all other text these characters are
the author's own, and stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from knowledge_connector.model import Chunk, Scalar

MAX_PAGE = 0xFFFD
"""Pages beyond count as this one."""

RESERVED_CHARS = len("firstPage") + len("lastPage") + 2 * len(str(MAX_PAGE))
"""What the two numbers need at most in a chunk, for targets that count metadata."""

_BEFORE_FIRST = 0x100000
_ANY = f"[{chr(_BEFORE_FIRST)}-{chr(_BEFORE_FIRST + MAX_PAGE)}]"
_MARK = re.compile(_ANY)
_EDGE = re.compile(rf"(?:\s|{_ANY})*")
_MARK_ALONE = re.compile(rf"^{_ANY}+[ \t]*(?:\n+|$)", re.MULTILINE)


def page_mark(number: int) -> str:
    """Give the mark to put before the text of a page; pages are counted from 1, and a text with pages begins with one.

    The text itself must hold no such character: see `without_marks`.
    """
    return chr(_BEFORE_FIRST + min(number, MAX_PAGE))


def without_marks(text: str) -> str:
    """Give the text without anything that could be taken for a mark: what a font for icons leaves in a PDF, say."""
    return text if text.isascii() else _MARK.sub("", text)


def has_pages(markdown: str) -> bool:
    """Whether a text bears marks: it begins with one."""
    return _MARK.match(markdown) is not None


def with_pages(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Take the marks out of the chunks of a text that has pages, and say in each chunk's metadata where it stands.

    `firstPage` and `lastPage` are integers, and count the text that is new in a chunk: what an overlap or a repeated table header
    brings from earlier pages does not. A chunk of nothing but marks is left out.
    """
    page, ordinal = 1, 0
    for chunk in chunks:
        first, page = _pages(chunk.text, page)
        text = _MARK.sub("", _MARK_ALONE.sub("", chunk.text)).strip("\n")
        if text.strip():
            yield Chunk(ordinal, text, {**_plain(chunk), "firstPage": first, "lastPage": page})
            ordinal += 1
        page = max([page, *_numbers(chunk.text)])


def _pages(text: str, before: int) -> tuple[int, int]:
    """First and last page of a text that follows on page `before`. Marks at its very end are the next chunk's."""
    leading, trailing = _EDGE.match(text), _EDGE.match(text[::-1])
    start, end = leading.end() if leading else 0, trailing.end() if trailing else 0
    first = max([before, *_numbers(text[:start])])
    return first, max([first, *_numbers(text[start : len(text) - end])])


def _numbers(text: str) -> list[int]:
    return [ord(mark) - _BEFORE_FIRST for mark in _MARK.findall(text)]


def _plain(chunk: Chunk) -> dict[str, Scalar]:
    """Its metadata; the heading path repeats marks that stand in a heading."""
    return {key: _MARK.sub("", value) if isinstance(value, str) else value for key, value in chunk.metadata.items()}
