"""One line of progress for each target: on a terminal it moves and goes away at the end; elsewhere one is written now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from knowledge_connector.cli.terminal.watch import NoProgress, Progress
from knowledge_connector.cli.terminal.words import duration, number
from knowledge_connector.sync.plan import Action, Change
from knowledge_connector.sync.report import SyncReport

if TYPE_CHECKING:
    from rich.console import Console

    from knowledge_connector.cli.terminal.bars import Bars

SECONDS_BETWEEN_LINES = 10.0


def choose_progress(*, wanted: bool) -> Progress:
    """What standard error can show."""
    if not wanted:
        return NoProgress()
    if not sys.stderr.isatty():
        return Lines(time.monotonic)
    from rich.console import Console  # 40 ms that a pipe does not pay

    console = Console(stderr=True)
    return Lines(time.monotonic) if console.is_dumb_terminal else Moving(console)


def settled(report: SyncReport) -> int:
    """Documents that nothing more has to be done about."""
    return report.changed + report.kept + report.held + report.failed + report.skipped.total()


class Moving:
    """Bars on a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars: Bars | None = None

    def begin(self, reports: Sequence[SyncReport], expected: Mapping[str, int]) -> None:
        """See `Progress`."""
        from knowledge_connector.cli.terminal.bars import Bars  # the larger part of rich

        self.end()
        self._bars = Bars(self._console, reports, expected)
        self._bars.start()

    def tick(self, change: Change) -> None:
        """See `Progress`."""
        if self._bars is not None:
            self._bars.deleting = change.action is Action.DELETE

    def end(self) -> None:
        """See `Progress`."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None


class Lines:
    """A line every ten seconds, for logs.

    Args:
        monotonic: Gives the time in seconds.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._reports: Sequence[SyncReport] = ()
        self._expected: Mapping[str, int] = {}
        self._began = self._next = 0.0

    def begin(self, reports: Sequence[SyncReport], expected: Mapping[str, int]) -> None:
        """See `Progress`."""
        self._reports, self._expected = reports, expected
        self._began = self._monotonic()
        self._next = self._began + SECONDS_BETWEEN_LINES

    def tick(self, change: Change) -> None:  # noqa: ARG002  # it only tells that something happens
        """See `Progress`."""
        now = self._monotonic()
        if now < self._next:
            return
        self._next = now + SECONDS_BETWEEN_LINES
        for report in self._reports:
            sys.stderr.write(self._line(report, now - self._began) + "\n")

    def end(self) -> None:
        """See `Progress`."""

    def _line(self, report: SyncReport, seconds: float) -> str:
        done, expected = settled(report), self._expected.get(report.target, 0)
        total = f" of about {number(expected)}" if expected >= done else ""
        rate = done / seconds
        return (
            f"{report.connector} → {report.target}: {number(done)}{total} documents after {duration(seconds)}, "
            f"{rate:,.0f}/s; {counts(report)}"
        )


def counts(report: SyncReport) -> str:
    """What happened so far, in a few words."""
    said = [
        f"{number(value)} {word}"
        for value, word in (
            (report.created, "created"),
            (report.updated, "updated"),
            (report.deleted, "deleted"),
            (report.failed, "failed"),
        )
        if value
    ]
    return ", ".join(said) or "nothing changed"
