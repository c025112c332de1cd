"""Workbooks: each sheet as a section, each of its blocks as a table, with dates as ISO has them.

calamine ─ rows ─▶ merged cells filled ─▶ columns of text ─▶ blocks between empty rows ─▶ tables · lines of prose
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
_EXACT_CHARS = 15  # so short a text of a number has no more digits than are shown
_Row = list[Any]
"""Cells as calamine gives them: text, numbers, booleans, dates, durations; empty ones as empty text."""
_Column = list[str]


def read(raw: Raw, settings: Mapping[str, Any]) -> Converted:
    """Give each sheet as a section of tables; what was calculated, not how.

    Workbooks from before Excel 97 go through LibreOffice.

    Raises:
        Unreadable: Code `encrypted`, `bomb`, `too-many-cells`, `too-many-pages`, `too-long` or `no-libreoffice`.
        DocumentError: Code `malformed`.
    """
    content = _modern(raw.content, settings) if _is_excel_95(raw.content) else raw.content
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


def _modern(content: bytes, settings: Mapping[str, Any]) -> bytes:
    from knowledge_connector_office.legacy import modern  # hardly any workbook needs LibreOffice

    return modern(content, "xls", settings)


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
    columns = _columns(rows)
    if any(map(any, columns)):
        out.heading(2, name)
    if len(columns) == 1:
        out.paragraphs(columns[0])
        return
    before: _Block | None = None
    for block in _blocks(rows, columns):
        _captions(block, out)
        if block.columns[0]:
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


def _columns(rows: list[_Row]) -> list[_Column]:
    """The columns, as text."""
    columns: list[_Column] = [[] for _ in rows[0]] if rows else []
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        values = zip(*rows[start : start + _ROWS_AT_ONCE], strict=True)
        for column, part in zip(columns, map(_written, values), strict=True):
            column += part
    return columns


def _written(column: Sequence[Any]) -> Sequence[str]:
    """A column as text, all of one type at once: most columns hold one. Cells with line ends are stripped, for they would show."""
    try:
        text = "".join(column)
    except TypeError:  # there is something else than text in it
        kinds = set(map(type, column))
        return _written(_mixed(column, kinds - {str})) if len(kinds) > 1 else list(_WRITTEN[kinds.pop()](column))
    return list(map(str.strip, column)) if "\n" in text else column


def _mixed(column: Sequence[Any], kinds: set[type]) -> list[str]:
    texts = {kind: iter(_WRITTEN[kind]([value for value in column if value.__class__ is kind])) for kind in kinds}
    return [value if value.__class__ is str else next(texts[value.__class__]) for value in column]


def _numbers(values: Sequence[float]) -> list[str]:
    """Fifteen digits, as spreadsheets show them; whole numbers without a point, and identifiers of sixteen digits whole."""
    texts = f"{' '.join(map(repr, values))} ".replace(".0 ", " ").split()
    if max(map(len, texts)) <= _EXACT_CHARS:
        return texts
    return [text if len(text) <= _EXACT_CHARS else _rounded(value) for value, text in zip(values, texts, strict=True)]


def _rounded(value: float) -> str:
    return f"{value:.0f}" if 1e15 <= abs(value) < 1e16 else f"{value:.15g}"


def _moment(value: datetime) -> str:
    return value.isoformat(" ", "seconds").removesuffix(" 00:00:00")


def _duration(value: timedelta) -> str:
    minutes, seconds = divmod(round(value.total_seconds()), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def _each(write: Callable[[Any], str]) -> Callable[[Sequence[Any]], Iterable[str]]:
    return partial(map, write)


_WRITTEN: Mapping[type, Callable[[Sequence[Any]], Iterable[str]]] = {
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

    columns: list[_Column]
    first: int
    last: int
    begins_with_words: bool
    """Whether its first row holds text alone, as a header does."""


def _blocks(rows: list[_Row], columns: list[_Column]) -> Iterator[_Block]:
    for start, end in _runs(columns):
        cut = [column[start:end] for column in columns]
        filled = [at for at, column in enumerate(cut) if any(column)]
        first, last = filled[0], filled[-1]
        yield _Block(cut[first : last + 1], first, last, set(map(type, rows[start])) == {str})


def _runs(columns: list[_Column]) -> Iterator[tuple[int, int]]:
    """From where to where rows follow one another without an empty one: all of them, where a column has no empty cell."""
    height = len(columns[0]) if columns else 0
    if any("" not in column for column in columns):
        yield 0, height
        return
    at = 0
    for is_filled, run in groupby(map(any, zip(*columns, strict=True))):
        end = at + len(list(run))
        if is_filled:
            yield at, end
        at = end


def _captions(block: _Block, out: Markdown) -> None:
    """Write the rows at its top that have but one cell; a block of one column is nothing else."""
    if len(block.columns) == 1:
        captions = block.columns[0]
    else:
        rows = zip(*block.columns, strict=True)
        captions = list(map("".join, takewhile(lambda row: row.count("") == len(row) - 1, rows)))
    out.paragraphs(captions)
    block.columns = [column[len(captions) :] for column in block.columns]


def _table(block: _Block, before: _Block | None, out: Markdown) -> _Block:
    """Write a block; rows that go on after an empty one in the same columns keep the header they had."""
    goes_on = (
        before is not None and not block.begins_with_words and (before.first, before.last) == (block.first, block.last)
    )
    if goes_on and before is not None:
        block.columns = [head + column for head, column in zip(before.columns, block.columns, strict=True)]
    out.rows(list(zip(*block.columns, strict=True)))
    block.columns = [column[:1] for column in block.columns]  # the header is all that the next one may ask for
    return block
