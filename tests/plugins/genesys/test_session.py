"""What one session does at the vendor, call by call."""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import pytest

from knowledge_connector import (
    AuthenticationError,
    BatchError,
    Chunk,
    DocumentError,
    FatalError,
    KnowledgeSource,
    TargetSession,
    Unavailable,
)
from knowledge_connector.testing.drafts import draft_of, write
from knowledge_connector.testing.emulation import Fault, LeapingClock, RunningServer, running
from knowledge_connector_genesys import GenesysConfig, GenesysTarget
from knowledge_connector_genesys.emulator import GenesysEmulator
from plugins.genesys.wire import config_for, emulator, files, rounds, source_of, target_at, texts

OWNER = "docs"


def opened(server: RunningServer, **changes: object) -> AbstractContextManager[TargetSession]:
    return target_at(server, **changes).open(OWNER, fence=1)


def put(session: TargetSession, id_: str, text: str = "text") -> str:
    chunks = [Chunk(0, text)]
    return write(session, draft_of(id_, chunks), chunks)


def listed(server: RunningServer) -> dict[str, KnowledgeSource]:
    with opened(server) as session:
        return {source.external_id or "": source for source in session.sources()}


def operations(server: RunningServer) -> Counter[str]:
    found = Counter(entry.operation for entry in server.log.entries("genesys"))
    server.log.clear()
    return found


def test_looking_leaves_no_trace(server: RunningServer) -> None:
    with opened(server) as session:
        assert session.token() is None
        assert list(session.sources()) == []
        session.delete("docs/never.md")
        session.delete("12345678")
        session.flush()
    assert server.log.writes("genesys") == []


def test_the_file_begins_with_title_link_and_date(server: RunningServer) -> None:
    chunks = [Chunk(0, "# Holidays\n\nThirty days.")]
    day = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    draft = draft_of("h", chunks, name='Say "hö"', uri="https://example.com/h", updated_at=day)
    with opened(server) as session:
        write(session, draft, chunks)
        session.flush()
    assert files(server, OWNER)["docs/h.md"]["text"] == (
        '---\ntitle: "Say \\"hö\\""\nlink: "https://example.com/h"\ndate: 2026-03-29T01:30:00+00:00\n---\n\n'
        "# Holidays\n\nThirty days.\n"
    )


def test_chunks_that_came_cut_do_not_run_into_each_other(server: RunningServer) -> None:
    chunks = [Chunk(0, "ends here."), Chunk(1, "Begins here")]
    with opened(server) as session:
        write(session, draft_of("a.ctxt", chunks), chunks)
        session.flush()
    (text,) = texts(server, OWNER).values()
    assert text == "ends here.\n\nBegins here"


def test_nothing_is_there_before_the_flush_and_everything_after(server: RunningServer) -> None:
    with opened(server) as session:
        put(session, "a")
        put(session, "b")
        assert files(server, OWNER) == {}
        session.flush()
        assert files(server, OWNER).keys() == {"docs/a.md", "docs/b.md"}
        put(session, "a", "other")
        session.delete("docs/b.md")
        session.discard()
        session.flush()
    assert texts(server, OWNER) == {"docs/a.md": "text", "docs/b.md": "text"}
    assert [row["state"] for row in rounds(server, OWNER)] == ["completed", "cancelled"]


def test_what_was_discarded_is_not_committed(server: RunningServer) -> None:
    with opened(server) as session:
        source_id = put(session, "a")
        session.discard()
        with pytest.raises(DocumentError, match="takes no chunks"):
            session.commit(source_id)
        with pytest.raises(DocumentError, match="takes no chunks"):
            session.add(source_id, Chunk(0, "late"))
        session.begin(draft_of("b", [Chunk(0, "text")]))
        with pytest.raises(DocumentError, match="0 chunks landed where 1"):
            session.commit("docs/b.md")
        with pytest.raises(DocumentError, match="new upload"):
            session.retag(source_id, draft_of("a", []))


def test_a_round_of_nothing_is_cancelled(server: RunningServer) -> None:
    with opened(server) as session:
        put(session, "a")
        session.flush()
        token = session.token()
        session.delete("docs/never.md")
        session.flush()
        assert session.token() == token
    with opened(server) as session:
        assert session.token() == token
    assert [row["state"] for row in rounds(server, OWNER)] == ["completed", "cancelled"]


def test_one_name_may_be_written_and_deleted_in_one_round(server: RunningServer) -> None:
    with opened(server) as session:
        put(session, "a")
        put(session, "b")
        session.flush()
        put(session, "a", "newer")
        session.delete("docs/a.md")
        session.delete("docs/b.md")
        put(session, "b", "back again")
        put(session, "c")
        session.delete("docs/c.md")
        session.flush()
    counts = operations(server)
    assert (counts["DELETE upload"], counts["DELETE deletion"]) == (2, 1)  # nothing is left to who calls last
    assert texts(server, OWNER) == {"docs/b.md": "back again"}
    assert listed(server).keys() == {"b"}


def test_what_a_draft_replaces_under_another_name_goes(server: RunningServer) -> None:
    chunks = [Chunk(0, "text")]
    with opened(server) as session:
        old = put(session, "a")
        session.flush()
        write(session, draft_of("b", chunks, replaces=old), chunks)
        session.flush()
    assert files(server, OWNER).keys() == {"docs/b.md"}


def test_an_open_round_of_a_dead_run_is_cancelled(server: RunningServer) -> None:
    with opened(server) as session:
        put(session, "a")
        session.flush()
    world = emulator(server).world
    dead = world.start_round(world.sources[source_of(server, OWNER) or ""], "Incremental")
    world.announce(dead, {"fileName": "docs/half.md"})
    with opened(server) as session:
        assert {source.external_id for source in session.sources()} == {"a"}
        put(session, "b")
        session.flush()
    assert [row["state"] for row in rounds(server, OWNER)] == ["completed", "cancelled", "completed"]
    assert files(server, OWNER).keys() == {"docs/a.md", "docs/b.md"}


def test_a_round_that_is_being_taken_in_is_awaited(server: RunningServer) -> None:
    with opened(server) as session:
        put(session, "a")
        session.flush()
    world = emulator(server).world
    late = world.start_round(world.sources[source_of(server, OWNER) or ""], "Incremental")
    world.doom(late, {"fileName": "docs/a.md"})
    world.end_round(late, "Completed")
    assert listed(server) == {}


def test_patience_has_an_end_and_the_next_session_sees_what_became_of_it(server: RunningServer) -> None:
    server.services.options["genesys.ingestion_seconds"] = "1000"
    with opened(server, patience_seconds=100) as session:
        put(session, "a")
        with pytest.raises(Unavailable, match="patience_seconds"):
            session.flush()
    assert listed(server).keys() == {"a"}


@pytest.mark.parametrize("word", ["InQueue", "InProgress", "Throttled"])
def test_a_completed_round_may_be_called_anything_until_it_is_taken_in(server: RunningServer, word: str) -> None:
    server.services.options["genesys.processing_status"] = word
    with opened(server) as session:
        put(session, "a")
        session.flush()
        assert files(server, OWNER).keys() == {"docs/a.md"}
    assert [row["state"] for row in rounds(server, OWNER)] == ["completed"]


def test_an_old_round_without_an_end_is_not_awaited(server: RunningServer) -> None:
    with opened(server) as session:
        for id_ in "ab":
            put(session, id_)
            session.flush()
        put(session, "c")
        session.flush()
    table = emulator(server).world.rounds
    stuck = rounds(server, OWNER)[1]
    table[stuck["id"]] = {**stuck, "completed": 1e10}
    clock = LeapingClock(server.services.clock)
    with GenesysTarget(config_for(server), clock).open(OWNER, fence=1) as session:
        found = {source.external_id: source.fingerprint == "doubtful" for source in session.sources()}
    assert found == {"a": False, "b": True, "c": False}
    assert clock.slept == []


def test_others_files_in_our_source_are_invisible(server: RunningServer) -> None:
    with opened(server) as session:
        put(session, "a")
        session.flush()
    world = emulator(server).world
    by_hand = world.start_round(world.sources[source_of(server, OWNER) or ""], "Incremental")
    for name in ("manual.pdf", "docs/unmarked.md"):
        world.take(world.announce(by_hand, {"fileName": name})[1], b"by hand")
    world.end_round(by_hand, "Completed")
    assert listed(server).keys() == {"a"}


def test_files_of_a_failed_round_are_doubtful(server: RunningServer) -> None:
    with opened(server) as session:
        for id_ in "abc":
            put(session, id_)
        session.flush()
        server.services.faults.add(Fault("failed_ingestion"))
        put(session, "a", "newer")
        session.delete("docs/b.md")
        with pytest.raises(BatchError) as failed:
            session.flush()
        assert failed.value.failures.keys() == {"docs/a.md", "docs/b.md"}
        assert {error.code for error in failed.value.failures.values()} == {"ingestion-failed"}
    found = listed(server)
    assert {id_: source.fingerprint == "doubtful" for id_, source in found.items()} == {
        "a": True,
        "b": True,
        "c": False,
    }
    assert all(source.committed for source in found.values())


def test_ill_files_are_found_by_halving_the_round(server: RunningServer) -> None:
    server.services.faults.add(Fault("failed_item", "genesys", "docs/d[37].md", times=0))
    with opened(server) as session:
        for number in range(10):
            put(session, f"d{number}")
        with pytest.raises(BatchError, match="2 files") as failed:
            session.flush()
        assert failed.value.failures.keys() == {"docs/d3.md", "docs/d7.md"}
        session.flush()
    assert len(files(server, OWNER)) == 8
    assert sum(source.fingerprint != "doubtful" for source in listed(server).values()) == 8
    assert len(rounds(server, OWNER)) <= 2 * 2 * 4


def test_a_round_with_many_ill_files_is_not_halved(server: RunningServer) -> None:
    server.services.faults.add(Fault("failed_item", "genesys", "docs/*", times=9))
    with opened(server) as session:
        for number in range(10):
            put(session, f"d{number}")
        with pytest.raises(BatchError, match="10 files"):
            session.flush()
    assert len(rounds(server, OWNER)) == 1


def test_a_file_that_the_vendor_refuses_does_not_hold_up_the_others() -> None:
    with running([GenesysEmulator], options={"genesys.max_file_bytes": "300"}) as server:
        with opened(server) as session:
            put(session, "a")
            with pytest.raises(DocumentError, match=r"docs/b\.md \(\d+ bytes\): 413") as refused:
                put(session, "b", "x" * 400)
            assert refused.value.code == "too-large"
            session.flush()
        assert files(server, OWNER).keys() == {"docs/a.md"}


def test_an_announcement_whose_answer_was_lost_is_taken_back_before_the_next(server: RunningServer) -> None:
    server.services.faults.add(Fault("lost_answer", "genesys", "POST uploads"))
    with opened(server) as session:
        put(session, "a")
        session.flush()
    calls = [entry.operation for entry in server.log.entries("genesys") if "upload" in entry.operation]
    assert calls == ["POST uploads", "GET uploads", "DELETE upload", "POST uploads"]
    assert texts(server, OWNER) == {"docs/a.md": "text"}


def test_an_address_that_has_expired_is_replaced(server: RunningServer) -> None:
    server.services.faults.add(Fault("expired_upload_url", times=2))
    with opened(server) as session:
        put(session, "a")
        session.flush()
    assert texts(server, OWNER) == {"docs/a.md": "text"}
    assert operations(server)["POST uploads"] == 3


def test_addresses_that_never_work_are_the_documents_failure(server: RunningServer) -> None:
    fault = server.services.faults.add(Fault("expired_upload_url", times=4))
    with opened(server) as session:
        with pytest.raises(DocumentError, match="accepted none") as refused:
            put(session, "a")
        put(session, "b")
        session.flush()
    assert (fault.hits, refused.value.code) == (4, "upload-refused")
    assert files(server, OWNER).keys() == {"docs/b.md"}
    assert [row["lost"] for row in rounds(server, OWNER)] == [[]]


def test_the_token_is_renewed_once(server: RunningServer) -> None:
    with opened(server) as session:
        put(session, "a")
        server.services.clock.advance(90_000)
        put(session, "b")
        session.flush()
    assert operations(server)["POST token"] == 2
    assert files(server, OWNER).keys() == {"docs/a.md", "docs/b.md"}
    server.services.faults.add(Fault("unauthorized", operation="* sources", times=0))
    with opened(server) as session, pytest.raises(AuthenticationError, match="had just given"):
        session.token()
    assert operations(server) == {"POST token": 2, "GET sources": 2}


def test_wrong_credentials(server: RunningServer) -> None:
    wrong = {"client_secret": "planted"}
    with opened(server, **wrong) as session, pytest.raises(AuthenticationError) as refused:
        session.token()
    assert "client_secret" in refused.value.message
    assert "planted" not in refused.value.message


def test_a_missing_right_is_named(server: RunningServer) -> None:
    server.services.options["genesys.missing_permissions"] = "synchronization:add"
    with opened(server) as session, pytest.raises(FatalError, match=r"403 .*missing\.permissions"):
        put(session, "a")


def test_an_organisation_without_room_for_a_source(server: RunningServer) -> None:
    server.services.faults.add(Fault("quota"))
    with opened(server) as session, pytest.raises(FatalError, match=r"400 .*limit\.exceeded"):
        put(session, "a")


def write_two(server: RunningServer) -> None:
    with opened(server) as session:
        put(session, "a")
        put(session, "b")
        session.flush()


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_round_in_the_wrong_state_ends_the_session_and_the_next_one_heals(server: RunningServer, after: int) -> None:
    server.services.faults.add(Fault("wrong_state", after=after))
    with pytest.raises(FatalError, match=r"took over|refused to end"):
        write_two(server)
    assert files(server, OWNER) == {}
    with opened(server) as session:
        put(session, "b")
        session.flush()
    assert files(server, OWNER).keys() == {"docs/b.md"}


def test_a_session_that_was_overtaken_starts_no_round(server: RunningServer) -> None:
    with opened(server) as old, opened(server) as new:
        put(old, "a")
        old.discard()
        put(new, "b")
        new.flush()
        with pytest.raises(FatalError, match="took over"):
            put(old, "c")
    assert files(server, OWNER).keys() == {"docs/b.md"}


def test_a_second_session_ends_the_first(server: RunningServer) -> None:
    with opened(server) as old, opened(server) as new:
        put(old, "a")
        put(new, "b")
        with pytest.raises(FatalError, match="took over"):
            put(old, "c")
        new.flush()
    assert files(server, OWNER).keys() == {"docs/b.md"}


@pytest.mark.parametrize(("retry_after", "seconds"), [("3", 3), ("date", 7), ("0", 0), ("none", 0)])
def test_nothing_is_sent_during_a_pause(server: RunningServer, retry_after: str, seconds: float) -> None:
    for after in (1, 4, 6, 9):
        server.services.faults.add(Fault("rate_limit", after=after, seconds=seconds, retry_after=retry_after))
    with opened(server) as session:
        for id_ in "abc":
            put(session, id_)
        session.flush()
    assert len([entry for entry in server.log.entries("genesys") if entry.status == 429]) == 4
    assert server.log.during_pause("genesys") == []
    assert files(server, OWNER).keys() == {"docs/a.md", "docs/b.md", "docs/c.md"}


def test_the_rate_limit_is_kept_without_ever_being_told(server: RunningServer) -> None:
    clock = LeapingClock(server.services.clock)
    targets = [GenesysTarget(config_for(server), clock) for _ in range(2)]
    for number, target in enumerate(targets):
        with target.open(f"{OWNER}{number}", fence=1) as session:
            for document in range(170):
                put(session, f"d{document}")
            session.flush()
    assert {entry.status for entry in server.log.entries("genesys")} == {200}
    assert sum(clock.slept) > 30


def test_pages(server: RunningServer) -> None:
    with opened(server) as session:
        for number in range(450):
            put(session, f"d{number}")
        session.flush()
        server.log.clear()
    assert len(listed(server)) == 450
    assert operations(server)["GET uploads"] == 3


def test_no_content_and_no_address_is_logged(server: RunningServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "knowledge_connector_genesys")
    for operation in ("PUT content", "PATCH *"):
        server.services.faults.add(Fault("error_before", "genesys", operation, after=1, times=0, status=500))
    with opened(server) as session:
        put(session, "a", "planted text")
        session.flush()
        with pytest.raises(Unavailable) as lost:
            put(session, "b", "planted text")
    said = lost.value.message + caplog.text
    assert "planted" not in said
    assert "Signature" not in said
    assert "left open" in caplog.text


def test_check(server: RunningServer) -> None:
    before = [finding.ok for finding in target_at(server).check()]
    assert before == [True, True, True]
    (refused,) = target_at(server, client_id="nobody").check()
    assert (refused.ok, "nobody" in refused.message) == (False, True)
    server.services.options["genesys.missing_permissions"] = "synchronization:view"
    assert [finding.ok for finding in target_at(server).check()] == [True, False]
    assert server.log.writes("genesys") == []


def test_regions_and_addresses() -> None:
    fixed = {"client_id": "x", "client_secret": "y"}
    german = GenesysConfig.model_validate({**fixed, "region": "mypurecloud.de"})
    assert (german.api_url, german.login_url) == ("https://api.mypurecloud.de", "https://login.mypurecloud.de")
    local = GenesysConfig.model_validate({**fixed, "base_url": "http://127.0.0.1:8765/genesys/"})
    assert local.api_url == local.login_url == "http://127.0.0.1:8765/genesys"
    for wrong in ({"region": "example.com"}, {"base_url": "example.com"}, {"base_url": "https://x/?a=1"}):
        with pytest.raises(ValueError, match=r"Genesys Cloud|address"):
            GenesysConfig.model_validate({**fixed, **wrong})
