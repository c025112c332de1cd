"""What the adapter does at Totoy, seen from the emulator's side."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from knowledge_connector import (
    AuthenticationError,
    BatchError,
    Chunk,
    DocumentError,
    FatalError,
    KnowledgeSource,
    Unavailable,
)
from knowledge_connector.testing.drafts import OWNER, draft_of, write
from knowledge_connector.testing.emulation import Fault, RunningServer
from knowledge_connector_totoy.emulator import TotoyEmulator
from knowledge_connector_totoy.session import TotoySession
from knowledge_connector_totoy.target import TotoyTarget
from plugins.totoy.conftest import LeapingClock, config_for

PDF = b"%PDF /Type /Page"


@contextmanager
def opened(target: TotoyTarget, owner: str = OWNER) -> Iterator[TotoySession]:
    with target.open(owner, fence=1) as session:
        assert isinstance(session, TotoySession)
        yield session


def whole(text: str) -> list[Chunk]:
    return [Chunk(0, text)]


def put(session: TotoySession, text: str, **changes: object) -> str:
    return write(session, draft_of("d", whole(text), **changes), whole(text))


def once(target: TotoyTarget, text: str = "text", **changes: object) -> str:
    """Write document `d` in a session of its own."""
    with opened(target) as session:
        source_id = put(session, text, **changes)
        session.flush()
    return source_id


def listed(target: TotoyTarget, owner: str = OWNER) -> list[KnowledgeSource]:
    with opened(target, owner) as session:
        return list(session.sources())


def texts(emulator: TotoyEmulator) -> list[str]:
    return [str(row.get("text")) for row in emulator.organisation.sources.values()]


def only(emulator: TotoyEmulator) -> dict[str, Any]:
    (row,) = emulator.organisation.sources.values()
    return row


def writes(server: RunningServer) -> list[str]:
    return [entry.operation for entry in server.log.writes()]


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
    def attach(content: bytes, name: str, **changes: object) -> str:
        with opened(target) as session:
            source_id = session.begin(draft_of("d", [], **changes))
            session.attach(source_id, content=content, file_name=name)
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


# --------------------------------------------------------------------------------------------------- what a crash leaves behind


def test_a_source_without_a_link_is_unfinished_and_goes(target: TotoyTarget, emulator: TotoyEmulator) -> None:
    once(target)
    with opened(target) as session:
        write(session, draft_of("e", whole("stray")), whole("stray"))  # and dies before the flush
    with opened(target) as session:
        found = {source.external_id: source for source in session.sources()}
        assert [found["d"].committed, found["e"].committed] == [True, False]
        session.delete(found["e"].source_id)
        session.flush()
    assert texts(emulator) == ["text"]


def test_a_replacement_in_place_that_is_being_indexed_is_waited_for(target: TotoyTarget, clock: LeapingClock) -> None:
    first = once(target)
    with opened(target) as session:
        put(session, "newer", replaces=first)  # and dies before the flush
    clock.slept.clear()
    (source,) = listed(target)
    assert source.fingerprint == draft_of("d", whole("newer")).fingerprint
    assert clock.slept == [2, 3]


def test_a_part_that_was_made_twice_goes_and_the_document_stays(target: TotoyTarget, emulator: TotoyEmulator) -> None:
    source_id = once(target)
    row = only(emulator)
    twin = {
        key: row[key] for key in ("title", "backlink", "valid_from", "valid_until", "project_id", "custom_metadata")
    }
    emulator.organisation.add_text({**twin, "text_content": "twin"})
    with opened(target) as session:
        found = {source.source_id: source.committed for source in session.sources()}
        assert sorted(found.values()) == [False, True]
        assert found.pop(source_id)
        session.delete(next(iter(found)))
        session.flush()
    assert texts(emulator) == ["text"]


def test_ten_thousand_sources_come_in_one_list(
    target: TotoyTarget, emulator: TotoyEmulator, server: RunningServer
) -> None:
    once(target)
    organisation, row = emulator.organisation, only(emulator)
    (base_id,) = row["knowledge_base_ids"]
    link = organisation.links(base_id)[row["source_id"]]
    for number in range(9_999):
        state = row["custom_metadata"]["sync_state"].split(" ", 1)[1]
        pairs = row["custom_metadata"] | {"external_id": f"d{number}", "sync_state": f"key{number} {state}"}
        id_ = f"src_{number:025}"
        organisation.sources[id_] = {**row, "source_id": id_, "custom_metadata": pairs}
        organisation.links(base_id)[id_] = link
    server.log.clear()
    assert len({source.source_id for source in listed(target)}) == 10_000
    assert server.log.counts()["GET links"] == 1


# --------------------------------------------------------------------------------------------------------- what others have there


def test_what_people_made_is_invisible_and_stays(target: TotoyTarget, emulator: TotoyEmulator) -> None:
    source_id = once(target)
    organisation = emulator.organisation
    (base_id,) = organisation.bases
    fields = {"title": "by hand", "backlink": "", "valid_from": None, "valid_until": None, "project_id": None}
    for pairs in ({}, {"managed_by": f"kc-by-{OWNER}"}):
        made = organisation.add_text({**fields, "custom_metadata": pairs, "text_content": "by hand"})
        organisation.link(base_id, [made["source_id"]])
    organisation.add_text({**fields, "custom_metadata": {}, "text_content": "in no base"})
    with opened(target) as session:
        assert [source.source_id for source in session.sources()] == [source_id]
        session.delete(source_id)
        session.delete(str(made["source_id"]))
        session.flush()
    assert texts(emulator) == ["by hand", "by hand", "in no base"]


def test_two_bases_of_one_owner_do_not_know_each_other(
    server: RunningServer, clock: LeapingClock, emulator: TotoyEmulator
) -> None:
    one, other = (TotoyTarget(config_for(server, knowledge_base=name), clock=clock) for name in ("One", "Other"))
    first, second = once(one), once(other)
    with opened(one) as session:
        write(session, draft_of("e", whole("stray")), whole("stray"))
    assert {source.source_id for source in listed(other)} == {second}
    mine = next(row for row in emulator.organisation.sources.values() if first in row["custom_metadata"]["sync_state"])
    emulator.organisation.link(next(reversed(list(emulator.organisation.bases))), [mine["source_id"]])
    assert {source.source_id for source in listed(other)} == {second}


def test_a_source_that_serves_another_base_is_only_unlinked(target: TotoyTarget, emulator: TotoyEmulator) -> None:
    source_id = once(target)
    organisation = emulator.organisation
    other = organisation.add_base({"name": "Other", "instructions": "", "project_id": None})["knowledge_base_id"]
    organisation.link(other, [only(emulator)["source_id"]])
    with opened(target) as session:
        session.delete(source_id)
        session.flush()
    assert only(emulator)["knowledge_base_ids"] == [other]
    assert listed(target) == []


def test_pairs_are_right_whether_a_patch_merges_or_replaces(target: TotoyTarget, server: RunningServer) -> None:
    server.services.options["totoy.metadata"] = "merge"
    first = once(target, "old", tags=("a", "b"))
    once(target, "new", replaces=first, tags=(), revision_mark=None)
    (source,) = listed(target)
    assert (source.tags, source.revision_mark) == ((), None)


# --------------------------------------------------------------------------------------------------------------------- refusals


def test_a_full_plan_stops_the_run(target: TotoyTarget, server: RunningServer) -> None:
    server.services.faults.add(Fault("quota", operation="text_sources"))
    with pytest.raises(FatalError, match="out-of-credit"):
        once(target)


def test_what_is_refused_is_that_documents_failure_and_quotes_nothing(
    target: TotoyTarget, server: RunningServer, emulator: TotoyEmulator
) -> None:
    server.services.faults.add(Fault("error_before", operation="POST sources", status=400))
    with pytest.raises(DocumentError, match="invalid-request") as caught:
        once(target, "private")
    assert (caught.value.code, caught.value.document_id) == ("refused", "d")
    assert "private" not in caught.value.message


def test_a_date_that_is_none_is_refused_before_anything_is_sent(target: TotoyTarget, emulator: TotoyEmulator) -> None:
    with pytest.raises(DocumentError, match="valid_from"):
        once(target, metadata={"valid_from": "soon"})
    assert texts(emulator) == []


def test_a_key_that_is_taken_away_stops_the_run(target: TotoyTarget, server: RunningServer) -> None:
    server.services.faults.add(Fault("unauthorized", operation="POST sources"))
    with pytest.raises(AuthenticationError):
        once(target)


def test_a_list_that_breaks_off_is_no_list(target: TotoyTarget, server: RunningServer) -> None:
    once(target)
    with opened(target) as session:
        put(session, "stray")
    server.services.faults.add(Fault("cut_before", operation="GET sources", times=0))
    with opened(target) as session, pytest.raises(Unavailable):
        list(session.sources())


def test_a_draft_that_announces_more_than_comes_is_refused(target: TotoyTarget, emulator: TotoyEmulator) -> None:
    with pytest.raises(DocumentError) as caught:
        once(target, chunk_count=2)
    assert caught.value.code == "chunk-count"
    assert texts(emulator) == []


def test_chunks_of_a_document_become_one_text(target: TotoyTarget, emulator: TotoyEmulator) -> None:
    chunks = [Chunk(0, "one"), Chunk(1, "two")]
    with opened(target) as session:
        write(session, draft_of("d", chunks), chunks)
        session.flush()
    assert texts(emulator) == ["one\n\ntwo"]
    assert [source.chunk_count for source in listed(target)] == [2]
