"""Blocks are whole lines, and together they are the text."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge_connector.chunking.blocks import Block, leading_titles, parse
from knowledge_connector.chunking.ruler import Ruler
from knowledge_connector.testing.chunker import markdown_texts


def kinds(markdown: str, room: int = 1000) -> list[tuple[str, str]]:
    return [
        (block.kind, markdown[block.start : block.end].strip()) for block in parse(Ruler(markdown, "characters"), room)
    ]


def test_every_kind_of_block_is_seen() -> None:
    blocks = [
        "# Title",
        "Text.",
        "- a\n- b",
        "> quote",
        "```\ncode\n```",
        "    code",
        "| a |\n|---|\n| 1 |",
        "<div>\n</div>",
        "---",
    ]

    assert kinds("\n\n".join(blocks)) == list(
        zip(
            ["heading", "prose", "lines", "lines", "fence", "lines", "table", "lines", "lines"],
            [*blocks[:5], "code", *blocks[6:]],
            strict=True,
        )
    )


def test_long_containers_are_opened() -> None:
    markdown = "- one\n  - two\n\n    ```\n    code\n    ```\n- three\n"

    assert kinds(markdown) == [("lines", markdown.strip())]
    assert kinds(markdown, room=1) == [
        ("prose", "- one"),
        ("prose", "- two"),
        ("fence", "```\n    code\n    ```"),
        ("prose", "- three"),
    ]


def test_text_behind_a_fence_in_a_tight_item_is_a_block_of_its_own() -> None:
    assert kinds("- a\n  ```\n  x\n  ```\n  b", room=1) == [
        ("prose", "- a"),
        ("fence", "```\n  x\n  ```"),
        ("prose", "b"),
    ]


def test_headings_in_quotes_open_no_section() -> None:
    assert [block.level for block in parse(Ruler("> # A\n\n## B", "characters"), 1)] == [0, 2]


def test_characters_beyond_ascii_do_not_move_the_borders() -> None:
    assert kinds("# é 😀\n\n<é>\n\n- ü") == [("heading", "# é 😀"), ("prose", "<é>"), ("lines", "- ü")]


def test_leading_titles_end_where_a_heading_is_not_deeper() -> None:
    assert leading_titles("# A\n\n### B\n\n## C\n\nText.") == ["A", "B"]
    assert leading_titles("Text.\n\n# A") == []


@settings(deadline=None)
@given(markdown_texts().map(lambda text: text.replace("\r", "")), st.sampled_from([1, 40, 1000]))
def test_blocks_are_the_text(markdown: str, room: int) -> None:
    blocks = parse(Ruler(markdown, "characters"), room)

    assert [block.start for block in blocks[1:]] == [block.end for block in blocks[:-1]]
    assert (blocks[0].start, blocks[-1].end) == (0, len(markdown))
    assert all(markdown[block.start - 1] == "\n" for block in blocks[1:])
    assert all(block.start < block.end for block in blocks) or blocks == [Block(0, 0, "lines")]
