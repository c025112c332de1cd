"""Filling chunks with neighbouring blocks that belong together.

One pass over the blocks. A heading never travels without what follows it: headings and the block behind them make a group. A group
joins the open chunk where

 - its whole section still fits, or
 - it fits, and begins no section or finds the chunk not half full, or
 - its block is too long for any chunk and would find half a chunk of space here.

Sections of the top level (the smallest that several headings have) share a chunk only if one of the two is tiny.
A chunk's heading path is that of its first block, with the deeper headings that follow it immediately.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from knowledge_connector.chunking.cutting import Part, cut, tail
from knowledge_connector.chunking.headings import KEY, cost, heading_path, highest_cost
from knowledge_connector.model import Chunk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from knowledge_connector.chunking.blocks import Block
    from knowledge_connector.chunking.ruler import Ruler
    from knowledge_connector.ports import ChunkRules

_LEADING_BLANKS: Final = re.compile(r"\s*\n")
_VISIBLE: Final = re.compile(r"[^\s\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_TINY: Final = 8
"""A section is tiny if this many of its kind would go into one chunk."""


class Group(NamedTuple):
    """Headings and the block that they stand before, `blocks[first:end]`.

    Attributes:
        opening: The heading path of a chunk that begins here.
        path: The heading path of the last block.
    """

    first: int
    end: int
    opening: tuple[str, ...]
    path: tuple[str, ...]


def make_chunk(ordinal: int, text: str, heading: str) -> Chunk:
    """Give a chunk without blank lines around its text."""
    blanks = _LEADING_BLANKS.match(text)
    return Chunk(ordinal, text[blanks.end() if blanks else 0 :].rstrip(), {KEY: heading} if heading else {})


def is_visible(text: str) -> bool:
    """Whether a reader would see anything of it: more than white space, control characters and zero-width marks."""
    return _VISIBLE.search(text) is not None


def pack(blocks: Sequence[Block], ruler: Ruler, rules: ChunkRules) -> list[Chunk]:
    """Give the chunks of a text that has been parsed into blocks."""
    packer = _Packer(blocks, ruler, rules)
    room = rules.max_chars - highest_cost(rules)
    for group in _groups(blocks, ruler, room - max(room // 16, 4)):
        packer.add(group)
    packer.flush()
    return packer.chunks


def _groups(blocks: Sequence[Block], ruler: Ruler, bound: int) -> Iterator[Group]:
    """Put headings together with what follows them; headings of more than `bound` units in a row are left behind."""
    outline: list[tuple[int, str]] = []
    path: tuple[str, ...] = ()
    opening: tuple[str, ...] | None = None
    first, taken = 0, 0
    for i, block in enumerate(blocks):
        if opening is None and (block.level <= outline[-1][0] if i > first and outline else not block.level):
            opening = path
        if block.level:
            while outline and outline[-1][0] >= block.level:
                outline.pop()
            outline.append((block.level, block.title))
            path = tuple([title for _, title in outline])
        if block.kind == "heading":
            taken += ruler.size(block.start, block.end)
            if taken <= bound and i + 1 < len(blocks):
                continue
        yield Group(first, i + 1, path if opening is None else opening, path)
        first, taken, opening = i + 1, 0, None


def _section_ends(blocks: Sequence[Block]) -> dict[int, int]:
    """For each heading, the index of the block where its section ends."""
    ends = {}
    nearest = [len(blocks)] * 7
    for i in range(len(blocks) - 1, -1, -1):
        level = blocks[i].level
        if level:
            ends[i] = min(nearest[: level + 1])
            nearest[level] = i
    return ends


def _top_level(blocks: Sequence[Block]) -> int:
    """The smallest level that several headings have; 0 if there is none."""
    levels = [block.level for block in blocks if block.level]
    return next((level for level in range(1, 7) if levels.count(level) > 1), 0)


class _Packer:
    """The chunk that is being filled, and those that are done.

    Positions in units rather than characters: `starts[i]` is where block `i` begins, `ends[i]` where its last visible character ends.
    """

    def __init__(self, blocks: Sequence[Block], ruler: Ruler, rules: ChunkRules) -> None:
        self.chunks: list[Chunk] = []
        self._blocks = blocks
        self._ruler = ruler
        self._rules = rules
        self._starts = list(accumulate([ruler.size(block.start, block.end) for block in blocks], initial=0))
        self._ends = [
            start + ruler.trimmed(block.start, block.end) for start, block in zip(self._starts, blocks, strict=False)
        ]
        self._section_ends = _section_ends(blocks)
        self._top_level = _top_level(blocks)
        self._parts: list[Part] = []
        self._used = 0
        self._heading = ""
        self._room = rules.max_chars

    def add(self, group: Group) -> None:
        """Put a group into the open chunk, or close that and begin another with it."""
        if self._parts and not self._joins(group):
            self.flush()
        first, last = group.first, group.end - 1
        begin, final = self._blocks[first], self._blocks[last]
        needed = self._ends[last] - self._starts[first]
        if not self._parts:
            self._open(group.opening)
            if first and begin.kind != "heading" and self._blocks[first - 1].kind == "prose":
                self._repeat(
                    self._blocks[first - 1].start,
                    begin.start,
                    self._room - needed if needed <= self._room else self._room,
                )
        if self._used + needed <= self._room:
            self._append(Part(begin.start, final.end), self._starts[group.end] - self._starts[first])
            return
        if first < last:
            self._append(Part(begin.start, final.start), self._starts[last] - self._starts[first])
        if final.kind == "fence" and self._ends[last] - self._starts[last] <= self._later_room(group.path):
            self._preview(final, group.path)
        else:
            self._cut(final, group.path)

    def _joins(self, group: Group) -> bool:
        """Whether a group belongs into the open chunk: see the rules at the top of this module."""
        start = self._starts[group.first]
        space = self._room - self._used
        needed = self._ends[group.end - 1] - start
        section_end = self._section_ends.get(group.first)
        if section_end is not None:
            section = max(needed, self._ends[section_end - 1] - start)
            if self._blocks[group.first].level == self._top_level and min(self._used, section) * _TINY > self._room:
                return False
            if section <= space:
                return True
            if 2 * self._used > self._room:
                return False
        block = self._ends[group.end - 1] - self._starts[group.end - 1]
        return needed <= space or (block > self._room and 2 * (space - (needed - block)) >= self._room)

    def _open(self, titles: tuple[str, ...]) -> None:
        self._heading = heading_path(titles, self._rules)
        self._room = self._rules.max_chars - cost(self._heading, self._rules)
        self._used = 0

    def _append(self, part: Part, size: int) -> None:
        self._parts.append(part)
        self._used += size

    def _later_room(self, path: tuple[str, ...]) -> int:
        return self._rules.max_chars - cost(heading_path(path, self._rules), self._rules)

    def _preview(self, fence: Block, path: tuple[str, ...]) -> None:
        """Give a fence whole, in a chunk of its own, and its beginning to the headings that it leaves no space for."""
        space = self._room - self._used
        beginning = next(cut(self._ruler, fence, space, space))
        self._append(beginning, space)
        self.flush()
        self._open(path)
        self._append(Part(fence.start, fence.end), self._ruler.size(fence.start, fence.end))

    def _cut(self, block: Block, path: tuple[str, ...]) -> None:
        """Spread a long block over as many chunks as it takes; the last stays open."""
        later_room = self._later_room(path)
        if block.kind == "prose":
            later_room -= min(self._rules.overlap_chars, later_room // 2)
        for part in cut(self._ruler, block, self._room - self._used, later_room):
            if part.start > block.start:
                self.flush()
                self._open(path)
                if block.kind == "prose":
                    self._repeat(block.start, part.start, self._room)
            around = self._ruler.count(part.before) + self._ruler.count(part.after)
            self._append(part, self._ruler.size(part.start, part.end) + around)

    def _repeat(self, start: int, stop: int, space: int) -> None:
        """Begin a chunk with the end of the prose before it, if there is space for all that the rules ask for."""
        overlap = min(self._rules.overlap_chars, self._room // 2, space)
        if overlap > 0:
            start = tail(self._ruler, start, stop, overlap)
            self._append(Part(start, stop), self._ruler.size(start, stop))

    def flush(self) -> None:
        """Close the open chunk."""
        text = self._ruler.text
        content = "".join([part.before + text[part.start : part.end] + part.after for part in self._parts])
        if is_visible(content):
            self.chunks.append(make_chunk(len(self.chunks), content, self._heading))
        self._parts = []
        self._used = 0
