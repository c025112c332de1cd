"""What the embedded target promises beyond the port: the index is right after every flush, and little is rewritten."""

import os
import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge_connector.errors import DocumentError
from knowledge_connector.model import Chunk, StoredSource, digest
from knowledge_connector.ports import TargetSession
from knowledge_connector.targets.sqlite import SqliteTarget, SqliteTargetConfig
from knowledge_connector.targets.sqlite.session import SPILL_CHUNKS
from knowledge_connector.testing.drafts import draft_of, write


@pytest.fixture
def target(tmp_path: Path) -> Iterator[SqliteTarget]:
    target = SqliteTarget(SqliteTargetConfig(path=tmp_path / "knowledge.db"))
    yield target
    if target.config.path.exists():
        assert_sound(target.config.path)


def assert_sound(path: Path) -> None:
    """The file is whole, and the index agrees with the text word by word (it raises if not)."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        db.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")


def chunks_of(*texts: str) -> list[Chunk]:
    return [Chunk(ordinal, text) for ordinal, text in enumerate(texts)]


def numbers(target: SqliteTarget) -> dict[str, int]:
    with closing(sqlite3.connect(target.config.path)) as db:
        return dict(db.execute("SELECT text, id FROM chunks"))


def found(target: SqliteTarget, query: str) -> set[str]:
    return {hit.text for hit in target.search(query)}


def test_looking_leaves_no_trace(target: SqliteTarget) -> None:
    with target.open("docs", fence=1) as session:
        assert (list(session.sources()), session.token(), session.read("1")) == ([], None, None)
        session.flush()
        session.discard()
    assert list(target.config.path.parent.iterdir()) == []


def test_unchanged_chunks_are_not_written_again(target: SqliteTarget) -> None:
    before = chunks_of("apple", "pear", "plum", "fig")
    after = chunks_of("quince", "pear", "fig", "apple")
    with target.open("docs", fence=1) as session:
        old = write(session, draft_of("d", before), before)
        session.flush()
        first = numbers(target)
        new = write(session, draft_of("d", after, replaces=old), after)
        session.flush()
        stored = session.read(new)
    second = numbers(target)
    assert {text: second[text] for text in ("apple", "pear", "fig")} == {
        text: first[text] for text in ("apple", "pear", "fig")
    }
    assert stored is not None
    assert stored.chunks == tuple(after)
    assert (found(target, "plum"), found(target, "quince"), found(target, "fig")) == (set(), {"quince"}, {"fig"})


def test_a_chunk_with_other_metadata_is_another_chunk(target: SqliteTarget) -> None:
    before, after = [Chunk(0, "apple", {"page": 1})], [Chunk(0, "apple", {"page": 2})]
    with target.open("docs", fence=1) as session:
        old = write(session, draft_of("d", before), before)
        session.flush()
        stored = session.read(write(session, draft_of("d", after, replaces=old), after))
        session.flush()
    assert stored is not None
    assert stored.chunks == tuple(after)


@pytest.mark.parametrize("at_once", [True, False], ids=["one flush", "two flushes"])
def test_a_new_name_is_found_and_the_old_is_not(target: SqliteTarget, at_once: bool) -> None:
    chunks = chunks_of("apple", "pear")
    with target.open("docs", fence=1) as session:
        source_id = write(session, draft_of("d", chunks, name="Orchard"), chunks)
        if not at_once:
            session.flush()
        session.retag(source_id, draft_of("d", chunks, name="Garden"))
        session.flush()
        assert (found(target, "orchard"), found(target, "garden")) == (set(), {"apple", "pear"})
        write(session, draft_of("d", chunks, name="Meadow", replaces=source_id), chunks)
        session.flush()
    assert (found(target, "garden"), found(target, "meadow apple")) == (set(), {"apple"})


def test_retag_without_a_new_name_leaves_index_and_chunks_alone(target: SqliteTarget) -> None:
    chunks = chunks_of(*(f"text {number}" for number in range(200)))
    with target.open("docs", fence=1) as session:
        source_id = write(session, draft_of("d", chunks), chunks)
        session.flush()
        with closing(sqlite3.connect(target.config.path)) as db:
            index = db.execute("SELECT * FROM words_data ORDER BY id").fetchall()
            session.retag(source_id, draft_of("d", chunks, tags=("x",), uri="https://example.com"))
            session.flush()
            assert db.execute("SELECT * FROM words_data ORDER BY id").fetchall() == index


def test_one_transaction_may_write_replace_and_delete(target: SqliteTarget) -> None:
    one, two = chunks_of("apple", "pear"), chunks_of("apple", "fig")
    with target.open("docs", fence=1) as session:
        first = write(session, draft_of("a", one), one)
        write(session, draft_of("a", two, replaces=first), two)
        session.delete(write(session, draft_of("b", one), one))
        session.flush()
    assert (found(target, "apple"), found(target, "pear"), found(target, "fig")) == ({"apple"}, set(), {"fig"})


def test_two_successors_of_one_source_do_not_share_its_chunks(target: SqliteTarget) -> None:
    chunks = chunks_of("apple", "pear")
    with target.open("docs", fence=1) as session:
        old = write(session, draft_of("d", chunks), chunks)
        session.flush()
        drafts = [replace(draft_of(name, chunks, replaces=old), name="Name of d") for name in ("one", "two")]
        ids = [session.begin(draft) for draft in drafts]
        for source_id in ids:
            for chunk in chunks:
                session.add(source_id, chunk)
        session.commit(ids[0])
        with pytest.raises(DocumentError, match="0 chunks landed where 2 were announced"):
            session.commit(ids[1])
        session.flush()
        assert [source.source_id for source in session.sources()] == [ids[0]]


def test_what_was_not_begun_or_is_gone_takes_nothing(target: SqliteTarget) -> None:
    chunks = chunks_of("apple")
    with target.open("docs", fence=1) as session:
        with pytest.raises(DocumentError, match="is not there any more"):
            session.add("1", chunks[0])
        with pytest.raises(DocumentError, match="is not there any more"):
            session.commit("1")
        with pytest.raises(DocumentError, match="is not there any more"):
            session.retag("x", draft_of("d", chunks))


def test_what_was_not_flushed_is_forgotten(target: SqliteTarget) -> None:
    chunks = chunks_of("apple")
    with target.open("docs", fence=1) as session:
        write(session, draft_of("d", chunks), chunks)
    with target.open("docs", fence=1) as session:
        assert list(session.sources()) == []


def test_beginning_again_forgets_the_abandoned_attempt(target: SqliteTarget) -> None:
    chunks = chunks_of("apple", "pear")
    with target.open("docs", fence=1) as session:
        session.add(session.begin(draft_of("d", chunks)), chunks[0])
        source_id = write(session, draft_of("d", chunks), chunks)
        session.flush()
        assert [source.source_id for source in session.sources()] == [source_id]


def test_a_huge_source_does_not_stay_in_memory(target: SqliteTarget) -> None:
    count = 30 * SPILL_CHUNKS
    draft = replace(draft_of("huge", []), chunk_count=count)
    tracemalloc.start()
    try:
        with target.open("docs", fence=1) as session:
            write(session, draft, (Chunk(ordinal, f"{ordinal} " + "word " * 300) for ordinal in range(count)))
            session.flush()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3e6 < count * 1500


def test_other_owners_writes_do_not_matter(target: SqliteTarget) -> None:
    chunks = chunks_of("apple")
    with target.open("docs", fence=5) as docs, target.open("wiki", fence=1) as wiki:
        for number in range(3):
            for session in (docs, wiki):
                write(session, draft_of(f"d{number}", chunks), chunks)
                session.flush()
    assert len(list(target.holdings())) == 6


def test_fences_may_start_again(target: SqliteTarget) -> None:
    """The state store was deleted: leases count from 1 again, and the user is not locked out."""
    for fence in (7, 1):
        with target.open("docs", fence=fence) as session:
            write(session, draft_of(f"d{fence}", []), [])
            session.flush()
    assert len(list(target.holdings())) == 2


def test_ids_and_tokens_do_not_come_back_after_a_discard(target: SqliteTarget) -> None:
    with target.open("docs", fence=1) as session:
        first = write(session, draft_of("d", []), [])
        session.discard()
        assert write(session, draft_of("d", []), []) != first


def test_a_file_name_that_is_not_utf8_keeps_its_identity(target: SqliteTarget) -> None:
    name = os.fsdecode(b"caf\xe9/\xff.md")
    with target.open("docs", fence=1) as session:
        source_id = write(session, draft_of(name, chunks_of("apple"), name=name, tags=(name,)), chunks_of("apple"))
        session.flush()
        (source,) = session.sources()
        stored = session.read(source_id)
    assert (source.external_id, source.external_digest) == (name, digest(name))
    assert stored is not None
    assert (stored.draft.external_id, stored.draft.tags) == (name, ("caf\ufffd/\ufffd.md",))
    (hit,) = target.search("apple", tags=[name])
    assert (hit.external_id, hit.title) == (name, "caf\ufffd/\ufffd.md")


WORDS = st.sampled_from(["ash", "beech", "cedar", "doum", "elm", "\U0001f600", "größe", "NUL\0", "数据库"])
TEXTS = st.lists(st.lists(WORDS, min_size=1, max_size=3).map(" ".join), max_size=4)
STEPS = st.tuples(
    st.sampled_from(["put", "put", "rename", "delete", "flush", "discard", "abandon"]),
    st.sampled_from("abc"),
    st.sampled_from(["Oak", "Pine"]),
    TEXTS,
)


@settings(deadline=None, max_examples=60)
@given(st.lists(STEPS, max_size=25))
def test_any_story_ends_as_told(steps: list[tuple[str, str, str, list[str]]]) -> None:
    with TemporaryDirectory() as folder:
        target = SqliteTarget(SqliteTargetConfig(path=Path(folder) / "knowledge.db"))
        durable: dict[str, StoredSource] = {}
        now: dict[str, StoredSource] = {}
        with target.open("docs", fence=1) as session:
            for action, external_id, name, texts in [*steps, ("flush", "", "", [])]:
                tell(session, now, action, external_id, name, texts)
                if action == "discard":
                    now = dict(durable)
                if action == "flush":
                    durable = dict(now)
        if target.config.path.exists():
            assert_sound(target.config.path)
            check_against(target, durable)


def tell(
    session: TargetSession, now: dict[str, StoredSource], action: str, external_id: str, name: str, texts: list[str]
) -> None:
    ids = {source.external_id: source.source_id for source in session.sources() if source.committed}
    chunks = chunks_of(*texts)
    draft = draft_of(external_id, chunks, name=name)
    if action == "put":
        write(session, replace(draft, replaces=ids.get(external_id)), chunks)
        now[external_id] = StoredSource(draft, tuple(chunks))
    elif action == "rename" and external_id in ids:
        renamed = replace(now[external_id].draft, name=name)
        session.retag(ids[external_id], renamed)
        now[external_id] = replace(now[external_id], draft=renamed)
    elif action == "delete":
        session.delete(ids.get(external_id, "1"))
        now.pop(external_id, None)
    elif action == "abandon" and chunks:
        session.add(session.begin(draft), chunks[0])
    elif action == "flush":
        session.flush()
    elif action == "discard":
        session.discard()


def check_against(target: SqliteTarget, told: dict[str, StoredSource]) -> None:
    with target.open("docs", fence=1) as session:
        held = {source.external_id: source for source in session.sources() if source.committed}
        assert {key: session.read(source.source_id) for key, source in held.items()} == told
    for word in ("ash", "oak", "größe"):
        expected = {
            (stored.draft.external_id, chunk.ordinal)
            for stored in told.values()
            for chunk in stored.chunks
            if word in f"{stored.draft.name} {chunk.text}".lower().split()
        }
        hits = target.search(word, limit=100)
        assert sorted((hit.external_id, hit.text) for hit in hits) == sorted(
            (external_id, told[external_id].chunks[ordinal].text) for external_id, ordinal in expected
        )
