"""Links of a page: annotations that lie over its text, written into the lines beneath them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Any, NamedTuple

from knowledge_connector_pdf.calls import Box, abscissas, web_links
from knowledge_connector_pdf.lines import Line, chars_before

_MAX_LINKS = 1_000  # of one page
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
    links = [*_links(document, page)]
    if links:
        bases, x_of = [line.base for line in lines], abscissas(text_page)
        found = [_place(lines, bases, address, box, x_of) for address, box in links]
        places = sorted([place for place in found if place and place.start < place.end])
        apart = [place for before, place in zip([None, *places], places, strict=False) if not _overlap(before, place)]
        runs = [list(run) for _, run in groupby(apart, key=attrgetter("address"))]
        for place, text in reversed([pair for run in runs for pair in _written(lines, run)]):
            line = lines[place.number]
            line.text = line.text[: place.start] + text + line.text[place.end :]
    return lines


def _links(document: Any, page: Any) -> Iterator[tuple[str, Box]]:
    """The addresses of a page, each with left, top, right and bottom of its place."""
    for encoded, box in web_links(document, page, _MAX_LINKS):
        address = encoded.decode("utf-8", "replace").strip()
        if address.lower().startswith(_SCHEMES):
            yield address, box


def _place(
    lines: Sequence[Line], bases: Sequence[float], address: str, box: Box, x_of: Callable[[int], float]
) -> _Place | None:
    """Where the words in a box stand; no words if there is nothing but blanks in it."""
    left, top, right, bottom = box
    lowest, highest = bottom - _SLACK_POINTS, top + _SLACK_POINTS
    edges = left - _SLACK_POINTS, right - _SLACK_POINTS
    level = [at for at, base in enumerate(bases) if lowest <= base <= highest]
    number = next((at for at in level if _is_beside(lines[at], left, edges[1])), None)
    if number is None:
        return None
    start, end = sorted([chars_before(lines[number], edge, x_of) for edge in edges])
    label = lines[number].text[start:end]
    return _Place(number, end - len(label.lstrip()), start + len(label.rstrip()), address)


def _is_beside(line: Line, left: float, right: float) -> bool:
    first, last = sorted((line.left, line.right))
    return first < right and last > left


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
