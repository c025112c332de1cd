"""Links of a page: annotations that lie over its text, written into the lines beneath them."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]  # pypdfium2 ships no types

from knowledge_connector_pdf.lines import Line, chars_before

_MAX_LINKS = 1_000  # of one page
_MAX_BYTES = 4_096
_Address = ctypes.c_char * _MAX_BYTES
_SCHEMES = ("http://", "https://", "mailto:", "ftp://")
_SLACK_POINTS = 1.0
_PARTS = frozenset(":/.@")
_TARGET = str.maketrans({" ": "%20", "(": "%28", ")": "%29", "<": "%3C", ">": "%3E"})
_LABEL = str.maketrans({"[": r"\[", "]": r"\]"})


class _Place(NamedTuple):
    """The characters of a line, which is given by its number, that are a link."""

    number: int
    start: int
    end: int
    address: str


def with_links(lines: list[Line], document: Any, page: Any, text_page: Any) -> list[Line]:
    """The same lines, with their links in Markdown."""
    places = [
        place
        for address, box in _links(document, page)
        if (place := _place(lines, address, box, text_page)) and place.start < place.end
    ]
    if places:
        places.sort()
        apart = [place for before, place in zip([None, *places], places, strict=False) if not _overlap(before, place)]
        runs = [list(run) for _, run in groupby(apart, key=attrgetter("address"))]
        for place, text in reversed([pair for run in runs for pair in _written(lines, run)]):
            line = lines[place.number]
            line.text = line.text[: place.start] + text + line.text[place.end :]
    return lines


def _links(document: Any, page: Any) -> Iterator[tuple[str, Any]]:
    """The addresses of a page, each with its box, which is good until the next is asked for."""
    position, link, box = ctypes.c_int(0), pdfium.FPDF_LINK(), pdfium.FS_RECTF()
    buffer = _Address()
    for _ in range(_MAX_LINKS):
        if not pdfium.FPDFLink_Enumerate(page, position, link):
            return
        action = pdfium.FPDFLink_GetAction(link)
        length = pdfium.FPDFAction_GetURIPath(document, action, buffer, _MAX_BYTES) if action else 0
        if 0 < length <= _MAX_BYTES and pdfium.FPDFLink_GetAnnotRect(link, box):
            address = buffer.value.decode("utf-8", "replace").strip()
            if address.lower().startswith(_SCHEMES):
                yield address, box


def _place(lines: Sequence[Line], address: str, box: Any, text_page: Any) -> _Place | None:
    """Where the words in a box stand; no words if there is nothing but blanks in it."""
    lowest, highest = box.bottom - _SLACK_POINTS, box.top + _SLACK_POINTS
    level = (at for at, line in enumerate(lines) if lowest <= line.base <= highest)
    number = next((at for at in level if _is_beside(lines[at], box)), None)
    if number is None:
        return None
    edges = (box.left - _SLACK_POINTS, box.right - _SLACK_POINTS)
    start, end = sorted(chars_before(lines[number], edge, text_page) for edge in edges)
    label = lines[number].text[start:end]
    return _Place(number, end - len(label.lstrip()), start + len(label.rstrip()), address)


def _is_beside(line: Line, box: Any) -> bool:
    left, right = sorted((line.left, line.right))
    return bool(left < box.right - _SLACK_POINTS and right > box.left)


def _overlap(before: _Place | None, place: _Place) -> bool:
    return before is not None and before.number == place.number and before.end > place.start


def _written(lines: Sequence[Line], run: Sequence[_Place]) -> Iterator[tuple[_Place, str]]:
    """What becomes of the places that lead to one address, one after the other.

    An address that is read as such becomes one to click; if it goes on in the next line, it is whole again.
    """
    labels = [lines[place.number].text[place.start : place.end] for place in run]
    address, whole = run[0].address, "".join(labels)
    if whole.rstrip("/") == address.rstrip("/") and all(b.number == a.number + 1 for a, b in pairwise(run)):
        for place in run[:-1]:
            lines[place.number].is_divided = True
        labels[0] = "<" + labels[0]
        labels[-1] += address[len(whole) :] + ">"
        yield from zip(run, labels, strict=True)
        return
    target = address.translate(_TARGET)
    for place, label in zip(run, labels, strict=True):
        if label not in address or _PARTS.isdisjoint(label):  # else it is a part of the address, which is read as such
            yield place, f"[{label.translate(_LABEL)}]({target})"
