"""How documents become entries, and what happens where Sensay does not simply say yes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest
from starlette.requests import Request
from starlette.responses import Response

from knowledge_connector import Chunk, DocumentError, KnowledgeSource, SourceDraft, Target, TargetSession, digest
from knowledge_connector.testing.drafts import draft_of, write
from knowledge_connector.testing.emulation import Fault
from knowledge_connector_sensay.emulator import REPLICA, SensayEmulator
from knowledge_connector_sensay.titles import title_of
from plugins.sensay.stage import Stage, staged

OWNER = "handbook"
PAGE = "https://www.example.com/page"
VIDEO = "https://www.youtube.com/watch?v=abc"
PLAYLIST = "https://www.youtube.com/playlist?list=PL1"


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


def put(target: Target, id_: str, text: str = "text", *, replaces: bool = False, **metadata: str) -> None:
    """Write one document as a run does, after a listing."""
    with target.open(OWNER, fence=1) as session:
        list(session.sources())
        put_into(session, id_, text, replaces=replaces, **metadata)


def put_into(session: TargetSession, id_: str, text: str, *, replaces: bool = False, **metadata: str) -> None:
    chunks = [Chunk(0, text)]
    fingerprint = digest(text, *metadata.values())
    old = digest(id_) if replaces else None
    write(session, draft_of(id_, chunks, metadata=metadata, fingerprint=fingerprint, replaces=old), chunks)
    session.flush()


def sources(target: Target) -> list[KnowledgeSource]:
    with target.open(OWNER, fence=1) as session:
        return list(session.sources())


def sweep(target: Target) -> int:
    """What a run does first; how many leftovers there were."""
    with target.open(OWNER, fence=1) as session:
        leftovers = [source for source in session.sources() if not source.committed]
        for source in leftovers:
            session.delete(source.source_id)
    return len(leftovers)


def failure_of(target: Target, id_: str, text: str = "text", **metadata: str) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        put(target, id_, text, replaces=False, **metadata)
    return caught.value


def writes(stage: Stage) -> list[str]:
    found = [entry.operation for entry in stage.server.log.writes("sensay")]
    stage.server.log.clear()
    return found


def shown(stage: Stage, *keys: str) -> list[tuple[Any, ...]]:
    return [tuple(entry.get(key) for key in keys) for entry in stage.entries()]


# ----------------------------------------------------------------------------------------------------------------- texts


def test_a_text_has_a_head_with_what_sensay_has_no_place_for(stage: Stage) -> None:
    chunks = [Chunk(0, "# Travel\n\nBy train.")]
    draft = draft_of("a", chunks, name="Travel", uri="https://example.com/a", tags=("hr", "trips"))
    with stage.target().open(OWNER, fence=1) as session:
        write(session, draft, chunks)
    ((_, title, text),) = stage.emulator.answering(REPLICA)
    assert title.startswith("Travel [kc-by-handbook ")
    head = "---\ntitle: Travel\nlink: https://example.com/a\ntags: hr, trips\n---\n\n"
    assert text == f"{head}# Travel\n\nBy train.\n"


def test_a_new_text_is_given_to_the_same_entry(stage: Stage) -> None:
    target = stage.target()
    put(target, "a", "one")
    before = shown(stage, "id")
    writes(stage)
    put(target, "a", "two", replaces=True)
    assert writes(stage) == ["PATCH entry"]
    assert shown(stage, "id") == before
    assert stage.answers() == {"Name of a": "two"}


def test_without_patching_the_old_entry_goes_when_the_new_one_is_ready(stage: Stage) -> None:
    target = stage.target(patch_in_place=False)
    put(target, "a", "one")
    writes(stage)
    put(target, "a", "two", replaces=True)
    assert writes(stage) == ["POST entry", "PATCH entry", "DELETE entry"]
    assert stage.answers() == {"Name of a": "two"}


def test_a_long_text_becomes_a_file_and_a_short_one_a_text_again(stage: Stage) -> None:
    target = stage.target(max_text_chars=1000)
    put(target, "a", "short")
    put(target, "a", "long " * 300, replaces=True)
    assert shown(stage, "type") == [("file",)]
    assert stage.entries()[0]["file"]["name"] == "Name-of-a.md"
    put(target, "a", "short", replaces=True)
    assert shown(stage, "type") == [("text",)]


def test_a_text_that_is_too_long_for_a_file_names_the_limit(stage: Stage) -> None:
    error = failure_of(stage.target(max_file_bytes=100_000, max_text_chars=1000), "a", "x" * 100_001)
    assert error.code == "too-long"
    assert "max_file_bytes = 100000" in error.message
    assert stage.entries() == []


def test_an_entry_that_is_gone_is_made_again(stage: Stage) -> None:
    target = stage.target()
    put(target, "a", "one")
    with target.open(OWNER, fence=1) as session:
        list(session.sources())
        with stage.api() as api:
            api.delete(f"/knowledge-base/{stage.entries()[0]['id']}")
        put_into(session, "a", "two", replaces=True)
    assert stage.answers() == {"Name of a": "two"}


def test_entries_in_processing_are_waited_for(stage: Stage) -> None:
    """A run was killed after the request; the text is there, and need not be sent again."""
    draft = SourceDraft("a", "A", 1, "f" * 26, "m" * 26)
    with stage.api() as api:
        api.post("/knowledge-base", json={"title": title_of(OWNER, draft), "text": "text"})
    (source,) = sources(stage.target())
    assert (source.source_id, source.fingerprint) == (digest("a"), "f" * 26)
    assert writes(stage) == ["POST entry"]


def test_a_file_without_bytes_and_a_twin_are_left_over(stage: Stage) -> None:
    target = stage.target()
    put(target, "a", "one")
    title = stage.entries()[0]["title"]
    with stage.api() as api:
        api.post("/knowledge-base", json={"title": title, "filename": "a.md"})
        api.post("/knowledge-base", json={"title": title, "text": "one"})
    assert [source.committed for source in sources(target)].count(True) == 1
    first = stage.entries()[0]["id"]
    assert sweep(target) == 2
    assert shown(stage, "id") == [(first,)]


def test_what_was_swept_is_not_in_the_way(stage: Stage) -> None:
    target = stage.target()
    put(target, "a", "one")
    with stage.api() as api:
        api.post("/knowledge-base", json={"title": stage.entries()[0]["title"], "filename": "a.md"})
    with target.open(OWNER, fence=1) as session:
        for source in session.sources():
            if not source.committed:
                session.delete(source.source_id)
        writes(stage)
        put_into(session, "a", "two", replaces=True)
    assert writes(stage) == ["PATCH entry"]


def test_the_newest_whole_version_counts(stage: Stage) -> None:
    """A run was killed between the new entry and the deletion of the old one."""
    target = stage.target()
    put(target, "a", "one")
    draft = SourceDraft("a", "A", 1, "f" * 26, "m" * 26)
    with stage.api() as api:
        api.post("/knowledge-base", json={"title": title_of(OWNER, draft), "text": "two"})
    assert [source.fingerprint for source in sources(target) if source.committed] == ["f" * 26]
    assert sweep(target) == 1
    assert stage.answers() == {"A": "two"}


# ------------------------------------------------------------------------------------------------------------- processing


def test_a_text_that_cannot_be_processed_is_that_documents_failure(stage: Stage) -> None:
    stage.server.services.faults.add(Fault("failed_ingestion"))
    error = failure_of(stage.target(), "a")
    assert (error.code, error.document_id) == ("unprocessable", "a")
    assert "The content could not be processed" in error.message
    assert stage.entries() == []
    put(stage.target(), "a")


def test_a_new_text_that_cannot_be_processed_leaves_the_old_answer(stage: Stage) -> None:
    target = stage.target()
    put(target, "a", "one")
    stage.server.services.faults.add(Fault("failed_ingestion"))
    with pytest.raises(DocumentError, match="could not process"):
        put(target, "a", "two", replaces=True)
    assert stage.answers() == {"Name of a": "one"}
    (source,) = sources(target)
    assert source.committed
    assert source.fingerprint not in {digest("one"), digest("two")}
    put(target, "a", "three", replaces=True)
    assert stage.answers() == {"Name of a": "three"}


def test_a_failed_file_leaves_the_old_one(stage: Stage) -> None:
    target = stage.target(entries="file")
    put(target, "a", "one")
    stage.server.services.faults.add(Fault("failed_ingestion"))
    with pytest.raises(DocumentError, match="could not process"):
        put(target, "a", "two", replaces=True)
    assert stage.answers() == {"Name of a": "one"}
    assert len(stage.entries()) == 1


def test_patience_has_an_end() -> None:
    with staged(stage_seconds="1000") as stage:
        error = failure_of(stage.target(ready_timeout_seconds=60), "a")
        assert (error.code, stage.entries()) == ("processing-timeout", [])


def test_an_entry_deleted_while_it_is_processed_is_a_failure(stage: Stage) -> None:
    class Meddler:
        """Deletes every entry while others wait."""

        now = stage.target()._clock.now
        monotonic = stage.target()._clock.monotonic

        def sleep(self, seconds: float) -> None:
            with stage.api() as api:
                for entry in stage.entries():
                    api.delete(f"/knowledge-base/{entry['id']}")

    target = stage.target()
    target._clock = Meddler()
    assert failure_of(target, "a").code == "vanished"


# -------------------------------------------------------------------------------------------------------------- refusals


def test_a_207_may_refuse(stage: Stage) -> None:
    stage.server.services.faults.add(Fault("refused_input"))
    error = failure_of(stage.target(), "a")
    assert error.code == "refused"
    assert "The input was refused" in error.message


def test_a_used_up_quota_is_the_documents_failure_and_deletes_go_on() -> None:
    with staged(quota="1") as stage:
        target = stage.target()
        put(target, "a")
        error = failure_of(target, "b")
        assert error.code == "quota"
        with target.open(OWNER, fence=1) as session:
            session.delete(digest("a"))
        put(target, "b")


def test_an_expired_upload_url_is_asked_for_anew(stage: Stage) -> None:
    stage.server.services.faults.add(Fault("expired_upload_url"))
    put(stage.target(entries="file"), "a")
    assert writes(stage) == ["POST entry", "PUT upload", "PATCH entry", "DELETE entry", "POST entry", "PUT upload"]
    assert stage.answers() == {"Name of a": "text"}


class Listening(SensayEmulator):
    """Remembers by which headers bytes came."""

    heard: ClassVar[list[set[str]]] = []

    async def _take_bytes(self, request: Request) -> Response:
        self.heard.append(set(request.headers))
        return await super()._take_bytes(request)


def test_the_storage_hears_none_of_our_headers() -> None:
    with staged(Listening) as stage:
        with stage.api() as api:
            api.post("/../../users", json={"id": "emu-user"})
        put(stage.target(entries="file", user_id="emu-user"), "a")
    (heard,) = Listening.heard
    assert not [name for name in heard if name.startswith("x-")]


# ----------------------------------------------------------------------------------------------------------------- links


@pytest.mark.parametrize(("url", "kind"), [(PAGE, "website"), (VIDEO, "youtube")])
def test_an_address_becomes_an_entry_that_sensay_reads_once(stage: Stage, url: str, kind: str) -> None:
    target = stage.target()
    put(target, "a", sensay_url=url)
    assert shown(stage, "type", "url") == [(kind, url)]
    assert stage.entries()[0][kind].get("autoRefresh", False) is False
    writes(stage)
    put(target, "a", "other text", replaces=True, sensay_url=url)
    assert writes(stage) == ["PATCH entry"]
    put(target, "a", replaces=True, sensay_url=f"{url}&x=2")
    assert writes(stage) == ["POST entry", "PATCH entry", "DELETE entry"]
    assert shown(stage, "url") == [(f"{url}&x=2",)]


def test_the_key_of_addresses_is_an_option(stage: Stage) -> None:
    put(stage.target(url_key="video"), "a", video=VIDEO, sensay_url=PAGE)
    assert shown(stage, "type", "url") == [("youtube", VIDEO)]


@pytest.mark.parametrize("url", ["", "example.com", "ftp://example.com/x", "https://", "https://[x"])
def test_what_is_no_address_is_that_documents_failure(stage: Stage, url: str) -> None:
    error = failure_of(stage.target(), "a", sensay_url=url)
    assert error.code == "bad-url"
    assert writes(stage) == []


def test_an_address_that_sensay_refuses_is_that_documents_failure(stage: Stage) -> None:
    assert failure_of(stage.target(), "a", sensay_url="https://docs.google.com/document/x").code == "refused"


def test_an_address_that_somebody_gave_already_is_that_documents_failure(stage: Stage) -> None:
    with stage.api() as api:
        api.post("/knowledge-base", json={"url": PAGE})
    assert failure_of(stage.target(), "a", sensay_url=PAGE).code == "duplicate-url"
    assert len(stage.entries()) == 1


def test_a_playlist_is_one_document_of_many_entries(stage: Stage) -> None:
    target = stage.target()
    put(target, "a", sensay_url=PLAYLIST)
    assert [(label.part, label.version.parts) for label in stage.labels()] == [(1, 3), (2, 3), (3, 3)]
    (source,) = sources(target)
    assert (source.source_id, source.chunk_count, source.committed) == (digest("a"), 1, True)
    writes(stage)
    put(target, "a", "changed", replaces=True, sensay_url=PLAYLIST)
    assert writes(stage) == ["PATCH entry"] * 6
    stage.server.services.faults.add(Fault("failed_ingestion", after=1))
    put(target, "a", "changed again", replaces=True, sensay_url=PLAYLIST)
    assert [(label.part, label.version.parts) for label in stage.labels()] == [(1, 2), (2, 2)]
    with target.open(OWNER, fence=1) as session:
        session.delete(digest("a"))
    assert stage.entries() == []


@pytest.mark.parametrize("kind", ["refused_input", "failed_ingestion"])
def test_a_video_that_cannot_be_had_does_not_spoil_the_playlist(stage: Stage, kind: str) -> None:
    stage.server.services.faults.add(Fault(kind, after=1))
    put(stage.target(), "a", sensay_url=PLAYLIST)
    assert [(label.part, label.version.parts) for label in stage.labels()] == [(1, 2), (2, 2)]
    assert [source.committed for source in sources(stage.target())] == [True]


def test_a_playlist_of_which_nothing_can_be_had_is_a_failure(stage: Stage) -> None:
    stage.server.services.faults.add(Fault("failed_ingestion", times=0))
    assert failure_of(stage.target(), "a", sensay_url=PLAYLIST).code == "unprocessable"
    assert stage.entries() == []


# --------------------------------------------------------------------------------------------------------------- deletes


def test_what_is_deleted_with_delay_is_not_reported_again() -> None:
    with staged(deletion="delayed") as stage:
        target = stage.target()
        put(target, "a")
        with target.open(OWNER, fence=1) as session:
            session.delete(digest("a"))
        assert len(stage.entries()) == 1
        assert sources(target) == []
        put(target, "a", "anew")
        assert [source.fingerprint for source in sources(target)] == [digest("anew")]
        stage.server.services.clock.advance(86_401)
        assert len(stage.entries()) == 1


def test_a_deletion_that_was_broken_off_is_finished(stage: Stage) -> None:
    target = stage.target()
    put(target, "a")
    stage.server.services.faults.add(Fault("error_before", operation="DELETE entry", times=0))
    with target.open(OWNER, fence=1) as session, pytest.raises(Exception, match="500"):
        session.delete(digest("a"))
    stage.server.services.faults.clear()
    (source,) = sources(target)
    assert not source.committed
    writes(stage)
    assert sweep(target) == 1
    assert writes(stage) == ["DELETE entry"]
    assert stage.entries() == []


def test_a_stray_may_be_named_without_a_listing(stage: Stage) -> None:
    target = stage.target()
    draft = SourceDraft("a", "A", 1, "f", "m")
    with stage.api() as api:
        results = api.post("/knowledge-base", json={"title": title_of(OWNER, draft), "filename": "a.md"}).json()[
            "results"
        ]
        foreign = api.post("/knowledge-base", json={"title": "By hand", "text": "x"}).json()["results"]
    with target.open(OWNER, fence=1) as session:
        session.delete(f"#{foreign[0]['knowledgeBaseID']}")
        session.delete(f"#{results[0]['knowledgeBaseID']}")
        session.delete("#nonsense")
    assert shown(stage, "title") == [("By hand",)]


# --------------------------------------------------------------------------------------------------------------- at scale


def test_ten_thousand_sources_are_listed_by_pages_of_a_hundred(stage: Stage) -> None:
    for number in range(10_000):
        draft = SourceDraft(f"d{number}", f"D{number}", 1, "f" * 26, "m" * 26)
        stage.emulator.add_text(REPLICA, title_of(OWNER, draft), "text")
    with stage.target().open(OWNER, fence=1) as session:
        found = {source.external_digest for source in session.sources() if source.committed}
        assert session.calls() == {"GET entries": 100}
    assert found == {digest(f"d{number}") for number in range(10_000)}


def test_a_list_that_shrinks_while_it_is_read_is_read_again(stage: Stage) -> None:
    for number in range(250):
        draft = SourceDraft(f"d{number}", f"D{number}", 1, "f" * 26, "m" * 26)
        stage.emulator.add_text(REPLICA, title_of(OWNER, draft), "text")
    emulator, entries = stage.emulator, stage.emulator.store.table("entries")

    class Shrinking(type(emulator)):  # type: ignore[misc]  # the class that runs
        """Loses its oldest entry after the first page."""

        def operation(self, method: str, path: str) -> str:
            found: str = super().operation(method, path)
            if found == "GET entries" and len(self.services.log.entries("sensay")) == 1:
                del entries[next(iter(entries))]
            return found

    emulator.__class__ = Shrinking
    assert len(sources(stage.target())) == 249


@pytest.mark.parametrize("retry_after", ["300", "date"])
def test_a_pause_is_kept_by_all_who_write(stage: Stage, retry_after: str) -> None:
    # Who is on the way at the 429 may arrive up to 16 sleeps of others later, by a clock that all of them move on.
    fault = Fault("rate_limit", writes=True, after=5, times=3, seconds=300, retry_after=retry_after, grace_seconds=100)
    active = stage.server.services.faults.add(fault)
    target = stage.target()
    with target.open(OWNER, fence=1) as session, ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: put_into(session, f"d{number}", "text"), range(40)))
    assert active.hits >= 1
    assert stage.server.log.during_pause() == []
    assert len(stage.answers()) == 40


# ----------------------------------------------------------------------------------------------------------------- check


def test_check_says_what_is_there(stage: Stage) -> None:
    put(stage.target(), "a")
    said = {finding.subject: finding.message for finding in stage.target().check()}
    assert said["replica"] == f"'Emulated replica' ({REPLICA})"
    assert said["knowledge base"] == "1 entries, 0 of them with an error"
    assert said["files"] == "Markdown files may be uploaded"
    assert [entry for entry in stage.server.log.writes() if entry.operation != "POST entry"] == []


def test_check_misses_a_replica() -> None:
    with staged(replicas="made") as stage:
        (finding,) = (finding for finding in stage.target().check() if not finding.ok)
        assert finding.subject == "replica"
