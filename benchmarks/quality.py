"""What a chunker does with the whole corpus: what it cuts, what it leaves alone, and how fast it is."""

from __future__ import annotations

import re
import statistics
import time
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

from benchmarks.corpus import load
from benchmarks.libraries import MAX_CHARS, is_html, split, to_markdown
from benchmarks.report import table
from knowledge_connector.chunking.plugin import register_chunkers
from knowledge_connector.ports import ChunkRules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from markdown_it.token import Token

    Split = Callable[[str], list[str]]

HEADING_END = re.compile(r" {0,3}(#{1,6}([ \t].*)?|=+|-+)[ \t]*")
"""What the last line of a heading looks like: `## Title`, or the line under a title. Much else does too; then the parser decides."""


QUOTED = re.compile(r"^[ \t>]+", re.MULTILINE)


def quality_markdown(corpora: list[str], cache: Path) -> str:
    """Our chunker beside the plain library, over the given corpora."""
    parser = MarkdownIt("commonmark")
    rows = []
    for corpus in corpora:
        documents = list(_documents(corpus, cache))
        outlines = [_outline(parser, document) for document in documents]
        for name, chunk in _chunkers().items():
            rows.append([corpus, name, *_figures(parser, chunk, documents, outlines)])
    head = [
        "corpus",
        "chunker",
        "chunks",
        "over the limit",
        "fences cut that would have fitted",
        "chunks that end in a heading",
        "median characters",
        "MB/s",
    ]
    return f"### chunks of at most {MAX_CHARS} characters\n\n{table(head, rows)}\n"


def _chunkers() -> Mapping[str, Split]:
    ours = next(each for each in register_chunkers() if each.name == "markdown")()
    rules = ChunkRules(max_chars=MAX_CHARS)
    return {
        "connector": lambda text: [chunk.text for chunk in ours.chunk(text, rules)],
        "semantic-text-splitter": split,
    }


def _documents(corpus: str, cache: Path) -> Iterator[str]:
    root, _ = load(corpus, cache)
    for path in sorted(root.rglob("*")):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            yield to_markdown(text) if is_html(path.name) else text


@dataclass(frozen=True, slots=True)
class _Outline:
    """What must stay together in a document: its fences that fit into a chunk, without white space, and its headings."""

    fences: Counter[str]
    headings: frozenset[str]


def _outline(parser: MarkdownIt, markdown: str) -> _Outline:
    lines = markdown.splitlines(keepends=True)
    tokens = parser.parse(markdown)
    fences = [
        _squashed(token.content)
        for token in tokens
        if token.type == "fence" and token.map and len("".join(lines[slice(*token.map)])) <= MAX_CHARS
    ]
    return _Outline(Counter(filter(None, fences)), frozenset(_headings(tokens)))


def _figures(parser: MarkdownIt, split: Split, documents: list[str], outlines: list[_Outline]) -> list[str]:
    counts: Counter[str] = Counter()
    sizes: list[int] = []
    seconds = 0.0
    for document, outline in zip(documents, outlines, strict=True):
        started = time.perf_counter()
        chunks = split(document)
        seconds += time.perf_counter() - started
        sizes += map(len, chunks)
        counts["oversized"] += sum(len(each) > MAX_CHARS for each in chunks)
        counts["fences"] += _cut(outline.fences, chunks)
        counts["headings"] += sum(_ends_in_heading(parser, each, outline.headings) for each in chunks[:-1])
    speed = sum(len(document.encode()) for document in documents) / 1e6 / seconds
    figures = [len(sizes), counts["oversized"], counts["fences"], counts["headings"], statistics.median(sizes)]
    return [*(f"{figure:,.0f}" for figure in figures), f"{speed:.1f}"]


def _cut(fences: Counter[str], chunks: list[str]) -> int:
    """How many of the fences are whole in no chunk."""
    if not fences:
        return 0
    squashed = [_squashed(chunk) for chunk in chunks]
    return sum(max(0, count - sum(each.count(fence) for each in squashed)) for fence, count in fences.items())


def _ends_in_heading(parser: MarkdownIt, chunk: str, headings: frozenset[str]) -> bool:
    """Whether its last block is one of the document's headings, and not a comment in a piece of code."""
    if not HEADING_END.fullmatch(chunk.rstrip().rpartition("\n")[2]):
        return False
    tokens = parser.parse(chunk)
    return tokens[-1].type == "heading_close" and list(_headings(tokens))[-1] in headings


def _headings(tokens: list[Token]) -> Iterator[str]:
    for opening, title in pairwise(tokens):
        if opening.type == "heading_open" and opening.level == 0:
            yield title.content


def _squashed(text: str) -> str:
    """The text without white space, and without the marks of a quotation that a fence may stand in."""
    return "".join(QUOTED.sub("", text).split())
