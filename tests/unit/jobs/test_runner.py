"""The loop: what it starts, leaves out and lets wait, how it stops, and what it does with a new configuration."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from knowledge_connector import ConfigError, FatalError, Host
from knowledge_connector.config import Settings
from knowledge_connector.jobs.events import (
    ConfigRefused,
    ConfigReloaded,
    JobDue,
    JobSkipped,
    Running,
    Upcoming,
)
from knowledge_connector.jobs.launching import Answer
from knowledge_connector.jobs.runner import LOOK_SECONDS, Runner, Surroundings, check, named_job
from knowledge_connector.ports import JobRow, StateStore
from knowledge_connector.sync.report import ExitCode
from scenarios.jobs_world import AtOnce, Fate, MemoryJobStore, TurnedClock

from .conftest import NOON, Configure, Heard, Script

HOUR = timedelta(hours=1)


class Later(Executor):
    """Keeps what it is given until it is told to go on."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], object]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.waiting.append(lambda: future.set_result(fn(*args, **kwargs)))
        return future

    def go_on(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


Make = Callable[..., Runner]


@pytest.fixture
def make(clock: TurnedClock, store: MemoryJobStore, script: Script, heard: Heard) -> Make:
    def made(settings: Settings, pool: Executor | None = None, **fields: Any) -> Runner:
        surroundings = Surroundings(
            clock,
            lambda: settings,
            script,
            open_host=lambda settings: Host(settings, clock=clock, store=cast(StateStore, store)),
            pool=lambda _: pool or AtOnce(),
            listeners=[heard],
        )
        return Runner(settings, replace(surroundings, **fields))

    return made


def dues(heard: Heard) -> list[datetime]:
    return [event.due_at for event in heard.events if isinstance(event, JobDue)]


def test_what_is_due_is_started_and_what_is_not_is_not(
    configure: Configure, make: Make, clock: TurnedClock, heard: Heard
) -> None:
    runner = make(configure())
    for _ in range(26):
        runner.tick()
        clock.sleep(600)
    assert dues(heard) == [NOON + number * HOUR for number in range(5)]


def test_a_job_that_is_not_enabled_is_not_started_and_owes_nothing_later(
    configure: Configure, make: Make, clock: TurnedClock, heard: Heard
) -> None:
    make(configure()).tick()
    clock.sleep(1800)
    make(configure("enabled = false")).tick()
    clock.sleep(6000)
    make(configure("enabled = false")).tick()
    clock.sleep(1000)
    make(configure()).tick()
    assert dues(heard) == [NOON]


def test_it_looks_again_when_something_is_due_or_after_half_a_minute(
    configure: Configure, make: Make, clock: TurnedClock
) -> None:
    runner = make(configure())
    assert runner.tick() == LOOK_SECONDS
    clock.move(NOON + HOUR - timedelta(seconds=7) - clock.now())
    assert runner.tick() == 7


def test_only_the_jobs_that_were_asked_for_are_looked_after(configure: Configure, make: Make, heard: Heard) -> None:
    other = '[jobs.other]\nconnectors = ["one"]\nschedule = "0 * * * *"\n'
    runner = make(configure(more=other), jobs=["other"])
    runner.tick()
    assert [event.job for event in heard.events if isinstance(event, JobDue)] == ["other"]
    assert [one.job for one in runner.overview().upcoming] == ["other"]


def test_what_comes_due_during_a_run_is_left_out_and_told_once(
    configure: Configure, make: Make, clock: TurnedClock, heard: Heard
) -> None:
    pool = Later()
    runner = make(configure(), pool)
    runner.tick()
    for _ in range(3):
        clock.sleep(2400)
        runner.tick()
    skipped = [event.due_at for event in heard.events if isinstance(event, JobSkipped)]
    assert skipped == [NOON + HOUR, NOON + 2 * HOUR]
    pool.go_on()
    runner.tick()
    assert pool.waiting == []
    assert dues(heard) == [NOON]


@pytest.mark.parametrize("catch_up", ["latest", "none"])
def test_what_comes_due_during_a_run_waits_if_it_is_queued(
    catch_up: str, configure: Configure, make: Make, clock: TurnedClock, heard: Heard
) -> None:
    pool = Later()
    runner = make(configure(f'overlap = "queue"\ncatch_up = "{catch_up}"'), pool)
    runner.tick()
    for _ in range(3):
        clock.sleep(2400)
        runner.tick()
    pool.go_on()
    runner.tick()
    pool.go_on()
    assert dues(heard) == [NOON, NOON + 2 * HOUR]
    assert "JobSkipped" not in heard.names()


class Away(MemoryJobStore):
    """A store that cannot be reached so many times."""

    def __init__(self, times: int) -> None:
        super().__init__(Fate(0, random.Random(1)))  # noqa: S311  # nobody dies here
        self.times = times

    def jobs(self) -> dict[str, JobRow]:
        self.times -= 1
        if self.times >= 0:
            raise FatalError("the database is away")
        return super().jobs()


def test_trouble_with_the_state_store_is_kept_and_the_next_tick_tries_again(
    configure: Configure, make: Make, clock: TurnedClock, heard: Heard
) -> None:
    store, opened = Away(times=1), []

    def open_host(settings: Settings) -> Host:
        opened.append(settings)
        return Host(settings, clock=clock, store=cast(StateStore, store))

    runner = make(configure(), open_host=open_host)
    assert runner.tick() == LOOK_SECONDS
    assert (runner.overview().trouble, heard.events, len(opened)) == ("the database is away", [], 2)
    runner.tick()
    assert (runner.overview().trouble, dues(heard)) == ("", [NOON])


def test_the_overview(configure: Configure, make: Make, clock: TurnedClock, script: Script) -> None:
    settings = configure(more='[jobs.off]\nconnectors = ["one"]\nschedule = "5 * * * *"\nenabled = false\n')
    runner = make(settings)
    assert runner.overview().last_tick is None
    seen = []
    script.during = lambda: seen.append(runner.overview())
    runner.tick()
    assert seen[0].running == (Running("hourly", NOON, NOON, "one"),)
    assert seen[1].running == (Running("hourly", NOON, NOON, "two"),)
    after = runner.overview()
    assert (after.running, after.last_tick) == ((), NOON)
    assert after.upcoming == (Upcoming("hourly", NOON + HOUR, NOON + HOUR), Upcoming("off", None, None))


def test_once_runs_what_is_due_and_gives_the_worst_exit_code(
    configure: Configure, make: Make, script: Script, heard: Heard
) -> None:
    script.answers = [(Answer(({"run": 1},), 1), 1), (Answer(({"run": 2},), 4), 1)]
    assert make(configure("jitter_seconds = 3600")).once() == ExitCode.WITHHELD
    assert dues(heard) == [NOON]
    assert make(configure("jitter_seconds = 3600")).once() == ExitCode.OK
    assert dues(heard) == [NOON]


def test_once_says_when_the_state_store_is_away(configure: Configure, make: Make) -> None:
    store = cast(StateStore, Away(times=1))
    with pytest.raises(FatalError, match="away"):
        make(configure(), open_host=lambda settings: Host(settings, store=store)).once()


# -- in threads ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def test_stopping_asks_the_runs_to_end_and_starts_nothing_more(
    configure: Configure, make: Make, script: Script, heard: Heard, threads: ThreadPoolExecutor, store: MemoryJobStore
) -> None:
    asked = threading.Event()

    class Stoppable(Script):
        def stop(self) -> None:
            super().stop()
            asked.set()

    launcher = Stoppable(script.clock, store)
    runner = make(configure(), threads, launcher=launcher)

    def stop_while_it_runs() -> None:
        runner.stop()
        assert asked.wait(60)

    launcher.during = stop_while_it_runs
    launcher.answers = [(Answer(({"run": 1},), 130), 1)]
    runner.serve()
    assert launcher.launched == ["one"]
    assert store.jobs()["hourly"].status == "interrupted"
    assert launcher.killed == 0


def test_what_does_not_stop_is_killed(
    configure: Configure, make: Make, script: Script, threads: ThreadPoolExecutor, store: MemoryJobStore
) -> None:
    """After `stop_seconds`, by this clock."""
    asked, killed = threading.Event(), threading.Event()

    class Stubborn(Script):
        def stop(self) -> None:
            asked.set()

        def kill(self) -> None:
            killed.set()

    launcher = Stubborn(script.clock, store)
    runner = make(configure(more="[serve]\nstop_seconds = 9\n"), threads, launcher=launcher)

    def hang() -> None:
        runner.stop()
        assert asked.wait(60)
        script.clock.sleep(10)
        assert killed.wait(60)

    launcher.during = hang
    launcher.answers = [(Answer(exit_code=3, message="ended by signal 9"), 1)]
    runner.serve()
    assert store.jobs()["hourly"].status == "interrupted"


def test_stopping_twice_kills_at_once(
    configure: Configure, make: Make, script: Script, threads: ThreadPoolExecutor, store: MemoryJobStore
) -> None:
    killed = threading.Event()

    class Stubborn(Script):
        def kill(self) -> None:
            killed.set()

    launcher = Stubborn(script.clock, store)
    runner = make(configure(), threads, launcher=launcher)

    def hang() -> None:
        runner.stop()
        runner.stop()
        assert killed.wait(60)

    launcher.during = hang
    runner.serve()
    assert killed.is_set()


def test_what_nobody_expected_ends_the_process(
    configure: Configure, make: Make, script: Script, threads: ThreadPoolExecutor
) -> None:
    def fault() -> None:
        raise KeyError("a fault of ours")

    script.during = fault
    with pytest.raises(KeyError, match="a fault of ours"):
        make(configure(), threads).serve()
    assert script.stopped == 1


# -- a new configuration -------------------------------------------------------------------------------------------------


def heed(runner: Runner) -> None:
    """Let the loop do what it has been told to, and end."""
    runner.stop()
    runner.serve()


def test_a_new_configuration_counts_from_now_on(configure: Configure, make: Make, heard: Heard) -> None:
    fresh = configure('timezone = "Europe/Berlin"')
    runner = make(configure(), load=lambda: fresh)
    runner.reload()
    heed(runner)
    assert [event for event in heard.events if isinstance(event, ConfigReloaded)]
    assert runner.settings is fresh


def test_a_broken_configuration_changes_nothing_and_is_told(configure: Configure, make: Make, heard: Heard) -> None:
    def load() -> Settings:
        raise ConfigError("jobs.hourly.schedule: should have five fields")

    settings = configure()
    runner = make(settings, load=load)
    runner.reload()
    heed(runner)
    (refused,) = [event for event in heard.events if isinstance(event, ConfigRefused)]
    assert refused.message == "jobs.hourly.schedule: should have five fields"
    assert runner.settings is settings


def test_checking_finds_what_would_show_at_night_only(configure: Configure) -> None:
    check(configure(), [])
    broken = configure(more='[connectors.three]\ntype = "filesystem"\nrooot = "."\n')
    check(broken, [])  # no job needs it
    job = '[jobs.x]\nconnectors = ["three"]\nschedule = "* * * * *"\n'
    needed = configure(more=f'[connectors.three]\ntype = "filesystem"\nrooot = "."\n{job}')
    with pytest.raises(ConfigError, match="rooot"):
        check(needed, [])
    check(needed, ["hourly"])


def test_a_job_that_is_never_due_is_refused(configure: Configure) -> None:
    never = configure('blackouts = [{ start = "00:00", end = "23:59:59" }]')
    with pytest.raises(ConfigError, match=r"jobs.hourly.blackouts in .* leave no time at which it is due"):
        check(never, [])


def test_an_unknown_job_is_an_error_that_names_the_others(configure: Configure) -> None:
    with pytest.raises(ConfigError, match=r"there is no \[jobs.daily\] in .*; there are: hourly"):
        named_job(configure(), "daily")
