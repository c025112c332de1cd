"""CSV and TSV as one Markdown table; the chunker repeats its header."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import chain, islice, repeat
from operator import add
from typing import TYPE_CHECKING, Any, ClassVar

from knowledge_connector.errors import DocumentError
from knowledge_connector.kit.tables import header_rule, table_lines
from knowledge_connector.kit.text import DEFAULT_ENCODING, decode
from knowledge_connector.model import Converted
from knowledge_connector.ports import Converter

if TYPE_CHECKING:
    from knowledge_connector.model import Raw

_TABS = "text/tab-separated-values"
_DELIMITERS = ",;\t|"
_SAMPLE_CHARS = 16 * 1024
_FEW_LINES, _MANY_LINES = 32, 2048
_NEXT_CELL, _LINE_END, _NEXT_ROW = " | ", "\n", " |\n| "
_RARE_BLANKS = re.findall(r"\s", "".join(map(chr, range(0xA0, 0x3001))))
"""What `str.strip` takes away besides blanks, tabs and control characters."""


class DelimitedConverter(Converter):
    """Reads delimited text; the settings `delimiter` and `default_encoding` are for files that mislead."""

    name = "csv"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset({"text/csv", _TABS})
    extensions: ClassVar[Mapping[str, str]] = {".csv": "text/csv", ".tsv": _TABS, ".tab": _TABS}

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Give a table whose header is the first row. Short rows are filled up, long ones widen the table."""
        text = decode(raw.content, raw.charset, settings.get("default_encoding", DEFAULT_ENCODING)).text
        lines = text.removesuffix("\n").split("\n")
        delimiter = settings.get("delimiter") or ("\t" if raw.media_type == _TABS else _delimiter(text, lines))
        return Converted(_table(lines, delimiter))


def _table(lines: list[str], delimiter: str) -> str:
    """Blocks of rows, all made as wide as the widest; the first row is the header."""
    blocks = list(_blocks(lines, delimiter))
    width = max((width for _, width in blocks), default=0)
    header, newline, body = "\n".join([_widened(lines, width - own) for lines, own in blocks]).partition("\n")
    return f"{header}\n{header_rule(width)}{newline}{body}\n" if blocks else ""


def _widened(lines: str, cells: int) -> str:
    more = "  |" * cells
    return lines.replace("\n", f"{more}\n") + more if more else lines


def _blocks(lines: list[str], delimiter: str) -> Iterator[tuple[str, int]]:
    """Rows as lines of a table, and how many cells each has: ever more plain lines at once, and few where one needs care."""
    at, number = 0, _FEW_LINES
    while at < len(lines):
        block = _plain_block(lines[at : at + number], delimiter)
        if block:
            yield block
            at, number = at + number, min(2 * number, _MANY_LINES)
        elif number > _FEW_LINES:
            number = _FEW_LINES
        else:
            rows, at = _rows(lines, at, number, delimiter)
            yield from _block(rows)


def _block(rows: list[list[str]]) -> Iterator[tuple[str, int]]:
    """Rows that say anything, with their cells stripped and made as wide as the widest of them; nothing if none does."""
    if len(set(map(len, rows))) > 1:
        rows = list(filter(_says_anything, rows))
        width = max(map(len, rows), default=0)
        rows = [row + [""] * (width - len(row)) for row in rows]
    cells = map(str.strip, chain.from_iterable(rows))  # all at once, and then as many to a row as there were
    stripped = list(filter(any, zip(*repeat(cells, len(rows[0]) if rows else 0), strict=True)))
    if stripped:
        yield table_lines(stripped), len(stripped[0])


def _says_anything(row: list[str]) -> bool:
    return any(map(str.strip, row))


def _plain_block(batch: list[str], delimiter: str) -> tuple[str, int] | None:
    """Lines whose cells need no care, many times faster; `None` if one does: is quoted, missing, or to be stripped."""
    text = "\n".join(batch)
    width = 0 if '"' in text else _width(text, len(batch), delimiter)
    if not width:
        return None
    escaped = text.replace("\\", r"\\") if "\\" in text else text
    if "|" in text and delimiter != "|":
        escaped = escaped.replace("|", r"\|")
    lines = f"| {escaped.replace(delimiter, _NEXT_CELL).replace(_LINE_END, _NEXT_ROW)} |"
    is_plain = (
        "  " not in lines
        and "\t" not in lines
        and (lines.isascii() or not any(blank in lines for blank in _RARE_BLANKS))
    )
    return (lines, width) if is_plain else None


def _width(text: str, lines: int, delimiter: str) -> int:
    """How many cells each of these lines has; none if that differs, or the delimiter is no mark of ASCII but a backslash."""
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter == "\\":
        return 0
    marks = text.encode("utf-8", "surrogatepass").translate(None, _all_but(delimiter))
    row = marks.partition(b"\n")[0]
    return len(row) + 1 if marks == (row + b"\n") * (lines - 1) + row else 0


@lru_cache
def _all_but(delimiter: str) -> bytes:
    return bytes(set(range(256)) - {ord(delimiter), ord("\n")})


def _delimiter(text: str, lines: list[str]) -> str:
    """Find the delimiter that gives the most rows of the first row's width. Not by csv.Sniffer, which is quadratic in quotes."""
    sample = text[:_SAMPLE_CHARS]
    there = [delimiter for delimiter in _DELIMITERS if delimiter in sample]
    dividing = [delimiter for delimiter in there if len(next(_all_rows(lines, delimiter), ())) > 1]
    if len(dividing) < 2:
        return (dividing or there or _DELIMITERS)[0]
    few = sample.split("\n")

    def score(delimiter: str) -> tuple[int, int]:
        widths = list(map(len, _all_rows(few, delimiter)))
        first = widths[0] if widths else 0  # all that is in the sample may be empty rows
        return widths.count(first), first

    return max(dividing, key=score)  # the first of equals: the comma


def _all_rows(lines: list[str], delimiter: str) -> Iterator[list[str]]:
    """The rows one after the other: who asks for the first only is not kept waiting."""
    at, number = 0, 1
    while at < len(lines):
        rows, at = _rows(lines, at, number, delimiter)
        yield from filter(_says_anything, rows)
        number = _FEW_LINES


def _rows(lines: list[str], start: int, number: int, delimiter: str) -> tuple[list[list[str]], int]:
    """So many rows at most, and where the next one begins. Lines without quotes are split, which gives what the library would."""
    batch = lines[start : start + number]
    if '"' in "".join(batch):
        return _quoted(lines, start, number, delimiter)
    return [line.split(delimiter) for line in batch], start + len(batch)


def _quoted(lines: list[str], start: int, number: int, delimiter: str) -> tuple[list[list[str]], int]:
    csv.field_size_limit(sys.maxsize)  # the size of the document is bounded, and so are its fields
    left = map(lines.__getitem__, range(start, len(lines)))
    reader = csv.reader(map(add, left, repeat("\n")), delimiter=delimiter)
    try:
        return list(islice(reader, number)), start + reader.line_num
    except csv.Error as error:
        raise DocumentError(f"this is no delimited text: {error}", code="malformed") from error
