"""Tables without rules: rows of words that leave the same gaps."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]  # pypdfium2 ships no types
from pypdfium2 import PdfTextPage

from knowledge_connector.kit.pages import without_marks
from knowledge_connector_pdf.lines import Line, is_gappy
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


def aligned_tables(lines: Sequence[Line], text_page: PdfTextPage) -> list[Table]:
    """The tables among the lines of a page that none of its rules enclose."""
    tables = (_table(run) for run in _runs(lines, text_page) if any(is_gappy(line) for line, _ in run))
    return [table for table in tables if table is not None]


def _runs(lines: Sequence[Line], text_page: PdfTextPage) -> Iterator[list[tuple[Line, list[_Cell]]]]:
    """Lines one below the other that have gaps. Only lines beside a gappy one are looked at."""
    run: list[tuple[Line, list[_Cell]]] = []
    for at, line in enumerate(lines):
        cells = _cells(line, text_page) if any(map(is_gappy, lines[max(at - 1, 0) : at + 2])) else []
        follows = bool(run) and 0 < run[-1][0].base - line.base < _MAX_LEADING * line.size
        if run and not (follows and len(cells) > 1):
            yield run
            run = []
        if len(cells) > 1:
            run.append((line, cells))
    if run:
        yield run


def _cells(line: Line, text_page: PdfTextPage) -> list[_Cell]:
    """The pieces of a line between wide gaps; none if they are not the whole line in its order."""
    if line.is_code:
        return []
    cells: list[_Cell] = []
    edges = [ctypes.c_double() for _ in range(4)]
    count = pdfium.FPDFText_CountRects(text_page, line.first, line.last - line.first + 1)
    for number in range(min(count, _MAX_RECTANGLES)):
        pdfium.FPDFText_GetRect(text_page, number, *edges)
        left, top, right, bottom = (edge.value for edge in edges)
        text = without_marks(text_page.get_text_bounded(left, bottom, right, top).strip())
        if cells and left - cells[-1].right < _GAP * line.size:
            last = cells[-1]
            blank = " " if left - last.right > 0.1 * line.size else ""
            cells[-1] = _Cell(last.left, max(right, last.right), last.text + blank + text)
        elif text:
            cells.append(_Cell(left, right, text))
    return cells if _letters("".join(cell.text for cell in cells)) == _letters(line.text) else []


def _letters(text: str) -> str:
    return "".join(text.split())


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
    return Table(rows, columns[0][0], last.base - 1, columns[-1][1], first.base + first.size)


def _columns(cells: Sequence[_Cell]) -> list[tuple[float, float]]:
    """What the cells take of the width, as far as they overlap."""
    columns: list[tuple[float, float]] = []
    for cell in sorted(cells, key=lambda cell: cell.left):
        if columns and cell.left < columns[-1][1]:
            columns[-1] = (columns[-1][0], max(columns[-1][1], cell.right))
        else:
            columns.append((cell.left, cell.right))
    return columns
