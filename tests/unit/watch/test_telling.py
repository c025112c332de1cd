"""What is wrong, and what is to be told: pure functions."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from knowledge_connector.ports import JobRow, RunRow, Told
from knowledge_connector.watch.notices import Notice, Topic, due
from knowledge_connector.watch.troubles import JobPast, Past, Trouble, troubles_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ALL: tuple[Topic, ...] = ("failure", "withheld", "stale", "recovery")


def run(status: str, *, message: str = "", withheld: int = 0, at: datetime = NOW) -> RunRow:
    report = json.dumps([{"message": message, "withheld": withheld}])
    return RunRow(7, "run", "wiki", status, at - HOUR, at, report)


def past(last: RunRow | None = None, *, fresh: timedelta | None = None, success: datetime | None = None) -> Past:
    return Past("wiki", fresh, last, success, NOW - 10 * HOUR)


def job(status: str) -> JobPast:
    return JobPast(JobRow("nightly", "rule", NOW, status=status, finished_at=NOW), ("wiki",))


def kinds(*pasts: Past, jobs: tuple[JobPast, ...] = ()) -> list[tuple[str, str]]:
    return [trouble.key for trouble in troubles_of(pasts, jobs, NOW)]


@pytest.mark.parametrize("status", ["ok", "partial"])
def test_a_run_that_ended_well_is_no_trouble(status: str) -> None:
    assert kinds(past(run(status))) == []


def test_a_connector_that_never_ran_is_no_trouble_yet() -> None:
    assert kinds(past()) == []


def test_a_failure_says_why_and_what_to_do() -> None:
    [trouble] = troubles_of([past(run("failed", message="GET https://wiki answered 503"))], [], NOW)
    assert trouble.key == ("failure", "connector wiki")
    assert trouble.summary == "run 7 failed: GET https://wiki answered 503"
    assert (trouble.since, trouble.advice) == (NOW, "connector run wiki")


def test_withheld_deletes_name_the_command_that_approves_them() -> None:
    [trouble] = troubles_of([past(run("withheld", withheld=16, message="too many"))], [], NOW)
    assert trouble.key == ("withheld", "connector wiki")
    assert "16 deletes" in trouble.summary
    assert trouble.advice.endswith("connector run wiki --allow-deletes 16")


@pytest.mark.parametrize(
    ("success", "hours", "stale"),
    [
        (NOW - 2 * HOUR, 3, False),
        (NOW - 2 * HOUR, 2, False),
        (NOW - 3 * HOUR, 2, True),
        (None, 9, True),
        (None, 10, False),
    ],
)
def test_a_freshness_goal_is_missed_from_the_first_moment_after_it(
    success: datetime | None, hours: int, stale: bool
) -> None:
    found = troubles_of([past(run("ok"), fresh=hours * HOUR, success=success)], [], NOW)
    assert [trouble.kind for trouble in found] == ["stale"] * stale
    if found:
        assert found[0].since == (success or NOW - 10 * HOUR) + hours * HOUR


def test_a_job_speaks_where_its_connectors_do_not() -> None:
    assert kinds(past(run("ok")), jobs=(job("overran"),)) == [("failure", "job nightly")]
    assert kinds(past(run("ok")), jobs=(job("failed"),)) == [("failure", "job nightly")]
    assert kinds(past(run("failed")), jobs=(job("failed"),)) == [("failure", "connector wiki")]
    assert kinds(past(run("ok")), jobs=(job("ok"), job("skipped"), job("running"))) == []


TROUBLE = Trouble("failure", "connector wiki", NOW - HOUR, "run 7 failed: no answer", "connector run wiki")
TOLD = Told("ops", "failure", "connector wiki", NOW - HOUR)


def test_a_trouble_is_told_once_and_its_end_once() -> None:
    [begun] = due("ops", ALL, [TROUBLE], [], NOW)
    assert begun == Notice(
        "failure",
        "connector wiki: failed",
        "Run 7 failed: no answer.\nSince 2026-03-01 11:00 UTC. Next: connector run wiki",
        False,
        TOLD,
    )
    assert due("ops", ALL, [TROUBLE], [TOLD], NOW) == []
    [over] = due("ops", ALL, [], [TOLD], NOW)
    assert (over.topic, over.over, over.told) == ("recovery", True, TOLD)
    assert over.text == "Failed since 2026-03-01 11:00 UTC: over after 1:00:00."


WITHHELD_ONLY: tuple[Topic, ...] = ("withheld",)
FAILURE_ONLY: tuple[Topic, ...] = ("failure",)


def test_each_channel_has_its_own_memory_and_topics() -> None:
    assert due("other", ALL, [TROUBLE], [TOLD], NOW) != []
    assert due("ops", WITHHELD_ONLY, [TROUBLE], [], NOW) == []


def test_who_wants_no_recovery_hears_of_none_and_of_the_next_failure_again() -> None:
    [silent] = due("ops", FAILURE_ONLY, [], [TOLD], NOW)
    assert (silent.text, silent.over) == ("", True)
    [silent] = due("ops", ("withheld", "recovery"), [TROUBLE], [TOLD], NOW)
    assert (silent.text, silent.over) == ("", True)
