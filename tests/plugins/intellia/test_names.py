"""File names carry the memory: what goes in comes out, however odd the title."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector import DocumentError
from knowledge_connector.model import Chunk, digest
from knowledge_connector.testing.drafts import draft_of
from knowledge_connector_intellia.names import MAX_BYTES, clean, file_name, label_of

DRAFT = draft_of("a/b.md", [Chunk(0, "text")], name="Travel policy")


def test_a_name_reads_well() -> None:
    name = file_name("handbook", DRAFT, "abcdefgh07")
    assert name.startswith("Travel policy.kc-handbook.")
    assert name.endswith(".1.abcdefgh07.md")


@given(title=st.text(), owner=st.from_regex(r"[a-z0-9][a-z0-9_-]{0,39}", fullmatch=True))
def test_marks_survive_any_title(title: str, owner: str) -> None:
    draft = draft_of("a/b.md", [Chunk(0, "text")], name=title)
    name = file_name(owner, draft, "abcdefgh07")
    assert len(name.encode()) <= MAX_BYTES
    assert not set(name) & set('/\\:*?"<>|\n\0')
    label = label_of(name)
    assert label is not None
    assert (label.owner, label.external_digest, label.chunk_count) == (owner, digest("a/b.md"), 1)
    assert (label.fingerprint, label.metadata_fingerprint) == (draft.fingerprint, draft.metadata_fingerprint)
    assert (label.revision_mark, label.attempt) == (draft.revision_mark, "abcdefgh07")
    assert label.title == clean(title) or label.title.endswith("…")


@pytest.mark.parametrize("mark", [None, "-", "2026-01-01T00:00:00.000Z", "a b/c%d", "größe"])
def test_marks_of_any_kind(mark: str | None) -> None:
    draft = draft_of("a", [], fingerprint=mark or "x", revision_mark=mark)
    label = label_of(file_name("docs", draft, "a00"))
    assert label is not None
    assert (label.fingerprint, label.revision_mark) == (mark or "x", mark)


def test_long_titles_are_cut() -> None:
    name = file_name("docs", draft_of("a", [], name="ü" * 300), "abcdefgh07")
    label = label_of(name)
    assert label is not None
    assert label.title.lstrip("ü") == "…"
    assert MAX_BYTES - 2 < len(name.encode()) <= MAX_BYTES


def test_marks_that_leave_no_room_are_refused() -> None:
    with pytest.raises(DocumentError, match="file name of") as caught:
        file_name("docs", draft_of("a", [], fingerprint="x" * 200), "abcdefgh07")
    assert caught.value.code == "name-too-long"


def test_a_title_cannot_pose_as_another_owner() -> None:
    forged = file_name("other", DRAFT, "abcdefgh00")
    label = label_of(file_name("docs", draft_of("a", [], name=forged[:100]), "abcdefgh01"))
    assert label is not None
    assert label.owner == "docs"


@pytest.mark.parametrize("name", ["By hand.md", "x.kc-docs.md", "", file_name("docs", DRAFT, "a00") + ".bak"])
def test_other_names_are_foreign(name: str) -> None:
    assert label_of(name) is None
