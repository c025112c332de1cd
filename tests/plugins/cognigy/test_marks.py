"""How documents are said in tags, data and names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector import DocumentError, SourceDraft, digest
from knowledge_connector_cognigy import marks

DRAFT = SourceDraft(
    external_id="guide/intro.md",
    name="Introduction",
    chunk_count=1,
    fingerprint=digest("text"),
    metadata_fingerprint=digest("metadata"),
    revision_mark=digest("revision"),
    tags=("Größe/XL", "handbook"),
)


@pytest.mark.parametrize(
    ("tag", "written"),
    [
        ("handbook", "handbook"),
        ("Größe/XL", "grosse-xl"),
        ('quo"ted', "quo-ted"),
        ("Crème brûlée", "creme-brulee"),
        ("kc-by-me", "x-kc-by-me"),
        ("KC-fp-x", "x-kc-fp-x"),
        ("手册", f"tag-{digest('手册')[:10]}"),
        ("a_b-c", "a_b-c"),
    ],
)
def test_tags_are_written_in_the_vendors_alphabet(tag: str, written: str) -> None:
    assert marks.tag_for(tag) == written


@given(st.text())
def test_any_tag_becomes_one_that_is_taken_and_no_mark(tag: str) -> None:
    written = marks.tag_for(tag)
    assert re.fullmatch(r"[a-z0-9_-]+", written)
    assert marks.user_tags([written]) == [written]
    assert marks.tag_for(written) == written or tag.casefold().startswith("kc-") or written.startswith("x-kc-")


def test_the_fingerprint_is_the_last_of_all_tags() -> None:
    assert marks.finished_tags("shelf", DRAFT) == [
        "kc-by-shelf",
        f"kc-id-{digest('guide/intro.md')}",
        "grosse-xl",
        "handbook",
        f"kc-rev-{digest('revision')}",
        f"kc-fp-{digest('text')}",
    ]


@given(st.text(), st.text(max_size=300), st.integers(1, 3))
def test_names_are_lines_that_fit_and_differ(title: str, external_id: str, parts: int) -> None:
    draft = SourceDraft(external_id, title, 1, "f", "m")
    names = marks.names_for(draft, parts, parts)
    assert all(0 < len(name) <= 200 and name == " ".join(name.split()) for name in names)
    assert len(names) == 3
    assert names[2] not in names[:2]


def test_a_long_title_is_cut_with_an_ellipsis_and_keeps_its_ending() -> None:
    draft = SourceDraft("id", "word " * 100, 1, "f", "m")
    plain, with_id, _ = marks.names_for(draft, 2, 3)
    assert plain.endswith("… (part 2 of 3)")
    assert with_id.endswith("… (id) (part 2 of 3)")
    assert len(plain) <= 200


def test_metadata_keys_are_written_in_the_vendors_alphabet() -> None:
    data = marks.data_of({"größe": "ü", "2nd": 1, "url": "x", "a b": True, "nan": float("nan")}, reserved={"url"})
    assert data == {"gro_e": "ü", "m_2nd": 1, "m_url": "x", "a_b": True, "nan": "nan"}


@pytest.mark.parametrize("metadata", [{"a b": 1, "a_b": 2}, {"long": "x" * 1001}])
def test_metadata_that_would_lose_something_is_refused(metadata: dict[str, str | int]) -> None:
    with pytest.raises(DocumentError, match="metadata"):
        marks.data_of(metadata)


def test_more_metadata_than_room_is_refused_and_can_be_chosen_from() -> None:
    metadata = {f"key{number}": number for number in range(14)}
    draft = SourceDraft("id", "name", 1, "f", "m", uri="https://example.com", metadata=metadata)
    with pytest.raises(DocumentError, match=r"14 metadata pairs.*13"):
        marks.source_data(draft, None)
    assert marks.source_data(draft, ["key3"]) == {"externalId": "id", "url": "https://example.com", "key3": 3}


def test_ids_that_do_not_fit_stay_out_of_the_data() -> None:
    assert marks.source_data(SourceDraft("x" * 1001, "name", 1, "f", "m"), None) == {}
    assert marks.source_data(SourceDraft("bad\udcff", "name", 1, "f", "m"), None) == {}


@given(st.text(st.characters(), max_size=50))
def test_clean_text_keeps_its_length_and_can_be_sent(text: str) -> None:
    cleaned = marks.clean(text)
    cleaned.encode()
    assert len(cleaned) <= len(text)
    assert "\0" not in cleaned
