"""Cutting a block that is too long for one chunk.

Prose is cut behind sentences, then words, then grapheme clusters, by the Unicode rules and dictionaries (Thai, Chinese, Japanese …) of
semantic-text-splitter; everything else between lines first. The splitter is shown one chunk's worth of text at a time: over a
whole text without spaces it takes quadratic time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knowledge_connector.chunking.blocks import Block
    from knowledge_connector.chunking.ruler import Ruler

_LOOKAHEAD: Final = 64
"""Characters behind the last possible cut that the splitter is shown, so that it knows whether a word ends there."""

_FENCE: Final = re.compile(r"^([^\n`~]*)(`{3,}|~{3,})[^\n]*", re.MULTILINE)
_MARKER: Final = re.compile(r"[^\s>]")


class Part(NamedTuple):
    """A stretch of the text, and what is said again around it: the header of a table, the fence of a code block."""

    start: int
    end: int
    before: str = ""
    after: str = ""


class _Frame(NamedTuple):
    """What goes around the parts of one block. Parts but the last end before `inner_end`; `last` follows the last part."""

    inner_end: int
    before: str = ""
    after: str = ""
    last: str = ""


def cut(ruler: Ruler, block: Block, first: int, room: int) -> Iterator[Part]:
    """Give a block in parts of at most `room` units each, and of `first` units for the first."""
    text = ruler.text
    frame = _frame(ruler, block, min(first, room) // 2)
    visible_end = block.start + len(text[block.start : block.end].rstrip())
    start, before, space = block.start, "", first
    while True:
        space -= ruler.count(before)
        if ruler.reach(start, space - ruler.count(frame.last)) >= visible_end:
            yield Part(start, block.end, before, frame.last)
            return
        stop = max(start + 1, min(ruler.reach(start, space - ruler.count(frame.after)), frame.inner_end))
        end = border(text, start, stop, prose=block.kind == "prose")
        on_own_line = text.endswith("\n", start, end)
        yield Part(start, end, before, frame.after.removeprefix("\n") if on_own_line else frame.after)
        start, before, space = end, frame.before, room


def border(text: str, start: int, stop: int, *, prose: bool) -> int:
    """The best place to cut behind `start` and up to `stop`, in the farther half if there is one there.

    Prose may be cut one space behind `stop`: it then ends a part, and is stripped.
    """
    half = (start + stop + 1) // 2
    at = start
    if not prose:
        at = text.rfind("\n\n", half, stop) + 2
        if at < half:
            at = text.rfind("\n", start, stop) + 1 or start
    while at < half:
        at += len(split(text[at : stop + _LOOKAHEAD], stop - at)[0])
    return at + 1 if prose and text.startswith(" ", at) else at


def split(text: str, room: int) -> list[str]:
    """Pieces of at most `room` characters that are together as long as the text; lines count as joined."""
    from semantic_text_splitter import TextSplitter  # most documents have no block that is too long

    flat = text.replace("\n", " ").encode("utf-8", "replace").decode("utf-8")
    return TextSplitter(room, trim=False).chunks(flat)


def tail(ruler: Ruler, start: int, stop: int, room: int) -> int:
    """Where the last words or sentences between two positions begin, as many as `room` units hold; `stop` if none fits."""
    earliest = max(start, stop - room)
    pieces = split(ruler.text[earliest:stop], max(room // 4, 1))
    begin = stop
    for piece in reversed(pieces[0 if earliest == start else 1 :]):
        if ruler.size(begin - len(piece), stop) > room:
            break
        begin -= len(piece)
    return begin + 1 if ruler.text.startswith(" ", begin, stop) else begin


def _frame(ruler: Ruler, block: Block, bound: int) -> _Frame:
    """The frame of a block; none if it would take more than `bound` units."""
    frame = _Frame(block.end)
    if block.kind == "fence":
        frame = _fence_frame(ruler.text, block)
    elif block.kind == "table":
        frame = _table_frame(ruler.text, block)
    taken = ruler.count(frame.before) + ruler.count(frame.after)
    return frame if taken <= bound else _Frame(block.end)


def _fence_frame(text: str, block: Block) -> _Frame:
    opening = _FENCE.search(text, block.start, block.end)
    if opening is None:  # pragma: no cover  # the parser saw one
        return _Frame(block.end)
    indent, fence = _continued(opening[1]), opening[2]
    before = f"{indent}{opening[0][len(opening[1]) :]}\n"
    after = f"\n{indent}{fence}\n"
    inner_end = block.start + len(text[block.start : block.end].rstrip())
    closing = text.rfind("\n", opening.end(), inner_end)
    last_line = text[closing + 1 : inner_end].lstrip(" \t>")
    if closing < 0 or len(last_line) < len(fence) or last_line.strip(fence[0]):
        return _Frame(block.end, before, after, after)
    return _Frame(closing, before, after)


def _table_frame(text: str, block: Block) -> _Frame:
    header, _, rest = text[block.start : block.end].partition("\n")
    delimiter = rest.partition("\n")[0]
    prefix = len(header) - len(header.lstrip(" \t>-+*.)0123456789"))
    return _Frame(block.end, f"{_continued(header[:prefix])}{header[prefix:]}\n{delimiter}\n")


def _continued(prefix: str) -> str:
    """What stands before the following lines of a block where `prefix` stands before its first: quotes stay, bullets become spaces."""
    return _MARKER.sub(" ", prefix)
