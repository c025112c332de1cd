from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector.chunking.markdown import MarkdownChunker
from knowledge_connector.kit.pages import MAX_PAGE, has_pages, page_mark, with_pages, without_marks
from knowledge_connector.model import Chunk
from knowledge_connector.ports import ChunkRules


def pages_of(*texts: str) -> list[tuple[str, object, object]]:
    chunks = [Chunk(ordinal, text) for ordinal, text in enumerate(texts)]
    return [(chunk.text, chunk.metadata["firstPage"], chunk.metadata["lastPage"]) for chunk in with_pages(chunks)]


ONE, TWO, THREE = page_mark(1), page_mark(2), page_mark(3)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([f"{ONE}a"], [("a", 1, 1)]),
        ([f"{THREE}a"], [("a", 3, 3)]),
        ([f"{ONE}a {TWO}b"], [("a b", 1, 2)]),
        ([f"{ONE}a", "b", f"{TWO}c"], [("a", 1, 1), ("b", 1, 1), ("c", 2, 2)]),
        ([f"{ONE}a {TWO}", "b"], [("a ", 1, 1), ("b", 2, 2)]),
        ([f"{ONE}{TWO}a"], [("a", 2, 2)]),
        ([f"{ONE}\n\n# A\n\n{TWO}\n\n# B"], [("# A\n\n# B", 1, 2)]),
        ([f"{ONE}a", f"{TWO}", "b"], [("a", 1, 1), ("b", 2, 2)]),
        ([f"{ONE}a {TWO}b", f"{TWO}b c"], [("a b", 1, 2), ("b c", 2, 2)]),
        (
            [f"|{ONE}h|\n|-|\n|{TWO}x|", f"|{ONE}h|\n|-|\n|{THREE}y|"],
            [("|h|\n|-|\n|x|", 1, 2), ("|h|\n|-|\n|y|", 2, 3)],
        ),
        ([f"{page_mark(MAX_PAGE + 5)}a"], [("a", MAX_PAGE, MAX_PAGE)]),
    ],
)
def test_a_chunk_says_on_which_pages_it_stands(texts: list[str], expected: list[tuple[str, object, object]]) -> None:
    assert pages_of(*texts) == expected


def test_ordinals_have_no_gap_where_a_chunk_was_nothing_but_marks() -> None:
    chunks = [Chunk(0, f"{ONE}a"), Chunk(1, TWO), Chunk(2, f"{THREE}b")]
    assert [chunk.ordinal for chunk in with_pages(chunks)] == [0, 1]


def test_marks_leave_the_heading_path() -> None:
    [chunk] = with_pages([Chunk(0, f"# {ONE}Title", {"heading": f"{ONE}Title", "rows": 3})])
    assert chunk.metadata == {"heading": "Title", "rows": 3, "firstPage": 1, "lastPage": 1}


def test_only_a_text_that_begins_with_a_mark_has_pages() -> None:
    assert has_pages(f"{ONE}text")
    assert not has_pages(f"text {ONE}")
    assert not has_pages("")


def test_what_an_author_wrote_is_not_taken_for_a_mark() -> None:
    assert without_marks(f"a{TWO}b\ue000") == "ab\ue000"


@given(st.lists(st.text("abc \n#|", min_size=1, max_size=80), min_size=1, max_size=12), st.integers(20, 200))
def test_pages_rise_and_no_letter_is_lost(pages: list[str], max_chars: int) -> None:
    """Through the real chunker: whatever stands on the pages."""
    text = "\n\n".join(page_mark(number) + page for number, page in enumerate(pages, 1))
    chunks = list(with_pages(MarkdownChunker().chunk(text, ChunkRules(max_chars=max_chars))))
    spans = [(int(chunk.metadata["firstPage"]), int(chunk.metadata["lastPage"])) for chunk in chunks]
    flat = [number for span in spans for number in span]
    assert flat == sorted(flat)
    assert all(1 <= number <= len(pages) for number in flat)
    assert not any(page_mark(number) in chunk.text for chunk in chunks for number in range(1, len(pages) + 1))
    for number, page in enumerate(pages, 1):
        for letter in set(page) & set("abc"):
            assert any(
                letter in chunk.text
                for chunk, (first, last) in zip(chunks, spans, strict=True)
                if first <= number <= last
            )
