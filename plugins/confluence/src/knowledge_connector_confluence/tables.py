"""Tables of a page, as GFM can say them: every row with the same cells, every cell one line."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from knowledge_connector_confluence.markup import Element
from knowledge_connector_confluence.write import text_of

MAX_SPAN = 50
"""A larger span is a mistake, and would fill the memory."""

_SIGNS = {"li": "; ", "tr": "; ", "td": ", ", "th": ", "}
_CONTAINERS = frozenset(["ul", "ol", "table", "thead", "tbody", "tfoot"])
_BLOCKS = _CONTAINERS | frozenset([*_SIGNS, "p", "div", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"])


def straighten(body: Element) -> None:
    """Spell out merged cells and bring every cell of the outermost tables to one line."""
    for table in [one for one in body.iter("table") if not _is_nested(one)]:
        for cell in list(_cells(table)):
            _flatten(cell)
        _spell_out(table)


def _is_nested(table: Element) -> bool:
    return any(above.tag in ("td", "th") for above in table.iterancestors())


def _rows(table: Element) -> Iterator[Element]:
    for part in table:
        if part.tag == "tr":
            yield part
        elif part.tag in ("thead", "tbody", "tfoot"):
            yield from (row for row in part if row.tag == "tr")


def _cells(table: Element) -> Iterator[Element]:
    for row in _rows(table):
        yield from (cell for cell in row if cell.tag in ("td", "th"))


def _flatten(cell: Element) -> None:
    """Take the blocks out of a cell and leave their text, with a sign between two of them; links and emphasis stay."""
    for element, is_first in list(_inside(cell)):
        if element.tag == "pre":
            element.tag, element.text = "code", " ".join(text_of(element).split())
            del element[:]
        elif element.tag == "br":
            element.tag, element.text = "span", " "
        elif element.tag in _BLOCKS:
            element.text = ("" if is_first else _sign(element)) + (element.text or "")
            element.tail = f" {element.tail}" if element.tail else None
            element.tag = "span"


def _sign(element: Element) -> str:
    """What stands between a block and what comes before it."""
    if element.tag in _CONTAINERS or (element.tag in ("td", "th") and element.getprevious() is None):
        return ""
    return _SIGNS.get(element.tag, " ")


def _inside(cell: Element) -> Iterator[tuple[Element, bool]]:
    """Every element within a cell, and whether no text stands before it."""
    is_first = not (cell.text or "").strip()
    for event, element in etree.iterwalk(cell, events=("start", "end")):
        if element is not cell and event == "start":
            yield element, is_first
        text = element.text if event == "start" else element.tail
        is_first = is_first and not (text or "").strip()


def _spell_out(table: Element) -> None:
    """Repeat a merged cell in every row and column that it spans."""
    pending: dict[int, tuple[Element, int]] = {}
    for row in list(_rows(table)):
        cells = [cell for cell in row if cell.tag in ("td", "th")]
        column, place = 0, 0
        while cells[place:] or column in pending:
            if column in pending:
                cell, left = pending.pop(column)
                made = deepcopy(cell)
                row.insert(column, made)
                if left > 1:
                    pending[column] = (cell, left - 1)
                column += 1
                continue
            cell = cells[place]
            place += 1
            column += _repeat(row, cell, column, pending)


def _repeat(row: Element, cell: Element, column: int, pending: dict[int, tuple[Element, int]]) -> int:
    """Write a cell as often as it spans columns, and note it for the rows below; gives the number of columns."""
    wide, high = _span(cell, "colspan"), _span(cell, "rowspan")
    cell.tail = None
    for offset in range(wide):
        if offset:
            row.insert(column + offset, deepcopy(cell))
        if high > 1:
            pending[column + offset] = (cell, high - 1)
    return wide


def _span(cell: Element, name: str) -> int:
    """Read and remove a span."""
    value = cell.attrib.pop(name, "1")
    return min(max(int(value), 1), MAX_SPAN) if value.isdigit() and len(value) < 4 else 1
