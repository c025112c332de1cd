"""Workbooks: each sheet as a section, each of its blocks as a table, with dates as ISO has them.

calamine ─ rows ─▶ merged cells filled ─▶ blocks between empty rows ─▶ tables · lines of prose
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetMetadata,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from knowledge_connector import Converted, DocumentError, Unreadable
from knowledge_connector_office.facts import Facts
from knowledge_connector_office.legacy import modern
from knowledge_connector_office.ooxml import facts as ooxml_facts
from knowledge_connector_office.opendocument import facts as open_document_facts
from knowledge_connector_office.package import Package
from knowledge_connector_office.writing import Markdown, cell

MAX_CELLS = 2_000_000
MAX_SHEETS = 500
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BOOK, _WORKBOOK = "Book\0".encode("utf-16-le"), "Workbook\0".encode("utf-16-le")

_Row = list[Any]
"""Cells as calamine gives them: text, numbers, booleans, dates, durations; empty ones as empty text."""


def read(content: bytes, settings: Mapping[str, Any]) -> Converted:
    """Convert a workbook; see `SheetConverter`."""
    if _is_excel_95(content):
        content = modern(content, "xls", settings)
    found = _facts(content)
    out = Markdown(settings)
    workbook = _open(content)
    sheets = _shown(workbook.sheets_metadata, hidden=bool(settings.get("hidden", False)))
    limit = int(settings.get("max_sheets", MAX_SHEETS))
    if len(sheets) > limit:
        raise Unreadable(f"it has {len(sheets)} sheets, more than max_sheets = {limit}", code="too-many-pages")
    left = int(settings.get("max_cells", MAX_CELLS))
    for name in sheets:
        sheet = _sheet(workbook, name)
        left -= sheet.height * sheet.width
        if left < 0:
            raise Unreadable("it has more cells than max_cells allows", code="too-many-cells")
        _write(name, sheet, out)
    found.metadata["sheets"] = len(sheets)
    return found.with_text(out.text(), None)


def _is_excel_95(content: bytes) -> bool:
    """Whether this is a workbook from before Excel 97, whose text calamine takes for what it is not."""
    return content.startswith(_OLE) and _BOOK in content and _WORKBOOK not in content


def _facts(content: bytes) -> Facts:
    """Properties, where the format keeps them in XML. Looking at the package also refuses bombs before calamine unpacks them."""
    if not content.startswith(_ZIP):
        return Facts()
    package = Package(content)
    return open_document_facts(package.xml("meta.xml")) if "meta.xml" in package else ooxml_facts(package)


def _open(content: bytes) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_filelike(io.BytesIO(content))
    except PasswordError as error:
        raise Unreadable("the workbook is protected by a password", code="encrypted") from error
    except (CalamineError, OSError) as error:
        raise DocumentError("this is no workbook, or a damaged one", code="malformed") from error


def _sheet(workbook: CalamineWorkbook, name: str) -> CalamineSheet:
    try:
        return workbook.get_sheet_by_name(name)
    except (CalamineError, OSError) as error:
        raise DocumentError("one of its sheets is damaged", code="malformed") from error


def _shown(sheets: list[SheetMetadata], *, hidden: bool) -> list[str]:
    return [
        sheet.name
        for sheet in sheets
        if sheet.typ == SheetTypeEnum.WorkSheet and (hidden or sheet.visible == SheetVisibleEnum.Visible)
    ]


def _write(name: str, sheet: CalamineSheet, out: Markdown) -> None:
    rows: list[_Row] = sheet.to_python()
    _fill_merged(rows, sheet)
    blocks = list(_blocks(rows))
    if blocks:
        out.heading(2, name)
    before: _Block | None = None
    for block in blocks:
        _captions(block, out)
        if block.rows:
            before = _table(block, before, out)


def _fill_merged(rows: list[_Row], sheet: CalamineSheet) -> None:
    """Repeat what is merged in each of its cells, unless it is all there is in its row: that is a caption."""
    top, left = sheet.start or (0, 0)
    for (first_row, first), (last_row, last) in sheet.merged_cell_ranges or ():
        covered = rows[max(first_row - top, 0) : last_row - top + 1]
        start, end = max(first - left, 0), last - left + 1
        if not covered or start >= len(covered[0]):
            continue
        value = covered[0][start]
        if len(covered) == 1 and sum(map(_is_filled, covered[0])) == 1:
            continue
        for row in covered:
            row[start:end] = [value] * len(row[start:end])


def _is_filled(value: Any) -> bool:
    return bool(value != "")


@dataclass(slots=True)
class _Block:
    """Rows without an empty one between them, as text; `first` and `last` are the columns that they fill."""

    rows: list[list[str]]
    first: int
    last: int
    begins_with_words: bool
    """Whether its first row holds text alone, as a header does."""


def _blocks(rows: list[_Row]) -> Iterator[_Block]:
    block: _Block | None = None
    for row in rows:
        texts = [value if value.__class__ is str else _WRITTEN[value.__class__](value) for value in row]
        filled = _filled(texts)
        if filled is None:
            if block:
                yield block
            block = None
            continue
        if block is None:
            block = _Block([], *filled, all(value.__class__ is str for value in row))
        block.rows.append(texts)
        if filled != (block.first, block.last):
            block.first, block.last = min(block.first, filled[0]), max(block.last, filled[1])
    if block:
        yield block


def _filled(texts: list[str]) -> tuple[int, int] | None:
    """The first and the last column of a row that hold anything."""
    if texts and texts[0] and texts[-1]:
        return 0, len(texts) - 1
    first = next((at for at, text in enumerate(texts) if text), None)
    if first is None:
        return None
    return first, len(texts) - next(at for at, text in enumerate(reversed(texts), 1) if text)


def _captions(block: _Block, out: Markdown) -> None:
    """Write the rows at its top that have but one cell; a block of one column is nothing else."""
    captions: list[str] = []
    for row in block.rows:
        filled = list(filter(None, row))
        if len(filled) > 1:
            break
        captions.append(filled[0])
    out.paragraphs(captions)
    del block.rows[: len(captions)]


def _table(block: _Block, before: _Block | None, out: Markdown) -> _Block:
    """Write a block; rows that go on after an empty one in the same columns keep the header they had."""
    goes_on = (
        before is not None and not block.begins_with_words and (before.first, before.last) == (block.first, block.last)
    )
    width = block.last - block.first + 1
    if width < len(block.rows[0]):
        block.rows = [row[block.first : block.last + 1] for row in block.rows]
    if goes_on and before is not None:
        block.rows.insert(0, before.rows[0])
    lines = (_line(row, width) for row in block.rows)
    out.lines(next(lines), width, lines)
    del block.rows[1:]  # the header is all that the next one may ask for
    return block


def _line(row: list[str], width: int) -> str:
    line = " | ".join(row)
    if line.count("|") >= width or "\n" in line or "\\" in line:
        return " | ".join(map(cell, row))
    return line


def _number(value: float) -> str:
    """Fifteen digits, as spreadsheets show them; whole numbers without a point."""
    text = repr(value)
    if text.endswith(".0"):
        return text[:-2]
    return text if len(text) <= _DIGITS else f"{value:.{_DIGITS}g}"


def _moment(value: datetime) -> str:
    return value.isoformat(" ", "seconds").removesuffix(" 00:00:00")


def _duration(value: timedelta) -> str:
    minutes, seconds = divmod(round(value.total_seconds()), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


_DIGITS = 15
_WRITTEN: dict[type, Callable[[Any], str]] = {
    str: str,
    int: str,
    float: _number,
    bool: lambda value: "TRUE" if value else "FALSE",
    datetime: _moment,
    date: date.isoformat,
    time: lambda value: value.isoformat("seconds"),
    timedelta: _duration,
}
