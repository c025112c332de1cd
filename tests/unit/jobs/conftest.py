"""Jobs with scripted runs, on a clock that tests turn."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from knowledge_connector.config import Settings, load
from knowledge_connector.jobs.events import Event
from knowledge_connector.jobs.launching import Answer, Task
from scenarios.jobs_world import Fate, MemoryJobStore, TurnedClock

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)

CONNECTORS = """
[connectors.one]
type = "filesystem"
root = "."
[connectors.two]
type = "filesystem"
root = "."
[connectors.off]
type = "filesystem"
root = "."
enabled = false
"""

Configure = Callable[..., Settings]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Makes settings with these keys in `[jobs.hourly]`, and more tables."""

    def made(options: str = "", more: str = "") -> Settings:
        job = f'[jobs.hourly]\nconnectors = ["one", "off", "two"]\nschedule = "0 * * * *"\n{options}\n'
        (tmp_path / "connectors.toml").write_text(CONNECTORS + job + more, encoding="utf-8")
        return load(tmp_path / "connectors.toml", {})

    return made


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock(NOON)


@pytest.fixture
def store() -> MemoryJobStore:
    return MemoryJobStore(Fate(0, random.Random(1)))  # noqa: S311  # nobody dies here


class Script:
    """A `Launcher` that gives the answers it was told to, each after some time; then good ones."""

    def __init__(self, clock: TurnedClock, store: MemoryJobStore) -> None:
        self.clock, self.store = clock, store
        self.answers: list[tuple[Answer, float]] = []
        self.launched: list[str] = []
        self.seconds: list[float] = []
        self.during: Callable[[], object] = lambda: None
        self.stopped = self.killed = 0

    def run(self, task: Task, *, seconds: float) -> Answer:
        self.launched.append(task.connector)
        self.seconds.append(seconds)
        answer, takes = self.answers.pop(0) if self.answers else (Answer(), 1.0)
        run = None if answer.busy else self.store.start_run("run", task.connector, self.clock.now(), task.occasion)
        self.clock.sleep(takes)
        self.during()
        if run is not None:
            broken_off = answer.exit_code == 130 or (answer.exit_code and not answer.reports)
            self.store.finish_run(run, "interrupted" if broken_off else "ok", self.clock.now(), "[]")
        return answer

    def stop(self) -> None:
        self.stopped += 1

    def kill(self) -> None:
        self.killed += 1


@pytest.fixture
def script(clock: TurnedClock, store: MemoryJobStore) -> Script:
    return Script(clock, store)


class Heard:
    """A `Listener` that remembers."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def hear(self, event: Event) -> None:
        self.events.append(event)

    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


@pytest.fixture
def heard() -> Heard:
    return Heard()
