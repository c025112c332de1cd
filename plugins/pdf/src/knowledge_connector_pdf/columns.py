"""Tables without rules: rows of words that leave the same gaps."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]  # pypdfium2 ships no types

from knowledge_connector_pdf.calls import abscissas
from knowledge_connector_pdf.lines import Line, chars_before, is_gappy
from knowledge_connector_pdf.tables import Table

_GAP = 0.9  # between cells, in the size of their type; a blank is a third of it
_MAX_LEADING = 3.0  # from row to row, in the same
_MAX_RECTANGLES = 400  # of one line
_MIN_ROWS = 2


@dataclass(slots=True)
class _Cell:
    left: float
    right: float
    text: str


def aligned_tables(lines: Sequence[Line], text_page: Any) -> list[Table]:
    """The tables among the lines of a page that none of its rules enclose."""
    tables = (_table(run) for run in _runs(lines, text_page) if any(is_gappy(line) for line, _ in run))
    return [table for table in tables if table is not None]


def _runs(lines: Sequence[Line], text_page: Any) -> Iterator[list[tuple[Line, list[_Cell]]]]:
    """Lines one below the other that have gaps. Only lines beside a gappy one are looked at."""
    run: list[tuple[Line, list[_Cell]]] = []
    gappy = list(map(is_gappy, lines))
    for line, *beside in zip(lines, gappy, [False, *gappy], [*gappy[1:], False], strict=False):
        cells = _cells(line, text_page) if any(beside) else []
        follows = bool(run) and 0 < run[-1][0].base - line.base < _MAX_LEADING * line.style.size
        if run and not (follows and len(cells) > 1):
            yield run
            run = []
        if len(cells) > 1:
            run.append((line, cells))
    if run:
        yield run


def _cells(line: Line, text_page: Any) -> list[_Cell]:
    """The pieces of a line between wide gaps; none if they do not follow each other from left to right."""
    if line.style.is_code:
        return []
    gap = _GAP * line.style.size
    boxes: list[tuple[float, float]] = []
    for left, right in _boxes(line, text_page):
        if boxes and left < boxes[-1][0]:
            return []
        if boxes and left - boxes[-1][1] < gap:
            boxes[-1] = (boxes[-1][0], max(boxes[-1][1], right))
        else:
            boxes.append((left, right))
    x_of = abscissas(text_page)
    cuts = [0, *(chars_before(line, left - gap / 2, x_of) for left, _ in boxes[1:]), len(line.text)]
    texts = [line.text[start:end].strip() for start, end in pairwise(cuts)]
    return [_Cell(*box, text) for box, text in zip(boxes, texts, strict=True)] if all(texts) else []


def _boxes(line: Line, text_page: Any) -> Iterator[tuple[float, float]]:
    """Where the pieces of a line that are set alike begin and end."""
    left, top, right, bottom = (ctypes.c_double() for _ in range(4))
    count = pdfium.FPDFText_CountRects(text_page, line.first, line.last - line.first + 1)
    for number in range(min(count, _MAX_RECTANGLES)):
        pdfium.FPDFText_GetRect(text_page, number, left, top, right, bottom)
        yield left.value, right.value


def _table(run: Sequence[tuple[Line, list[_Cell]]]) -> Table | None:
    """Cells above each other are a column, wherever they are aligned. No row may have two cells in one."""
    columns = _columns([cell for _, cells in run for cell in cells])
    rows = []
    for _, cells in run:
        row = [""] * len(columns)
        for cell in cells:
            row[next(at for at, (left, right) in enumerate(columns) if left <= cell.left <= right)] = cell.text
        rows.append(row)
    if len(run) < _MIN_ROWS or any(sum(map(bool, row)) < len(cells) for row, (_, cells) in zip(rows, run, strict=True)):
        return None
    first, last = run[0][0], run[-1][0]
    return Table(rows, columns[0][0], last.base - 1, columns[-1][1], first.base + first.style.size)


def _columns(cells: Sequence[_Cell]) -> list[tuple[float, float]]:
    """What the cells take of the width, as far as they overlap."""
    columns: list[tuple[float, float]] = []
    for cell in sorted(cells, key=lambda cell: cell.left):
        if columns and cell.left < columns[-1][1]:
            columns[-1] = (columns[-1][0], max(columns[-1][1], cell.right))
        else:
            columns.append((cell.left, cell.right))
    return columns
