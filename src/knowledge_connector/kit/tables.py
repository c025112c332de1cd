"""Rows of text → tables in Markdown.

Most rows hold nothing that a table would misunderstand: one look at many of them at once says so, and only where it does not
are the cells looked at one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

_NEXT_CELL, _NEXT_ROW = " | ", " |\n| "
_CELL = str.maketrans({"|": r"\|", "\n": "<br>", "\\": r"\\"})


def table(rows: Sequence[Sequence[str]]) -> str:
    """Write a whole table whose first row is its header; see `table_lines` for what the rows must be. It ends without a newline."""
    head = f"{table_lines(rows[:1])}\n{header_rule(len(rows[0]))}"
    return f"{head}\n{table_lines(rows[1:])}" if len(rows) > 1 else head


def header_rule(width: int) -> str:
    """The line below a header of so many cells."""
    return "|" + " --- |" * width


def table_lines(rows: Sequence[Sequence[str]]) -> str:
    r"""Write rows as lines of a table, without a newline at the end.

    Args:
        rows: One at least, all of one width of one cell at least. Their cells are stripped. They may hold anything:
            bars and backslashes are escaped, line ends become `<br>`.
    """
    return f"| {_joined(rows)} |"


def _joined(rows: Sequence[Sequence[str]]) -> str:
    text = _NEXT_ROW.join(map(_NEXT_CELL.join, rows))
    marks = len(rows) * (len(rows[0]) + 1) - 2
    if text.count("|") == marks and text.count("\n") == len(rows) - 1 and "\\" not in text:
        return text
    if len(rows) == 1:
        return _NEXT_CELL.join([cell.strip().translate(_CELL) for cell in rows[0]])
    half = len(rows) // 2
    return _NEXT_ROW.join(map(_joined, (rows[:half], rows[half:])))
