"""Watches runs on behalf of the command line: what failed, what was refused, and how far they have come."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from knowledge_connector.cli.terminal.log import ride_along
from knowledge_connector.ports import Lane
from knowledge_connector.sync.plan import Action, Change
from knowledge_connector.sync.report import SyncReport

SHOWN = 10
"""How many failures are told of; the rest are counted."""

REFUSALS = {"not-undone", "not-planned"}
"""Codes of skips that a person asked for and did not get."""


@dataclass(frozen=True, slots=True)
class Note:
    """A document that a person should hear of."""

    connector: str
    external_id: str
    reason: str
    stage: str = ""


class Progress(Protocol):
    """Shows how far a run has come."""

    def begin(self, reports: Sequence[SyncReport], expected: Mapping[str, int]) -> None:
        """A run begins; `reports` fill up while it goes on, `expected` says by target how many documents there were last time."""
        ...

    def tick(self, change: Change) -> None:
        """A change was decided."""
        ...

    def end(self) -> None:
        """The run is over; leave nothing behind."""
        ...


class NoProgress:
    """For those who want none."""

    def begin(self, reports: Sequence[SyncReport], expected: Mapping[str, int]) -> None:
        """See `Progress`."""

    def tick(self, change: Change) -> None:
        """See `Progress`."""

    def end(self) -> None:
        """See `Progress`."""


@dataclass
class Watcher:
    """An `execution.Observer`.

    Attributes:
        listed_before: Gives what a connector's last run listed, by target.
        failures, refusals: The first few, in order.
    """

    progress: Progress
    listed_before: Callable[[str], Mapping[str, int]]
    failures: list[Note] = field(default_factory=list)
    refusals: list[Note] = field(default_factory=list)

    def started(self, reports: Sequence[SyncReport]) -> None:
        """See `Observer`."""
        first = reports[0]
        ride_along(first.run, first.connector)
        self.progress.begin(reports, self.listed_before(first.connector))

    def changed(self, lane: Lane, change: Change) -> None:
        """See `Observer`."""
        self.progress.tick(change)
        notes = self._notes_for(change)
        note = Note(lane.connector, change.external_id, change.reason, change.stage)
        if notes is not None and len(notes) < SHOWN and note not in notes:  # several targets fail alike
            notes.append(note)

    def _notes_for(self, change: Change) -> list[Note] | None:
        if change.action is Action.FAIL:
            return self.failures
        return self.refusals if change.code in REFUSALS else None
