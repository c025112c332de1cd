"""One due time: taken once, its connectors in turn, what is in the way, what breaks it off, and what is on record afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import pytest

from knowledge_connector.config import Settings
from knowledge_connector.jobs.carrying import Carrying, Means
from knowledge_connector.jobs.events import JobDue, JobEnded, JobOverran, JobSkipped, RunEnded
from knowledge_connector.jobs.launching import Answer
from knowledge_connector.jobs.schedule import Timetable, rule_of
from knowledge_connector.ports import JobRow, Occasion, StateStore
from knowledge_connector.sync.report import ExitCode
from scenarios.jobs_world import MemoryJobStore, TurnedClock

from .conftest import NOON, Configure, Heard, Script

BUSY = Answer(exit_code=3, message="Another run is under way", busy=True)


@dataclass
class Stopping:
    wanted: bool = False


@pytest.fixture
def stopping() -> Stopping:
    return Stopping()


Carry = Callable[..., ExitCode]


@pytest.fixture
def carry(clock: TurnedClock, store: MemoryJobStore, script: Script, heard: Heard, stopping: Stopping) -> Carry:
    def carried(settings: Settings, due: datetime = NOON) -> ExitCode:
        means = Means(
            settings, cast(StateStore, store), clock, script, heard.hear, lambda: stopping.wanted, clock.sleep
        )
        return Carrying(Timetable.of("hourly", settings.jobs["hourly"]), due, means)()

    return carried


def row(settings: Settings, **fields: object) -> JobRow:
    values = {"settled_until": NOON - timedelta(hours=1)} | fields
    return JobRow("hourly", rule_of(settings.jobs["hourly"]), **values)  # type: ignore[arg-type]  # as the test says


def test_connectors_run_in_their_order_but_those_that_are_not_enabled(
    configure: Configure, carry: Carry, script: Script, heard: Heard
) -> None:
    assert carry(configure()) == ExitCode.OK
    assert script.launched == ["one", "two"]
    assert heard.names() == ["JobDue", "RunStarted", "RunEnded", "RunStarted", "RunEnded", "JobEnded"]


def test_it_is_on_record_while_it_lasts_and_afterwards(
    configure: Configure, carry: Carry, script: Script, store: MemoryJobStore
) -> None:
    seen: list[JobRow] = []
    script.during = lambda: seen.append(store.jobs()["hourly"])
    settings = configure()
    carry(settings)
    running = row(settings, settled_until=NOON, due_at=NOON, attempts=1, status="running", started_at=NOON)
    assert seen[0] == running
    after = store.jobs()["hourly"]
    assert (after.status, after.due_at, after.finished_at) == ("ok", NOON, NOON + timedelta(seconds=2))
    assert [run.connector for run in store.runs_for(Occasion("hourly", NOON))] == ["one", "two"]


def test_it_is_carried_out_once(configure: Configure, carry: Carry, script: Script, heard: Heard) -> None:
    carry(configure())
    carry(configure())
    assert script.launched == ["one", "two"]
    assert heard.names().count("JobDue") == 1


def test_while_another_process_carries_it_out_nothing_happens(
    configure: Configure, carry: Carry, script: Script, store: MemoryJobStore
) -> None:
    with store.lease("job hourly"):
        assert carry(configure()) == ExitCode.OK
    assert (script.launched, store.jobs()) == ([], {})


def test_what_was_broken_off_goes_on_with_what_is_left(
    configure: Configure, carry: Carry, script: Script, store: MemoryJobStore, heard: Heard
) -> None:
    settings = configure()
    store.keep_job(row(settings, settled_until=NOON, due_at=NOON, attempts=1, status="running"))
    store.finish_run(store.start_run("run", "one", NOON, Occasion("hourly", NOON)), "failed", NOON, "[]")
    store.finish_run(store.start_run("run", "two", NOON, Occasion("hourly", NOON)), "interrupted", NOON, "[]")
    carry(settings)
    assert script.launched == ["two"]
    assert heard.events[0] == JobDue("hourly", NOON, NOON, attempt=2)


def test_a_run_that_outlives_its_parent_is_waited_for_and_counts(
    configure: Configure, carry: Carry, script: Script, store: MemoryJobStore
) -> None:
    """Though overlapping ones are left out: it is the same due time."""
    settings = configure()
    store.keep_job(row(settings, settled_until=NOON, due_at=NOON, attempts=1, status="running"))
    orphan = store.start_run("run", "one", NOON, Occasion("hourly", NOON))
    script.answers = [(BUSY, 1)]
    script.during = lambda: store.finish_run(orphan, "ok", NOON, "[]")
    carry(settings)
    assert script.launched == ["one", "two"]
    assert store.jobs()["hourly"].status == "ok"


def test_a_connector_that_is_under_way_is_left_out(
    configure: Configure, carry: Carry, script: Script, heard: Heard, store: MemoryJobStore
) -> None:
    script.answers = [(BUSY, 1)]
    assert carry(configure()) == ExitCode.OK
    assert script.launched == ["one", "two"]
    (skipped,) = [event for event in heard.events if isinstance(event, JobSkipped)]
    assert (skipped.connector, skipped.reason) == ("one", BUSY.message)
    assert [event.status for event in heard.events if isinstance(event, RunEnded)] == ["busy", "ok"]
    assert store.jobs()["hourly"].status == "ok"


def test_a_job_whose_connectors_are_all_under_way_was_skipped(
    configure: Configure, carry: Carry, script: Script, store: MemoryJobStore
) -> None:
    script.answers = [(BUSY, 1), (BUSY, 1)]
    carry(configure())
    assert store.jobs()["hourly"].status == "skipped"


def test_a_queued_connector_waits_longer_and_longer(
    configure: Configure, carry: Carry, script: Script, clock: TurnedClock
) -> None:
    script.answers = [(BUSY, 0)] * 9
    carry(configure('overlap = "queue"'))
    assert script.launched == ["one"] * 10 + ["two"]
    assert clock.now() == NOON + timedelta(seconds=1 + 2 + 4 + 8 + 16 + 32 + 60 + 60 + 60 + 2)


def test_a_queued_connector_does_not_wait_for_ever(
    configure: Configure, carry: Carry, script: Script, heard: Heard, store: MemoryJobStore
) -> None:
    script.answers = [(BUSY, 0)] * 1000
    assert carry(configure('overlap = "queue"\nmax_duration = "10m"')) == ExitCode.STOPPED
    (overran,) = [event for event in heard.events if isinstance(event, JobOverran)]
    assert overran == JobOverran("hourly", NOON, NOON + timedelta(minutes=10), "one", "10m", killed=False)
    assert store.jobs()["hourly"].status == "overran"


def test_a_run_has_what_is_left_of_the_jobs_time(configure: Configure, carry: Carry, script: Script) -> None:
    script.answers = [(Answer(), 500)]
    carry(configure('max_duration = "10m"'))
    assert script.seconds == [600, 100]


@pytest.mark.parametrize("killed", [False, True])
def test_after_a_run_that_overran_nothing_else_is_run(
    killed: bool, configure: Configure, carry: Carry, script: Script, heard: Heard, store: MemoryJobStore
) -> None:
    script.answers = [(Answer(exit_code=130, overran=True, killed=killed), 600)]
    settings = configure('max_duration = "10m"')
    assert carry(settings) == ExitCode.STOPPED
    assert script.launched == ["one"]
    assert [event.killed for event in heard.events if isinstance(event, JobOverran)] == [killed]
    carry(settings)  # and not again
    assert script.launched == ["one"]
    assert store.jobs()["hourly"].status == "overran"


@pytest.mark.parametrize(
    ("codes", "status", "worst"),
    [
        ((0, 1), "partial", ExitCode.SOME_FAILED),
        ((4, 1), "withheld", ExitCode.WITHHELD),
        ((3, 0), "failed", ExitCode.STOPPED),
        ((2, 4), "failed", ExitCode.CONFIG),
    ],
)
def test_the_worst_counts_and_does_not_stop_the_next(
    codes: tuple[int, int],
    status: str,
    worst: ExitCode,
    configure: Configure,
    carry: Carry,
    script: Script,
    heard: Heard,
) -> None:
    script.answers = [(Answer(({"run": 1},), code), 1) for code in codes]
    assert carry(configure()) == worst
    assert script.launched == ["one", "two"]
    (ended,) = [event for event in heard.events if isinstance(event, JobEnded)]
    assert ended.status == status


@pytest.mark.parametrize("answer", [Answer(({"run": 1},), 130), Answer(exit_code=3, message="ended by signal 9")])
def test_what_is_stopped_in_good_order_goes_on_later_and_as_often_as_need_be(
    answer: Answer, configure: Configure, carry: Carry, script: Script, store: MemoryJobStore, stopping: Stopping
) -> None:
    def stop() -> None:
        stopping.wanted = True

    settings = configure()
    for _ in range(5):
        script.answers, script.during, stopping.wanted = [(answer, 1)], stop, False
        assert carry(settings) == ExitCode.INTERRUPTED
        assert store.jobs()["hourly"].status == "interrupted"
    script.during, stopping.wanted = (lambda: None), False
    assert carry(settings) == ExitCode.OK
    assert script.launched == ["one"] * 6 + ["two"]


def test_what_came_due_meanwhile_is_settled(
    configure: Configure, carry: Carry, script: Script, store: MemoryJobStore
) -> None:
    script.answers = [(Answer(), 9000)]
    carry(configure())
    assert store.jobs()["hourly"].settled_until == NOON + timedelta(hours=2)


def test_what_came_due_meanwhile_waits_if_it_is_queued(
    configure: Configure, carry: Carry, script: Script, store: MemoryJobStore
) -> None:
    script.answers = [(Answer(), 9000)]
    carry(configure('overlap = "queue"'))
    assert store.jobs()["hourly"].settled_until == NOON


@pytest.mark.parametrize(("stops", "status"), [(False, "killed"), (True, "interrupted")])
def test_the_history_says_of_a_run_that_died_that_it_has(
    stops: bool,
    status: str,
    configure: Configure,
    carry: Carry,
    script: Script,
    store: MemoryJobStore,
    stopping: Stopping,
) -> None:
    def die() -> None:
        stopping.wanted = stops
        store.start_run("run", "one", NOON, Occasion("hourly", NOON))

    script.during = die
    script.answers = [(Answer(exit_code=3, message="ended by signal 9"), 1)]
    carry(configure())
    runs = [run for run in store.runs_for(Occasion("hourly", NOON)) if run.connector == "one"]
    assert [run.status for run in runs if run.report == "[]"][-1] == status
