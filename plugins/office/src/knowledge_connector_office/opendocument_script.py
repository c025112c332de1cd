"""The script of an OpenDocument body → Markdown. What its marks mean stands in `opendocument.xslt`.

A script may hold anything: marks that make no sense change how it looks, and nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import ClassVar

from knowledge_connector_office.opendocument_styles import whole
from knowledge_connector_office.opendocument_tables import Cell, spread
from knowledge_connector_office.writing import Markdown, link

_DEEPEST = 8
_TABLES = frozenset("|M")
_BLANKS = re.compile("  +")
_LINK = re.compile(r"\n\[([^\n]*)\n\(([^\n]*)\n\)")
_NOTE = re.compile(r"\n\^([^\n]*)\n\)")


@dataclass(slots=True)
class _List:
    """A list that has begun, and the number of its last item."""

    style: str
    ordered: bool
    number: int


class Script:
    """Reads a script. Knows in which lists it is, and which notes it has met.

    Args:
        out: What it writes to.
        is_ordered: Says of a list style and a depth (from 0) whether its items count.
    """

    def __init__(self, out: Markdown, is_ordered: Callable[[str, int], bool]) -> None:
        self.out = out
        self._is_ordered = is_ordered
        self._lists: list[_List] = []
        self._items: list[tuple[str, int | None]] = []
        self._continued: dict[tuple[str, int], int] = {}
        self._notes = 0

    def read(self, script: str) -> None:
        """Write what it says."""
        if script.rfind("  ") >= 0:  # which takes half the time of `in`
            script = _BLANKS.sub(" ", script)
        for block in f".{script}".split("\r"):
            kind = block[:1]
            if kind != "-":
                self._write_items()
            self._read(kind, self._with_links_and_notes(block) if "\n" in block else block)
        self._write_items()

    def _read(self, kind: str, block: str) -> None:
        """Write a block, and the paragraphs behind it; tables have paragraphs inside."""
        if kind in _TABLES:
            self._BLOCKS[kind](self, block)
            return
        words, *paragraphs = block.split("\t")
        if "\n" in block:
            words, *paragraphs = map(_with_ends, (words, *paragraphs))
        if kind in self._BLOCKS:
            self._BLOCKS[kind](self, words[1:])
        if not paragraphs:
            return
        if kind == "=":
            self._plain_items(paragraphs)
        elif self._lists:
            self._in_item(paragraphs)
        else:
            self.out.paragraphs(paragraphs)

    # ------------------------------------------------------------------------------------------------------------ blocks

    def _heading(self, text: str) -> None:
        level, _, words = text.partition(" ")
        self.out.heading(max(whole(level, 1), 1), words)

    def _title(self, words: str) -> None:
        self.out.heading(1, words)

    def _code(self, words: str) -> None:
        self.out.code(words)

    def _page(self, number: str) -> None:
        self.out.page(whole(number, 1))

    def _table(self, text: str) -> None:
        self.out.table([list(map(_lines, cells)) for cells in _cells(text)])

    def _merged_table(self, text: str) -> None:
        self.out.table(spread([list(map(_cell, cells)) for cells in _cells(text)]))

    # ------------------------------------------------------------------------------------------------------------- lists

    def _begin_list(self, text: str) -> None:
        goes_on, _, name = text.partition(" ")
        depth = len(self._lists)
        style = name or (self._lists[-1].style if self._lists else "")
        number = self._continued.get((style, depth), 0) if goes_on == "true" else 0
        self._lists.append(_List(style, self._is_ordered(style, depth), number))

    def _item(self, number: str) -> None:
        if self._lists:
            inner = self._lists[-1]
            inner.number = whole(number, inner.number + 1)

    def _in_item(self, paragraphs: list[str]) -> None:
        inner = self._lists[-1]
        self._items.append(("\n".join(paragraphs), inner.number if inner.ordered else None))

    def _plain_items(self, items: list[str]) -> None:
        if self._lists:
            inner = self._lists[-1]
            numbers = range(inner.number + 1, inner.number + 1 + len(items))
            self._items = list(zip(items, numbers if inner.ordered else repeat(None), strict=False))
            inner.number += len(items)

    def _write_items(self) -> None:
        if self._items:
            self.out.items(self._items, min(len(self._lists) - 1, _DEEPEST))
            self._items = []

    def _end_list(self, _: str) -> None:
        if self._lists:
            ended = self._lists.pop()
            self._continued[ended.style, len(self._lists)] = ended.number

    # ------------------------------------------------------------------------------------------------------------- words

    def _with_links_and_notes(self, text: str) -> str:
        """Put in what stands for itself. A note may hold links, and a link notes."""
        text = _innermost_first(_LINK, _link, text.replace("\ns", " "))
        if "\n^" in text:
            text = _innermost_first(_LINK, _link, _innermost_first(_NOTE, self._note, text))
        return text

    def _note(self, found: re.Match[str]) -> str:
        self._notes += 1
        self.out.note(str(self._notes), found[1])
        return f"[^{self._notes}]"

    _BLOCKS: ClassVar[Mapping[str, Callable[[Script, str], None]]] = {
        "H": _heading,
        "T": _title,
        "C": _code,
        "P": _page,
        "<": _begin_list,
        "-": _item,
        ">": _end_list,
        "|": _table,
        "M": _merged_table,
    }
    """What to do with a block, by its mark. Bound methods would hold the whole document until the garbage is collected."""


def _innermost_first(pattern: re.Pattern[str], text_of: Callable[[re.Match[str]], str], text: str) -> str:
    count = 1
    while count:
        text, count = pattern.subn(text_of, text)
    return text


def _link(found: re.Match[str]) -> str:
    """A link; one to a file beside the document is its words."""
    return link(found[1], found[2]) if ":" in found[2] else found[1]


def _with_ends(words: str) -> str:
    return words.replace("\nt", "\t").replace("\nn", "\n")


def _cells(text: str) -> list[list[str]]:
    """The cells of the rows of a table."""
    return [row.split("\nc")[1:] for row in text.split("\nr")[1:]]


def _cell(text: str) -> Cell:
    numbers, _, words = text.partition("\t")
    columns, rows, times = (whole(number, 1) for number in f"{numbers},,".split(",")[:3])
    return Cell(_lines(words), columns, rows, times)


def _lines(words: str) -> str:
    """Paragraphs as lines, without blanks around them, and without empty ones."""
    paragraphs = words.replace("\nn", "\t").replace("\nt", " ").split("\t")
    return "\n".join(filter(None, map(str.strip, paragraphs)))
