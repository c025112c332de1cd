"""What crashes leave behind, what others have at Totoy, and what it refuses."""

from __future__ import annotations

import pytest

from knowledge_connector import AuthenticationError, Chunk, DocumentError, FatalError, Unavailable
from knowledge_connector.testing.drafts import OWNER, draft_of, write
from knowledge_connector.testing.emulation import Fault, LeapingClock, RunningServer
from knowledge_connector_totoy.emulator import TotoyEmulator
from knowledge_connector_totoy.target import TotoyTarget
from plugins.totoy.conftest import config_for
from plugins.totoy.desk import listed, once, only, opened, put, texts, whole

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
    made = [
        organisation.add_text({**fields, "custom_metadata": pairs, "text_content": "by hand"})["source_id"]
        for pairs in ({}, {"managed_by": f"kc-by-{OWNER}"})
    ]
    organisation.link(base_id, made)
    organisation.add_text({**fields, "custom_metadata": {}, "text_content": "in no base"})
    with opened(target) as session:
        assert [source.source_id for source in session.sources()] == [source_id]
        session.delete(source_id)
        session.delete(made[0])
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
