from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector import SourceDraft, digest
from knowledge_connector_sensay.titles import NAME_CHARS, label_of, retired_of, retired_title, short_name, title_of

MARKS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(st.text(), MARKS, MARKS, st.none() | MARKS, st.integers(1, 9), st.integers(1, 9))
def test_a_title_says_what_was_put_into_it(
    name: str, fingerprint: str, facts: str, revision: str | None, part: int, parts: int
) -> None:
    draft = SourceDraft("a/b.md", name, 1, fingerprint, facts, revision)
    label = label_of(title_of("handbook", draft, part, parts))
    assert label is not None
    assert (label.name, label.owner, label.part) == (short_name(name), "handbook", part)
    version = label.version
    assert (version.external_digest, version.fingerprint, version.parts) == (digest("a/b.md"), fingerprint, parts)
    assert (version.metadata_fingerprint, version.revision_mark) == (facts, revision)
    assert retired_of(title_of("handbook", draft)) is None


@given(st.text())
def test_a_retired_title_says_whose_it_was(name: str) -> None:
    title = retired_title("handbook", short_name(name), digest("x"))
    retired = retired_of(title)
    assert retired is not None
    assert (retired.name, retired.owner, retired.external_digest) == (short_name(name), "handbook", digest("x"))
    assert label_of(title) is None


def test_a_long_name_is_cut_and_the_marks_are_not() -> None:
    draft = SourceDraft("x", "n" * 1000, 1, "f" * 26, "m" * 26, "r" * 26)
    label = label_of(title_of("handbook", draft))
    assert label is not None
    assert (len(label.name), label.version.fingerprint) == (NAME_CHARS, "f" * 26)


def test_what_people_write_is_not_ours() -> None:
    for title in ("", "Travel policy", "[kc-by-handbook]", "[kc-by-handbook x y z - 1/1]", "Price [1/1]"):
        assert label_of(title) is None
        assert retired_of(title) is None
