"""CSV and TSV as one Markdown table; the chunker repeats its header."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Mapping
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
_SPECIAL = re.compile(r"[|\n\\]")
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
        return Converted(_table(_rows(text, delimiter)))


def _rows(text: str, delimiter: str) -> list[list[str]]:
    csv.field_size_limit(sys.maxsize)  # the size of the document is bounded, and so are its fields
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        return [row for row in rows if "".join(row).strip()]
    except csv.Error as error:
        raise DocumentError(f"this is no delimited text: {error}", code="malformed") from error


def _delimiter(sample: str) -> str:
    """Find the delimiter that gives the most rows of the first row's width. Not by csv.Sniffer, which is quadratic in quotes."""

    def score(delimiter: str) -> tuple[int, int]:
        widths = [len(row) for row in _rows(sample, delimiter)]
        width = widths[0] if widths else 1
        return (sum(other == width for other in widths) if width > 1 else 0, width)

    there = [delimiter for delimiter in _DELIMITERS if delimiter in sample]
    return (
        max(there, key=score) if len(there) > 1 else "".join(there) or _DELIMITERS[0]
    )  # the first of equals: the comma


def _table(rows: list[list[str]]) -> str:
    if not rows:
        return ""
    width = max(map(len, rows))
    header, *body = [_line(row, width) for row in rows]
    return "\n".join([header, "|" + " --- |" * width, *body, ""])


def _line(row: list[str], width: int) -> str:
    cells = [*map(str.strip, row), *[""] * (width - len(row))]
    if _SPECIAL.search("".join(cells)):
        cells = [cell.translate(_CELL) for cell in cells]
    return f"| {' | '.join(cells)} |"
