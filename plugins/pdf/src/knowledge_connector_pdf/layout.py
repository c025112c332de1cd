"""What the lines of a document are: pure functions of where they stand and how they are set."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from knowledge_connector_pdf.lines import Line
from knowledge_connector_pdf.tables import Table

Outline = Mapping[int, Mapping[str, int]]
"""Bookmarks: by number of the page, their titles as `plain` gives them, with their levels from 1."""

_HEADINGS = 6
_MAX_HEADING_CHARS = 200
_MAX_BOLD_CHARS = 100
_LARGER = 1.1
_REPEATS = 3
_CODE_SHARE = 0.6
_HEIGHT_POINTS = 3
_MIN_ROOM = 1.5  # between a running head and the text, in its size
_NUMBERS = re.compile(r"\d+|\b[ivxlcdm]+\b")
_LEADING_NUMBER = re.compile(r"^\W*(?:\d+(?:\.\d+)*|[A-Z](?:\.\d+)+)\W+")
_GOES_ON = (".", ",", ";", ":")
_PUNCTUATION = ".,;:!?)]\"'"
_END_CHARS = 3
_WIDE_GAP = 1.2

_Class = tuple[float, bool]
"""Size and boldness of headings: each such class is a level."""


@dataclass(slots=True)
class Page:
    """A page: its number from 1, its lines, the paragraphs that OCR has read on it, and its ruled tables."""

    number: int
    lines: list[Line] = field(default_factory=list)
    recognized: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def plain(title: str) -> str:
    """A title without its number, its case and its punctuation, to be compared."""
    return "".join(filter(str.isalnum, _LEADING_NUMBER.sub("", title).casefold()))


def drop_furniture(pages: Sequence[Page]) -> None:
    """Take out running heads and page numbers: what stands outermost, at a distance, with the same words on three pages or more."""
    edges = [_edges(page.lines) for page in pages]
    counts = Counter(key for of_page in edges for key in of_page)
    for page, of_page in zip(pages, edges, strict=True):
        heads = {id(line) for key, lines in of_page.items() if counts[key] >= _REPEATS for line in lines}
        page.lines = [line for line in page.lines if id(line) not in heads]


def _edges(lines: list[Line]) -> dict[tuple[int, str], list[Line]]:
    """The lines at the top and at the bottom of a page, by their height and their words, unless others follow right upon them."""
    heights = sorted({line.base for line in lines})
    if len(heights) < 2:
        return {}
    top, bottom = heights[-1], heights[0]
    below_top = next((height for height in reversed(heights) if top - height >= _HEIGHT_POINTS), bottom)
    above_bottom = next((height for height in heights if height - bottom >= _HEIGHT_POINTS), top)
    found: dict[tuple[int, str], list[Line]] = {}
    for line in lines:
        room = _MIN_ROOM * line.size
        at_top = top - line.base < _HEIGHT_POINTS and line.base - below_top > room
        at_bottom = line.base - bottom < _HEIGHT_POINTS and above_bottom - line.base > room
        if at_top or at_bottom:
            words = _NUMBERS.sub("#", line.text.lower())
            found.setdefault((round(line.base / _HEIGHT_POINTS), words), []).append(line)
    return found


@dataclass(frozen=True, slots=True)
class Typography:
    """How a document is set.

    Attributes:
        size: Of its prose, in points.
        leading: From one line of prose to the next, in points.
        is_code: Whether it is set in a font for code throughout, so that this says nothing.
        levels: Of headings, by class.
        outline: Its bookmarks.
    """

    size: float
    leading: float
    is_code: bool
    levels: Mapping[_Class, int]
    outline: Outline

    @classmethod
    def of(cls, pages: Sequence[Page], outline: Outline) -> Typography:
        """Find out how a document is set, from all of its lines."""
        lines = [line for page in pages for line in page.lines]
        chars = sum(len(line.text) for line in lines)
        is_code = sum(len(line.text) for line in lines if line.is_code) > _CODE_SHARE * chars
        sizes: Counter[float] = Counter()
        for line in lines:
            if is_code or not line.is_code:
                sizes[_rounded(line.size)] += len(line.text)
        size = sizes.most_common(1)[0][0] if sizes else 0.0
        found = cls(size, _leading(pages, size), is_code, {}, outline)
        return cls(size, found.leading, is_code, _levels(pages, found), outline)

    def heading(self, line: Line, before: Line | None, page: int) -> int:
        """The level of a heading; 0 for other lines. `before` is the line above it on its page."""
        known = self._bookmarked(line.text, page)
        if known:
            return min(known, _HEADINGS)
        return self.levels.get(_class(line), 0) if self.stands_out(line, before) else 0

    def _bookmarked(self, text: str, page: int) -> int:
        """The level of the bookmark that leads to a line; 0 if none does. Most lines end otherwise than those, which is seen at once."""
        titles = self.outline.get(page)
        if not titles or len(text) > _MAX_HEADING_CHARS:
            return 0
        end = text.rstrip(_PUNCTUATION)[-_END_CHARS:].casefold()
        if end.isalnum() and not any(title.endswith(end) for title in titles):
            return 0
        return titles.get(plain(text), 0)

    def stands_out(self, line: Line, before: Line | None) -> bool:
        """Whether a line is set as headings are: larger; or bold, short and with room above it."""
        if (line.is_code and not self.is_code) or not any(map(str.isalpha, line.text)):
            return False
        if line.size >= _LARGER * self.size:
            return len(line.text) <= _MAX_HEADING_CHARS
        if not line.is_bold or _rounded(line.size) < self.size or len(line.text) > _MAX_BOLD_CHARS:
            return False
        has_room = before is None or not 0 < before.base - line.base < _WIDE_GAP * self.leading
        return has_room and not line.text.endswith(_GOES_ON)


def _rounded(size: float) -> float:
    return round(size * 2) / 2


def _class(line: Line) -> _Class:
    return (_rounded(line.size), line.is_bold)


def _leading(pages: Sequence[Page], size: float) -> float:
    gaps = Counter(
        round(gap, 1)
        for page in pages
        for above, below in pairwise(page.lines)
        if _rounded(above.size) == _rounded(below.size) == size
        and 0.5 * size < (gap := above.base - below.base) < 3 * size
    )
    return gaps.most_common(1)[0][0] if gaps else _WIDE_GAP * size


def _levels(pages: Sequence[Page], typography: Typography) -> dict[_Class, int]:
    """One level for each class of headings, the largest first; where bookmarks name headings, by what they say."""
    votes: dict[_Class, Counter[int]] = {}
    for page in pages:
        titles = typography.outline.get(page.number, {})
        for before, line in _with_before(page.lines):
            if typography.stands_out(line, before):
                level = titles.get(plain(line.text)) if titles else None
                votes.setdefault(_class(line), Counter()).update([level] if level else [])
    levels: dict[_Class, int] = {}
    last = 0
    for of in sorted(votes, reverse=True):
        last = votes[of].most_common(1)[0][0] if votes[of] else last + 1
        levels[of] = last = min(last, _HEADINGS)
    return levels


def _with_before(lines: list[Line]) -> Iterator[tuple[Line | None, Line]]:
    return zip([None, *lines], lines, strict=False)
