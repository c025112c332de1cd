"""Jobs in simulated time: a clock that tests turn, a state store in memory, runs that take a while, and processes that die."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from knowledge_connector import Host
from knowledge_connector.config import Settings
from knowledge_connector.errors import LeaseHeld
from knowledge_connector.jobs.events import Event, JobDue
from knowledge_connector.jobs.launching import Answer, Task
from knowledge_connector.jobs.runner import Runner, Surroundings
from knowledge_connector.ports import JobRow, Lease, Occasion, RunRow, StateStore


class Death(BaseException):
    """The process is killed; nothing may catch it."""


@dataclass
class Fate:
    """Ends a process before one of its steps, at random."""

    chance: float
    dice: random.Random
    deaths: int = 0

    def step(self) -> None:
        if self.chance and self.dice.random() < self.chance:
            self.deaths += 1
            raise Death


class TurnedClock:
    """A clock that goes on only when it is turned. The wall clock may be moved, the monotonic one cannot."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._passed = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._passed

    def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._passed += seconds

    def move(self, by: timedelta) -> None:
        self._now += by


class HeldInMemory:
    fence = 1

    def verify(self) -> None:
        """Nobody can overtake us here."""


class MemoryJobStore:
    """What a state store keeps for jobs. It outlives its processes, but their leases end with them."""

    def __init__(self, fate: Fate) -> None:
        self._fate = fate
        self._jobs: dict[str, JobRow] = {}
        self._leases: set[str] = set()
        self._runs: dict[int, RunRow] = {}
        self._by_occasion: dict[Occasion, list[int]] = {}

    def jobs(self) -> dict[str, JobRow]:
        return dict(self._jobs)

    def keep_job(self, row: JobRow) -> None:
        self._fate.step()
        self._jobs[row.job] = row
        self._fate.step()

    def start_run(self, kind: str, connector: str, started_at: datetime, occasion: Occasion | None = None) -> int:
        number = len(self._runs) + 1
        self._runs[number] = RunRow(number, kind, connector, "running", started_at, None, None, occasion)
        if occasion:
            self._by_occasion.setdefault(occasion, []).append(number)
        return number

    def finish_run(self, run: int, status: str, finished_at: datetime, report: str) -> None:
        self._runs[run] = replace(self._runs[run], status=status, finished_at=finished_at, report=report)

    def runs_for(self, occasion: Occasion) -> list[RunRow]:
        return [self._runs[number] for number in self._by_occasion.get(occasion, [])]

    def runs(self, connector: str | None = None, limit: int = 50) -> list[RunRow]:
        found = [run for run in reversed(self._runs.values()) if connector in (None, run.connector)]
        return found[:limit]

    @contextmanager
    def lease(self, name: str) -> Iterator[Lease]:
        if name in self._leases:
            raise LeaseHeld(f"{name} is under way")
        self._leases.add(name)
        try:
            self._fate.step()
            yield HeldInMemory()
        finally:
            self._leases.discard(name)  # as for a real process, whether it ended well or died

    def close(self) -> None:
        """It stays."""


class AtOnce(Executor):
    """Carries out what it is given before it gives back control."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@dataclass
class PretendedRuns:
    """A `Launcher` whose runs only take time, and may die with their parent, or a little later."""

    clock: TurnedClock
    store: MemoryJobStore
    fate: Fate
    longest_seconds: float
    begun: set[tuple[Occasion, str]] = field(default_factory=set)
    ended: set[tuple[Occasion, str]] = field(default_factory=set)
    spans: dict[str, list[tuple[datetime, datetime]]] = field(default_factory=dict)

    def run(self, task: Task, *, seconds: float) -> Answer:
        this = (task.occasion, task.connector)
        assert this not in self.ended, f"{this} is run twice"
        self.fate.step()
        began = self.clock.now()
        run = self.store.start_run("run", task.connector, began, task.occasion)
        self.begun.add(this)
        try:
            self.fate.step()
            self.clock.sleep(self.fate.dice.uniform(1, self.longest_seconds))
            self.fate.step()
        except Death:
            # The child notices that its parent is gone: it stops in good order, was at its end anyway, or dies too.
            self._end(run, this, self.fate.dice.choice(["interrupted", "ok", ""]))
            raise
        self._end(run, this, "ok")
        self.spans.setdefault(task.occasion.job, []).append((began, self.clock.now()))
        self.fate.step()
        return Answer([{"run": run}], 0)

    def _end(self, run: int, this: tuple[Occasion, str], status: str) -> None:
        if status:
            self.store.finish_run(run, status, self.clock.now(), "[]")
        if status == "ok":
            self.ended.add(this)

    def stop(self) -> None:
        """Nothing is under way when control is given back."""

    def kill(self) -> None:
        """The same."""


class Taken:
    """A `Listener` that remembers how often each due time was taken."""

    def __init__(self) -> None:
        self.times: dict[Occasion, int] = {}

    def hear(self, event: Event) -> None:
        if isinstance(event, JobDue):
            self.times[Occasion(event.job, event.due_at)] = event.attempt


class JobsWorld:
    """Processes that look after jobs, one after another, on one clock and one store."""

    def __init__(
        self, settings: Settings, start: datetime, *, chance: float, longest_seconds: float, seed: int
    ) -> None:
        self.settings = settings
        self.dice = random.Random(seed)  # noqa: S311  # a test that can be repeated
        self.fate = Fate(chance, self.dice)
        self.clock = TurnedClock(start.astimezone(UTC))
        self.store = MemoryJobStore(self.fate)
        self.launcher = PretendedRuns(self.clock, self.store, self.fate, longest_seconds)
        self.taken = Taken()

    def process(self) -> Runner:
        store = cast(StateStore, self.store)
        surroundings = Surroundings(
            self.clock,
            lambda: self.settings,
            self.launcher,
            open_host=lambda settings: Host(settings, clock=self.clock, store=store),
            pool=lambda _: AtOnce(),
            listeners=[self.taken],
        )
        return Runner(self.settings, surroundings)
