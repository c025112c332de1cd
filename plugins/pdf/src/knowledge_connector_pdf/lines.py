"""What lies on a page: lines of text, each with its place and its style, as pdfium tells them.

Asking pdfium about every character would cost more than reading the text, and so would asking all about every line. Each line is
judged by its first character and by where its last one ends, and what has been learnt about a font holds for the next line in it.
"""

from __future__ import annotations

import ctypes
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]  # pypdfium2 ships no types

from knowledge_connector.kit.pages import without_marks
from knowledge_connector_pdf.calls import Boxes, buffer, font_names

_HYPHEN = "\ufffe"
"""What pdfium gives for a hyphen at the end of a line, and it gives no line break then."""

_OTHER_HYPHEN = ("\x02", _HYPHEN)  # what it gives in some versions

_MONOSPACED = ("mono", "courier", "consol", "menlo", "typewriter", "cmtt", "sftt", "lettergothic", "inconsolata")
_BOLD_WEIGHT = 600
_GAPPY = 1.45 * 0.5  # a letter of prose is about half as wide as its size
_LEADER = re.compile(r"(?:\s?\.){5,}\s*[\divxlcm]{0,6}$")
_DOTS = 5
_PAGE_CHARS = 16_000
_STEPS = 64  # in a point, in which heights of boxes are told apart
_LEVEL_POINTS = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """How lines are set; those that are set alike share one.

    Attributes:
        size: Of the first character, in points.
        is_bold, is_code: By the fonts of its first, middle and last character.
    """

    size: float
    is_bold: bool = False
    is_code: bool = False


@dataclass(slots=True)
class Line:
    """A line of text.

    Attributes:
        left, right: Where it begins and ends, in points from the left edge.
        base: Its baseline, in points from the lower edge.
        is_divided: Whether its last word goes on in the next line.
        first, last: The places of its first and its last character among those of the page.
    """

    text: str
    left: float
    right: float
    base: float
    style: Style
    is_divided: bool = False
    first: int = 0
    last: int = -1


def is_gappy(line: Line) -> bool:
    """Whether a line is much wider than its letters, as a row of cells is."""
    return line.right - line.left > _GAPPY * line.style.size * len(line.text) and " " in line.text


class Probe:
    """Asks pdfium about characters; keeps the buffers for the answers, and what it has learnt about fonts.

    A font says how high the box of a line is and where in it the baseline runs, so that of two lines in the same font whose boxes are
    equally high the second needs no more questions. They are asked where a line does not end at the height where it begins: it is
    turned, or set in several fonts.
    """

    def __init__(self) -> None:
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._matrix = pdfium.FS_MATRIX()
        self._text = buffer(_PAGE_CHARS, ctypes.c_ushort)
        self._boxes = Boxes()
        self._kinds: dict[bytes, tuple[bool, bool]] = {}
        self._styles: dict[tuple[float, bool, bool], Style] = {}
        self._known: dict[tuple[bytes, int], tuple[Style, float, float]] = {}

    def text(self, page: Any) -> tuple[str, bool]:
        """All of a text page as pdfium counts it, for which a character of the supplementary planes is two; and if any is."""
        count = max(pdfium.FPDFText_CountChars(page), 0)
        if count >= len(self._text):
            self._text = buffer(count + 1, ctypes.c_ushort)
        written = pdfium.FPDFText_GetText(page, 0, count, self._text) - 1
        text = ctypes.string_at(self._text, 2 * max(written, 0)).decode("utf-16-le", "surrogatepass")
        has_pairs = len(text) < written
        units = "".join(map(chr, self._text[:written])) if has_pairs else text
        return units.replace(*_OTHER_HYPHEN), has_pairs

    def lines(self, page: Any, text: str) -> list[Line]:
        """Describe the lines of a text page that say anything new; `text` is all of it, with a character for each that pdfium counts."""
        texts, firsts, lasts = _seen(text)
        lefts, tops, rights, bottoms = self._boxes.edges(page, firsts + lasts)
        at_end = slice(len(texts), None)
        names, known, lines = font_names(page, firsts), self._known, []
        for seen, first, last, name, left, top, bottom, right, end_bottom in zip(
            texts, firsts, lasts, names, lefts, tops, bottoms, rights[at_end], bottoms[at_end], strict=False
        ):
            key = name, int((top - bottom) * _STEPS)
            is_level = first < last and -_LEVEL_POINTS < bottom - end_bottom < _LEVEL_POINTS
            if is_level and key in known:
                style, bearing, rise = known[key]
                x, base = left + bearing, bottom + rise
            else:
                style, x, base = self._asked(page, first, name)
                if is_level:
                    known[key] = style, x - left, base - bottom
            lines.append(Line(seen, x, right, base, style, False, first, last))
        marked = [line for line in lines if line.style.is_bold or line.style.is_code]
        if marked:
            self._look_on(page, marked)
        return lines

    def _asked(self, page: Any, at: int, name: bytes) -> tuple[Style, float, float]:
        """Style of a character, and the place where it stands."""
        pdfium.FPDFText_GetCharOrigin(page, at, self._x, self._y)
        pdfium.FPDFText_GetMatrix(page, at, self._matrix)
        scale = abs(self._matrix.d) or abs(self._matrix.b) or 1.0
        size = pdfium.FPDFText_GetFontSize(page, at) * scale
        return self._style(size, *self._kind(page, at, name)), self._x.value, self._y.value

    def _kind(self, page: Any, at: int, name: bytes) -> tuple[bool, bool]:
        """Whether a font is bold, and whether it is one for code; by its name, as few files set the flag for the latter."""
        if name not in self._kinds:
            words = name.decode("utf-8", "replace").lower()
            is_bold = "bold" in words or "black" in words or pdfium.FPDFText_GetFontWeight(page, at) >= _BOLD_WEIGHT
            self._kinds[name] = (is_bold, any(word in words for word in _MONOSPACED))
        return self._kinds[name]

    def _look_on(self, page: Any, lines: Sequence[Line]) -> None:
        """Correct the style of lines that begin bold or as code and do not go on so."""
        places = [line.last for line in lines] + [(line.first + line.last) // 2 for line in lines]
        names = font_names(page, places)
        kinds = [self._kinds.get(name) or self._kind(page, at, name) for at, name in zip(places, names, strict=True)]
        for line, (bold_end, code_end), (bold_middle, code_middle) in zip(
            lines, kinds, kinds[len(lines) :], strict=False
        ):
            style = line.style
            is_bold, is_code = style.is_bold and bold_end and bold_middle, style.is_code and code_end and code_middle
            if is_bold != style.is_bold or is_code != style.is_code:
                line.style = self._style(style.size, is_bold, is_code)

    def _style(self, size: float, is_bold: bool, is_code: bool) -> Style:
        key = (round(size, 2), is_bold, is_code)
        return self._styles.setdefault(key, Style(*key))


def lines_of(page: Any, probe: Probe) -> list[Line]:
    """The lines of a text page that hold anything to see, in the order of the file."""
    units, has_pairs = probe.text(page)
    lines = probe.lines(page, units.replace(_HYPHEN, "\n"))
    if has_pairs:  # only such a page may hold what could be taken for the mark of one
        for line in lines:
            line.text = without_marks(_whole(line.text))
        lines = [line for line in lines if line.text.strip()]
    if _HYPHEN in units:
        divided = {found.start() - 1 for found in re.finditer(_HYPHEN, units)}
        for line in lines:
            line.is_divided = line.last in divided
    return lines


def _seen(text: str) -> tuple[list[str], list[int], list[int]]:
    """Of each line the text without the blanks around it, and the places of the first and the last character.

    Those of a table of contents or an index, with dots that lead to a number, are left out: they say nothing new.
    """
    has_leaders = "..." in text or ". . ." in text
    texts, firsts, lasts, start = [], [], [], 0
    for piece in text.split("\n"):
        seen = piece.strip()
        if seen and not (has_leaders and seen.count(".") >= _DOTS and _LEADER.search(seen)):
            first = start + piece.find(seen)
            texts.append(seen)
            firsts.append(first)
            lasts.append(first + len(seen) - 1)
        start += len(piece) + 1
    return texts, firsts, lasts


def _whole(units: str) -> str:
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def chars_before(line: Line, place: float, x_of: Callable[[int], float]) -> int:
    """How many characters of a line come before a place in it, in points from the left edge; found by halves.

    `x_of` gives the places of the characters of the page.
    """
    sign = 1 if line.left <= line.right else -1
    units = bisect_left(range(line.first, line.last + 1), sign * place, key=lambda at: sign * x_of(at))
    if len(line.text) == line.last - line.first + 1:
        return units
    return len(line.text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore"))
