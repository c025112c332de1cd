"""One due time of one job, carried out: under the job's lease, its connectors in turn, each on record."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from knowledge_connector.config import JobSettings, Settings
from knowledge_connector.config.tables import seconds_of
from knowledge_connector.errors import LeaseHeld
from knowledge_connector.jobs.events import Event, JobDue, JobEnded, JobOverran, JobSkipped, RunEnded, RunStarted
from knowledge_connector.jobs.launching import Answer, Launcher, Task
from knowledge_connector.jobs.schedule import Timetable, met, rule_of, settled_until
from knowledge_connector.ports import Clock, JobRow, Lease, Occasion, StateStore
from knowledge_connector.sync.report import ExitCode, worst

LONGEST_PAUSE_SECONDS = 60.0
"""A connector that waits for another run of it is tried after 1, 2, 4 … and then every so many seconds."""

WORDS = {
    ExitCode.OK: "ok",
    ExitCode.SOME_FAILED: "partial",
    ExitCode.CONFIG: "failed",
    ExitCode.STOPPED: "failed",
    ExitCode.WITHHELD: "withheld",
    ExitCode.INTERRUPTED: "interrupted",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Means:
    """What carrying out a due time needs.

    Attributes:
        store: For the thread that does it alone.
        tell: Takes events.
        stopping: Whether everything is to end.
        pause: Waits so many seconds, or until everything is to end.
    """

    settings: Settings
    store: StateStore
    clock: Clock
    launcher: Launcher
    tell: Callable[[Event], None]
    stopping: Callable[[], bool]
    pause: Callable[[float], object]


class Carrying:
    """Carries out one due time.

    Args:
        timetable: The job's.
        due: The due time.
        means: See there.
    """

    def __init__(self, timetable: Timetable, due: datetime, means: Means) -> None:
        self._timetable, self._means = timetable, means
        self._occasion = Occasion(timetable.job, due)
        self._job: JobSettings = means.settings.jobs[timetable.job]
        self._codes: list[ExitCode] = []
        self._skipped = False
        self._waits = self._job.overlap == "queue"
        self._broken_off = ""

    def __call__(self) -> ExitCode:
        """Take it, unless somebody else has, and see it to its end.

        Returns:
            The worst of its runs' exit codes; 0 if there was nothing to do.

        Raises:
            FatalError: The state store is out of reach, or somebody took over because we were silent for too long.
        """
        try:
            with self._means.store.lease(f"job {self._occasion.job}") as lease:
                row = self._take()
                if row is not None:
                    self._see_through(row, lease)
        except LeaseHeld:
            log.debug("job is under way elsewhere", extra={"job": self._occasion.job})
        return worst(self._codes)

    def _take(self) -> JobRow | None:
        """Write down that this due time is ours; `None` if it has been carried out meanwhile."""
        now, due, job = self._means.clock.now(), self._occasion.due_at, self._occasion.job
        row = met(job, rule_of(self._job), self._means.store.jobs().get(job), now)
        again = row.due_at == due and row.status in ("running", "interrupted")
        if row.settled_until >= due and not again:
            return None
        if row.status == "running":
            self._waits = True  # its process has died, and its run may still be at the last document
        row = replace(
            row,
            settled_until=max(row.settled_until, due),
            due_at=due,
            attempts=row.attempts + 1 if again else 1,
            status="running",
            started_at=now,
            finished_at=None,
        )
        self._means.store.keep_job(row)
        self._means.tell(JobDue(job, due, now, row.attempts))
        return row

    def _see_through(self, row: JobRow, lease: Lease) -> None:
        ends_at = self._means.clock.monotonic() + seconds_of(self._job.max_duration)
        connectors = self._means.settings.connectors
        for connector in dict.fromkeys(name for name in self._job.connectors if connectors[name].enabled):
            lease.verify()
            self._run(connector, ends_at)
        lease.verify()
        row = self._ended(row)
        self._means.store.keep_job(row)
        self._means.tell(JobEnded(row.job, self._occasion.due_at, self._means.clock.now(), row.status))

    def _is_over(self, connector: str, ends_at: float) -> bool:
        """Whether the job is not to go on, be it with this connector."""
        if not self._broken_off and self._means.stopping():
            self._broken_off = "interrupted"
            self._codes.append(ExitCode.INTERRUPTED)
        elif not self._broken_off and self._means.clock.monotonic() >= ends_at:
            self._overrun(connector, killed=False)
        return bool(self._broken_off)

    def _has_run(self, connector: str) -> bool:
        """Whether it has had its run for this due time."""
        ended = [run for run in self._means.store.runs_for(self._occasion) if run.finished_at is not None]
        return any(run.connector == connector and run.status != "interrupted" for run in ended)

    def _run(self, connector: str, ends_at: float) -> None:
        pause = 1.0
        while not (self._has_run(connector) or self._is_over(connector, ends_at)):
            answer = self._launch(connector, ends_at)
            if not answer.busy:
                self._close_record(connector)
                self._note(connector, answer)
                return
            if not self._waits:
                self._skip(connector, answer.message)
                return
            self._means.pause(min(pause, ends_at - self._means.clock.monotonic()))
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _close_record(self, connector: str) -> None:
        """Say in the history of a run that has died that it has."""
        status = "interrupted" if self._means.stopping() else "killed"
        for run in self._means.store.runs_for(self._occasion):
            if run.connector == connector and run.finished_at is None:
                self._means.store.finish_run(run.id, status, self._means.clock.now(), "[]")

    def _note(self, connector: str, answer: Answer) -> None:
        if answer.overran:
            self._overrun(connector, killed=answer.killed)
        else:
            self._codes.append(self._code_of(answer))

    def _launch(self, connector: str, ends_at: float) -> Answer:
        job, due, clock, tell = self._occasion.job, self._occasion.due_at, self._means.clock, self._means.tell
        tell(RunStarted(job, connector, due, clock.now()))
        began = clock.monotonic()
        task = Task(connector, self._occasion, self._means.settings)
        answer = self._means.launcher.run(task, seconds=max(ends_at - began, 0))
        code = self._code_of(answer)
        status = "busy" if answer.busy else WORDS[code]
        seconds = clock.monotonic() - began
        tell(RunEnded(job, connector, due, clock.now(), seconds, status, int(code), answer.reports, answer.message))
        return answer

    def _code_of(self, answer: Answer) -> ExitCode:
        """A run that was ended before it could report has not failed if everything was to end."""
        if not answer.reports and self._means.stopping():
            return ExitCode.INTERRUPTED
        return ExitCode(answer.exit_code)

    def _skip(self, connector: str, reason: str) -> None:
        self._skipped = True
        self._means.tell(
            JobSkipped(self._occasion.job, self._occasion.due_at, self._means.clock.now(), reason, connector)
        )

    def _overrun(self, connector: str, *, killed: bool) -> None:
        self._broken_off = "overran"
        self._codes.append(ExitCode.STOPPED)
        job, due = self._occasion.job, self._occasion.due_at
        self._means.tell(
            JobOverran(job, due, self._means.clock.now(), connector, self._job.max_duration, killed=killed)
        )

    def _ended(self, row: JobRow) -> JobRow:
        now = self._means.clock.now()
        skipped = "skipped" if self._skipped and not self._codes else ""
        status = self._broken_off or skipped or WORDS[worst(self._codes)]
        return replace(
            row,
            settled_until=settled_until(self._timetable, self._job.overlap, row.settled_until, now),
            attempts=0 if status == "interrupted" else row.attempts,
            status=status,
            finished_at=now,
        )
