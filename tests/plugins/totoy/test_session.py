"""What the adapter does at Totoy, seen from the emulator's side."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor

import pytest

from knowledge_connector import BatchError, DocumentError
from knowledge_connector.testing.drafts import OWNER, draft_of, write
from knowledge_connector.testing.emulation import Fault, LeapingClock, RunningServer
from knowledge_connector_totoy.emulator import TotoyEmulator
from knowledge_connector_totoy.target import TotoyTarget
from plugins.totoy.conftest import config_for
from plugins.totoy.desk import listed, once, only, opened, put, texts, whole, writes
from plugins.totoy.wire import PDF

# ------------------------------------------------------------------------------------------------------------- minimal calls


def test_a_document_is_made_linked_and_looked_at(
    target: TotoyTarget, server: RunningServer, emulator: TotoyEmulator
) -> None:
    once(target, uri="https://example.com/d", metadata={"valid_until": "2027-01-01"})
    assert writes(server) == ["POST knowledge-bases", "POST sources", "POST links"]
    row = only(emulator)
    assert (row["text"], row["title"], row["backlink"]) == ("text", "Name of d", "https://example.com/d")
    assert row["valid_until"] == "2027-01-01T00:00:00Z"
    assert row["custom_metadata"]["managed_by"] == f"kc-by-{OWNER}"
    assert row["custom_metadata"]["external_id"] == "d"


def test_a_second_look_writes_nothing_and_costs_four_calls(target: TotoyTarget, server: RunningServer) -> None:
    once(target)
    server.log.clear()
    (source,) = listed(target)
    assert (source.external_id, source.tags, source.committed) == ("d", ("handbook",), True)
    assert server.log.counts() == {"GET projects": 1, "GET knowledge-bases": 1, "GET links": 1, "GET project": 1}


def test_a_changed_text_is_one_call_and_keeps_id_and_link(
    target: TotoyTarget, server: RunningServer, emulator: TotoyEmulator
) -> None:
    before = once(target, "old", uri="https://example.com")
    row = only(emulator)
    server.log.clear()
    once(target, "new", replaces=before)
    assert writes(server) == ["PATCH source"]
    after = only(emulator)
    assert (after["source_id"], after["knowledge_base_ids"]) == (row["source_id"], row["knowledge_base_ids"])
    assert (after["text"], after["backlink"]) == ("new", "")


def test_a_retag_is_one_call_and_is_not_indexed_again(
    target: TotoyTarget, server: RunningServer, emulator: TotoyEmulator
) -> None:
    source_id = once(target, metadata={"valid_from": "2026-01-01"})
    server.log.clear()
    with opened(target) as session:
        session.retag(source_id, draft_of("e", whole("text"), name="New", tags=(), updated_at=None))
        session.flush()
    assert writes(server) == ["PATCH source"]
    row = only(emulator)
    assert (row["title"], row["valid_from"], row["custom_metadata"]["external_id"]) == ("New", None, "e")
    (source,) = listed(target)
    assert (source.name, source.tags, source.committed) == ("New", (), True)


def test_a_delete_unlinks_first(target: TotoyTarget, server: RunningServer, emulator: TotoyEmulator) -> None:
    source_id = once(target)
    server.log.clear()
    with opened(target) as session:
        session.delete(source_id)
        session.flush()
    assert writes(server) == ["DELETE link", "DELETE source"]
    assert texts(emulator) == []


def test_a_batch_is_linked_by_one_call_and_looked_at_by_listings(
    target: TotoyTarget, server: RunningServer, clock: LeapingClock
) -> None:
    with opened(target) as session:
        for number in range(20):
            write(session, draft_of(f"d{number}", whole("text")), whole("text"))
        session.flush()
        calls = session.calls()
    assert writes(server)[-1:] == ["POST links"]
    assert (calls["POST sources"], calls["POST links"]) == (20, 1)
    assert "GET link" not in calls
    assert clock.slept == [2, 3]


def test_threads_share_a_flush(target: TotoyTarget, server: RunningServer) -> None:
    def work(number: int) -> None:
        write(session, draft_of(f"d{number}", whole("text")), whole("text"))
        session.flush()

    with opened(target) as session, ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(24)))
        assert len([source for source in session.sources() if source.committed]) == 24
    assert len([entry for entry in server.log.writes() if entry.operation == "POST knowledge-bases"]) == 1


# ------------------------------------------------------------------------------------------------------------------ long texts


def test_a_long_text_becomes_parts_that_come_and_go_together(target: TotoyTarget, emulator: TotoyEmulator) -> None:
    paragraph = "word " * 100 + "\n\n"
    long = paragraph * 4000
    first = once(target, long)
    rows = list(emulator.organisation.sources.values())
    assert [row["title"] for row in rows] == ["Name of d", "Name of d (2/3)", "Name of d (3/3)"]
    assert "".join(texts(emulator)) == long
    assert [source.source_id for source in listed(target)] == [first]
    with opened(target) as session:
        session.retag(first, draft_of("d", whole(long), name="New"))
        session.flush()
    assert [row["title"] for row in emulator.organisation.sources.values()] == ["New", "New (2/3)", "New (3/3)"]
    second = once(target, "short", replaces=first)
    assert texts(emulator) == ["short"]
    third = once(target, long, replaces=second)
    assert len(texts(emulator)) == 3
    with opened(target) as session:
        session.delete(third)
    assert texts(emulator) == []


def test_half_a_document_of_parts_is_unfinished(target: TotoyTarget, emulator: TotoyEmulator) -> None:
    once(target, "word " * 300_000)
    organisation = emulator.organisation
    organisation.remove_source(next(iter(organisation.sources)))
    (source,) = listed(target)
    assert not source.committed


def test_a_part_that_is_refused_takes_the_others_along(
    target: TotoyTarget, server: RunningServer, emulator: TotoyEmulator
) -> None:
    server.services.faults.add(Fault("error_before", operation="POST sources", after=1, status=413))
    with pytest.raises(DocumentError) as caught:
        once(target, "word " * 300_000)
    assert caught.value.code == "too-large"
    assert texts(emulator) == []


# ------------------------------------------------------------------------------------------------------------------ originals


def test_an_original_is_read_linked_and_replaced_in_place(
    target: TotoyTarget, server: RunningServer, emulator: TotoyEmulator
) -> None:
    def attach(content: bytes, file_name: str, **changes: object) -> str:
        with opened(target) as session:
            source_id = session.begin(draft_of("d", [], **changes))
            session.attach(source_id, content=content, file_name=file_name)
            session.commit(source_id)
            session.flush()
        return source_id

    first = attach(PDF, "größe.pdf")
    row = only(emulator)
    assert (row["source_type"], row["document_file_name"], row["title"]) == ("document", "größe.pdf", "Name of d")
    assert base64.b64decode(row["file"]) == PDF
    assert [source.committed for source in listed(target)] == [True]
    server.log.clear()
    second = attach(b"png", "b.png", replaces=first, name="New")
    assert writes(server) == ["PATCH source"]
    after = only(emulator)
    assert (after["source_id"], after["document_file_name"], after["title"]) == (row["source_id"], "b.png", "New")
    with opened(target) as session:
        session.retag(second, draft_of("d", [], name="Newer"))
    assert (only(emulator)["title"], only(emulator)["document_file_name"]) == ("Newer", "b.png")


def test_a_text_takes_the_place_of_a_file_after_it_is_indexed(target: TotoyTarget, emulator: TotoyEmulator) -> None:
    with opened(target) as session:
        first = session.begin(draft_of("d", []))
        session.attach(first, content=PDF, file_name="a.pdf")
        session.commit(first)
        session.flush()
        put(session, "text", replaces=first)
        assert len(texts(emulator)) == 2
        session.flush()
    assert texts(emulator) == ["text"]


def test_other_files_are_refused_before_they_are_sent(target: TotoyTarget, server: RunningServer) -> None:
    with opened(target) as session:
        source_id = session.begin(draft_of("d", []))
        session.attach(source_id, content=b"", file_name="a.docx")
        with pytest.raises(DocumentError, match=r"\.pdf, \.jpg, \.png") as caught:
            session.commit(source_id)
    assert caught.value.code == "unsupported"
    assert "POST sources" not in writes(server)


def test_a_file_that_cannot_be_read_is_that_documents_failure(
    target: TotoyTarget, server: RunningServer, emulator: TotoyEmulator
) -> None:
    server.services.faults.add(Fault("failed_parsing"))
    with opened(target) as session:
        ill, well = session.begin(draft_of("ill", [])), session.begin(draft_of("well", []))
        for source_id in (ill, well):
            session.attach(source_id, content=PDF, file_name="a.pdf")
            session.commit(source_id)
        with pytest.raises(BatchError) as caught:
            session.flush()
        session.flush()
    assert {key: error.code for key, error in caught.value.failures.items()} == {ill: "reading-failed"}
    assert len(texts(emulator)) == 1
    assert [source.source_id for source in listed(target) if source.committed] == [well]


# ------------------------------------------------------------------------------------------------------------------- the index


def test_a_failed_link_is_made_once_more(target: TotoyTarget, server: RunningServer) -> None:
    server.services.faults.add(Fault("failed_ingestion"))
    once(target)
    assert writes(server)[-3:] == ["POST links", "DELETE link", "POST links"]
    assert [source.committed for source in listed(target)] == [True]


def test_a_text_that_cannot_be_indexed_fails_alone_and_leaves_nothing(
    target: TotoyTarget, server: RunningServer, emulator: TotoyEmulator
) -> None:
    server.services.faults.add(Fault("failed_ingestion", operation="Name of ill", times=0))
    with opened(target) as session:
        ids = {name: write(session, draft_of(name, whole(name)), whole(name)) for name in ("well", "ill")}
        with pytest.raises(BatchError) as caught:
            session.flush()
    assert list(caught.value.failures) == [ids["ill"]]
    assert caught.value.failures[ids["ill"]].code == "indexing-failed"
    assert texts(emulator) == ["well"]


def test_a_replacement_in_place_that_cannot_be_indexed_is_unfinished(
    target: TotoyTarget, server: RunningServer
) -> None:
    first = once(target)
    server.services.faults.add(Fault("failed_ingestion", times=0))
    with pytest.raises(BatchError):
        once(target, "newer", replaces=first)
    assert [source.committed for source in listed(target)] == [False]


def test_another_threads_failure_is_told_to_that_thread(target: TotoyTarget, server: RunningServer) -> None:
    server.services.faults.add(Fault("failed_ingestion", times=0))
    with opened(target) as session, ThreadPoolExecutor(1) as pool:
        source_id = pool.submit(put, session, "text").result()
        with pytest.raises(BatchError):
            session.flush()
        with pytest.raises(BatchError) as caught:
            pool.submit(session.flush).result()
        assert list(caught.value.failures) == [source_id]
        pool.submit(session.flush).result()


def test_what_takes_too_long_fails_and_may_be_whole_for_the_next_run(
    server: RunningServer, clock: LeapingClock
) -> None:
    server.services.options["totoy.indexing_seconds"] = "1000"
    target = TotoyTarget(config_for(server), clock=clock)
    with pytest.raises(BatchError) as caught:
        once(target)
    assert [error.code for error in caught.value.failures.values()] == ["indexing-timeout"]
    assert max(clock.slept) == 20
    assert [source.committed for source in listed(target)] == [True]


def test_a_link_that_never_gets_ready_is_unfinished(server: RunningServer, clock: LeapingClock) -> None:
    server.services.options["totoy.indexing_seconds"] = "100000"
    target = TotoyTarget(config_for(server), clock=clock)
    with pytest.raises(BatchError):
        once(target)
    assert [source.committed for source in listed(target)] == [False]


def test_a_source_that_vanishes_before_it_is_linked(target: TotoyTarget, emulator: TotoyEmulator) -> None:
    with opened(target) as session:
        ids = {name: write(session, draft_of(name, whole(name)), whole(name)) for name in ("gone", "there")}
        organisation = emulator.organisation
        organisation.remove_source(next(id_ for id_, row in organisation.sources.items() if row["text"] == "gone"))
        with pytest.raises(BatchError) as caught:
            session.flush()
    assert {key: error.code for key, error in caught.value.failures.items()} == {ids["gone"]: "source-gone"}
    assert [source.external_id for source in listed(target)] == ["there"]


def test_linked_already_is_success(target: TotoyTarget, server: RunningServer, emulator: TotoyEmulator) -> None:
    server.services.options["totoy.link_twice"] = "409"
    server.services.faults.add(Fault("lost_answer", operation="POST links"))
    with opened(target) as session:
        for name in ("a", "b"):
            write(session, draft_of(name, whole(name)), whole(name))
        session.flush()
    assert [source.committed for source in listed(target)] == [True, True]
    assert len(texts(emulator)) == 2
