"""Ruled tables: where lines are drawn that cross, what stands between them are cells.

pdfium knows no tables. Looking at everything that is drawn on a page takes as long as reading its text, so a page has
to give reason for it.
"""

from __future__ import annotations

import ctypes
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]  # pypdfium2 ships no types

from knowledge_connector.kit.pages import without_marks
from knowledge_connector_pdf.calls import buffer, path_boxes
from knowledge_connector_pdf.lines import Line

_THIN_POINTS = 2.5
_SNAP_POINTS = 3.0
_MAX_OBJECTS = 20_000
_MAX_RULES = 2_000
_MAX_CELLS = 5_000
_CELL_CHARS = 1_000  # of most, as pdfium looks at the whole page each time it is asked


class Rule(NamedTuple):
    """A straight line: where it stands across its direction, and from where to where it runs."""

    at: float
    start: float
    end: float


_Grid = tuple[list[Rule], list[Rule]]
"""Rules that run across, and rules that run down."""


@dataclass(slots=True, eq=False)
class Table:
    """Rows of cells, and the place on the page that they take."""

    rows: list[list[str]]
    left: float
    bottom: float
    right: float
    top: float

    def holds(self, line: Line) -> bool:
        """Whether a line of text begins in the table."""
        return (
            self.left - _SNAP_POINTS <= line.left <= self.right and self.bottom - _SNAP_POINTS <= line.base <= self.top
        )


def ruled_tables(page: Any, text_page: Any) -> list[Table]:
    """The ruled tables of a page."""
    tables = [_table(*grid, text_page) for grid in _grids(*_rules(page))]
    return [table for table in tables if len(table.rows) > 1]


def _rules(page: Any) -> _Grid:
    """The lines that run across and those that run down; of boxes, their edges."""
    across: list[Rule] = []
    down: list[Rule] = []
    for left, bottom, right, top in path_boxes(page, _MAX_OBJECTS):
        if top - bottom <= _THIN_POINTS < right - left:
            across.append(Rule((top + bottom) / 2, left, right))
        elif right - left <= _THIN_POINTS < top - bottom:
            down.append(Rule((left + right) / 2, bottom, top))
        elif right - left > _THIN_POINTS:
            across += [Rule(bottom, left, right), Rule(top, left, right)]
            down += [Rule(left, bottom, top), Rule(right, bottom, top)]
        if len(across) + len(down) > _MAX_RULES:
            return [], []  # a drawing
    return across, down


def _grids(across: Sequence[Rule], down: Sequence[Rule]) -> Iterator[_Grid]:
    """Rules that hang together by crossing each other."""
    left = sorted({*across}), sorted({*down})
    gone: set[Rule] = set()
    for seed in across:
        if seed not in gone:
            grid = _grid(seed, left)
            gone.update(grid[0])
            if grid[1]:
                yield grid


def _grid(seed: Rule, left: _Grid) -> _Grid:
    """All that hangs together with a rule that runs across, taken out of what is left; that is sorted."""
    grid: _Grid = ([seed], [])
    left[0].remove(seed)
    reached, side = [seed], 0
    while reached:
        side = 1 - side
        reached = [crossing for rule in reached for crossing in _taken(left[side], rule)]
        grid[side].extend(reached)
    return grid


def _taken(left: list[Rule], rule: Rule) -> list[Rule]:
    """Take out of sorted rules those that cross one of the other direction."""
    first = bisect_left(left, (rule.start - _SNAP_POINTS,))
    last = bisect_right(left, (rule.end + _SNAP_POINTS, inf), first)
    near, at = left[first:last], rule.at
    crossing = [other for other in near if other.start - _SNAP_POINTS <= at <= other.end + _SNAP_POINTS]
    if crossing:
        left[first:last] = [other for other in near if not other.start - _SNAP_POINTS <= at <= other.end + _SNAP_POINTS]
    return crossing


def _table(across: list[Rule], down: list[Rule], text_page: Any) -> Table:
    heights = sorted(_snapped(across), reverse=True)
    columns = sorted(_snapped(down))
    rows = []
    if len(columns) > 2 and len(heights) * len(columns) <= _MAX_CELLS:  # one column is a frame
        for top, bottom in pairwise(heights):
            rows.append(_row(top, bottom, columns, down, text_page))
    return Table([row for row in rows if any(row)], columns[0], heights[-1], columns[-1], heights[0])


def _row(top: float, bottom: float, columns: list[float], down: list[Rule], text_page: Any) -> list[str]:
    """The texts between two heights; where no rule parts two columns, they are one cell, whose text is repeated."""
    middle = (top + bottom) / 2
    cuts = [
        at
        for at in columns
        if any(abs(rule.at - at) <= _SNAP_POINTS and rule.start <= middle <= rule.end for rule in down)
    ]
    texts = [""] * (len(columns) - 1)
    for left, right in pairwise(cuts):
        text = without_marks(" ".join(_text(text_page, left, top, right, bottom).split()))
        first, last = bisect_left(columns, left), bisect_left(columns, right)
        texts[first:last] = [text] * (last - first)
    return [texts[0], *[""] * (len(texts) - 1)] if len(cuts) == 2 else texts  # one cell is all there is


def _text(text_page: Any, left: float, top: float, right: float, bottom: float) -> str:
    """What stands in a box."""
    room = buffer(_CELL_CHARS, ctypes.c_ushort)
    units = pdfium.FPDFText_GetBoundedText(text_page, left, top, right, bottom, room, len(room))
    if units >= len(room):  # there may be more
        room = buffer(pdfium.FPDFText_GetBoundedText(text_page, left, top, right, bottom, None, 0), ctypes.c_ushort)
        units = pdfium.FPDFText_GetBoundedText(text_page, left, top, right, bottom, room, len(room))
    return ctypes.string_at(room, 2 * max(units, 0)).decode("utf-16-le", "ignore").rstrip("\0")


def _snapped(rules: Sequence[Rule]) -> list[float]:
    """Places of rules; those that almost touch are one."""
    places: list[float] = []
    for at in sorted(rule.at for rule in rules):
        if not places or at - places[-1] > _SNAP_POINTS:
            places.append(at)
    return places
