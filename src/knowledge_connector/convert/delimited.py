"""CSV and TSV as one Markdown table; the chunker repeats its header."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Mapping
from itertools import chain, islice, repeat
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
_BATCH_ROWS = 32
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
        delimiter = settings.get("delimiter") or ("\t" if raw.media_type == _TABS else _delimiter(text[:_SAMPLE_CHARS]))
        return Converted(_table(text, delimiter))


def _table(text: str, delimiter: str) -> str:
    """Blocks of rows, all made as wide as the widest; the first row is the header."""
    blocks = list(_blocks(iter(text.removesuffix("\n").split("\n")), delimiter))
    width = max((width for _, width in blocks), default=0)
    header, newline, body = "\n".join([_widened(lines, width - own) for lines, own in blocks]).partition("\n")
    return f"{header}\n{header_rule(width)}{newline}{body}\n" if blocks else ""


def _widened(lines: str, cells: int) -> str:
    more = "  |" * cells
    return lines.replace("\n", f"{more}\n") + more if more else lines


def _blocks(lines: Iterator[str], delimiter: str) -> Iterator[tuple[str, int]]:
    """Rows as lines of a table, and how many cells each has."""
    while batch := list(islice(lines, _BATCH_ROWS)):
        block = _plain_block(batch, delimiter)
        if block:
            yield block
        elif rows := [list(map(str.strip, row)) for row in _rows(batch, lines, delimiter)]:
            width = max(map(len, rows))
            yield table_lines([row + [""] * (width - len(row)) for row in rows]), width


def _plain_block(batch: list[str], delimiter: str) -> tuple[str, int] | None:
    """Lines whose cells need no care, many times faster; `None` if one does: is quoted, missing, or to be stripped."""
    text = "\n".join(batch)
    counts = {*map(str.count, batch, repeat(delimiter))}
    if '"' in text or len(counts) > 1 or delimiter == "\\":
        return None
    (delimiters,) = counts
    escaped = text.replace("\\", r"\\") if delimiter == "|" else text.replace("\\", r"\\").replace("|", r"\|")
    lines = f"| {escaped.replace(delimiter, _NEXT_CELL).replace(_LINE_END, _NEXT_ROW)} |"
    is_plain = (
        "  " not in lines
        and "\t" not in lines
        and (lines.isascii() or not any(blank in lines for blank in _RARE_BLANKS))
    )
    return (lines, delimiters + 1) if is_plain else None


def _delimiter(sample: str) -> str:
    """Find the delimiter that gives the most rows of the first row's width. Not by csv.Sniffer, which is quadratic in quotes."""
    lines = sample.split("\n")

    def score(delimiter: str) -> tuple[int, int]:
        widths = list(map(len, _all_rows(lines, delimiter)))
        return widths.count(widths[0]), widths[0]

    there = [delimiter for delimiter in _DELIMITERS if delimiter in sample]
    dividing = [delimiter for delimiter in there if len(next(_all_rows(lines, delimiter), ())) > 1]
    if len(dividing) > 1:
        return max(dividing, key=score)  # the first of equals: the comma
    return (dividing or there or _DELIMITERS)[0]


def _all_rows(lines: list[str], delimiter: str) -> Iterator[list[str]]:
    """The rows one after the other: who asks for the first only is not kept waiting."""
    left = iter(lines)
    batch = list(islice(left, 1))
    while batch:
        yield from _rows(batch, left, delimiter)
        batch = list(islice(left, _BATCH_ROWS))


def _rows(batch: list[str], more: Iterator[str], delimiter: str) -> list[list[str]]:
    """The rows that begin in a batch of lines and say anything. Lines without quotes are split, which gives what the library would."""
    quoted = '"' in "".join(batch)
    rows = _quoted(batch, more, delimiter) if quoted else map(str.split, batch, repeat(delimiter))
    return [row for row in rows if row and (row[0].strip() or "".join(row).strip())]


def _quoted(batch: list[str], more: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    """The rows that begin in a batch of lines; the last takes as many more as it needs."""
    csv.field_size_limit(sys.maxsize)  # the size of the document is bounded, and so are its fields
    reader = csv.reader(map("{}\n".format, chain(batch, more)), delimiter=delimiter)
    try:
        for row in reader:
            yield row
            if reader.line_num >= len(batch):
                break
    except csv.Error as error:
        raise DocumentError(f"this is no delimited text: {error}", code="malformed") from error
