"""File names and tags carry what we must know later."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from knowledge_connector import SourceDraft, digest
from knowledge_connector_genesys.emulator_world import check_file_name
from knowledge_connector_genesys.names import (
    MAX_LENGTH,
    escape,
    external_id_of,
    file_name,
    is_ours,
    marks_in,
    tags_of,
    unescape,
)

ids = st.text(st.characters(), min_size=1, max_size=300)


@given(ids)
@example("a//b")
@example("..")
@example("/")
@example("x/")
@example("=41")
@example("half \ud83d of a pair")
def test_every_id_has_a_name_that_the_vendor_takes(id_: str) -> None:
    name = file_name("docs", id_)
    assert check_file_name(name) == name
    assert len(name) <= MAX_LENGTH
    assert "//" not in name
    assert not any(part.startswith(".") for part in name.removesuffix(".md").split("/"))
    assert is_ours("docs", name)
    assert not is_ours("doc", name)
    assert external_id_of("docs", name) in {id_, None}


@given(ids, ids)
def test_different_ids_have_different_names(one: str, other: str) -> None:
    assert (file_name("docs", one) == file_name("docs", other)) == (one == other)


@pytest.mark.parametrize(
    ("id_", "name"),
    [
        ("handbook/holidays.md", "docs/handbook/holidays.md.md"),
        ("Größe & Co", "docs/Gr=C3=B6=C3=9Fe=20=26=20Co.md"),
        (".env", "docs/=2Eenv.md"),
        ("a~b=c", "docs/a=7Eb=3Dc.md"),
    ],
)
def test_names_are_legible(id_: str, name: str) -> None:
    assert file_name("docs", id_) == name
    assert external_id_of("docs", name) == id_


def test_long_ids_are_cut_and_told_apart_by_a_digest() -> None:
    names = {file_name("docs", "ü" * 100 + end) for end in ("", "x", "y")}
    assert len(names) == 3
    assert file_name("docs", "ü" * 100).endswith(f"=={digest('ü' * 100)}.md")
    assert {external_id_of("docs", name) for name in names} == {None}


@given(st.text())
def test_escaping_can_be_undone(text: str) -> None:
    assert unescape(escape(text)) == text


@given(
    ids, st.text(max_size=100), st.none() | st.text(min_size=1), st.lists(st.sampled_from(["handbook", "größe", "kc"]))
)
def test_marks_are_read_back(id_: str, name: str, revision: str | None, tags: list[str]) -> None:
    draft = SourceDraft(id_, name, 1, "fingerprint", "meta data", revision, tags=tuple(tags))
    marks = marks_in(tags_of("docs", draft), "docs")
    assert marks is not None
    assert (marks.external_digest, marks.fingerprint, marks.metadata_fingerprint) == (
        digest(id_),
        "fingerprint",
        "meta data",
    )
    assert (marks.name, marks.revision_mark, marks.tags) == (name, revision, tuple(tags))
    assert marks_in(tags_of("docs", draft), "doc") is None


def test_a_tag_of_a_user_cannot_pose_as_a_mark() -> None:
    draft = SourceDraft("id", "name", 1, "fingerprint", "meta data", tags=("kc-fp-forged", "kc-by-other"))
    marks = marks_in(tags_of("docs", draft), "docs")
    assert marks is not None
    assert marks.fingerprint == "fingerprint"
    assert marks_in(tags_of("docs", draft), "other") is None


def test_tags_without_all_marks_are_not_ours() -> None:
    assert marks_in(["handbook"], "docs") is None
    assert marks_in(["kc-by-docs", "kc-id-x"], "docs") is None
