"""What the Markdown chunker keeps together, and how it cuts what it must."""

from __future__ import annotations

import pytest

from knowledge_connector.chunking.markdown import MarkdownChunker
from knowledge_connector.errors import ConfigError
from knowledge_connector.model import Chunk
from knowledge_connector.ports import ChunkRules


def chunk(markdown: str, max_chars: int = 200, **rules: object) -> list[Chunk]:
    return MarkdownChunker().chunk(markdown, ChunkRules(max_chars, **rules))  # type: ignore[arg-type]  # keywords of ChunkRules


def texts(markdown: str, max_chars: int = 200) -> list[str]:
    return [piece.text for piece in chunk(markdown, max_chars)]


def headings(markdown: str, max_chars: int = 200) -> list[object]:
    return [piece.metadata.get("heading") for piece in chunk(markdown, max_chars)]


def words(count: int) -> str:
    return " ".join([f"word{number}" for number in range(count)]) + "."


def code(count: int) -> str:
    return "\n".join([f"line_{number} = {number}" for number in range(count)])


def test_a_chunk_bears_the_path_of_its_first_block_and_of_deeper_headings_behind_it() -> None:
    markdown = f"# Guide\n\n## Setup\n\n{words(20)}\n\n### Linux\n\n{words(20)}\n\n## Use\n\n{words(20)}\n"

    assert headings(markdown) == ["Guide › Setup", "Guide › Setup › Linux", "Guide › Use"]


def test_text_before_the_first_heading_has_no_path() -> None:
    assert chunk("Just text.") == [Chunk(0, "Just text.", {})]
    assert headings(f"{words(20)}\n\n# A\n\n{words(20)}") == [None, "A"]


def test_a_path_is_what_a_reader_sees_of_the_headings() -> None:
    assert headings("# The *big* [Guide](http://example.com) to `run()`\n\nText.") == ["The big Guide to run()"]
    assert headings("Größe **eins**\n==============\n\nText.") == ["Größe eins"]


def test_small_sections_of_one_parent_share_a_chunk() -> None:
    markdown = "# Guide\n\n" + "".join([f"## Part {number}\n\nShort text.\n\n" for number in range(12)])

    first, second = texts(markdown)

    assert len(first) > 180
    assert second.startswith("## Part ")


def test_top_level_sections_share_a_chunk_only_if_one_is_tiny() -> None:
    large, tiny = words(10), "Tiny."

    assert headings(f"# A\n\n{large}\n\n# B\n\n{large}\n\n# C\n\n{tiny}\n\n# D\n\n{large}") == ["A", "B", "D"]


def test_a_section_that_fits_into_a_chunk_of_its_own_is_not_torn() -> None:
    first, second = f"## A\n\n{words(18)}", f"## B\n\n{words(5)}\n\n{words(6)}"

    assert texts(f"# T\n\n{first}\n\n{second}") == [f"# T\n\n{first}", second]


def test_a_heading_stays_with_what_follows_it() -> None:
    pieces = texts(f"{words(15)}\n\n{words(5)}\n\n## Next\n\n### Deeper\n\n{words(20)}")

    assert [piece.splitlines()[-1].startswith("#") for piece in pieces] == [False, False]


def test_a_heading_stays_with_the_beginning_of_what_is_too_long() -> None:
    pieces = texts(f"## Next\n\n{words(60)}")

    assert pieces[0].startswith("## Next\n\nword0 word1")
    assert max(map(len, pieces)) <= 200


def test_a_fence_that_fits_is_never_cut() -> None:
    fence = f"```python\n{code(14)}\n```"

    assert fence in texts(f"# A\n\n{words(15)}\n\n{fence}\n\n{words(15)}", max_chars=len(fence))


def test_a_fence_that_fits_without_its_heading_comes_whole_behind_its_beginning() -> None:
    fence = f"```python\n{code(14)}\n```"

    first, second = texts(f"## A\n\n{fence}", max_chars=len(fence))

    assert first.startswith("## A\n\n```python\nline_0 = 0\n")
    assert first.endswith("\n```")
    assert second == fence


def test_a_longer_fence_is_closed_and_opened_again() -> None:
    pieces = texts(f"````python title=x\n{code(40)}\n````")

    assert len(pieces) > 2
    assert {piece.splitlines()[0] for piece in pieces} == {"````python title=x"}
    assert {piece.splitlines()[-1] for piece in pieces} == {"````"}
    assert "\n".join(["\n".join(piece.splitlines()[1:-1]) for piece in pieces]) == code(40)


def test_a_fence_in_a_list_keeps_its_indentation() -> None:
    indented = "\n".join([f"  {line}" for line in code(40).splitlines()])

    pieces = texts(f"- ```sh\n{indented}\n  ```\n")

    assert pieces[0].startswith("- ```sh\n  line_0 = 0\n")
    assert {piece.splitlines()[0] for piece in pieces[1:]} == {"  ```sh"}
    assert {piece.splitlines()[-1] for piece in pieces} == {"  ```"}


def test_the_parts_of_an_open_fence_are_closed() -> None:
    assert {piece.splitlines()[-1] for piece in texts(f"```\n{code(40)}")} == {"```"}


def test_link_definitions_behind_a_fence_do_not_belong_to_it() -> None:
    fence = f"```\n{code(10)}\n```"

    assert fence in texts(f"{fence}\n\n[one]: https://example.com/{'a' * 60}\n[two]: https://example.com/{'b' * 60}\n")


def test_a_long_table_has_its_header_in_every_chunk() -> None:
    rows = [f"| {number} | value {number} |" for number in range(40)]

    pieces = texts("| key | value |\n|-----|-------|\n" + "\n".join(rows))

    assert {tuple(piece.splitlines()[:2]) for piece in pieces} == {("| key | value |", "|-----|-------|")}
    assert [row for piece in pieces for row in piece.splitlines()[2:]] == rows


def test_a_quoted_table_stays_quoted() -> None:
    rows = [f"> | {number} | value {number} |" for number in range(40)]

    pieces = texts("> | key | value |\n> |-----|-------|\n" + "\n".join(rows))

    assert {tuple(piece.splitlines()[:2]) for piece in pieces} == {("> | key | value |", "> |-----|-------|")}


def test_list_items_stay_whole() -> None:
    items = [f"- {words(8)}\n  - {words(3)}" for _ in range(10)]

    pieces = texts("\n".join(items))

    assert len(pieces) == 5
    assert "\n".join(pieces).split("\n- ") == "\n".join(items).split("\n- ")


def test_a_long_item_is_cut_between_its_paragraphs() -> None:
    item = f"1. {words(12)}\n\n   {words(12)}\n\n   {words(12)}"

    assert [len(piece.strip().splitlines()) for piece in texts(item)] == [3, 1]


def test_prose_is_cut_behind_sentences_and_lines_do_not_matter() -> None:
    sentence = "This is one of many\nsentences here. "

    pieces = texts(sentence * 20)

    assert len(pieces) == 4
    assert {piece[-5:] for piece in pieces} == {"here."}


def test_prose_without_sentences_is_cut_between_words() -> None:
    pieces = texts(words(100))

    assert " ".join(pieces) == words(100)
    assert min(map(len, pieces[:-1])) > 180


def test_thai_words_stay_whole() -> None:
    assert all(piece.startswith(("ภาษา", "ไทย")) for piece in texts("ภาษาไทย" * 40, max_chars=30))


def test_a_hard_cut_does_not_break_graphemes() -> None:
    grapheme = "e\u0301\u0323"

    assert all(len(piece) % 3 == 0 for piece in texts(grapheme * 300))


def test_a_grapheme_that_is_longer_than_a_chunk_is_cut() -> None:
    text = "a" + "\u0301" * 500

    assert "".join(texts(text)) == text


def test_the_overlap_repeats_the_end_of_the_prose_before() -> None:
    first, second, *_ = chunk("One sentence is here. " * 30, overlap_chars=50)

    assert second.text.startswith("One sentence is here. One sentence is here. ")
    assert len(first.text) <= 200
    repeated = "".join([piece.text for piece in chunk("One sentence is here. " * 30, overlap_chars=50)])
    assert repeated.count("One") > 30


def test_the_overlap_does_not_reach_into_another_section() -> None:
    first, second = chunk(f"## A\n\n{words(20)}\n\n## B\n\n{words(20)}", overlap_chars=50)

    assert second.text == f"## B\n\n{words(20)}"
    assert first.text.endswith("word19.")


def test_the_overlap_yields_to_what_fits_only_alone() -> None:
    fence = f"```\n{code(14)}\n```"

    assert [piece.text for piece in chunk(f"{words(20)}\n\n{fence}", len(fence), overlap_chars=50)][-1] == fence


def test_a_heading_path_counts_where_metadata_does() -> None:
    markdown = f"# {words(6)}\n\n{words(100)}"

    chunks = chunk(markdown, counts_metadata=True)

    sizes = [len(piece.text) + sum(len(f"{key}{value}") for key, value in piece.metadata.items()) for piece in chunks]
    assert 150 < max(sizes) <= 200


def test_a_long_heading_path_loses_its_outer_titles_first() -> None:
    (only,) = chunk(f"# {'a' * 200}\n\n## {'b' * 200}", 2000)

    assert only.metadata["heading"] == "… › " + "b" * 200


def test_a_long_title_is_cut_between_words() -> None:
    (only,) = chunk(f"# a\n\n## {words(100)}", 2000)

    path = str(only.metadata["heading"])
    assert words(100).startswith(path.removesuffix("…") + " ")
    assert 290 < len(path) <= 300


def test_a_tiny_chunk_has_no_space_for_a_path() -> None:
    assert [piece.metadata for piece in chunk("# A\n\nSome text.", 40, counts_metadata=True)] == [{}]


def test_headings_underlined_with_tildes_cut_a_text_that_is_too_long() -> None:
    section = f"Part\n~~~~~~~~\n\n{words(40)}\n\n"

    assert set(headings(section * 4)) == {"Part"}


def test_a_line_underlined_with_tildes_stays_with_its_underline() -> None:
    pieces = texts(f"{words(20)}\n\nPart\n~~~~~~~~\n\n{words(8)}\n\nPart\n~~~~~~~~\n")

    assert pieces[0] == words(20)


def test_a_dashed_line_below_a_paragraph_is_no_heading_path() -> None:
    assert headings("Several lines\nof text.\n--------\n\nMore.") == [None]


def test_all_kinds_of_line_ends_are_read() -> None:
    assert texts("# A\r\n\r\nText.\rMore.") == ["# A\n\nText.\nMore."]


def test_lone_surrogates_are_kept() -> None:
    text = "broken \udc80 name " * 30

    assert " ".join(texts(text)).replace(" ", "") == text.replace(" ", "")


def test_blank_lines_around_a_text_are_left_out_and_indentation_is_kept() -> None:
    assert texts("\n \n    code\n\n") == ["    code"]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (ChunkRules(max_chars=15), "max_chars is 15; a chunk needs at least 16"),
        (ChunkRules(max_chars=100, overlap_chars=-1), "overlap_chars is -1; it must be at least 0"),
    ],
)
def test_rules_that_cannot_be_kept_are_refused(rules: ChunkRules, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MarkdownChunker().chunk("text", rules)
