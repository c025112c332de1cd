"""Questions to pdfium about many things at once.

The loop runs in C, over arguments made ready before: ctypes takes longer to make one of a number than pdfium to answer.
"""

from __future__ import annotations

import ctypes
import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import compress, count, islice, repeat
from typing import Any

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]  # pypdfium2 ships no types

_NAME_BYTES = 128  # of a font: more than there may be in one (ISO 32000-1, annex C.2)
_ADDRESS_BYTES = 4_096
_TITLE_BYTES = 2_000  # of a bookmark
_BOX_BYTES = 16
_PLACES = 64  # on a page, to begin with

Box = tuple[float, float, float, float]


def _quick(function: Any, result: Any, *arguments: Any) -> Any:
    """The same function, which keeps the interpreter's lock: it is back sooner than that could be had again.

    Where no types of arguments are given, it takes `int` of C, and pointers that are made ready by `_ready`.
    """
    return ctypes.cast(function, ctypes.PYFUNCTYPE(result, *arguments))


_ready = ctypes.c_void_p.from_param

_loose_box = _quick(pdfium.FPDFText_GetLooseCharBox, ctypes.c_int)
_origin = _quick(pdfium.FPDFText_GetCharOrigin, ctypes.c_int)
_next_link = _quick(pdfium.FPDFLink_Enumerate, ctypes.c_int)
_link_box = _quick(pdfium.FPDFLink_GetAnnotRect, ctypes.c_int, *[ctypes.c_void_p] * 2)
_action_of = _quick(pdfium.FPDFLink_GetAction, ctypes.c_void_p, ctypes.c_void_p)
_address_of = _quick(pdfium.FPDFAction_GetURIPath, ctypes.c_ulong, *[ctypes.c_void_p] * 3, ctypes.c_ulong)
_object_at = _quick(pdfium.FPDFText_GetTextObject, ctypes.c_void_p)
_font_of = _quick(pdfium.FPDFTextObj_GetFont, ctypes.c_void_p, ctypes.c_void_p)
_name_of = _quick(pdfium.FPDFFont_GetBaseFontName, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_object = _quick(pdfium.FPDFPage_GetObject, ctypes.c_void_p)
_bounds = _quick(pdfium.FPDFPageObj_GetBounds, ctypes.c_int, *[ctypes.c_void_p] * 5)
_kind = _quick(pdfium.FPDFPageObj_GetType, ctypes.c_int, ctypes.c_void_p)

_first_child = _quick(pdfium.FPDFBookmark_GetFirstChild, ctypes.c_void_p, *[ctypes.c_void_p] * 2)
_next_sibling = _quick(pdfium.FPDFBookmark_GetNextSibling, ctypes.c_void_p, *[ctypes.c_void_p] * 2)
_title_of = _quick(pdfium.FPDFBookmark_GetTitle, ctypes.c_ulong, *[ctypes.c_void_p] * 2, ctypes.c_ulong)
_destination_of = _quick(pdfium.FPDFBookmark_GetDest, ctypes.c_void_p, *[ctypes.c_void_p] * 2)
_page_of = _quick(pdfium.FPDFDest_GetDestPageIndex, ctypes.c_int, *[ctypes.c_void_p] * 2)


def abscissas(page: Any) -> Callable[[int], float]:
    """Gives of the characters of a text page, one by one, where they stand, in points from the left edge."""
    x, y = ctypes.c_double(), ctypes.c_double()
    of_page, to_x, to_y = _ready(_address(page)), ctypes.byref(x), ctypes.byref(y)

    def x_of(place: int) -> float:
        _origin(of_page, place, to_x, to_y)
        return x.value

    return x_of


def web_links(document: Any, page: Any, limit: int) -> Iterator[tuple[bytes, Box]]:
    """The addresses that a page links to, each with left, top, right and bottom of the place, among so many of its links at most."""
    links = _links(page, limit)
    if not links:
        return
    of, address, box = _address(document), buffer(_ADDRESS_BYTES), (ctypes.c_float * 4)()
    for link, action in zip(links, map(_action_of, links), strict=True):
        length = _address_of(of, action, address, _ADDRESS_BYTES) if action else 0
        if 0 < length <= _ADDRESS_BYTES and _link_box(link, box):
            yield address.value, (*box,)


def _links(page: Any, limit: int) -> list[int | None]:
    position, link = ctypes.c_int(), ctypes.c_void_p()
    links: list[int | None] = []
    following = _ready(_address(page)), ctypes.byref(position), ctypes.byref(link)
    while len(links) < limit and _next_link(*following):
        links.append(link.value)
    return links


def bookmarks(document: Any, depth: int, limit: int) -> Iterator[tuple[str, int, int]]:
    """The titles of bookmarks with their levels from 1 and the pages, from 0, that they lead to; among so many of them at most."""
    of, title = _address(document), buffer(_TITLE_BYTES)
    for mark, level in islice(_bookmarks(of, None, range(1, depth + 1), set()), limit):
        length = _title_of(mark, title, _TITLE_BYTES) - 2
        if 0 < length <= _TITLE_BYTES - 2:
            index = _page_of(of, _destination_of(of, mark))
            if index >= 0:
                yield ctypes.string_at(title, length).decode("utf-16-le", "replace"), level, index


def _bookmarks(document: int, parent: int | None, levels: range, seen: set[int]) -> Iterator[tuple[int, int]]:
    """Those below another; some lead in circles."""
    mark = _first_child(document, parent) if levels else None
    while mark and mark not in seen:
        seen.add(mark)
        yield mark, levels[0]
        yield from _bookmarks(document, mark, levels[1:], seen)
        mark = _next_sibling(document, mark)


class Boxes:
    """Asks for the boxes of characters; the room for the answers is kept for the next page, with where in it each is written."""

    def __init__(self) -> None:
        self._make_room(_PLACES)

    def _make_room(self, count: int) -> None:
        room = buffer(_BOX_BYTES * count)
        start = ctypes.addressof(room)
        self._slots = [*map(_ready, range(start, start + ctypes.sizeof(room), _BOX_BYTES))]
        self._room = memoryview(room).cast("B").cast("f")

    def edges(self, page: Any, places: Sequence[int]) -> list[Sequence[float]]:
        """The edges of characters of a text page, until others are asked for: left, top, right and bottom.

        A font gives all the same height.
        """
        if len(places) > len(self._slots):
            self._make_room(len(places))
        deque(map(_loose_box, repeat(_ready(_address(page))), places, self._slots), 0)
        return [self._room[edge : 4 * len(places) : 4] for edge in range(4)]


def font_names(page: Any, places: Iterable[int]) -> list[bytes]:
    """The names of the fonts of characters of a text page, empty where there is none."""
    fonts = list(map(_font_of, map(_object_at, repeat(_ready(_address(page))), places)))
    room = buffer(_NAME_BYTES)
    names = {font: room.value if 0 < _name_of(font, room, _NAME_BYTES) <= _NAME_BYTES else b"" for font in {*fonts}}
    return [names[font] for font in fonts]


def path_boxes(page: Any, limit: int) -> Iterator[Box]:
    """Left, bottom, right and top of what is drawn with lines and curves on a page, among so many of its objects at most."""
    objects = list(map(_object, repeat(_ready(_address(page))), range(min(pdfium.FPDFPage_CountObjects(page), limit))))
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
