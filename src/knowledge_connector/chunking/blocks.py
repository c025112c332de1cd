"""Where the blocks of a Markdown text begin, by a CommonMark parse with tables.

The parser is pyromark, a binding of pulldown-cmark: a pull parser without recursion whose events carry source positions. The text
itself is never changed; a block is a stretch of whole lines of it, and the blocks together are the text.

Reference: CommonMark 0.31, section 3, for what blocks there are; GitHub Flavored Markdown, section 4.10, for tables.
"""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from pyromark import Markdown, Options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from knowledge_connector.chunking.ruler import Ruler

Kind = Literal["heading", "prose", "lines", "fence", "table"]
"""How a block is cut if it must be: `lines` stands for what is best cut between lines (lists, HTML, indented code)."""

_KINDS: Final[dict[str, Kind]] = {
    "Heading": "heading",
    "Paragraph": "prose",
    "CodeBlock": "fence",
    "Table": "table",
    "HtmlBlock": "lines",
    "Rule": "lines",
    "List": "lines",
    "Item": "lines",
    "BlockQuote": "lines",
}
_CONTAINERS: Final = frozenset({"List", "Item", "BlockQuote"})

_DEEP_NESTING: Final = re.compile(r"\n([ \t>*+.)0-9-]{200})([ \t>*+.)0-9-]+)")
_LINK_DEFINITION: Final = re.compile(r"\n([ \t>]*)\[(?=[^\]\n]+\]:)")
_TAG_LOOKALIKE: Final = re.compile("<(?=[^\x00-\x7f])")
_TILDES: Final = re.compile(r"^ {0,3}~{4,}(?=[ \t]*$)", re.MULTILINE)
_SPACES: Final = re.compile(r"\s+")

_NOTHING: Final[tuple[int, Kind, int, str]] = (0, "lines", 0, "")

_parser = Markdown(options=Options.ENABLE_TABLES)


class Block(NamedTuple):
    """A stretch of whole lines. `level` and `title` are those of a heading that opens a section, else 0 and empty.

    A heading without a title, with several lines, or inside a list or quote opens none.
    """

    start: int
    end: int
    kind: Kind
    level: int = 0
    title: str = ""


def parse(ruler: Ruler, room: int) -> list[Block]:
    r"""Give the blocks in reading order; together they are the text.

    A list or quote is one block unless it takes more than half of `room`: then its items and paragraphs are the blocks, down to where
    they are short enough or hold nothing smaller.

    Args:
        ruler: Measures the text, whose lines end in `\n`.
        room: What a chunk can hold, in the ruler's units.
    """
    text = ruler.text

    def is_long(start: int, end: int) -> bool:
        return 2 * ruler.size(start, end) > room

    parseable = _parseable(text)
    blocks = _with_ends(_starts(text, parseable, is_long), len(text))
    underlines = [i for i, block in enumerate(blocks) if block.kind == "fence" and _is_underline(text, block.start)]
    long = [blocks[i] for i in underlines if ruler.trimmed(blocks[i].start, blocks[i].end) > room]
    if long:
        return _with_ends(_starts(text, _as_headings(parseable, long), is_long), len(text))
    for i in underlines:
        blocks[i - 1] = blocks[i - 1]._replace(kind="heading")
    return blocks


def leading_titles(text: str) -> list[str]:
    """Titles of the headings that a text begins with, as long as each is deeper than the one before."""
    titles: list[str] = []
    deepest = 0
    for _, _, level, title in _starts(text, _parseable(text), lambda _start, _end: False):
        if level <= deepest:
            break
        titles.append(title)
        deepest = level
    return titles


def _with_ends(starts: Iterator[tuple[int, Kind, int, str]], end: int) -> list[Block]:
    """Let each block end where the next begins; the first takes what is before it."""
    blocks = []
    begin, (_, kind, level, title) = 0, next(starts, _NOTHING)
    for line, next_kind, next_level, next_title in starts:
        blocks.append(Block(begin, line, kind, level, title))
        begin, kind, level, title = line, next_kind, next_level, next_title
    blocks.append(Block(begin, end, kind, level, title))
    return blocks


def _starts(text: str, parseable: str, is_long: Callable[[int, int], bool]) -> Iterator[tuple[int, Kind, int, str]]:
    """The blocks without their ends: the line on which each begins, kind, level and title.

    The parser gives the text of tight items without a paragraph around it, so inline events outside any block make one.
    """
    events: Iterator[tuple[Any, Any]] = _parser.events_with_range(parseable, merge_text=True)
    opened = -1  # the line of the first container that was opened since the last block
    inside = 0  # where the outermost opened container ends
    in_prose = False
    for event, span in events:
        if "End" in event:
            continue
        tag = event["Start"] if "Start" in event else event  # noqa: SIM401  # an event may be a string
        name = tag if isinstance(tag, str) else next(iter(tag))
        kind = _KINDS.get(name)
        if kind is None and in_prose:
            continue
        start = span["start"]
        if opened < 0:
            opened = text.rfind("\n", 0, start) + 1
        if name in _CONTAINERS and is_long(start, span["end"]):
            inside = max(inside, span["end"])
            in_prose = False
            continue
        line, opened = opened, -1
        if kind == "heading":
            title = _title(events, text)
            level = int(tag["Heading"]["level"][1]) if title and start >= inside else 0
            yield line, kind, level, title
        else:
            if kind is not None and name != "Rule":
                _skip(events, name, tag, span)
            if kind == "fence" and tag["CodeBlock"] == "Indented":
                kind = "lines"
            yield line, kind or "prose", 0, ""
        in_prose = kind is None


def _skip(events: Iterator[tuple[Any, Any]], name: str, tag: Any, span: Any) -> None:
    """Go on behind the end of the block that has just begun: one search in C, since most events are of no interest here."""
    end: Any = name
    if name == "List":
        end = {"List": tag["List"] is not None}
    elif name == "BlockQuote":
        end = tag
    operator.indexOf(events, ({"End": end}, span))


def _title(events: Iterator[tuple[Any, Any]], text: str) -> str:
    """What a reader sees of a heading; nothing if it has several lines, which is rather a paragraph above a dashed line."""
    words = []
    lines = 1
    for event, span in events:
        if "Text" in event or "Code" in event:
            words.append(text[span["start"] : span["end"]].strip("`" if "Code" in event else ""))
        elif event in ("SoftBreak", "HardBreak"):
            lines += 1
        elif "End" in event and "Heading" in event["End"]:
            break
    return _SPACES.sub(" ", "".join(words)).strip() if lines == 1 else ""


def _is_underline(text: str, start: int) -> bool:
    """Whether a fence of tildes underlines the line above it, as reStructuredText and AsciiDoc write headings.

    To CommonMark two such headings and all between them are one block of code. It is left at that where the block fits into a chunk,
    only that the line above counts as a heading, and stays with it.
    """
    above = text[text.rfind("\n", 0, max(start - 1, 0)) + 1 : max(start - 1, 0)]
    return above.strip() != "" and _TILDES.match(text, start) is not None


def _as_headings(parseable: str, underlined: list[Block]) -> str:
    """Underline with hyphens what is underlined with tildes in these blocks, so that it reads as a Markdown heading."""
    pieces = []
    done = 0
    for start, end, *_ in underlined:
        pieces += [parseable[done:start], _TILDES.sub(lambda found: "-" * len(found[0]), parseable[start:end])]
        done = end
    return "".join([*pieces, parseable[done:]])


def _parseable(text: str) -> str:
    """A text with the same blocks at the same positions, which the parser counts in bytes: one byte for each character.

    Link definitions become paragraphs, since the parser gives no event for them. Nesting beyond a hundred levels or so is blanked out:
    every CommonMark parser pays for it on each following line.
    """
    if not text.isascii():
        text = _TAG_LOOKALIKE.sub(",", text).encode("ascii", "replace").decode("ascii")
    text = _LINK_DEFINITION.sub(r"\n\1,", "\n" + text)
    return _DEEP_NESTING.sub(lambda found: f"\n{found[1]}{' ' * len(found[2])}", text)[1:]
