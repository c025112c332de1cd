"""What the lines of a document are: pure functions of where they stand and how they are set."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from knowledge_connector_pdf.lines import Line, Style
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
_FOLIO = re.compile(r"(\d{1,5})(?![\w.)])|.*?(?<![\w.])(\d{1,5})$")
_LEADING_NUMBER = re.compile(r"^\W*(?:\d+(?:\.\d+)*|[A-Z](?:\.\d+)+)\W+")
_GOES_ON = (".", ",", ";", ":")
_PUNCTUATION = ".,;:!?)]\"'"
_END_CHARS = 3
_WIDE_GAP = 1.2
_STEPS = 10  # in a point, in which gaps between lines are told apart

_Place = tuple[int, str | int]
"""Where something stands on many pages: its height, and its words, or how far the number in it is ahead of that of the page."""

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
    """Take out running heads and page numbers: what stands outermost, at a distance, and on three pages or more at the same height.

    What stands there has the same words on all of them, or begins or ends with a number that counts the pages, and the same words on some:
    titles that are numbered, one to a page, never do.
    """
    edges = [_edges(page) for page in pages]
    wordings: dict[_Place, list[str]] = {}
    for of_page in edges:
        for key, lines in of_page.items():
            wordings.setdefault(key, []).append(_without_numbers(lines[0]))
    common = {key for key, words in wordings.items() if len(words) >= _REPEATS and len({*words}) < len(words)}
    for page, of_page in zip(pages, edges, strict=True):
        heads = {id(line) for key, lines in of_page.items() if key in common for line in lines}
        if heads:
            page.lines = [line for line in page.lines if id(line) not in heads]


def _edges(page: Page) -> dict[_Place, list[Line]]:
    """The lines at the top and at the bottom of a page, unless others follow right upon them.

    Their keys are their height and their words, or how far the number in them is ahead of that of the page.
    """
    heights = [line.base for line in page.lines]
    top, bottom = max(heights, default=0.0), min(heights, default=0.0)
    high, low = top - _HEIGHT_POINTS, bottom + _HEIGHT_POINTS
    below_top = max([height for height in heights if height <= high], default=bottom)
    above_bottom = min([height for height in heights if height >= low], default=top)
    found: dict[_Place, list[Line]] = {}
    for line in [line for line in page.lines if not low <= line.base <= high]:
        room = _MIN_ROOM * line.style.size
        if (line.base > high and line.base - below_top > room) or (line.base < low and above_bottom - line.base > room):
            for words in _words(line, page):
                found.setdefault((round(line.base / _HEIGHT_POINTS), words), []).append(line)
    return found


def _without_numbers(line: Line) -> str:
    return _NUMBERS.sub("#", line.text.lower())


def _words(line: Line, page: Page) -> Iterator[str | int]:
    if line.style.size >= _LARGER * page.lines[len(page.lines) // 2].style.size:
        yield line.text.lower()  # a title: its number is its own
        return
    yield _without_numbers(line)
    folio = _FOLIO.match(line.text)
    if folio:
        yield int(folio[1] or folio[2]) - page.number


@dataclass(frozen=True, slots=True)
class Typography:
    """How a document is set.

    Attributes:
        size: Of its prose, in points.
        leading: From one line of prose to the next, in points.
        is_code: Whether it is set in a font for code throughout, so that this says nothing.
        striking: The styles that headings may have.
        levels: Of headings, by class.
        outline: Its bookmarks.
    """

    size: float
    leading: float
    is_code: bool
    striking: frozenset[Style]
    levels: Mapping[_Class, int]
    outline: Outline

    @classmethod
    def of(cls, pages: Sequence[Page], outline: Outline) -> Typography:
        """Find out how a document is set, from all of its lines."""
        chars: dict[Style, int] = {}  # a Counter takes twice as long to add to
        for page in pages:
            for line in page.lines:
                chars[line.style] = chars.get(line.style, 0) + len(line.text)
        is_code = sum(count for style, count in chars.items() if style.is_code) > _CODE_SHARE * sum(chars.values())
        sizes: Counter[float] = Counter()
        for style, count in chars.items():
            if is_code or not style.is_code:
                sizes[_rounded(style.size)] += count
        size = sizes.most_common(1)[0][0] if sizes else 0.0
        striking = frozenset(style for style in chars if (is_code or not style.is_code) and _strikes(style, size))
        leading = _leading(pages, frozenset(style for style in chars if _rounded(style.size) == size), size)
        found = cls(size, leading, is_code, striking, {}, outline)
        return cls(size, leading, is_code, striking, _levels(pages, found), outline)

    def headings(self, page: Page) -> dict[int, int]:
        """The levels of the headings of a page, by the number of the line: what bookmarks name, and what stands out."""
        found = {at: self.levels[_class(line.style)] for at, line in self.standing_out(page)}
        titles = self.outline.get(page.number, {})
        for at, line in _candidates(page.lines, titles) if titles else ():
            level = titles.get(plain(line.text))
            if level:
                found[at] = min(level, _HEADINGS)
        return found

    def standing_out(self, page: Page) -> Iterator[tuple[int, Line]]:
        """The lines of a page that are set as headings are, with their numbers."""
        striking, lines = self.striking, page.lines
        for at in [at for at, line in enumerate(lines) if line.style in striking]:
            if self._stands_out(lines[at], lines[at - 1] if at else None):
                yield at, lines[at]

    def _stands_out(self, line: Line, before: Line | None) -> bool:
        """Whether a line of a striking style is larger, or short and with room above it."""
        text = line.text
        if not any(map(str.isalpha, text)):
            return False
        if line.style.size >= _LARGER * self.size:
            return len(text) <= _MAX_HEADING_CHARS
        has_room = before is None or not 0 < before.base - line.base < _WIDE_GAP * self.leading
        return has_room and len(text) <= _MAX_BOLD_CHARS and not text.endswith(_GOES_ON)


def _candidates(lines: Sequence[Line], titles: Mapping[str, int]) -> Iterator[tuple[int, Line]]:
    """Lines that may be the title of a bookmark, with their numbers: most end otherwise than those of the page, which is seen at once."""
    last = {title[-1] for title in titles}
    last |= {char.upper() for char in last} | set(_PUNCTUATION)
    ends = {title[-_END_CHARS:] for title in titles}
    for at, line in enumerate(lines):
        text = line.text
        if (text[-1] in last or not text[-1].isascii()) and len(text) <= _MAX_HEADING_CHARS:
            end = text.rstrip(_PUNCTUATION)[-_END_CHARS:].casefold()[-_END_CHARS:]
            if end in ends or not end.isalnum():
                yield at, line


def _strikes(style: Style, size: float) -> bool:
    return style.size >= _LARGER * size or (style.is_bold and _rounded(style.size) >= size)


def _rounded(size: float) -> float:
    return round(size * 2) / 2


def _class(style: Style) -> _Class:
    return (_rounded(style.size), style.is_bold)


def _leading(pages: Sequence[Page], prose: frozenset[Style], size: float) -> float:
    gaps: Counter[int] = Counter()
    for page in pages:
        bases = [(line.base, line.style in prose) for line in page.lines]
        gaps.update(
            [round((above - below) * _STEPS) for (above, one), (below, other) in pairwise(bases) if one and other]
        )
    likely = {gap: count for gap, count in gaps.items() if 0.5 * size < gap / _STEPS < 3 * size}
    return max(likely, key=likely.__getitem__) / _STEPS if likely else _WIDE_GAP * size


def _levels(pages: Sequence[Page], typography: Typography) -> dict[_Class, int]:
    """One level for each class of headings, the largest first; where bookmarks name headings, by what they say."""
    votes: dict[_Class, Counter[int]] = {}
    for page in pages:
        titles = typography.outline.get(page.number, {})
        for _, line in typography.standing_out(page):
            level = titles.get(plain(line.text)) if titles else None
            votes.setdefault(_class(line.style), Counter()).update([level] if level else [])
    levels: dict[_Class, int] = {}
    last = 0
    for of in sorted(votes, reverse=True):
        last = votes[of].most_common(1)[0][0] if votes[of] else last + 1
        levels[of] = last = min(last, _HEADINGS)
    return levels
