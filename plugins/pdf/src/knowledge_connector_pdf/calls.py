"""Questions to pdfium about many things at once.

The loop runs in C, with numbers for pointers, as ctypes takes longest to make objects.
"""

from __future__ import annotations

import ctypes
import struct
from collections import deque
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import compress, count, repeat
from typing import Any

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]  # pypdfium2 ships no types

_NAME_BYTES = 128  # of a font: more than there may be in one (ISO 32000-1, annex C.2)
_BOX_BYTES = 16

_Box = tuple[float, float, float, float]


def _quick(function: Any, result: Any, *arguments: Any) -> Any:
    """The same function, which keeps the interpreter's lock: it is back sooner than that could be had again."""
    return ctypes.cast(function, ctypes.PYFUNCTYPE(result, *arguments))


_loose_box = _quick(pdfium.FPDFText_GetLooseCharBox, ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
_object_at = _quick(pdfium.FPDFText_GetTextObject, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
_font_of = _quick(pdfium.FPDFTextObj_GetFont, ctypes.c_void_p, ctypes.c_void_p)
_name_of = _quick(pdfium.FPDFFont_GetBaseFontName, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_object = _quick(pdfium.FPDFPage_GetObject, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
_bounds = _quick(pdfium.FPDFPageObj_GetBounds, ctypes.c_int, *[ctypes.c_void_p] * 5)
_kind = _quick(pdfium.FPDFPageObj_GetType, ctypes.c_int, ctypes.c_void_p)


def char_edges(page: Any, places: Sequence[int]) -> tuple[list[float], ...]:
    """The edges of characters of a text page: left, top, right and bottom; a font gives all the same height."""
    boxes = buffer(_BOX_BYTES * len(places))
    start = ctypes.addressof(boxes)
    deque(map(_loose_box, repeat(_address(page)), places, count(start, _BOX_BYTES)), 0)
    edges: list[float] = memoryview(boxes).cast("B")[: _BOX_BYTES * len(places)].cast("f").tolist()  # type: ignore[assignment]  # typeshed knows no formats
    return edges[::4], edges[1::4], edges[2::4], edges[3::4]


def font_names(page: Any, places: Sequence[int]) -> list[bytes]:
    """The names of the fonts of characters of a text page, empty where there is none."""
    fonts = list(map(_font_of, map(_object_at, repeat(_address(page)), places)))
    names = {font: _font_name(font) for font in {*fonts}}
    return [names[font] for font in fonts]


def _font_name(font: int | None) -> bytes:
    name = buffer(_NAME_BYTES)
    length = _name_of(font, name, _NAME_BYTES)
    return bytes(name.value) if length <= _NAME_BYTES else b""


def path_boxes(page: Any, limit: int) -> Iterator[_Box]:
    """Left, bottom, right and top of what is drawn with lines and curves on a page, among so many of its objects at most."""
    objects = list(map(_object, repeat(_address(page)), range(min(pdfium.FPDFPage_CountObjects(page), limit))))
    paths = [
        drawn for drawn, kind in zip(objects, map(_kind, objects), strict=True) if kind == pdfium.FPDF_PAGEOBJ_PATH
    ]
    boxes = buffer(_BOX_BYTES * len(paths))
    edges = [count(ctypes.addressof(boxes) + at, _BOX_BYTES) for at in range(0, _BOX_BYTES, 4)]
    are_there = list(map(_bounds, paths, *edges))
    return compress(struct.iter_unpack("4f", memoryview(boxes)[: _BOX_BYTES * len(paths)]), are_there)


def buffer(size: int, unit: Any = ctypes.c_char) -> Any:
    """Room for more than so many units: bytes, or `ctypes.c_ushort` for text."""
    return _type(unit, size.bit_length())()


@cache
def _type(unit: Any, bits: int) -> Any:
    """Few lengths will do: ctypes takes as long to make a type for each as pdfium to read a short page."""
    return unit * (1 << bits)


def _address(pointer: Any) -> int:
    return ctypes.addressof(pointer.contents)
