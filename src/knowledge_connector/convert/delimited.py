"""CSV and TSV as one Markdown table; the chunker repeats its header."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Mapping
from itertools import chain, islice, repeat
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
_SPECIAL = "\\|"
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
    rows = _escaped_rows(text, delimiter)
    if not rows:
        return ""
    width = max(map(len, rows))
    batches = (rows[at : at + _BATCH_ROWS] for at in range(1, len(rows), _BATCH_ROWS))
    body = (_plain_lines(batch, width) or "\n".join([_line(row, width) for row in batch]) for batch in batches)
    return "\n".join([_line(rows[0], width), "|" + " --- |" * width, *body, ""])


def _plain_lines(rows: list[list[str]], width: int) -> str:
    """Rows none of whose cells need any care, many times faster; empty if one does: is missing, empty, or to be stripped."""
    text = "| " + " |\n| ".join(map(" | ".join, rows)) + " |"
    is_plain = (
        "  " not in text
        and "\t" not in text
        and (text.isascii() or not any(blank in text for blank in _RARE_BLANKS))
        and {*map(len, rows)} == {width}
    )
    return text if is_plain else ""


def _line(row: list[str], width: int) -> str:
    return f"| {' | '.join(map(str.strip, row))}{' | ' * (width - len(row))} |"


def _escaped_rows(text: str, delimiter: str) -> list[list[str]]:
    """Rows whose cells may stand in a table. The whole text is escaped at once, unless that would touch the delimiter."""
    if delimiter not in _SPECIAL:
        return list(_rows(_escaped(text).split("\n"), delimiter))
    return [list(map(_escaped, row)) for row in _rows(text.split("\n"), delimiter)]


def _escaped(text: str) -> str:
    for special in _SPECIAL:
        if special in text:
            text = text.replace(special, f"\\{special}")
    return text


def _delimiter(sample: str) -> str:
    """Find the delimiter that gives the most rows of the first row's width. Not by csv.Sniffer, which is quadratic in quotes."""
    lines = sample.split("\n")

    def score(delimiter: str) -> tuple[int, int]:
        widths = list(map(len, _rows(lines, delimiter)))
        return widths.count(widths[0]), widths[0]

    there = [delimiter for delimiter in _DELIMITERS if delimiter in sample]
    dividing = [delimiter for delimiter in there if len(next(_rows(lines, delimiter), ())) > 1]
    if len(dividing) > 1:
        return max(dividing, key=score)  # the first of equals: the comma
    return (dividing or there or _DELIMITERS)[0]


def _rows(lines: list[str], delimiter: str) -> Iterator[list[str]]:
    """All rows that say anything, each cell on one line."""
    return chain.from_iterable(_batches(iter(lines), delimiter))


def _batches(lines: Iterator[str], delimiter: str) -> Iterator[list[list[str]]]:
    """Lines without quotes are split, which gives what the library would, in a third of the time."""
    batch = list(islice(lines, 1))  # who asks for the first row only is not kept waiting
    while batch:
        quoted = '"' in "".join(batch)
        rows = _quoted(batch, lines, delimiter) if quoted else map(str.split, batch, repeat(delimiter))
        yield [row for row in rows if row and (row[0].strip() or "".join(row).strip())]
        batch = list(islice(lines, _BATCH_ROWS))


def _quoted(batch: list[str], more: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    """The rows that begin in a batch of lines; the last takes as many more as it needs."""
    csv.field_size_limit(sys.maxsize)  # the size of the document is bounded, and so are its fields
    reader = csv.reader(map("{}\n".format, chain(batch, more)), delimiter=delimiter)
    try:
        for row in reader:
            lines = "\n" in "".join(row)
            yield [cell.strip().replace("\n", "<br>") for cell in row] if lines else row
            if reader.line_num >= len(batch):
                break
    except csv.Error as error:
        raise DocumentError(f"this is no delimited text: {error}", code="malformed") from error
