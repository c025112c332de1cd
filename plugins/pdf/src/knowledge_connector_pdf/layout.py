"""What the lines of a document are: pure functions of where they stand and how they are set."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, groupby
from operator import and_, attrgetter, sub
from string import ascii_letters

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
_SIGNS = re.compile(r"[\W_]+")
_LEADING_NUMBER = re.compile(r"\W*(?:\d+(?:\.\d+)*|[A-Z](?:\.\d+)+)\W+")
_GOES_ON = (".", ",", ";", ":")
_PUNCTUATION = ".,;:!?)]\"'"
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
    number = _LEADING_NUMBER.match(title)
    return _SIGNS.sub("", (title[number.end() :] if number else title).casefold())


def drop_furniture(pages: Sequence[Page]) -> None:
    """Take out running heads and page numbers: what stands outermost, at a distance, and on three pages or more at the same height.

    What stands there has the same words on all of them, or begins or ends with a number that counts the pages, and the same words on some:
    titles that are numbered, one to a page, never do.
    """
    edges = [_edges(page) for page in pages]
    wordings: dict[_Place, list[Line]] = {}
    for of_page in edges:
        for key, lines in of_page.items():
            wordings.setdefault(key, []).append(lines[0])
    common = {
        key
        for key, lines in wordings.items()
        if len(lines) >= _REPEATS and (isinstance(key[1], str) or len({*map(_without_numbers, lines)}) < len(lines))
    }
    for page, of_page in zip(pages, edges, strict=True):
        heads = {id(line) for key, lines in of_page.items() if key in common for line in lines}
        if heads:
            page.lines = [line for line in page.lines if id(line) not in heads]


def _edges(page: Page) -> dict[_Place, list[Line]]:
    """The lines at the top and at the bottom of a page, unless others follow right upon them.

    Their keys are their height and their words, or how far the number in them is ahead of that of the page.
    """
    if not page.lines:
        return {}
    heights = sorted([line.base for line in page.lines])
    top, bottom = heights[-1], heights[0]
    high, low = top - _HEIGHT_POINTS, bottom + _HEIGHT_POINTS
    below_top = heights[max(bisect_right(heights, high) - 1, 0)]
    above_bottom = heights[min(bisect_left(heights, low), len(heights) - 1)]
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
    folio = _FOLIO.match(line.text) if line.text[0].isdigit() or line.text[-1].isdigit() else None
    if folio:
        yield int(folio[1] or folio[2]) - page.number


@dataclass(frozen=True, slots=True)
class Typography:
    """How a document is set.

    Attributes:
        leading: From one line of prose to the next, in points.
        is_code: Whether it is set in a font for code throughout, so that this says nothing.
        headings: By the number of the page, the levels of its headings by the number of the line: what bookmarks name, and what stands out.
    """

    leading: float
    is_code: bool
    headings: Mapping[int, Mapping[int, int]]

    @classmethod
    def of(cls, pages: Sequence[Page], outline: Outline) -> Typography:
        """Find out how a document is set, from all of its lines."""
        chars: dict[Style, int] = {}  # a Counter takes twice as long to add to
        for page in pages:
            for style, run in groupby(page.lines, key=attrgetter("style")):
                chars[style] = chars.get(style, 0) + sum([len(line.text) for line in run])
        is_code = sum(count for style, count in chars.items() if style.is_code) > _CODE_SHARE * sum(chars.values())
        sizes: Counter[float] = Counter()
        for style, count in chars.items():
            if is_code or not style.is_code:
                sizes[_rounded(style.size)] += count
        size = sizes.most_common(1)[0][0] if sizes else 0.0
        leading = _leading(pages, frozenset(style for style in chars if _rounded(style.size) == size), size)
        striking = frozenset(style for style in chars if (is_code or not style.is_code) and _strikes(style, size))
        standing_out = [
            [at for at in _those_in(page.lines, striking) if _stands_out(page.lines, at, size, leading)]
            for page in pages
        ]
        return cls(leading, is_code, _headings(pages, standing_out, outline))


def _those_in(lines: Sequence[Line], styles: frozenset[Style]) -> list[int]:
    return [at for at, line in enumerate(lines) if line.style in styles]


def _stands_out(lines: Sequence[Line], at: int, size: float, leading: float) -> bool:
    """Whether a line of a striking style is larger, or short and with room above it."""
    line, before = lines[at], lines[at - 1] if at else None
    if not any(map(str.isalpha, line.text)):
        return False
    if line.style.size >= _LARGER * size:
        return len(line.text) <= _MAX_HEADING_CHARS
    has_room = before is None or not 0 < before.base - line.base < _WIDE_GAP * leading
    return has_room and len(line.text) <= _MAX_BOLD_CHARS and not line.text.endswith(_GOES_ON)


def _headings(
    pages: Sequence[Page], standing_out: Sequence[Sequence[int]], outline: Outline
) -> dict[int, dict[int, int]]:
    """The levels of headings: those that bookmarks name, and of the others one for each class, the largest first, as they are named."""
    named = [_named(page.lines, outline[page.number]) if page.number in outline else {} for page in pages]
    votes: dict[_Class, Counter[int]] = {}
    for page, numbers, by_name in zip(pages, standing_out, named, strict=True):
        for at in numbers:
            votes.setdefault(_class(page.lines[at].style), Counter()).update([by_name[at]] if at in by_name else [])
    levels: dict[_Class, int] = {}
    last = 0
    for of in sorted(votes, reverse=True):
        last = votes[of].most_common(1)[0][0] if votes[of] else last + 1
        levels[of] = last = min(last, _HEADINGS)
    return {
        page.number: {at: levels[_class(page.lines[at].style)] for at in numbers}
        | {at: min(level, _HEADINGS) for at, level in by_name.items()}
        for page, numbers, by_name in zip(pages, standing_out, named, strict=True)
    }


def _named(lines: Sequence[Line], titles: Mapping[str, int]) -> dict[int, int]:
    """The lines that are the title of a bookmark, with its level."""
    found = ((at, titles.get(plain(line.text))) for at, line in _candidates(lines, titles))
    return {at: level for at, level in found if level}


def _candidates(lines: Sequence[Line], titles: Mapping[str, int]) -> Iterator[tuple[int, Line]]:
    """Lines that may be the title of a bookmark, with their numbers: most begin or end otherwise, which is seen at once."""
    firsts, lasts = _both_cases(title[0] for title in titles), _both_cases(title[-1] for title in titles)
    lasts |= {*_PUNCTUATION}
    others = {*ascii_letters} - firsts
    ends = "\n".join([*titles, ""])
    for at, line in enumerate(lines):
        text = line.text
        if (
            (text[0] not in others or text[1:2] == ".")
            and (text[-1] in lasts or not text[-1].isascii())
            and len(text) <= _MAX_HEADING_CHARS
        ):
            word = text.rstrip(_PUNCTUATION).rpartition(" ")[2].casefold()
            if f"{word if word.isalnum() else _SIGNS.sub('', word)}\n" in ends:
                yield at, line


def _both_cases(chars: Iterable[str]) -> set[str]:
    return {case for char in chars for case in (char, char.upper())}


def _strikes(style: Style, size: float) -> bool:
    return style.size >= _LARGER * size or (style.is_bold and _rounded(style.size) >= size)


def _rounded(size: float) -> float:
    return round(size * 2) / 2


def _class(style: Style) -> _Class:
    return (_rounded(style.size), style.is_bold)


def _leading(pages: Sequence[Page], prose: frozenset[Style], size: float) -> float:
    exact: Counter[float] = Counter()
    for page in pages:
        bases, is_prose = [line.base for line in page.lines], [line.style in prose for line in page.lines]
        exact.update(compress(map(sub, bases, bases[1:]), map(and_, is_prose, is_prose[1:])))
    gaps: Counter[int] = Counter()
    for gap, count in exact.items():
        gaps[round(gap * _STEPS)] += count
    likely = {gap: count for gap, count in gaps.items() if 0.5 * size < gap / _STEPS < 3 * size}
    return max(likely, key=likely.__getitem__) / _STEPS if likely else _WIDE_GAP * size
