"""Lines → Markdown: which of them belong together, and as what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from knowledge_connector.kit.pages import page_mark
from knowledge_connector.kit.tables import table
from knowledge_connector_pdf.layout import Page, Typography
from knowledge_connector_pdf.lines import Line, Style
from knowledge_connector_pdf.tables import Table

_BULLETS = frozenset("•◦▪▫‣●○■□◆❖➢➤✓∙·⁃\uf0b7\uf0a7–—-")
_BULLET = re.compile(r"[•◦▪▫‣●○■□◆❖➢➤✓∙·⁃\uf0b7\uf0a7]\s*|[–—-]\s+")
_NUMBERED = re.compile(r"(?:\d{1,3}|[a-zA-Z])[.)]\s|\(\w{1,3}\)\s")
_ENDS = frozenset(".!?:;。！？")
# Text at the beginning of a block that Markdown would take for something else: a heading, a rule, a fence.
_MARKUP = frozenset("#=-`~")
_MISTAKABLE = re.compile(r"#{1,6}(?:\s|$)|={2,}\s*$|-{2,}\s*$|`{3}|~{3}")
_WIDE_GAP = 1.3
_INDENT = 0.8
_CHAR_WIDTH = 0.6  # of a font for code, in its size
_LETTER_WIDTH = 0.5  # of prose, about
_MAX_INDENT = 40

_Kind = Literal["prose", "item", "heading", "code", "table"]
_RECOGNIZED = Style(0)


@dataclass(slots=True)
class _Block:
    """What belongs together; `marks` are the pages that begin within it, by the number of the line."""

    kind: _Kind
    lines: list[Line]
    marks: dict[int, str]
    level: int = 0
    table: Table | None = None
    is_numbered: bool = False


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
    mark, leading = "", typography.leading
    for page in pages:
        pending, turned, headings, tables = page_mark(page.number), True, typography.headings(page), page.tables
        for at, line in enumerate(page.lines):
            within = _table_of(line, tables) if tables else None
            if within is not None and block and block.table is within:
                continue
            level = headings.get(at, 0) if headings else 0
            kind: _Kind = "table" if within else "heading" if level else _kind(line, typography)
            if block and _goes_on(block, line, kind, level, leading, turned=turned):
                if pending:
                    block.marks[len(block.lines)] = pending
                block.lines.append(line)
            else:
                if block:
                    yield mark, block
                block, mark = _Block(kind, [line], {}, level, within, _NUMBERED.match(line.text) is not None), pending
            pending, turned = "", False
        for text in page.recognized:
            if block:
                yield mark, block
            block, mark, pending = _Block("prose", [Line(text, 0, 0, 0, _RECOGNIZED)], {}), pending, ""
    if block:
        yield mark, block


def _table_of(line: Line, tables: Sequence[Table]) -> Table | None:
    return next((table for table in tables if table.holds(line)), None)


def _kind(line: Line, typography: Typography) -> _Kind:
    """What a line is that is neither a heading nor in a table."""
    if line.style.is_code and not typography.is_code:
        return "code"
    return "item" if line.text[0] in _BULLETS and _BULLET.match(line.text) else "prose"


def _goes_on(block: _Block, line: Line, kind: _Kind, level: int, leading: float, *, turned: bool) -> bool:
    """Whether a line belongs to the block before it."""
    last, size, of = block.lines[-1], line.style.size, block.kind
    gap = last.base - line.base
    if leading < 1.2 * size:
        leading = 1.2 * size
    if kind == "prose" and (of == "prose" or of == "item"):
        if turned or gap < -0.5 * leading:
            return last.text[-1] not in _ENDS and line.text[0].islower()
        return gap <= _WIDE_GAP * leading and (-0.3 * size < gap < 0.3 * size or not _begins(block, last, line))
    if kind != of or turned:
        return False
    if kind == "heading":
        return level == block.level and 0 <= gap < _WIDE_GAP * leading
    return kind == "code" and -0.1 * leading < gap < 2.5 * leading


def _begins(block: _Block, last: Line, line: Line) -> bool:
    """Whether a line right below a block begins another one: it is indented, listed, or would have fitted into the line above."""
    has_ended = last.text[-1] in _ENDS
    if (has_ended or block.is_numbered) and _NUMBERED.match(line.text):
        return True
    if block.kind == "item":
        return line.left < block.lines[0].left - 1
    if not has_ended:
        return False
    size = line.style.size
    if len(block.lines) > 1 and line.left > min([one.left for one in block.lines[-3:]]) + _INDENT * size:
        return True
    return last.right + (len(line.text.partition(" ")[0]) + 1) * _LETTER_WIDTH * size < line.right


def _text(block: _Block) -> str:
    if block.table is not None:
        return table(block.table.rows)
    if block.kind == "code":
        return _code(block.lines)
    text = _joined(block)
    if block.kind == "heading":
        return f"{'#' * block.level} {text}"
    if block.kind == "item":
        return f"- {_BULLET.sub('', text, count=1)}"
    return f"\\{text}" if text[0] in _MARKUP and _MISTAKABLE.match(text) else text


def _joined(block: _Block) -> str:
    """The lines as running text: divided words are whole again."""
    lines, marks = block.lines, block.marks
    joined = " ".join([line.text for line in lines])
    if not marks and "- " not in joined and not any(line.is_divided for line in lines):
        return joined
    parts = [lines[0].text]
    for at, (before, line) in enumerate(pairwise(lines), 1):
        text = line.text
        if not (before.is_divided or (before.text[-1] == "-" and text[0].islower())):
            parts.append(" ")
        parts.append(marks[at] + text if at in marks else text)
    return "".join(parts)


def _code(lines: Sequence[Line]) -> str:
    """Lines as they stand, indented by where they begin, with an empty line where there is room for one."""
    left = min(line.left for line in lines)
    written: list[str] = []
    before: Line | None = None
    for line in lines:
        gap = before.base - line.base if before else 0.0
        text = line.text
        if written and gap < 0.3 * line.style.size:
            written[-1] += f" {text}"
        else:
            if gap > 1.9 * line.style.size:
                written.append("")
            indent = round((line.left - left) / (_CHAR_WIDTH * line.style.size)) if line.style.size else 0
            written.append(" " * min(indent, _MAX_INDENT) + text)
        before = line
    fence = "`" * max(3, 1 + max((len(run) for text in written for run in re.findall("`+", text)), default=0))
    return "\n".join([fence, *written, fence])
