"""The target: which knowledge base, waiting, replacing, failing, checking; threads, budgets, and what is not told to anybody."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from knowledge_connector import (
    AuthenticationError,
    ConfigError,
    DocumentError,
    FatalError,
    KnowledgeSource,
    TargetSession,
)
from knowledge_connector.model import Chunk
from knowledge_connector.testing.drafts import draft_of, write
from knowledge_connector.testing.emulation import Fault
from knowledge_connector_intellia import IntelliaConfig, IntelliaTarget
from knowledge_connector_intellia.config import DESCRIPTION
from knowledge_connector_intellia.emulator import ORGANIZATION, READ_ONLY, TOKEN
from plugins.intellia.stage import BASE, Stage, staged

OWNER = "docs"
PIECES = [Chunk(0, "All about kettles.")]


@pytest.fixture
def empty(one_stage: Stage) -> Stage:
    one_stage.server.reset()
    return one_stage


@pytest.fixture
def stage(empty: Stage) -> Stage:
    empty.emulator.records.make_base(ORGANIZATION, BASE, "For tests")
    return empty


def listed(target: IntelliaTarget, owner: str = OWNER) -> list[KnowledgeSource]:
    with target.open(owner, fence=1) as session:
        return list(session.sources())


def written(target: IntelliaTarget, id_: str = "a", pieces: Sequence[Chunk] = PIECES, **changes: Any) -> str:
    with target.open(OWNER, fence=1) as session:
        return write(session, draft_of(id_, pieces, **changes), pieces)


# -- which knowledge base ---------------------------------------------------------------------------------------------------


def test_it_is_made_by_the_first_write_only(empty: Stage) -> None:
    target = empty.target()
    assert listed(target) == []
    assert [finding.ok for finding in target.check()] == [True, True]
    assert empty.server.log.writes() == []
    written(target)
    (row,) = empty.emulator.records.bases.values()
    assert (row["title"], row["llmDescription"], row["type"]) == (BASE, DESCRIPTION, "ORGANIZATION")
    written(target, "b")
    assert len(empty.emulator.records.bases) == 1


def test_several_threads_make_it_once(empty: Stage) -> None:
    with empty.target().open(OWNER, fence=1) as session, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write(session, draft_of(f"d{number}", PIECES), PIECES), range(8)))
    assert len(empty.emulator.records.bases) == 1
    assert len(empty.held()) == 8


def test_it_may_be_given_by_id(stage: Stage) -> None:
    twin = stage.emulator.records.make_base(ORGANIZATION, BASE, "Its twin")
    with pytest.raises(ConfigError, match=r"fits several: kb-.*, kb-.*\. Give the id of one"):
        listed(stage.target())
    written(stage.target(knowledge_base=twin))
    assert len(stage.files(twin)) == 1


@pytest.mark.parametrize("changes", [{"create_missing": False}, {"knowledge_base": "kb-mistyped"}])
def test_it_is_not_made_unasked(empty: Stage, changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="there is none of that id or title"):
        written(empty.target(**changes))
    assert len(empty.emulator.records.bases) == 0


def test_personal_ones_are_others(stage: Stage) -> None:
    written(stage.target(base_type="PERSONAL"))
    assert sorted(row["type"] for row in stage.emulator.records.bases.values()) == ["ORGANIZATION", "PERSONAL"]


def test_the_description_is_brought_up_to_date_with_a_write(stage: Stage) -> None:
    target = stage.target(description="All about kettles")
    listed(target)
    assert stage.server.log.writes() == []
    for id_ in ("a", "b"):
        written(target, id_)
    assert stage.server.log.counts("intellia")["PUT base"] == 1
    assert stage.emulator.records.bases[stage.base()]["llmDescription"] == "All about kettles"


# -- files ------------------------------------------------------------------------------------------------------------------


def test_what_a_file_says(stage: Stage) -> None:
    when = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    written(stage.target(), name="Kettles: a guide", uri="https://example.com/k?x=1", updated_at=when, tags=("x",))
    (file,) = stage.files()
    assert file["fileName"].startswith("Kettles%3A a guide.kc-docs.")
    text = stage.emulator.records.content(file["fileId"]).decode()
    assert text == (
        "---\ntitle: 'Kettles: a guide'\nlink: https://example.com/k?x=1\nupdated: '2026-03-29T01:30:00+00:00'\n"
        "---\n\nAll about kettles.\n"
    )


def test_chunks_are_joined_and_counted(stage: Stage) -> None:
    pieces = [Chunk(0, "one"), Chunk(1, "two")]
    written(stage.target(), pieces=pieces)
    (source,) = listed(stage.target())
    assert source.chunk_count == 2
    with pytest.raises(DocumentError, match="1 chunks landed where 2 were announced"):
        written(stage.target(), pieces=pieces[:1], chunk_count=2)
    assert len(stage.files()) == 1


def test_what_is_too_long_is_refused_before_it_is_sent(stage: Stage) -> None:
    with pytest.raises(DocumentError, match="max_file_bytes = 1000000") as caught:
        written(stage.target(), pieces=[Chunk(0, "x" * 1_000_000)])
    assert caught.value.code == "too-long"
    assert stage.files() == []


@pytest.mark.parametrize(
    ("kind", "code", "message"),
    [
        ("failed_ingestion", "ingestion", "Intellia could not take it in: Embedding failed"),
        ("stuck_processing", "ingestion-timeout", "has not taken it in in time, and is at PROCESSING"),
        ("expired_upload_url", "upload-refused", "AccessDenied"),
        ("quota", "refused", "422"),
    ],
)
def test_a_failure_leaves_the_version_before_and_nothing_else(stage: Stage, kind: str, code: str, message: str) -> None:
    target = stage.target()
    old = written(target)
    stage.server.services.faults.add(Fault(kind))
    newer = [Chunk(0, "Newer.")]
    with pytest.raises(DocumentError, match=message) as caught:
        written(target, pieces=newer, replaces=old)
    assert (caught.value.code, caught.value.document_id) == (code, "a")
    assert [(file["fileId"], file["status"]) for file in stage.files()] == [(old, "READY")]
    new = written(target, pieces=newer, replaces=old)
    assert [file["fileId"] for file in stage.files()] == [new]


def test_an_upload_whose_answer_was_lost_has_arrived() -> None:
    with staged(lag_seconds="0") as stage:
        lost = stage.server.services.faults.add(Fault("lost_answer", operation="PUT upload"))
        written(stage.target())
        assert lost.hits == 1
        assert stage.server.log.counts("intellia")["PUT upload"] == 2
        assert [file["status"] for file in stage.files()] == ["READY"]


def test_a_file_deleted_by_somebody_while_it_is_awaited(stage: Stage) -> None:
    with stage.target().open(OWNER, fence=1) as session:
        source_id = session.begin(draft_of("a", PIECES))
        session.add(source_id, PIECES[0])
        stage.emulator.records.drop_file(stage.base(), source_id)
        with pytest.raises(DocumentError, match="NoSuchKey"):
            session.commit(source_id)
        with pytest.raises(DocumentError, match="is not there any more"):
            session.commit(source_id)
        with pytest.raises(DocumentError, match="is not there any more"):
            session.add(source_id, PIECES[0])


def test_files_on_their_way_are_waited_for(stage: Stage) -> None:
    records, base = stage.emulator.records, stage.base()
    written(stage.target())
    (row,) = records.files(base).values()
    records.take_in(row, b"# x", lag_seconds=0)
    assert stage.files()[0]["status"] == "ENQUEUED"
    (source,) = listed(stage.target())
    assert source.committed


def test_files_that_are_stuck_are_unfinished(stage: Stage) -> None:
    records, base = stage.emulator.records, stage.base()
    written(stage.target())
    (row,) = records.files(base).values()
    stage.server.services.faults.add(Fault("stuck_processing"))
    records.take_in(row, b"# x", lag_seconds=0)
    (source,) = listed(stage.target(ready_timeout_seconds=60))
    assert (source.fingerprint, source.chunk_count) == (None, 0)


def test_left_overs_are_unfinished(stage: Stage) -> None:
    with stage.target().open(OWNER, fence=1) as session:
        session.begin(draft_of("a", PIECES))
    with stage.target().open(OWNER, fence=1) as session:
        (source,) = session.sources()
        assert not source.committed
        session.delete(source.source_id)
    assert stage.files() == []


def test_a_file_cannot_be_retagged(stage: Stage) -> None:
    with stage.target().open(OWNER, fence=1) as session:
        source_id = write(session, draft_of("a", PIECES), PIECES)
        with pytest.raises(DocumentError, match="cannot rename a file"):
            session.retag(source_id, draft_of("a", PIECES, name="Other"))


def test_ten_thousand_sources_among_foreign_files(stage: Stage) -> None:
    records, base = stage.emulator.records, stage.base()
    written(stage.target())
    (row,) = stage.files()
    for number in range(10_000):
        name = row["fileName"] if number % 2 else f"By hand {number}.md"
        records.make_file(base, name, b"# x")
    assert len(listed(stage.target())) == 5_001


# -- many at a time ---------------------------------------------------------------------------------------------------------


def write_many(session: TargetSession, target: IntelliaTarget, count: int) -> None:
    with ThreadPoolExecutor(target.limits.concurrency) as pool:
        list(pool.map(lambda number: write(session, draft_of(f"d{number}", PIECES), PIECES), range(count)))


def test_threads_share_their_looks(stage: Stage) -> None:
    target = stage.target(concurrency=8)
    with target.open(OWNER, fence=1) as session:
        write_many(session, target, 120)
    counts = Counter(stage.server.log.counts("intellia"))
    assert counts["POST upload-url"] == counts["PUT upload"] == 120
    assert counts["GET files"] < 120
    assert len(stage.held()) == 120


def test_nobody_calls_during_a_pause(stage: Stage) -> None:
    target = stage.target(concurrency=8)
    fault = Fault("rate_limit", after=20, times=3, seconds=120, grace_seconds=60)
    storm = stage.server.services.faults.add(fault)
    with target.open(OWNER, fence=1) as session:
        write_many(session, target, 40)
    assert storm.hits == 3
    assert stage.server.log.during_pause() == []
    assert len(stage.held()) == 40


def test_requests_per_minute_are_shared_by_targets(stage: Stage) -> None:
    targets = [stage.target(requests_per_minute=10, check_search=False) for _ in range(2)]
    for number in range(6):
        written(targets[number % 2], f"d{number}")
    moments = [entry.at for entry in stage.server.log]
    assert len(moments) > 20
    assert all((later - first).total_seconds() >= 59 for first, later in zip(moments, moments[10:], strict=False))


def test_the_vendors_own_limit_is_kept() -> None:
    with staged(rate_per_minute="10") as stage:
        target = stage.target(concurrency=1)
        with target.open(OWNER, fence=1) as session:
            write_many(session, target, 10)
        assert len(stage.held()) == 10
        refused = [entry for entry in stage.server.log if entry.status == 429]
        assert 1 <= len(refused) <= 5


# -- the search after a run ---------------------------------------------------------------------------------------------------


def test_the_last_document_is_searched_for(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    written(stage.target())
    assert stage.server.log.counts("intellia")["POST search"] == 1
    assert caplog.messages == []
    with stage.target().open(OWNER, fence=1) as session:
        source_id = write(session, draft_of("b", PIECES), PIECES)
        stage.emulator.records.drop_file(stage.base(), source_id)
    assert caplog.messages == ["the last document written is not found by a search"]


def test_a_failing_search_fails_no_run(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.server.services.faults.add(Fault("error_before", operation="POST search", status=403))
    written(stage.target())
    assert caplog.messages == ["the search after the run failed"]


def test_it_is_left_out_where_there_is_nothing_to_look_for(stage: Stage) -> None:
    written(stage.target(check_search=False))
    listed(stage.target())
    with stage.target().open(OWNER, fence=1) as session:
        write(session, draft_of("b", PIECES), PIECES)
        session.discard()
    assert "POST search" not in stage.server.log.counts("intellia")


# -- check, options and secrets -------------------------------------------------------------------------------------------------


def test_check_shows_what_is_there_and_what_uploads_set_off(stage: Stage) -> None:
    written(stage.target())
    etls = stage.emulator.records.etls(stage.base())
    common = {"knowledgeBaseId": stage.base(), "etlType": "agent", "prompt": "Sum it up"}
    etls["etl-1"] = {**common, "etlId": "etl-1", "agentId": "agent-7", "conditions": []}
    etls["etl-2"] = {**common, "etlId": "etl-2", "agentId": None, "conditions": [{"field": "fileName"}]}
    stage.server.log.clear()
    findings = list(stage.target().check())
    assert all(finding.ok for finding in findings)
    said = [f"{finding.subject}: {finding.message}" for finding in findings]
    assert f"knowledge base: 'Support' ({stage.base()}) holds 1 files, 0 of them not READY" in said
    assert said[-2].startswith("ETL: etl-1 runs agent agent-7 on every file that is added")
    assert said[-1].startswith("ETL: etl-2 runs agent on some files that is added")
    assert stage.server.log.writes() == []


def test_check_with_a_wrong_key(stage: Stage) -> None:
    with pytest.raises(AuthenticationError):
        list(stage.target(api_key=SecretStr("wrong")).check())


def test_a_key_that_may_only_read(stage: Stage) -> None:
    target = stage.target(api_key=SecretStr(READ_ONLY))
    assert all(finding.ok for finding in target.check())
    with pytest.raises(FatalError, match="403"):
        written(target)


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url": "api.intellia.com.au"},
        {"organization_id": "a/b"},
        {"knowledge_base": ""},
        {"base_type": "PUBLIC"},
        {"concurrency": 0},
        {"poll_seconds": 60},
        {"unknown": 1},
    ],
)
def test_options_are_checked(stage: Stage, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        stage.config(**changes)


def test_it_goes_to_the_vendor_by_default() -> None:
    config = IntelliaConfig(organization_id="org-1", api_key=SecretStr("x"), knowledge_base="Support")
    assert config.base_url == "https://api.intellia.com.au"


def test_nothing_secret_is_told(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "knowledge_connector_intellia")
    caplog.set_level(logging.DEBUG, "knowledge_connector")
    target = stage.target()
    old = written(target)
    stage.server.services.faults.add(Fault("expired_upload_url"))
    stage.server.services.faults.add(Fault("failed_ingestion"))
    errors = []
    for _ in range(2):
        with pytest.raises(DocumentError) as caught:
            written(target, replaces=old)
        errors.append(repr(caught.value))
    told = " ".join([*errors, *(str(record.__dict__) for record in caplog.records), repr(target.config)])
    for secret in (TOKEN, "X-Amz", "kettles"):
        assert secret not in told
