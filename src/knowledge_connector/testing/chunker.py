"""What every chunker must answer. Subclass, override one fixture, inherit the questions.

class TestMine(ChunkerContract):
    @pytest.fixture
    def chunker(self) -> Chunker:
        return MyChunker()
"""

# questions speak through their names, as tests do

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge_connector.errors import ConfigError
from knowledge_connector.model import Chunk, Unit, length
from knowledge_connector.ports import Chunker, ChunkRules

SCRIPTS: dict[str, str] = {
    "latin": "Plain words, and more of them. ",
    "accents": "Größe über alles; naïve café! ",
    "arabic": "هذه جملة أولى. هل هذه جملة ثانية؟ ",
    "chinese": "這是一個很長的句子，沒有空格。第二句！",
    "thai": "ภาษาไทยเป็นภาษาที่มีระดับเสียงของคำแน่นอน ",
    "emoji": "👨‍👩‍👧‍👦 and 🇩🇪 ",
    "combining marks": "e\u0301\u0323" * 5 + " ",
    "no spaces": "x" * 90,
}
"""Stretches of text in several scripts, with and without spaces."""

_PURE = (  # a chunker keeps nothing, so examples may share it, and so may the classes that inherit a question
    HealthCheck.too_slow,
    HealthCheck.function_scoped_fixture,
    HealthCheck.differing_executors,
)
_STRETCHES = tuple(SCRIPTS.values())

HOSTILE: dict[str, Callable[[int], str]] = {
    "one line": lambda size: "word " * (size // 5),
    "no spaces": lambda size: "x" * size,
    "combining marks": lambda size: "a" + "\u0301" * size,
    "list items": lambda size: "- a\n" * (size // 4),
    "empty items": lambda size: "-\n" * (size // 2),
    "nested quotes": lambda size: "> " * (size // 2) + "a",
    "nested lists": lambda size: "1. " * (size // 3) + "a",
    "nested quotes, lazy lines": lambda size: "> " * (size // 4) + "a\n" + "b\n" * (size // 4),
    "backticks": lambda size: "`" * size,
    "brackets": lambda size: "[" * size,
    "stars": lambda size: "**a *b " * (size // 7),
    "headings": lambda size: "# a\n" * (size // 4),
    "one heading": lambda size: "# " + "h" * size,
    "table rows": lambda size: "|a|b|\n|-|-|\n" + "|1|2|\n" * (size // 6),
    "table columns": lambda size: "|a" * (size // 4) + "|\n" + "|-" * (size // 4) + "|\n",
    "open fence": lambda size: "```\n" + "code\n" * (size // 5),
    "fence of one line": lambda size: "# a\n\n```py\n" + "c" * size + "\n```",
    "link definitions": lambda size: "[a]: b\n" * (size // 7),
    "NULs": lambda size: "\0a\n" * (size // 3),
    "open comments": lambda size: "<!-- " * (size // 5),
}
"""Texts that have brought parsers and splitters to their knees, by name, of about so many characters."""


def prose() -> st.SearchStrategy[str]:
    """Sentences in several scripts, some of them long, some of any characters whatever."""
    return st.lists(st.sampled_from(_STRETCHES) | st.text(max_size=20), min_size=1, max_size=12).map("".join)


def markdown_texts() -> st.SearchStrategy[str]:
    """Markdown-like texts: headings, paragraphs, nested lists, quotes, tables, fences closed and open, HTML, and noise."""
    line = st.sampled_from(_STRETCHES) | st.text(max_size=30)
    lines = st.lists(line, min_size=1, max_size=12)
    block = st.one_of(
        prose(),
        st.builds(lambda level, title: f"{'#' * level} {title}", st.integers(1, 6), line),
        st.builds(lambda title, mark: f"{title}\n{mark * 8}", line, st.sampled_from("=-~^")),
        lines.map(lambda items: "\n".join([f"{'  ' * (i % 3)}- {item}" for i, item in enumerate(items)])),
        lines.map(lambda items: "\n".join([f"> {item}" for item in items])),
        lines.map(lambda rows: "| a | b |\n|---|---|\n" + "\n".join([f"| {row} | x |" for row in rows])),
        st.builds(lambda mark, code: "\n".join([f"{mark}py", *code, mark]), st.sampled_from(["```", "~~~~"]), lines),
        lines.map(lambda code: "```\n" + "\n".join(code)),
        lines.map(lambda code: "- item\n\n  ```sh\n" + "\n".join([f"  {row}" for row in code]) + "\n  ```"),
        st.sampled_from(["<div>\n<p>", "</div>", "---", "[a]: /b", "    code", "\t", "\0", "|", "\r", "﻿"]),
    )
    return st.lists(block, max_size=12).flatmap(
        lambda blocks: st.sampled_from(["\n\n", "\n"]).map(lambda gap: gap.join(blocks))
    )


def chunk_rules() -> st.SearchStrategy[ChunkRules]:
    """Rules of every unit, from tiny chunks to roomy ones."""
    return st.builds(
        ChunkRules,
        max_chars=st.sampled_from([16, 40, 150, 400, 2000]),
        overlap_chars=st.sampled_from([0, 0, 10, 15]),
        unit=st.sampled_from(["characters", "utf-16", "bytes"]),
        counts_metadata=st.booleans(),
    )


def sizes(chunks: Iterable[Chunk], rules: ChunkRules) -> list[int]:
    """What each chunk takes, in the rules' unit, with its metadata if that counts."""
    return [
        length(chunk.text, rules.unit)
        + sum(length(f"{key}{value}", rules.unit) for key, value in chunk.metadata.items() if rules.counts_metadata)
        for chunk in chunks
    ]


def missing(text: str, chunks: Sequence[Chunk]) -> str:
    """What of the text's visible characters is not in the chunks in order, from the first that is missing; empty if all are."""
    held = iter("".join([chunk.text for chunk in chunks]))
    visible = [character for character in text if character.isprintable() and not character.isspace()]
    for position, character in enumerate(visible):
        if character not in held:  # consumes what comes before it
            return "".join(visible[position:])
    return ""


class ChunkerContract:
    """The questions."""

    seconds_per_megabyte: ClassVar[float] = 20.0
    """How long the worst text may take; far above what a linear chunker needs, far below what a quadratic one does."""

    @pytest.fixture
    def chunker(self) -> Chunker:
        """The chunker under test; a pure function, so all questions may share it."""
        raise NotImplementedError("override the fixture `chunker`")

    def test_has_a_name_and_a_version(self, chunker: Chunker) -> None:
        assert chunker.name
        assert chunker.version

    @settings(max_examples=200, deadline=None, suppress_health_check=_PURE)
    @given(text=markdown_texts(), rules=chunk_rules())
    def test_chunks_are_bounded_complete_and_in_order(self, chunker: Chunker, text: str, rules: ChunkRules) -> None:
        chunks = chunker.chunk(text, rules)

        assert max(sizes(chunks, rules), default=0) <= rules.max_chars
        assert missing(text, chunks) == ""
        assert [chunk.ordinal for chunk in chunks] == list(range(len(chunks)))
        assert all(chunk.text.strip() for chunk in chunks)
        assert chunker.chunk(text, rules) == chunks

    @pytest.mark.parametrize("unit", ["characters", "utf-16", "bytes"])
    @pytest.mark.parametrize("script", SCRIPTS)
    def test_is_bounded_in_every_script_and_unit(self, chunker: Chunker, script: str, unit: Unit) -> None:
        rules = ChunkRules(max_chars=100, unit=unit)
        text = SCRIPTS[script] * 50

        chunks = chunker.chunk(text, rules)

        assert max(sizes(chunks, rules)) <= rules.max_chars
        assert missing(text, chunks) == ""

    @pytest.mark.parametrize("text", ["", " ", "\n\n\t\r\n", "\u00a0\u3000", "\ufeff", "\u200b\u200b"])
    def test_a_text_without_a_visible_character_has_no_chunk(self, chunker: Chunker, text: str) -> None:
        assert chunker.chunk(text, ChunkRules()) == []

    def test_a_short_text_is_one_chunk(self, chunker: Chunker) -> None:
        assert [chunk.text for chunk in chunker.chunk("One.\n\nTwo.\n", ChunkRules())] == ["One.\n\nTwo."]

    def test_grapheme_clusters_stay_whole(self, chunker: Chunker) -> None:
        family = "👨‍👩‍👧‍👦"

        chunks = chunker.chunk(family * 100, ChunkRules(max_chars=40))

        assert {chunk.text.replace(family, "") for chunk in chunks} == {""}

    def test_a_larger_overlap_than_a_chunk_is_refused(self, chunker: Chunker) -> None:
        with pytest.raises(ConfigError, match="overlap_chars is 100"):
            chunker.chunk("text", ChunkRules(max_chars=100, overlap_chars=100))

    @pytest.mark.parametrize("name", HOSTILE)
    def test_a_hostile_text_is_bounded_in_size_and_time(self, chunker: Chunker, name: str) -> None:
        text = HOSTILE[name](200_000)
        rules = ChunkRules()

        begun = time.process_time()
        chunks = chunker.chunk(text, rules)
        seconds = time.process_time() - begun

        assert max(sizes(chunks, rules)) <= rules.max_chars
        assert missing(text, chunks) == ""
        assert seconds < self.seconds_per_megabyte * len(text) / 1_000_000
