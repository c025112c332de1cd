"""Markdown, block by block: the one shape that all readers of this plugin give."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from knowledge_connector import Unreadable
from knowledge_connector.kit.pages import page_mark, without_marks
from knowledge_connector.kit.tables import table, table_lines

MAX_CHARS = 5_000_000
_HEADINGS = 6
_LINE_END = "\n"
_ROWS_AT_ONCE = 500
# Text at the beginning of a line that Markdown would take for something else: a heading, a rule, a fence.
_MISTAKABLE = re.compile(r"^(?=#{1,6}(?:\s|$)|={2,}\s*$|-{2,}\s*$|`{3}|~{3})", re.MULTILINE)
_MISTAKEN_STARTS = frozenset("#=-`~")


class Markdown:
    """Collects blocks, and gives up when they grow beyond what is allowed."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._max_chars = int(settings.get("max_chars", MAX_CHARS))
        self._left = self._max_chars
        self._parts: list[str] = []
        self._in_list = False
        self._code: list[str] = []
        self._notes: list[str] = []
        self._paged = False
        self.title: str | None = None
        """The first heading."""

    def text(self) -> str:
        """Everything, with the notes at the end; ends in a newline unless there is nothing."""
        self._end_code()
        notes, self._notes = self._notes, []
        for note in notes:
            self._write(note)
        return "".join(self._parts) + "\n" if self._parts else ""

    def page(self, number: int) -> None:
        """Say that what follows stands on this page."""
        self._separate(in_list=False)
        self._parts.append(page_mark(number))
        self._paged = True

    def heading(self, level: int, text: str) -> None:
        """Write a heading; a level deeper than Markdown has becomes its deepest."""
        line = " ".join(text.split())
        if line:
            self.title = self.title or line
            self._write(f"{'#' * min(level, _HEADINGS)} {line}")

    def paragraph(self, text: str) -> None:
        """Write prose; its line ends stay."""
        stripped = _flush_left(text)
        if stripped:
            self._write(_plain(stripped))

    def paragraphs(self, texts: Iterable[str]) -> None:
        """Write many pieces of prose at once, and look at each only if one of them has lines or a start that means something."""
        blocks = list(filter(None, map(str.strip, texts)))
        if not blocks:
            return
        text = "\n\n".join(blocks)
        if text.count("\n") > 2 * len(blocks) - 2 or not _MISTAKEN_STARTS.isdisjoint([block[0] for block in blocks]):
            text = "\n\n".join(_plain(_flush_left(block)) for block in blocks)
        self._write(text)

    def item(self, text: str, depth: int, number: int | None = None) -> None:
        """Write an item of a list; with a number it is an ordered one. Lines after the first belong to it."""
        self.items([(text, number)], depth)

    def items(self, texts: Iterable[tuple[str, int | None]], depth: int) -> None:
        """Write neighbours in a list at once; see `item`."""
        indent = "    " * depth
        below = f"\n{indent}    "
        lines = [
            f"{indent}{'-' if number is None else f'{number}.'} {stripped.replace(_LINE_END, below)}"
            for text, number in texts
            if (stripped := _flush_left(text))
        ]
        if lines:
            self._write("\n".join(lines), in_list=True)

    def code(self, line: str) -> None:
        """Write a line as it is; neighbours form one block."""
        self._code.append(line.rstrip())

    def note(self, label: str, text: str) -> None:
        """Keep a footnote for the end."""
        line = " ".join(text.split())
        if line:
            self._notes.append(f"[^{label}]: {line}")

    def table(self, rows: Iterable[Sequence[str]]) -> None:
        """Write a table whose first row is its header. Short rows are filled up, empty ones left out."""
        kept = [cells for row in rows if any(cells := list(map(str.strip, row)))]
        if not kept:
            return
        widths = set(map(len, kept))
        width = max(widths)
        if len(widths) > 1:
            kept = [row + [""] * (width - len(row)) for row in kept]
        self.rows(kept)

    def rows(self, rows: Sequence[Sequence[str]]) -> None:
        """Write a table whose rows are of one width, and whose cells need no stripping."""
        self._write(table(rows[:1]))
        for start in range(1, len(rows), _ROWS_AT_ONCE):
            self._add("\n" + table_lines(rows[start : start + _ROWS_AT_ONCE]))

    def _write(self, block: str, *, in_list: bool = False) -> None:
        self._separate(in_list=in_list)
        self._add(block)

    def _separate(self, *, in_list: bool) -> None:
        if self._code:
            self._end_code()
        if self._parts:
            self._parts.append("\n" if in_list and self._in_list else "\n\n")
        self._in_list = in_list

    def _add(self, part: str) -> None:
        self._left -= len(part)
        if self._left < 0:
            raise Unreadable(f"its text has more than max_chars = {self._max_chars} characters", code="too-long")
        self._parts.append(without_marks(part) if self._paged else part)

    def _end_code(self) -> None:
        block, self._code = "\n".join(self._code).strip("\n"), []
        if block:
            longest = max((len(run) for run in re.findall("`+", block)), default=0)
            fence = "`" * max(3, longest + 1)
            self._write(f"{fence}\n{block}\n{fence}")


def _flush_left(text: str) -> str:
    """Without blanks around lines, which Markdown would give a meaning, and without empty lines."""
    if "\n" not in text:
        return text.strip()
    return "\n".join(filter(None, map(str.strip, text.split("\n"))))


def _plain(text: str) -> str:
    return _MISTAKABLE.sub(r"\\", text) if text[0] in _MISTAKEN_STARTS or "\n" in text else text


def link(text: str, address: str) -> str:
    """A link, or the bare text where there is nothing to follow."""
    label = text.strip()
    target = address.strip().replace(" ", "%20").replace("(", "%28").replace(")", "%29")
    if not label or not target or target[:11].lower().startswith(("javascript:", "data:", "vbscript:")):
        return text
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    escaped = label.replace("[", r"\[").replace("]", r"\]")
    return f"{before}[{escaped}]({target}){after}"
