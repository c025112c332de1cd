"""Looks what is owed, and has it carried out: the process behind `connector serve`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum, auto
from queue import Empty, SimpleQueue

from knowledge_connector.app import Host
from knowledge_connector.config import JobSettings, Settings
from knowledge_connector.errors import ConfigError, ConnectorError
from knowledge_connector.jobs.carrying import Carrying, Means
from knowledge_connector.jobs.events import (
    ConfigRefused,
    ConfigReloaded,
    Event,
    JobEnded,
    JobSkipped,
    Listener,
    Overview,
    RunEnded,
    Running,
    RunStarted,
    Upcoming,
)
from knowledge_connector.jobs.launching import Launcher
from knowledge_connector.jobs.schedule import Timetable, met, owed, rule_of
from knowledge_connector.ports import Clock, JobRow
from knowledge_connector.sync.report import ExitCode, worst

LOOK_SECONDS = 30.0
"""How often to look at least: the clock may have been moved, a blackout may be over, another process may have died."""

log = logging.getLogger(__name__)


class Message(Enum):
    """What wakes the loop, besides the end of a job."""

    STOP = auto()
    RELOAD = auto()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a runner needs besides its settings.

    Attributes:
        load: Reads the configuration anew, and checks it.
        open_host: Makes a host; from any thread, one for each.
        pool: Makes what carries out so many jobs at a time.
        listeners: Are told what happens.
        jobs: Look after these only; after all of them, if none is named.
    """

    clock: Clock
    load: Callable[[], Settings]
    launcher: Launcher
    open_host: Callable[[Settings], Host] = Host
    pool: Callable[[int], Executor] = ThreadPoolExecutor
    listeners: Sequence[Listener] = ()
    jobs: Collection[str] = ()


class Runner:
    """Runs jobs when they are due. `stop`, `reload` and `overview` may be called from any thread, the first two by signal handlers.

    Args:
        settings: To begin with; checked.
        surroundings: See there.
    """

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self._around, self._clock = surroundings, surroundings.clock
        self._messages: SimpleQueue[Message | Future[ExitCode]] = SimpleQueue()  # whose `put` may interrupt itself
        self._lock = threading.RLock()
        self._busy: dict[str, Running] = {}
        self._unheard = 0
        self._waiting: dict[str, datetime] = {}
        self._stopping = threading.Event()
        self._kill_at = 0.0
        self._last_tick: datetime | None = None
        self._trouble = ""
        self._code = ExitCode.OK
        self._host: Host
        self._work_under(settings)

    # ---------------------------------------------------------------------------------------------------- from outside

    def serve(self) -> None:
        """Run what is due, until somebody calls `stop`."""
        try:
            while not self._stopping.is_set():
                self._heed(self.tick())
            self._see_out()
        finally:
            self.close()

    def once(self) -> ExitCode:
        """Run what is due now, without jitter, wait for its end, and give the worst of the exit codes.

        Raises:
            ConnectorError: The state store is out of reach.
        """
        try:
            self._look(self._clock.now(), jitter=False)
            self._see_out()
        finally:
            self.close()
        return self._code

    def stop(self) -> None:
        """Let the runs finish the documents in hand, and end; called a second time, end them at once."""
        self._messages.put(Message.STOP)

    def reload(self) -> None:
        """Read the configuration anew; a broken one changes nothing. What is under way goes on as it began."""
        self._messages.put(Message.RELOAD)

    @property
    def settings(self) -> Settings:
        """The configuration that counts."""
        return self._settings

    def overview(self) -> Overview:
        """How things stand."""
        now = self._clock.now()
        with self._lock:
            enabled = {job: self._settings.jobs[job].enabled for job in self._timetables}
            timetables, running = list(self._timetables.values()), tuple(self._busy.values())
        upcoming = tuple(_upcoming(timetable, now, enabled=enabled[timetable.job]) for timetable in timetables)
        return Overview(upcoming, running, self._last_tick, self._trouble)

    def tick(self) -> float:
        """Start what is owed now, and say in how many seconds to look again.

        Trouble with the state store is kept for `overview`; the next tick tries again.
        """
        now = self._clock.now()
        try:
            self._look(now)
            self._trouble = ""
        except ConnectorError as error:
            log.warning("cannot look for due jobs", extra={"error": error.message})
            self._trouble = error.message
            self._host.close()
            self._host = self._around.open_host(self._settings)
        self._last_tick = now
        return self._seconds_to_wait()

    def close(self) -> None:
        """Ask what is left to end, and let go of the state store."""
        self._around.launcher.stop()
        self._pool.shutdown(wait=False)
        self._host.close()

    # -------------------------------------------------------------------------------------------------------------- jobs

    def _look(self, now: datetime, *, jitter: bool = True) -> None:
        rows = self._host.store.jobs()
        for job, timetable in self._timetables.items():
            row = met(job, rule_of(self._settings.jobs[job]), rows.get(job), now)
            if row is not rows.get(job):
                self._host.store.keep_job(row)
            if self._settings.jobs[job].enabled:
                self._decide(timetable if jitter else replace(timetable, jitter_seconds=0), row, now)

    def _decide(self, timetable: Timetable, row: JobRow, now: datetime) -> None:
        settings = self._settings.jobs[timetable.job]
        due = owed(timetable, settings.catch_up, row, now)
        with self._lock:
            under_way = self._busy.get(timetable.job)
        if under_way is None:
            waited = self._waiting.pop(timetable.job, None)
            due = due or (waited if settings.overlap == "queue" and waited and waited > row.settled_until else None)
            if due is not None:
                self._start(timetable, due)
        elif due is not None and due > under_way.due_at and self._waiting.get(timetable.job) != due:
            self._waiting[timetable.job] = due
            if settings.overlap == "skip":
                self._tell(JobSkipped(timetable.job, due, now, "its run for an earlier time is still under way"))

    def _start(self, timetable: Timetable, due: datetime) -> None:
        with self._lock:
            self._busy[timetable.job] = Running(timetable.job, due, self._clock.now())
        self._unheard += 1
        future = self._pool.submit(self._carry, timetable, due, self._settings)
        future.add_done_callback(self._messages.put)

    def _carry(self, timetable: Timetable, due: datetime, settings: Settings) -> ExitCode:
        """In a thread of its own."""
        try:
            if self._stopping.is_set():
                return ExitCode.OK
            with self._around.open_host(settings) as host:
                means = Means(
                    settings, host.store, self._clock, self._around.launcher, self._tell,
                    self._stopping.is_set, self._stopping.wait,
                )  # fmt: skip
                return Carrying(timetable, due, means)()
        except ConnectorError as error:
            self._tell(JobEnded(timetable.job, due, self._clock.now(), "failed", error.message))
            return ExitCode(error.exit_code)
        finally:
            with self._lock:
                del self._busy[timetable.job]

    # -------------------------------------------------------------------------------------------------------------- loop

    def _seconds_to_wait(self) -> float:
        now = self._clock.now()
        starts = [(one.starts_at - now).total_seconds() for one in self.overview().upcoming if one.starts_at]
        return max(0.0, min([LOOK_SECONDS, *starts]))

    def _heed(self, seconds: float) -> None:
        """Wait so long for a message, and do what it says."""
        try:
            message = self._messages.get(timeout=seconds)
        except Empty:
            return
        if message is Message.STOP:
            self._stop()
        elif message is Message.RELOAD:
            self._reload()
        else:
            self._unheard -= 1
            self._code = worst([self._code, message.result()])  # which raises what nobody expected

    def _stop(self) -> None:
        if self._stopping.is_set():
            self._around.launcher.kill()
        else:
            self._kill_at = self._clock.monotonic() + self._settings.serve.stop_seconds
            self._stopping.set()
            self._around.launcher.stop()
            log.info("stopping", extra={"jobs": sorted(self._busy)})

    def _see_out(self) -> None:
        """Wait for what is under way; if all is to end, not for ever."""
        while self._unheard:
            self._heed(1.0)
            if self._stopping.is_set() and self._clock.monotonic() >= self._kill_at:
                self._around.launcher.kill()

    def _reload(self) -> None:
        try:
            settings = self._around.load()
        except ConnectorError as error:
            self._tell(ConfigRefused(self._clock.now(), error.message))
            return
        self._pool.shutdown(wait=False)  # what waits there is carried out as it was meant
        self._host.close()
        self._work_under(settings)
        self._tell(ConfigReloaded(self._clock.now()))

    def _work_under(self, settings: Settings) -> None:
        timetables = {job: Timetable.of(job, settings.jobs[job]) for job in self._around.jobs or settings.jobs}
        with self._lock:
            self._settings, self._timetables = settings, timetables
        self._pool = self._around.pool(settings.serve.max_runs)
        self._host = self._around.open_host(settings)

    def _tell(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, RunStarted | RunEnded) and event.job in self._busy:
                connector = event.connector if isinstance(event, RunStarted) else None
                self._busy[event.job] = replace(self._busy[event.job], connector=connector)
            for listener in self._around.listeners:
                listener.hear(event)


def named_job(settings: Settings, job: str) -> JobSettings:
    """The table of a job.

    Raises:
        ConfigError: There is none; the message says which there are.
    """
    if job in settings.jobs:
        return settings.jobs[job]
    there = ", ".join(settings.jobs) or "none"
    raise ConfigError(f"there is no [jobs.{job}] in {settings.file}; there are: {there}")


def check(settings: Settings, jobs: Collection[str]) -> None:
    """See that all is there that jobs need, so that it is told now and not at night. Nothing is reached out to.

    Raises:
        ConfigError: It is not.
    """
    enabled = {job: table for job in jobs or settings.jobs if (table := named_job(settings, job)).enabled}
    for job, table in enabled.items():
        if Timetable.of(job, table).upcoming(datetime.now(UTC)) is None:
            raise ConfigError(f"jobs.{job}.blackouts in {settings.file} leave no time at which it is due")
    with Host(settings) as host:
        for connector in {name for table in enabled.values() for name in table.connectors}:
            host.connector(connector)
            for target in settings.connectors[connector].targets:
                host.target(target)


def _upcoming(timetable: Timetable, now: datetime, *, enabled: bool) -> Upcoming:
    due = timetable.upcoming(now) if enabled else None
    return Upcoming(timetable.job, due, timetable.start_of(due) if due else None)
