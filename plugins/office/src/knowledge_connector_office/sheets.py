"""Workbooks: each sheet as a section, each of its blocks as a table, with dates as ISO has them.

calamine ─ rows ─▶ merged cells filled ─▶ text, column by column ─▶ blocks between empty rows ─▶ tables · lines of prose
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import groupby, takewhile
from typing import TYPE_CHECKING, Any

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
from knowledge_connector.kit.facts import Facts
from knowledge_connector_office.legacy import modern
from knowledge_connector_office.ooxml import facts as ooxml_facts
from knowledge_connector_office.opendocument_facts import facts as open_document_facts
from knowledge_connector_office.package import Package
from knowledge_connector_office.writing import Markdown

if TYPE_CHECKING:
    from knowledge_connector import Raw

MAX_CELLS = 2_000_000
MAX_SHEETS = 500
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BOOK, _WORKBOOK = "Book\0".encode("utf-16-le"), "Workbook\0".encode("utf-16-le")

_ROWS_AT_ONCE = 500
_Row = list[Any]
"""Cells as calamine gives them: text, numbers, booleans, dates, durations; empty ones as empty text."""
_Texts = tuple[str, ...]


def read(raw: Raw, settings: Mapping[str, Any]) -> Converted:
    """Give each sheet as a section of tables; what was calculated, not how.

    Workbooks from before Excel 97 go through LibreOffice.

    Raises:
        Unreadable: Code `encrypted`, `bomb`, `too-many-cells`, `too-many-pages`, `too-long` or `no-libreoffice`.
        DocumentError: Code `malformed`.
    """
    content = modern(raw.content, "xls", settings) if _is_excel_95(raw.content) else raw.content
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


# ------------------------------------------------------------------------------------------------------------------ text


def _texts(rows: list[_Row]) -> Iterator[_Texts]:
    """The same rows as text."""
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        columns = zip(*rows[start : start + _ROWS_AT_ONCE], strict=True)
        yield from zip(*map(_written, columns), strict=True)


def _written(column: tuple[Any, ...]) -> Sequence[str]:
    """A column as text, all of one type at once: most columns hold one."""
    kinds = set(map(type, column)) - {str}
    if not kinds:
        return column
    texts = {kind: iter(_WRITTEN[kind]([value for value in column if value.__class__ is kind])) for kind in kinds}
    return [value if value.__class__ is str else next(texts[value.__class__]) for value in column]


def _numbers(values: list[float]) -> list[str]:
    """Fifteen digits, as spreadsheets show them; whole numbers without a point, and identifiers of sixteen digits whole."""
    texts = ("%.15g " * len(values) % tuple(values)).split()
    if "e+" not in "".join(texts):
        return texts
    return [f"{value:.0f}" if 1e15 <= abs(value) < 1e16 else text for value, text in zip(values, texts, strict=True)]


def _moment(value: datetime) -> str:
    return value.isoformat(" ", "seconds").removesuffix(" 00:00:00")


def _duration(value: timedelta) -> str:
    minutes, seconds = divmod(round(value.total_seconds()), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def _each(write: Callable[[Any], str]) -> Callable[[list[Any]], Iterable[str]]:
    return partial(map, write)


_WRITTEN: Mapping[type, Callable[[list[Any]], Iterable[str]]] = {
    int: _each(str),
    float: _numbers,
    bool: _each({True: "TRUE", False: "FALSE"}.__getitem__),
    datetime: _each(_moment),
    date: _each(date.isoformat),
    time: _each(lambda value: value.isoformat("seconds")),
    timedelta: _each(_duration),
}

# ---------------------------------------------------------------------------------------------------------------- blocks


@dataclass(slots=True)
class _Block:
    """Rows without an empty one between them, cut to the columns that they fill: from `first` to `last`."""

    rows: list[_Texts]
    first: int
    last: int
    begins_with_words: bool
    """Whether its first row holds text alone, as a header does."""


def _blocks(rows: list[_Row]) -> Iterator[_Block]:
    at = 0
    for is_filled, run in groupby(_texts(rows), any):
        texts = list(run)
        if is_filled:
            first, last = _filled(texts)
            if last - first + 1 < len(texts[0]):
                texts = [row[first : last + 1] for row in texts]
            yield _Block(texts, first, last, set(map(type, rows[at])) == {str})
        at += len(texts)


def _filled(rows: list[_Texts]) -> tuple[int, int]:
    """The first and the last column that hold anything."""
    width = len(rows[0])
    first = next(at for at in range(width) if any(row[at] for row in rows))
    return first, next(at for at in reversed(range(width)) if any(row[at] for row in rows))


def _captions(block: _Block, out: Markdown) -> None:
    """Write the rows at its top that have but one cell; a block of one column is nothing else."""
    is_column = block.first == block.last
    captions = block.rows if is_column else list(takewhile(lambda row: row.count("") == len(row) - 1, block.rows))
    out.paragraphs(map("".join, captions))
    del block.rows[: len(captions)]


def _table(block: _Block, before: _Block | None, out: Markdown) -> _Block:
    """Write a block; rows that go on after an empty one in the same columns keep the header they had."""
    goes_on = (
        before is not None and not block.begins_with_words and (before.first, before.last) == (block.first, block.last)
    )
    if goes_on and before is not None:
        block.rows.insert(0, before.rows[0])
    out.rows(block.rows)
    del block.rows[1:]  # the header is all that the next one may ask for
    return block
