"""CSV and TSV as one Markdown table; the chunker repeats its header."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from knowledge_connector.errors import DocumentError
from knowledge_connector.kit.text import DEFAULT_ENCODING, decode
from knowledge_connector.model import Converted
from knowledge_connector.ports import Converter

if TYPE_CHECKING:
    from knowledge_connector.model import Raw

_TABS = "text/tab-separated-values"
_DELIMITERS = ",;\t|"
_SAMPLE_CHARS = 16 * 1024
_BATCH_ROWS = 32
_CELL = str.maketrans({"|": r"\|", "\n": "<br>", "\\": r"\\"})


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
        return Converted(_table(list(_rows(text, delimiter))))


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(sys.maxsize)  # the size of the document is bounded, and so are its fields
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        yield from (row for row in rows if row and (row[0].strip() or "".join(row).strip()))
    except csv.Error as error:
        raise DocumentError(f"this is no delimited text: {error}", code="malformed") from error


def _delimiter(sample: str) -> str:
    """Find the delimiter that gives the most rows of the first row's width. Not by csv.Sniffer, which is quadratic in quotes."""

    def score(delimiter: str) -> tuple[int, int]:
        widths = list(map(len, _rows(sample, delimiter)))
        return widths.count(widths[0]), widths[0]

    there = [delimiter for delimiter in _DELIMITERS if delimiter in sample]
    dividing = [delimiter for delimiter in there if len(next(_rows(sample, delimiter), ())) > 1]
    if len(dividing) > 1:
        return max(dividing, key=score)  # the first of equals: the comma
    return (dividing or there or _DELIMITERS)[0]


def _table(rows: list[list[str]]) -> str:
    if not rows:
        return ""
    width = max(map(len, rows))
    batches = (rows[at : at + _BATCH_ROWS] for at in range(1, len(rows), _BATCH_ROWS))
    body = (_plain_lines(batch, width) or "\n".join([_line(row, width) for row in batch]) for batch in batches)
    return "\n".join([_line(rows[0], width), "|" + " --- |" * width, *body, ""])


def _plain_lines(rows: list[list[str]], width: int) -> str:
    """Rows none of whose cells need any care, many times faster; empty if one does: is missing, to be stripped or escaped."""
    text = "| " + " |\n| ".join(map(" | ".join, rows)) + " |"
    is_plain = (
        text.isascii()  # and so without other blanks than these
        and {*map(len, rows)} == {width}
        and text.count("|") == len(rows) * (width + 1)
        and text.count("\n") == len(rows) - 1
        and "  " not in text
        and "\t" not in text
        and "\\" not in text
    )
    return text if is_plain else ""


def _line(row: list[str], width: int) -> str:
    cells = list(map(str.strip, row))
    line = " | ".join(cells)
    if line.count("|") >= len(cells) or "\\" in line or "\n" in line:
        line = " | ".join([cell.translate(_CELL) for cell in cells])
    return f"| {line}{' | ' * (width - len(cells))} |"
