"""What the runner tells those who watch it, and what they may ask it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class JobDue:
    """A due time was taken. `attempt` counts from 1; more than one if the process died over it before."""

    job: str
    due_at: datetime
    at: datetime
    attempt: int


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A job begins with one of its connectors."""

    job: str
    connector: str
    due_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run has ended, well or not.

    Attributes:
        status: ok, partial, withheld, failed or interrupted; busy if another run of the connector was under way.
        exit_code: As `connector run` would have ended.
        reports: One for each target, as `connector run --json` prints them; none if it could not begin, or was killed.
        message: Why it did not begin or was killed; empty otherwise.
    """

    job: str
    connector: str
    due_at: datetime
    at: datetime
    seconds: float
    status: str
    exit_code: int
    reports: Sequence[Mapping[str, Any]]
    message: str


@dataclass(frozen=True, slots=True)
class JobSkipped:
    """A due time, or one connector of it, was left out because something else was under way."""

    job: str
    due_at: datetime
    at: datetime
    reason: str
    connector: str | None = None


@dataclass(frozen=True, slots=True)
class JobOverran:
    """A job was stopped because it took longer than its `max_duration`.

    Attributes:
        connector: What it was about when its time was over.
        killed: Whether the run did not stop when it was asked to.
    """

    job: str
    due_at: datetime
    at: datetime
    connector: str
    max_duration: str
    killed: bool


@dataclass(frozen=True, slots=True)
class JobEnded:
    """All of a due time is done. `status` is the worst of its runs', or overran, skipped, or failed where the state store failed."""

    job: str
    due_at: datetime
    at: datetime
    status: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class ConfigReloaded:
    """A new configuration counts from now on."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ConfigRefused:
    """A new configuration is broken, and the old one goes on."""

    at: datetime
    message: str


Event = JobDue | RunStarted | RunEnded | JobSkipped | JobOverran | JobEnded | ConfigReloaded | ConfigRefused


class Listener(Protocol):
    """Somebody who is told what happens."""

    def hear(self, event: Event) -> None:
        """Take note of an event. Called from several threads, one at a time; be quick, and raise nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Upcoming:
    """When a job is due next; `due_at` is `None` if it is not enabled, or never due again."""

    job: str
    due_at: datetime | None
    starts_at: datetime | None


@dataclass(frozen=True, slots=True)
class Running:
    """A job under way; `connector` is `None` while it waits for its turn."""

    job: str
    due_at: datetime
    since: datetime
    connector: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """How things stand.

    Attributes:
        last_tick: When the runner last looked for due jobs; `None` if it has not yet. Every half minute, if all is well.
        trouble: Why it could not look the last time; empty if it could.
    """

    upcoming: tuple[Upcoming, ...]
    running: tuple[Running, ...]
    last_tick: datetime | None
    trouble: str
