"""Tables of OpenDocument: rows, and cells that are merged or stand for many.

Reference: OASIS OpenDocument 1.3, part 3, chapter 9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from knowledge_connector_office.opendocument_styles import TABLE
from knowledge_connector_office.package import Element

_STANDS_FOR_MORE = etree.XPath(
    "boolean(.//t:covered-table-cell | .//t:table-cell["
    "@t:number-columns-spanned or @t:number-rows-spanned or @t:number-columns-repeated])",
    namespaces={"t": TABLE[1:-1]},
)
"""Whether a table has cells that are merged or repeated."""
_MAX_REPEATED = 64


def rows_of(table: Element) -> Iterator[Element]:
    """The rows of a table, grouped or not, in their order."""
    for element in table:
        if element.tag == TABLE + "table-row":
            yield element
        elif element.tag in (TABLE + "table-header-rows", TABLE + "table-rows", TABLE + "table-row-group"):
            yield from rows_of(element)


def texts_of(table: Element, rows: Sequence[Element], text_of: Callable[[Element], str]) -> list[list[str]]:
    """The texts of the rows of a table; `text_of` gives that of a cell."""
    if not _STANDS_FOR_MORE(table):
        return [[text_of(cell) for cell in row] for row in rows]
    from_above: dict[int, tuple[int, str]] = {}
    return [_row(row, from_above, text_of) for row in rows]


def _row(row: Element, from_above: dict[int, tuple[int, str]], text_of: Callable[[Element], str]) -> list[str]:
    """The texts of a row; what is merged is repeated, unless it is all there is in the row.

    `from_above` keeps, by column, what reaches into the rows below, and into how many.
    """
    texts: list[str] = []
    beside = own = 0
    for cell in row:
        if cell.tag == TABLE + "table-cell":
            text = text_of(cell)
            beside, below = (_count(cell, f"number-{of}-spanned") - 1 for of in ("columns", "rows"))
            repeated = _count(cell, "number-columns-repeated")
            own += repeated if text else 0
        else:
            text, below, repeated = (
                texts[-1] if beside > 0 and texts else "",
                0,
                _count(cell, "number-columns-repeated"),
            )
            beside -= repeated
        for _ in range(repeated):
            left, above = from_above.pop(len(texts), (0, ""))
            if left > 0:
                from_above[len(texts)] = (left - 1, above)
                own += 1
            if below > 0:
                from_above[len(texts)] = (below, text)
            texts.append(text or (above if left > 0 else ""))
    return texts if own != 1 else _once(texts)


def _once(texts: list[str]) -> list[str]:
    """Keep the first of equals that stand side by side: a cell that is all there is in its row."""
    return [text if at == 0 or texts[at - 1] != text else "" for at, text in enumerate(texts)]


def _count(cell: Element, name: str) -> int:
    value = cell.get(TABLE + name, "1")
    return min(int(value), _MAX_REPEATED) if value.isdecimal() else 1
