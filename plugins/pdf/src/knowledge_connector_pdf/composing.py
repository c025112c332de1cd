"""Lines → Markdown: which of them belong together, and as what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from knowledge_connector.kit.pages import page_mark
from knowledge_connector_pdf.layout import Page, Typography
from knowledge_connector_pdf.lines import Line
from knowledge_connector_pdf.tables import Table

_BULLET = re.compile(r"[•◦▪▫‣●○■□◆❖➢➤✓∙·⁃\uf0b7\uf0a7]\s*|[–—-]\s+")
_NUMBERED = re.compile(r"(?:\d{1,3}|[a-zA-Z])[.)]\s|\(\w{1,3}\)\s")
_ENDED = (".", "!", "?", ":", ";", "。", "！", "？")
# Text at the beginning of a block that Markdown would take for something else: a heading, a rule, a fence.
_MISTAKABLE = re.compile(r"#{1,6}(?:\s|$)|={2,}\s*$|-{2,}\s*$|`{3}|~{3}")
_CELL = str.maketrans({"|": r"\|", "\\": r"\\"})
_WIDE_GAP = 1.3
_INDENT = 0.8
_CHAR_WIDTH = 0.6  # of a font for code, in its size
_LETTER_WIDTH = 0.5  # of prose, about
_MAX_INDENT = 40

_Kind = Literal["prose", "item", "heading", "code", "table"]


@dataclass(slots=True)
class _Block:
    """What belongs together; `marks` are the pages that begin within it, by the number of the line."""

    kind: _Kind
    lines: list[Line]
    level: int = 0
    table: Table | None = None
    marks: dict[int, str] = field(default_factory=dict)

    @property
    def last(self) -> Line:
        return self.lines[-1]


def compose(pages: Sequence[Page], typography: Typography) -> tuple[str, str | None]:
    """Give the Markdown, with a mark before the text of each page, and the first heading of the highest level."""
    parts: list[str] = []
    titles: list[tuple[int, str]] = []
    before_kind: _Kind = "prose"
    for mark, block in _blocks(pages, typography):
        if mark:
            parts.append(f"\n\n{mark}")
        text = _text(block)
        glued = before_kind == block.kind == "item" and not mark
        parts.append(("\n" if glued else "\n\n") + text)
        before_kind = block.kind
        if block.kind == "heading":
            titles.append((block.level, text.lstrip("# ")))
    return "".join(parts).lstrip("\n") + "\n" if parts else "", min(
        titles, key=lambda title: title[0], default=(0, None)
    )[1]


def _blocks(pages: Sequence[Page], typography: Typography) -> Iterator[tuple[str, _Block]]:
    """Each block, with the mark of the page that it begins."""
    block: _Block | None = None
    mark = pending = ""
    for page in pages:
        pending = page_mark(page.number)
        before: Line | None = None
        for line in page.lines:
            table = next((table for table in page.tables if table.holds(line)), None)
            if table is not None and block and block.table is table:
                continue
            kind, level = _kind(line, before, page.number, typography) if table is None else ("table", 0)
            if block and _goes_on(block, line, kind, level, typography, turned=before is None):
                if pending:
                    block.marks[len(block.lines)] = pending
                block.lines.append(line)
            else:
                if block:
                    yield mark, block
                block, mark = _Block(kind, [line], level, table), pending
            pending, before = "", line
        for text in page.recognized:
            if block:
                yield mark, block
            block, mark, pending = _Block("prose", [Line(text, 0, 0, 0, 0)]), pending, ""
    if block:
        yield mark, block


def _kind(line: Line, before: Line | None, page: int, typography: Typography) -> tuple[_Kind, int]:
    level = typography.heading(line, before, page)
    if level:
        return "heading", level
    if line.is_code and not typography.is_code:
        return "code", 0
    return ("item" if _BULLET.match(line.text) else "prose"), 0


def _goes_on(block: _Block, line: Line, kind: _Kind, level: int, typography: Typography, *, turned: bool) -> bool:
    """Whether a line belongs to the block before it."""
    last = block.last
    gap = last.base - line.base
    leading = max(typography.leading, 1.2 * line.size)
    if kind == "heading" or block.kind == "heading":
        return (kind, level) == (block.kind, block.level) and not turned and 0 <= gap < _WIDE_GAP * leading
    if kind == "code" or block.kind == "code":
        return kind == block.kind and not turned and -0.1 * leading < gap < 2.5 * leading
    if kind == "item" or "table" in (kind, block.kind):
        return False
    if turned or gap < -0.5 * leading:
        return not last.text.endswith(_ENDED) and line.text[0].islower()
    if gap > _WIDE_GAP * leading:
        return False
    return abs(gap) < 0.3 * line.size or not _begins(block, line)


def _begins(block: _Block, line: Line) -> bool:
    """Whether a line right below a block begins another one: it is indented, listed, or would have fitted into the line above."""
    last = block.last
    if _NUMBERED.match(line.text) and (last.text.endswith(_ENDED) or _NUMBERED.match(block.lines[0].text)):
        return True
    left = min(one.left for one in block.lines[-3:])
    if block.kind == "item":
        return line.left < block.lines[0].left - 1
    if len(block.lines) > 1 and line.left > left + _INDENT * line.size and last.text.endswith(_ENDED):
        return True
    word = len(line.text.partition(" ")[0]) + 1
    return last.text.endswith(_ENDED) and last.right + word * _LETTER_WIDTH * line.size < line.right


def _text(block: _Block) -> str:
    if block.table is not None:
        return _table(block.table.rows)
    if block.kind == "code":
        return _code(block.lines)
    text = _joined(block)
    if block.kind == "heading":
        return f"{'#' * block.level} {text}"
    if block.kind == "item":
        return f"- {_BULLET.sub('', text, count=1)}"
    return f"\\{text}" if _MISTAKABLE.match(text) else text


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = [" | ".join(text.translate(_CELL) for text in row) for row in rows]
    lines.insert(1, " | ".join("---" for _ in rows[0]))
    return "\n".join(f"| {line} |" for line in lines)


def _joined(block: _Block) -> str:
    """The lines as running text: divided words are whole again."""
    parts: list[str] = []
    before: Line | None = None
    for at, line in enumerate(block.lines):
        text = line.text
        if before is not None and not before.is_divided and not (before.text.endswith("-") and text[:1].islower()):
            parts.append(" ")
        parts.append(block.marks.get(at, "") + text)
        before = line
    return "".join(parts)


def _code(lines: Sequence[Line]) -> str:
    """Lines as they stand, indented by where they begin, with an empty line where there is room for one."""
    left = min(line.left for line in lines)
    written: list[str] = []
    before: Line | None = None
    for line in lines:
        gap = before.base - line.base if before else 0.0
        text = line.text
        if written and gap < 0.3 * line.size:
            written[-1] += f" {text}"
        else:
            if gap > 1.9 * line.size:
                written.append("")
            indent = round((line.left - left) / (_CHAR_WIDTH * line.size)) if line.size else 0
            written.append(" " * min(indent, _MAX_INDENT) + text)
        before = line
    fence = "`" * max(3, 1 + max((len(run) for text in written for run in re.findall("`+", text)), default=0))
    return "\n".join([fence, *written, fence])
