"""What target sessions gather between `begin` and `commit`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector import Chunk, DocumentError, SourceDraft
from knowledge_connector.kit.gathering import Gathered, Gathering


def _draft(chunk_count: int) -> SourceDraft:
    return SourceDraft("guide.md", "Guide", chunk_count, "fp", "mfp")


def _gathering(chunk_count: int) -> Gathering[Gathered]:
    gathering = Gathering[Gathered]()
    gathering["s1"] = Gathered(_draft(chunk_count))
    return gathering


@given(st.lists(st.integers(0, 20), min_size=1))
def test_chunks_come_in_any_order_and_again_and_count_once(ordinals: list[int]) -> None:
    gathering = _gathering(len(set(ordinals)))
    for ordinal in ordinals:
        gathering.add("s1", Chunk(ordinal, f"text {ordinal}"))
    assert [chunk.ordinal for chunk in gathering["s1"].whole()] == sorted(set(ordinals))


def test_what_came_first_under_a_number_stays() -> None:
    gathering = _gathering(1)
    gathering.add("s1", Chunk(0, "first"))
    gathering.add("s1", Chunk(0, "second"))
    assert gathering["s1"].text() == "first"


def test_chunks_do_not_run_into_each_other() -> None:
    gathering = _gathering(2)
    for ordinal, text in enumerate(["# Looms", "They weave."]):
        gathering.add("s1", Chunk(ordinal, text))
    assert gathering["s1"].text() == "# Looms\n\nThey weave."


@pytest.mark.parametrize("announced", [0, 2])
def test_a_wrong_number_of_chunks_is_no_document(announced: int) -> None:
    gathering = _gathering(announced)
    gathering.add("s1", Chunk(0, "text"))
    with pytest.raises(DocumentError, match=f"1 chunks landed where {announced} were announced") as caught:
        gathering["s1"].text()
    assert (caught.value.code, caught.value.document_id) == ("chunk-count", "guide.md")


def test_what_was_taken_takes_no_more() -> None:
    gathering = _gathering(1)
    assert gathering.take("s1").draft.name == "Guide"
    with pytest.raises(DocumentError, match="s1 is not there any more") as caught:
        gathering.add("s1", Chunk(0, "late"))
    assert caught.value.code == "source-gone"
    with pytest.raises(DocumentError):
        gathering.take("s1")
