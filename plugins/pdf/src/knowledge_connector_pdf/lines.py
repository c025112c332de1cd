"""What lies on a page: lines of text, each with its place and its type, as pdfium tells them.

Asking pdfium about every character would cost more than reading the text, so each line is judged by its first character and by where
its last one ends.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]  # pypdfium2 ships no types
from pypdfium2 import PdfTextPage

from knowledge_connector.kit.pages import without_marks

_BREAK = "\r\n"
_HYPHEN = "\ufffe"
"""What pdfium gives for a hyphen at the end of a line, and it gives no line break then."""

_OTHER_HYPHEN = ("\x02", _HYPHEN)  # what it gives in some versions

_MONOSPACED = ("mono", "courier", "consol", "menlo", "typewriter", "cmtt", "sftt", "lettergothic", "inconsolata")
_BOLD_WEIGHT = 600
_GAPPY = 1.45
_DOTS = 5
_LEADER = re.compile(r"(?:\s?\.){5,}\s*[\divxlcm]{0,6}$")
_LETTER_WIDTH = 0.5  # of prose, about, in its size
_NAME_BYTES = 128


@dataclass(slots=True)
class Line:
    """A line of text.

    Attributes:
        left, right: Where it begins and ends, in points from the left edge.
        base: Its baseline, in points from the lower edge.
        size: Of its first character, in points.
        is_bold, is_code: By the fonts of its first, middle and last character.
        is_divided: Whether its last word goes on in the next line.
        first, last: The places of its first and its last character among those of the page.
    """

    text: str
    left: float
    right: float
    base: float
    size: float
    is_bold: bool = False
    is_code: bool = False
    is_divided: bool = False
    first: int = 0
    last: int = -1


def is_gappy(line: Line) -> bool:
    """Whether a line is much wider than its letters, as a row of cells is."""
    return line.right - line.left > _GAPPY * _LETTER_WIDTH * line.size * len(line.text) and " " in line.text


def is_entry(line: Line) -> bool:
    """Whether a line is one of a table of contents or an index, with dots that lead to a number: it says nothing new."""
    return line.text.count(".") >= _DOTS and _LEADER.search(line.text) is not None


class Probe:
    """Asks pdfium about single characters; keeps the buffers for the answers, and what it has learnt about fonts."""

    def __init__(self) -> None:
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._box, self._matrix = pdfium.FS_RECTF(), pdfium.FS_MATRIX()
        self._kinds: dict[int, tuple[bool, bool]] = {}

    def line(self, page: Any, text: str, first: int, last: int) -> Line:
        """Describe the line that begins and ends at these characters of a text page."""
        pdfium.FPDFText_GetCharOrigin(page, first, self._x, self._y)
        pdfium.FPDFText_GetLooseCharBox(page, last, self._box)
        pdfium.FPDFText_GetMatrix(page, first, self._matrix)
        scale = abs(self._matrix.d) or abs(self._matrix.b) or 1.0
        size = pdfium.FPDFText_GetFontSize(page, first) * scale
        is_bold, is_code = self._kind(page, first)
        for at in ((first + last) // 2, last) if is_bold or is_code else ():
            also_bold, also_code = self._kind(page, at)
            is_bold, is_code = is_bold and also_bold, is_code and also_code
        return Line(text, self._x.value, self._box.right, self._y.value, size, is_bold, is_code, False, first, last)

    def _kind(self, page: Any, at: int) -> tuple[bool, bool]:
        """Whether a character is bold, and whether it is code."""
        text_object = pdfium.FPDFText_GetTextObject(page, at)
        font = pdfium.FPDFTextObj_GetFont(text_object) if text_object else None
        if not font:
            return False, False
        key = ctypes.addressof(font.contents)
        if key not in self._kinds:
            self._kinds[key] = _kind(font)
        return self._kinds[key]

    def forget_fonts(self) -> None:
        """Fonts are known by their address, which another page may use for another font."""
        self._kinds.clear()


def _kind(font: Any) -> tuple[bool, bool]:
    """Whether a font is bold, and whether it is one for code; by its name, as few files set the flag for the latter."""
    name = ctypes.create_string_buffer(_NAME_BYTES)
    pdfium.FPDFFont_GetBaseFontName(font, name, _NAME_BYTES)
    words = name.value.decode("utf-8", "replace").lower()
    is_bold = "bold" in words or "black" in words or pdfium.FPDFFont_GetWeight(font) >= _BOLD_WEIGHT
    return is_bold, any(word in words for word in _MONOSPACED)


def lines_of(page: PdfTextPage, probe: Probe) -> Iterator[Line]:
    """The lines of a page that hold anything to see, in the order of the file."""
    text: str = page.get_text_range().replace(*_OTHER_HYPHEN)
    is_plain = _units(text) == len(text)  # and so without anything that could be taken for the mark of a page
    units = len if is_plain else _units
    at = 0
    for piece in text.split(_BREAK):
        parts = piece.split(_HYPHEN)
        for number, part in enumerate(parts, 1):
            seen = part.strip()
            if seen:
                first = at if part[0] == seen[0] else at + units(part) - units(part.lstrip())
                line = probe.line(page.raw, seen, first, first + units(seen) - 1)
                line.text = seen if is_plain else without_marks(seen)
                line.is_divided = number < len(parts)
                yield line
            at += units(part) + 1
        at += len(_BREAK) - 1


def _units(text: str) -> int:
    """How many characters pdfium counts: those of the supplementary planes are two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
