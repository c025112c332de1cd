"""Rows of text → tables in Markdown.

Most rows hold nothing that a table would misunderstand: one look at many of them at once says so. Where it does not, all of them
are escaped at once, with separators between the cells that no text holds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_NEXT_CELL, _NEXT_ROW = " | ", " |\n| "
_UNIT_END, _RECORD_END = "\x1f", "\x1e"  # what ASCII has them for
_SEPARATORS = re.compile(f"[{_UNIT_END}{_RECORD_END}]")
_ESCAPES = (("\\", r"\\"), ("|", r"\|"), ("\n", "<br>"), (_UNIT_END, _NEXT_CELL), (_RECORD_END, _NEXT_ROW))


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
        rows: One at least, all of one width of one cell at least. Who has cells with blanks around them strips them before.
            They may hold anything: bars and backslashes are escaped, line ends become `<br>`, and the separators of ASCII are left out.
    """
    text = _NEXT_ROW.join(map(_NEXT_CELL.join, rows))
    marks = len(rows) * (len(rows[0]) + 1) - 2
    is_plain = text.count("|") == marks and text.count("\n") == len(rows) - 1 and "\\" not in text
    if is_plain:
        return f"| {text} |"
    if _UNIT_END in text or _RECORD_END in text:
        rows = [[_SEPARATORS.sub("", cell) for cell in row] for row in rows]
    return f"| {_escaped(rows)} |"


def _escaped(rows: Sequence[Sequence[str]]) -> str:
    cells = _RECORD_END.join(map(_UNIT_END.join, rows))
    for mark, written in _ESCAPES:
        cells = cells.replace(mark, written)
    return cells
