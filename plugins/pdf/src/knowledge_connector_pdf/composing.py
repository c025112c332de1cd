"""Lines → Markdown: which of them belong together, and as what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
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
_TICKS = re.compile("`+")
_WIDE_GAP = 1.3
_INDENT = 0.8
_CHAR_WIDTH = 0.6  # of a font for code, in its size
_LETTER_WIDTH = 0.5  # of prose, about
_MAX_INDENT = 40

_Kind = Literal["prose", "item", "code", "recognized"] | int | Table
"""What a line is; of a heading the level. Lines of two kinds never belong together, but that prose goes on with what flows."""

_FLOWING = frozenset(("prose", "item", "recognized"))
_RECOGNIZED = Style(0)


def compose(pages: Sequence[Page], typography: Typography) -> tuple[str, str | None]:
    """Give the Markdown, with a mark before the text of each page, and the first heading of the highest level."""
    flow = _Flow.of(pages, typography)
    parts: list[str] = []
    titles: list[tuple[int, str]] = []
    before: _Kind = "prose"
    for start, end in pairwise(flow.starts(typography.leading)):
        kind, mark, text = flow.kinds[start], flow.marks.get(start), flow.text(start, end)
        if mark:
            parts += "\n\n", mark
        parts += "\n" if before == kind == "item" and not mark else "\n\n", text
        if isinstance(kind, int):
            titles.append((kind, text.lstrip("# ")))
        before = kind
    title = min(titles, key=itemgetter(0), default=(0, None))[1]
    return "".join([*parts[1:], "\n"]) if parts else "", title


@dataclass(frozen=True, slots=True)
class _Flow:
    """All lines of a document.

    Attributes:
        kinds: What each is.
        marks: Of the pages, by the number of the line with which each begins.
        uneven: The numbers of the lines that are not joined to the one before them by a blank alone: that is divided, or another page.
    """

    lines: list[Line]
    kinds: list[_Kind]
    marks: dict[int, str]
    uneven: frozenset[int]

    @classmethod
    def of(cls, pages: Sequence[Page], typography: Typography) -> _Flow:
        lines: list[Line] = []
        kinds: list[_Kind] = []
        marks: dict[int, str] = {}
        for page in pages:
            if page.lines or page.recognized:
                marks[len(lines)] = page_mark(page.number)
            lines += page.lines
            kinds += _kinds(page, typography)
            lines += [Line(text, 0, 0, 0, _RECOGNIZED) for text in page.recognized]
            kinds += ["recognized"] * len(page.recognized)
        return cls(
            lines, kinds, marks, frozenset({at for at, line in enumerate(lines, 1) if line.is_divided} | {*marks})
        )

    def starts(self, leading: float) -> list[int]:
        """The numbers of the lines with which a block begins, and at last how many lines there are."""
        lines, kinds, marks = self.lines, self.kinds, self.marks
        starts: list[int] = []
        of, is_numbered = None, False
        for at, (last, line, kind) in enumerate(zip([*lines[:1], *lines], lines, kinds, strict=False)):
            size, gap = line.style.size, last.base - line.base
            room = leading if leading > 1.2 * size else 1.2 * size
            if kind != "prose" or of not in _FLOWING:
                goes_on = kind == of and _goes_on(kind, gap, room, turned=at in marks)
            elif at in marks or gap < -0.5 * room:
                goes_on = last.text[-1] not in _ENDS and line.text[0].islower()
            elif gap > _WIDE_GAP * room:
                goes_on = False
            elif of == "item" or is_numbered or last.text[-1] in _ENDS:
                goes_on = -0.3 * size < gap < 0.3 * size or not self._begins(starts[-1], at, is_numbered=is_numbered)
            else:
                goes_on = True
            if not goes_on:
                starts.append(at)
                of, is_numbered = kind, _NUMBERED.match(line.text) is not None
        return [*starts, len(lines)]

    def _begins(self, start: int, at: int, *, is_numbered: bool) -> bool:
        """Whether a line right below a block begins another one: it is indented, listed, or would have fitted into the line above."""
        last, line = self.lines[at - 1], self.lines[at]
        has_ended = last.text[-1] in _ENDS
        if (has_ended or is_numbered) and _NUMBERED.match(line.text):
            return True
        if self.kinds[start] == "item":
            return line.left < self.lines[start].left - 1
        if not has_ended:
            return False
        size = line.style.size
        if last.right + (len(line.text.partition(" ")[0]) + 1) * _LETTER_WIDTH * size < line.right:
            return True
        return (
            at - start > 1
            and line.left > min([one.left for one in self.lines[max(start, at - 3) : at]]) + _INDENT * size
        )

    def text(self, start: int, end: int) -> str:
        """The Markdown of the block from one line to before another."""
        kind = self.kinds[start]
        if isinstance(kind, Table):
            return table(kind.rows)
        if kind == "code":
            return _code(self.lines[start:end])
        text = self._joined(start, end)
        if kind == "item":
            return f"- {_BULLET.sub('', text, count=1)}"
        if isinstance(kind, int):
            return f"{'#' * kind} {text}"
        return f"\\{text}" if text[0] in _MARKUP and _MISTAKABLE.match(text) else text

    def _joined(self, start: int, end: int) -> str:
        """Lines as running text: divided words are whole again."""
        if end - start == 1:
            return self.lines[start].text
        lines, marks = self.lines[start:end], self.marks
        joined = " ".join([line.text for line in lines])
        if "- " not in joined and self.uneven.isdisjoint(range(start + 1, end)):
            return joined
        parts = [lines[0].text]
        for at, (before, line) in enumerate(pairwise(lines), start + 1):
            text = line.text
            if not (before.is_divided or (before.text[-1] == "-" and text[0].islower())):
                parts.append(" ")
            parts.append(marks[at] + text if at in marks else text)
        return "".join(parts)


def _kinds(page: Page, typography: Typography) -> list[_Kind]:
    """What the lines of a page are."""
    with_code = not typography.is_code
    kinds: list[_Kind] = [
        "code"
        if with_code and line.style.is_code
        else "item"
        if line.text[0] in _BULLETS and _BULLET.match(line.text)
        else "prose"
        for line in page.lines
    ]
    for at, level in typography.headings[page.number].items():
        kinds[at] = level
    for found in page.tables[::-1]:
        for at, line in enumerate(page.lines):
            if found.holds(line):
                kinds[at] = found
    return kinds


def _goes_on(kind: _Kind, gap: float, room: float, *, turned: bool) -> bool:
    """Whether a line goes on with the lines of its own kind before it, which is not prose."""
    if isinstance(kind, Table):
        return True
    if turned:
        return False
    if isinstance(kind, int):
        return 0 <= gap < _WIDE_GAP * room
    return kind == "code" and -0.1 * room < gap < 2.5 * room


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
    code = "\n".join(written)
    fence = "`" * max(3, 1 + max(map(len, _TICKS.findall(code)), default=0))
    return f"{fence}\n{code}\n{fence}"
