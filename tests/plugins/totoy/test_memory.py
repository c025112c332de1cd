"""What the sync writes into `custom_metadata`, and reads back."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector import DocumentError, SourceDraft, digest
from knowledge_connector_totoy import memory
from knowledge_connector_totoy.config import MAX_METADATA_KEYS, TotoyConfig
from knowledge_connector_totoy.pieces import fields_of, parts_of

BASE = "kb_" + "a" * 25


def draft(**changes: object) -> SourceDraft:
    fields: dict[str, object] = {
        "external_id": "a/b.md",
        "name": "Name",
        "chunk_count": 1,
        "fingerprint": digest("text"),
        "metadata_fingerprint": digest("metadata"),
        "revision_mark": digest("revision"),
        **changes,
    }
    return SourceDraft(**fields)  # type: ignore[arg-type]  # as the class itself: checked when it runs


def config(**options: object) -> TotoyConfig:
    return TotoyConfig.model_validate({"knowledge_base": "x", "api_key": "x", **options})


@given(st.text(), st.lists(st.text(), max_size=5), st.one_of(st.none(), st.just(digest("r"))), st.integers(1, 99))
def test_what_is_written_is_read_back(external_id: str, tags: list[str], revision: str | None, part: int) -> None:
    written = draft(external_id=external_id, tags=tuple(tags), revision_mark=revision)
    marks = memory.marks_of(written, "key", BASE).of_part(part, 99)
    pairs = json.loads(json.dumps(memory.write_pairs("docs", written, marks), ensure_ascii=False).encode())
    assert memory.read_marks(pairs, "docs") == marks
    assert memory.read_tags(pairs) == tuple(memory.sendable(tag) for tag in tags)
    assert memory.read_external_id(pairs, marks) == (
        external_id if memory.sendable(external_id) == external_id else None
    )


def test_an_id_that_json_cannot_carry_is_known_by_its_digest() -> None:
    odd = draft(external_id="half \ud83d")
    pairs = memory.write_pairs("docs", odd, memory.marks_of(odd, "key", BASE))
    marks = memory.read_marks(pairs, "docs")
    assert marks is not None
    assert (marks.digest, memory.read_external_id(pairs, marks)) == (digest("half \ud83d"), None)


def test_pairs_are_always_the_same_and_never_more_than_ten() -> None:
    keys = tuple(f"key{number}" for number in range(MAX_METADATA_KEYS))
    full = draft(metadata=dict.fromkeys(keys, 1), updated_at=datetime(2026, 1, 1, tzinfo=UTC), tags=("a",))
    written = [memory.write_pairs("docs", one, memory.marks_of(one, "key", BASE), keys) for one in (full, draft())]
    assert written[0].keys() == written[1].keys()
    assert len(written[0]) == 10
    assert {written[0][key] for key in keys} == {"1"}
    assert {written[1][key] for key in (*keys, "updated_at")} == {""}


@pytest.mark.parametrize(
    "pairs",
    [
        {},
        {"managed_by": "kc-by-other"},
        {"managed_by": "kc-by-docs"},
        {"managed_by": "kc-by-docs", "fingerprint": "x", "sync_state": "made by hand"},
        {"managed_by": "kc-by-docs", "fingerprint": "x", "sync_state": f"key 1 1 {BASE} a b c"},
        {"managed_by": "kc-by-docs", "sync_state": f"key 1/1 1 {BASE} a b c"},
        {"managed_by": 1, "sync_state": None},
    ],
)
def test_what_others_wrote_is_nobodys(pairs: dict[str, object]) -> None:
    assert memory.read_marks(pairs, "docs") is None


@pytest.mark.parametrize("tags", ["by hand", "3", '{"a": 1}', None])
def test_tags_that_somebody_changed_are_none(tags: object) -> None:
    assert memory.read_tags({"tags": tags}) == ()


@given(st.text(max_size=60), st.integers(2, 20))
def test_parts_together_are_the_text(text: str, max_chars: int) -> None:
    parts = list(parts_of(text, max_chars))
    assert "".join(parts) == text
    assert all(len(part) <= max_chars for part in parts)
    assert len(parts) == 1 or all(parts)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("aaaaa\n\nb\ncc dd", ["aaaaa\n\n", "b\ncc dd"]),
        ("aaaa bb\ncc dd", ["aaaa bb\n", "cc dd"]),
        ("aaaa bbbb cccc", ["aaaa bbbb ", "cccc"]),
        ("aaaaaaaaaaaa", ["aaaaaaaaaa", "aa"]),
    ],
)
def test_texts_are_cut_where_paragraphs_lines_or_words_end(text: str, parts: list[str]) -> None:
    assert list(parts_of(text, 10)) == parts


def fields(written: SourceDraft, **options: object) -> dict[str, object]:
    return dict(fields_of("docs", written, memory.marks_of(written, "key", BASE), config(**options)))


def test_title_and_link_fit() -> None:
    found = fields(draft(name="n" * 600, uri="https://example.com/" + "x" * 600))
    assert found["title"] == "n" * 511 + "…"
    assert found["backlink"] == ""
    assert fields(draft(uri="https://example.com/"))["backlink"] == "https://example.com/"


def test_later_parts_say_so_in_their_title() -> None:
    marks = memory.marks_of(draft(), "key", BASE)
    titles = [fields_of("docs", draft(), marks.of_part(part, 2), config())["title"] for part in (1, 2)]
    assert titles == ["Name", "Name (2/2)"]


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-12-31", "2026-12-31T00:00:00+00:00"),
        ("2026-12-31T10:00:00Z", "2026-12-31T10:00:00+00:00"),
        ("2026-12-31T10:00:00+02:00", "2026-12-31T10:00:00+02:00"),
        ("", None),
    ],
)
def test_validity_dates_come_from_the_metadata(value: str, moment: str | None) -> None:
    found = fields(draft(metadata={"valid_from": value, "expires": value}), valid_until_key="expires")
    assert (found["valid_from"], found["valid_until"]) == (moment, moment)


def test_without_dates_a_source_is_always_valid() -> None:
    found = fields(draft())
    assert (found["valid_from"], found["valid_until"]) == (None, None)


@pytest.mark.parametrize("value", ["soon", 3, True])
def test_what_is_no_date_fails_the_document(value: object) -> None:
    with pytest.raises(DocumentError, match="'valid_from' is no ISO 8601") as caught:
        fields(draft(metadata={"valid_from": value}))
    assert caught.value.code == "bad-date"


def test_the_description_may_be_kept_like_metadata() -> None:
    written = draft(description="About it", metadata={"author": "A"})
    pairs = fields(written, metadata_keys=["author", "description"])["custom_metadata"]
    assert isinstance(pairs, dict)
    assert (pairs["author"], pairs["description"]) == ("A", "About it")


@pytest.mark.parametrize("keys", [["tags"], ["a", "b", "c", "d", "e"]])
def test_metadata_keys_leave_room_for_the_syncs_own(keys: list[str]) -> None:
    with pytest.raises(ValueError, match="metadata_keys"):
        config(metadata_keys=keys)


def test_the_names_that_the_configuration_refuses_are_those_of_the_memory() -> None:
    for name in memory.write_pairs("docs", draft(), memory.marks_of(draft(), "key", BASE)):
        with pytest.raises(ValueError, match=name):
            config(metadata_keys=[name])
