"""What every target must answer. Subclass, override one fixture, inherit the questions.

    class TestShelf(TargetContract):
        @pytest.fixture
        def target(self) -> Target:
            return ShelfTarget(ShelfConfig(base_url=...))

Everything is asked through the port, on owners of its own; a target that starts with other owners' sources is fine.
"""

# questions speak through their names, as tests do

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from threading import Event
from typing import ClassVar

import pytest

from knowledge_connector.errors import DocumentError, FatalError
from knowledge_connector.model import Chunk, KnowledgeSource, StoredSource, Unit, digest
from knowledge_connector.ports import Target, TargetSession
from knowledge_connector.testing.drafts import ODD_TEXTS, OWNER, draft_of, tell_until_killed, write

OTHER = "contract-other"

Reader = Callable[[], Sequence[KnowledgeSource]]

_WIDTH: dict[Unit, int] = {"characters": 1, "utf-16": 2, "bytes": 4}


class TargetContract:
    """The questions. Class attributes say what kind of target is asked."""

    survives_kill: ClassVar[bool] = False
    """Set it if the target keeps what was flushed when the process dies; the target object must then be picklable."""

    refuses_overtaken: ClassVar[bool] = False
    """Set it if a session is refused once a later lease has written to the same owner's sources."""

    many: ClassVar[int] = 10_000
    """Sources in the listing; fewer for an emulator that is slow."""

    @pytest.fixture
    def target(self) -> Target:
        """The target under test, empty of the owners asked here."""
        raise NotImplementedError("override the fixture `target`")

    @pytest.fixture
    def reader(self, target: Target) -> Reader:
        """What others see of the owner's sources: override it where they do not look through the port."""

        def committed() -> Sequence[KnowledgeSource]:
            return self.listed(target)

        return committed

    def listed(self, target: Target, owner: str = OWNER) -> list[KnowledgeSource]:
        """The committed sources of an owner, as a session that begins now sees them."""
        with target.open(owner, fence=1) as session:
            return [source for source in session.sources() if source.committed]

    def chunks(self, target: Target, *texts: str) -> list[Chunk]:
        """Chunks of these texts; one of them all where the target takes whole documents."""
        if target.grain == "document":
            return [Chunk(0, "\n\n".join(texts))]
        return [Chunk(ordinal, text, {"heading": "A › B"}) for ordinal, text in enumerate(texts)]

    def test_options_are_described(self, target: Target) -> None:
        fields = type(target.config).model_fields
        assert [name for name, field in fields.items() if not field.description] == []

    def test_limits_make_sense(self, target: Target) -> None:
        limits = target.limits
        assert min(limits.max_chars, limits.batch, limits.concurrency) >= 1

    def test_check_finds_nothing_wrong(self, target: Target) -> None:
        assert [finding for finding in target.check() if not finding.ok] == []

    def test_holds_nothing_at_first(self, target: Target) -> None:
        with target.open(OWNER, fence=1) as session:
            assert list(session.sources()) == []
            assert session.read("1") is None

    def test_what_was_written_is_listed(self, target: Target) -> None:
        chunks = self.chunks(target, "one", "two", "three")
        draft = draft_of("a/b c.md", chunks, uri="https://example.com/b")
        with target.open(OWNER, fence=1) as session:
            source_id = write(session, draft, chunks)
            session.flush()
        (source,) = self.listed(target)
        assert (source.source_id, source.external_digest) == (source_id, digest("a/b c.md"))
        assert (source.name, source.fingerprint, source.chunk_count) == (draft.name, draft.fingerprint, len(chunks))
        assert source.external_id in {"a/b c.md", None}
        assert source.revision_mark in {draft.revision_mark, None}
        assert source.metadata_fingerprint in {draft.metadata_fingerprint, None}

    def test_a_source_without_chunks_is_a_source(self, target: Target) -> None:
        if target.grain == "document":
            pytest.skip("takes one file per document, never none")
        with target.open(OWNER, fence=1) as session:
            write(session, draft_of("empty", []), [])
            session.flush()
        assert [source.chunk_count for source in self.listed(target)] == [0]

    def test_half_a_source_is_unfinished_or_not_there(self, target: Target) -> None:
        chunks = self.chunks(target, "one", "two")
        with target.open(OWNER, fence=1) as session:
            session.add(session.begin(draft_of("half", chunks)), chunks[0])
            session.flush()
        assert self.listed(target) == []

    def test_a_source_may_take_several_flushes(self, target: Target) -> None:
        chunks = self.chunks(target, "one", "two")
        with target.open(OWNER, fence=1) as session:
            old = write(session, draft_of("d", chunks), chunks)
            session.flush()
            newer = [*chunks, Chunk(len(chunks), "three")] if target.grain == "chunk" else chunks
            source_id = session.begin(draft_of("d", newer, replaces=old))
            for chunk in newer:
                session.add(source_id, chunk)
                session.flush()
            session.commit(source_id)
            session.flush()
            stored = session.read(source_id)
        assert [source.source_id for source in self.listed(target)] == [source_id]
        assert stored is None or stored.chunks == tuple(newer)

    @pytest.mark.parametrize("announced", [1, 3])
    def test_the_count_of_chunks_is_checked(self, target: Target, announced: int) -> None:
        if target.grain == "document":
            pytest.skip("takes one file per document and counts its own chunks")
        chunks = self.chunks(target, "one", "two")
        with target.open(OWNER, fence=1) as session:
            source_id = session.begin(draft_of("d", chunks, chunk_count=announced))
            for chunk in chunks:
                session.add(source_id, chunk)
            with pytest.raises(DocumentError):
                session.commit(source_id)
            session.flush()
        assert self.listed(target) == []

    def test_a_miscounted_successor_leaves_the_old_version(self, target: Target) -> None:
        if target.grain == "document":
            pytest.skip("takes one file per document and counts its own chunks")
        chunks = self.chunks(target, "one", "two")
        with target.open(OWNER, fence=1) as session:
            old = write(session, draft_of("d", chunks), chunks)
            session.flush()
            with pytest.raises(DocumentError):
                write(session, draft_of("d", chunks, replaces=old, chunk_count=9), chunks)
            session.flush()
            stored = session.read(old)
        assert [source.source_id for source in self.listed(target)] == [old]
        assert stored is None or stored.chunks == tuple(chunks)

    def test_retag_touches_no_chunk(self, target: Target) -> None:
        if not target.limits.can_retag:
            pytest.skip("the target cannot change a source without writing it again")
        chunks = self.chunks(target, "one", "two")
        first = draft_of("old/place.md", chunks)
        place = "new/place.md" if target.limits.can_rename else first.external_id
        after = draft_of(place, chunks, name="New name", tags=("x", "y"), fingerprint=first.fingerprint)
        with target.open(OWNER, fence=1) as session:
            source_id = write(session, first, chunks)
            session.flush()
            for _ in range(2):
                session.retag(source_id, after)
                session.flush()
            stored = session.read(source_id)
        (source,) = self.listed(target)
        assert (source.source_id, source.external_digest, source.name) == (
            source_id,
            digest(place),
            "New name",
        )
        assert (source.fingerprint, source.chunk_count) == (first.fingerprint, len(chunks))
        assert stored is None or stored == StoredSource(after, tuple(chunks))

    def test_a_new_version_takes_the_place_of_the_old(self, target: Target) -> None:
        before = self.chunks(target, "one", "two", "two", "three")
        after = self.chunks(target, "two", "one", "2", "two", "four")
        with target.open(OWNER, fence=1) as session:
            old = write(session, draft_of("d", before), before)
            session.flush()
            new = write(session, draft_of("d", after, replaces=old), after)
            session.flush()
            stored = session.read(new)
        (source,) = self.listed(target)
        assert (source.source_id, source.chunk_count) == (new, len(after))
        assert source.fingerprint == draft_of("d", after).fingerprint
        assert stored is None or stored.chunks == tuple(after)

    def test_readers_see_a_replacement_as_the_gap_class_says(self, target: Target, reader: Reader) -> None:
        allowed = {"atomic": {1}, "overlap": {1, 2}, "gap": {0, 1}}[target.gap]
        ready, done = Event(), Event()

        def poll() -> set[int]:
            seen = {len(reader())}
            ready.set()
            while not done.is_set():
                seen.add(len(reader()))
            return seen

        with target.open(OWNER, fence=1) as session, ThreadPoolExecutor(1) as pool:
            chunks = self.chunks(target, "one", "two")
            current = write(session, draft_of("d", chunks), chunks)
            session.flush()
            seen = pool.submit(poll)
            try:
                ready.wait(timeout=60)
                for version in range(20):
                    chunks = self.chunks(target, "one", f"version {version}")
                    current = write(session, draft_of("d", chunks, replaces=current), chunks)
                    session.flush()
            finally:
                done.set()
            assert seen.result() <= allowed

    def test_delete_twice(self, target: Target) -> None:
        chunks = self.chunks(target, "one")
        with target.open(OWNER, fence=1) as session:
            source_id = write(session, draft_of("d", chunks), chunks)
            session.flush()
            for _ in range(2):
                session.delete(source_id)
                session.flush()
            assert session.read(source_id) is None
        assert self.listed(target) == []

    def test_sources_may_be_deleted_while_they_are_listed(self, target: Target) -> None:
        chunks = self.chunks(target, "one")
        with target.open(OWNER, fence=1) as session:
            for number in range(5):
                write(session, draft_of(f"d{number}", chunks), chunks)
            session.flush()
        with target.open(OWNER, fence=1) as session:
            for source in session.sources():
                session.delete(source.source_id)
            session.flush()
        assert self.listed(target) == []

    def test_foreign_sources_are_untouched_and_invisible(self, target: Target) -> None:
        chunks = self.chunks(target, "one")
        with target.open(OTHER, fence=1) as session:
            foreign = write(session, draft_of("d", chunks), chunks)
            session.flush()
        before = self.listed(target, OTHER)
        with target.open(OWNER, fence=1) as session:
            assert list(session.sources()) == []
            assert session.read(foreign) is None
            session.delete(foreign)
            with suppress(DocumentError):
                session.retag(foreign, draft_of("d", chunks, name="stolen"))
            write(session, draft_of("d", chunks, replaces=foreign), chunks)
            session.flush()
        assert self.listed(target, OTHER) == before
        assert len(self.listed(target)) == 1

    def test_calls_may_be_repeated(self, target: Target) -> None:
        chunks = self.chunks(target, "one", "two")
        draft = draft_of("d", chunks)
        with target.open(OWNER, fence=1) as session:
            source_id = session.begin(draft)
            for chunk in chunks:
                session.add(source_id, chunk)
                session.add(source_id, chunk)
            session.commit(source_id)
            session.commit(source_id)
            session.flush()
            session.flush()
            session.commit(source_id)
            session.flush()
        assert [(source.source_id, source.chunk_count) for source in self.listed(target)] == [(source_id, len(chunks))]

    def test_discard_forgets_what_is_not_whole(self, target: Target) -> None:
        chunks = self.chunks(target, "one", "two")
        with target.open(OWNER, fence=1) as session:
            kept = write(session, draft_of("kept", chunks), chunks)
            session.flush()
            session.add(session.begin(draft_of("d", chunks)), chunks[0])
            session.discard()
            session.flush()
            after = write(session, draft_of("after", chunks), chunks)
            session.flush()
        assert {source.source_id for source in self.listed(target)} == {kept, after}

    def test_token_changes_when_something_did(self, target: Target) -> None:
        chunks = self.chunks(target, "one")
        with target.open(OWNER, fence=1) as session:
            source_id = write(session, draft_of("d", chunks), chunks)
            session.flush()
            tokens = [session.token()]
        if tokens == [None]:
            pytest.skip("the target has no token")
        changes: list[Callable[[TargetSession], object]] = [
            lambda session: write(session, draft_of("e", chunks), chunks),
            lambda session: session.delete(source_id),
        ]
        if target.limits.can_retag:
            changes.insert(0, lambda session: session.retag(source_id, draft_of("d", chunks, name="Renamed")))
        for change in changes:
            with target.open(OWNER, fence=1) as session:
                assert session.token() == tokens[-1]
                session.delete("12345678")
                session.flush()
                assert session.token() == tokens[-1]
                change(session)
                session.flush()
                tokens.append(session.token())
        with target.open(OTHER, fence=1) as session:
            write(session, draft_of("d", chunks), chunks)
            session.flush()
        with target.open(OWNER, fence=1) as session:
            assert session.token() == tokens[-1]
        assert len(set(tokens)) == len(tokens)

    def test_reads_back_what_was_written(self, target: Target) -> None:
        chunks = self.chunks(target, "one", "two")
        draft = draft_of(
            "d",
            chunks,
            description="About d",
            tags=("handbook", 'quo"ted', "größe"),
            uri="https://example.com/d?x=1",
            updated_at=datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC),
            metadata={"text": "x", "whole": 3, "real": 3.0, "flag": True, "größe": "ü"},
            acl=("group:hr", "user:1"),
        )
        with target.open(OWNER, fence=1) as session:
            source_id = write(session, draft, chunks)
            session.flush()
            stored = session.read(source_id)
        if not target.keeps_content:
            assert stored is None
            return
        assert stored == StoredSource(draft, tuple(chunks))
        assert {key: type(value) for key, value in stored.draft.metadata.items()} == {
            key: type(value) for key, value in draft.metadata.items()
        }

    @pytest.mark.parametrize("kind", ODD_TEXTS)
    def test_odd_text_is_taken(self, target: Target, kind: str) -> None:
        text = ODD_TEXTS[kind]
        chunks = [Chunk(0, text)]
        draft = draft_of(text, chunks, name=text, description=text)
        with target.open(OWNER, fence=1) as session:
            source_id = write(session, draft, chunks)
            session.flush()
            stored = session.read(source_id)
        (source,) = self.listed(target)
        assert source.external_digest == digest(text)
        assert source.external_id in {text, None}
        assert stored is None or stored.chunks[0].text in {text, text.replace("\ud83d", "\ufffd")}

    def test_the_longest_chunk_is_taken_whole(self, target: Target) -> None:
        limits = target.limits
        text = "\U0001d11e" * (limits.max_chars // _WIDTH[limits.unit])
        with target.open(OWNER, fence=1) as session:
            source_id = write(session, draft_of("d", [Chunk(0, text)]), [Chunk(0, text)])
            session.flush()
            stored = session.read(source_id)
        assert [source.chunk_count for source in self.listed(target)] == [1]
        assert stored is None or stored.chunks[0].text == text

    def test_many_sources_are_listed(self, target: Target) -> None:
        chunks = self.chunks(target, "one")
        with target.open(OWNER, fence=1) as session:
            for number in range(self.many):
                write(session, draft_of(f"d{number}", chunks), chunks)
                if number % target.limits.batch == 0:
                    session.flush()
            session.flush()
        found = {source.external_digest for source in self.listed(target)}
        assert found == {digest(f"d{number}") for number in range(self.many)}

    def test_several_threads_may_write(self, target: Target) -> None:
        if target.limits.concurrency == 1:
            pytest.skip("takes one document at a time")
        chunks = self.chunks(target, "one", "two")
        with target.open(OWNER, fence=1) as session, ThreadPoolExecutor(target.limits.concurrency) as pool:
            list(pool.map(lambda number: write(session, draft_of(f"d{number}", chunks), chunks), range(50)))
            session.flush()
        assert {source.external_digest for source in self.listed(target)} == {
            digest(f"d{number}") for number in range(50)
        }

    def test_calls_are_counted(self, target: Target) -> None:
        with target.open(OWNER, fence=1) as session:
            assert [name for name, number in session.calls().items() if number < 0] == []

    def test_an_overtaken_session_is_refused(self, target: Target) -> None:
        if not self.refuses_overtaken:
            pytest.skip("the target has no means to refuse an overtaken session")
        chunks = self.chunks(target, "one")
        with target.open(OWNER, fence=1) as old, target.open(OWNER, fence=2) as new:
            write(old, draft_of("before", chunks), chunks)
            old.discard()
            write(new, draft_of("d", chunks), chunks)
            new.flush()
            with pytest.raises(FatalError, match="took over"):
                _write_and_flush(old, chunks)
        assert [source.external_digest for source in self.listed(target)] == [digest("d")]

    def test_killed_before_any_call_the_next_run_heals(self, target: Target) -> None:
        if not self.survives_kill:
            pytest.skip("the target does not outlive its process")
        one, two = self.chunks(target, "one", "two"), self.chunks(target, "one", "changed", "three")
        whole = {(draft_of("d", version).fingerprint, len(version)) for version in (one, two)}
        processes = multiprocessing.get_context("forkserver")
        processes.set_forkserver_preload(["__main__", "knowledge_connector.testing.drafts"])
        for calls in count():
            child = processes.Process(target=tell_until_killed, args=(target, one, two, calls))
            child.start()
            child.join()
            found = self.listed(target)
            assert len(found) <= (2 if target.gap == "overlap" else 1)
            assert {(source.fingerprint, source.chunk_count) for source in found} <= whole
            self._heal(target, two)
            assert [source.fingerprint for source in self.listed(target)] == [draft_of("d", two).fingerprint]
            self._clear(target)
            if child.exitcode == 0:
                break
            assert child.exitcode == -signal.SIGKILL
        assert calls > len(one) + len(two)

    def _heal(self, target: Target, chunks: Sequence[Chunk]) -> None:
        """What a run does: sweep what is unfinished, then write the document as it is now."""
        with target.open(OWNER, fence=1) as session:
            found = list(session.sources())
            committed = [source.source_id for source in found if source.committed]
            for source in found:
                if source.source_id not in committed[:1]:
                    session.delete(source.source_id)
            write(session, draft_of("d", chunks, replaces=next(iter(committed), None)), chunks)
            session.flush()

    def _clear(self, target: Target) -> None:
        with target.open(OWNER, fence=1) as session:
            for source in list(session.sources()):
                session.delete(source.source_id)
            session.flush()


def _write_and_flush(session: TargetSession, chunks: Sequence[Chunk]) -> None:
    write(session, draft_of("late", chunks), chunks)
    session.flush()
