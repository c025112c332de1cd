"""Pure arithmetic on time: when a job is due, when it starts, and which due time it owes.

Due times are instants. Each is what the clock of the job's zone shows, as Debian's cron reads it: what falls into the hour that a
clock change leaves out comes right after it, and what falls into the hour that is there twice comes once, unless it is meant for
every hour anyway.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

from knowledge_connector.config import JobSettings
from knowledge_connector.config.tables import WEEKDAYS
from knowledge_connector.ports import JobRow

SECOND = timedelta(seconds=1)

NEAR = timedelta(hours=3)
"""Longer than any clock change moves the clock."""

ON_TIME = timedelta(minutes=5)
"""Later than this, a due time was missed. A scheduler that starts us may need some minutes for it."""

CLOCK_SLACK = timedelta(hours=1)
"""The clock may be put back by so much, and nothing that ran comes again. By more, and it was wrong before."""

ATTEMPTS_AT_ONCE = 3
LONGEST_RETRY = timedelta(hours=1)
"""A due time whose process has died is taken again at once, and after three times after 1, 2, 4 … minutes, up to an hour: what kills
the process may be the job itself."""

MOST_BLACKED_OUT = 11_000
HORIZON = timedelta(days=50 * 366)
"""More due times in a row than a week has minutes, or all of fifty years: then all of them lie in blackouts."""


@dataclass(frozen=True, slots=True)
class Blackout:
    """A window in which a job does not start, on the clock of its zone.

    Attributes:
        days: On which it begins; Monday is 0.
        end: The first moment after it; earlier than `start` if midnight lies between.
    """

    days: frozenset[int]
    start: time
    end: time

    def covers(self, local: datetime) -> bool:
        """Whether this moment lies in it."""
        now, today = local.time(), local.weekday()
        if self.start < self.end:
            return today in self.days and self.start <= now < self.end
        return (today in self.days and now >= self.start) or ((today - 1) % 7 in self.days and now < self.end)


@dataclass(frozen=True, slots=True)
class Timetable:
    """The due times of one job.

    Attributes:
        jitter_seconds: A start may be later than its due time by up to so much.
    """

    job: str
    schedule: str
    zone: ZoneInfo
    blackouts: tuple[Blackout, ...] = ()
    jitter_seconds: int = 0

    @classmethod
    def of(cls, job: str, settings: JobSettings) -> Timetable:
        """The timetable that a `[jobs.NAME]` describes."""
        blackouts = tuple(
            Blackout(frozenset(WEEKDAYS.index(day) for day in one.days), one.start, one.end)
            for one in settings.blackouts
        )
        return cls(job, settings.schedule, ZoneInfo(settings.timezone), blackouts, settings.jitter_seconds)

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Due times after a moment, in the job's zone; ends where all that follow lie in blackouts."""
        blacked_out = 0
        for due in self._ticks(moment):
            if not self.blocked(due):
                blacked_out = 0
                yield due
                continue
            blacked_out += 1
            if blacked_out > MOST_BLACKED_OUT or due > moment + HORIZON:
                return

    def upcoming(self, now: datetime) -> datetime | None:
        """The first due time that has not started by now, in the job's zone; `None` if none will."""
        for due in self.after(now - timedelta(seconds=self.jitter_seconds)):
            if self.start_of(due) > now:
                return due
        return None

    def latest(self, since: datetime, now: datetime) -> datetime | None:
        """The last due time after `since` that should have started by now, in UTC; `None` if there is none."""
        for due in self._ticks_back(now):
            if due <= since:
                return None
            if self.start_of(due) <= now and not self.blocked(due):
                return due
        return None

    def start_of(self, due: datetime) -> datetime:
        """When a due time starts, in UTC: at once, or later by its jitter, which is the same whoever asks."""
        digest = hashlib.sha256(f"{self.job} {due.timestamp()}".encode()).digest()
        return due.astimezone(UTC) + timedelta(seconds=int.from_bytes(digest[:8]) % (self.jitter_seconds + 1))

    def blocked(self, moment: datetime) -> bool:
        """Whether a blackout covers this moment."""
        local = self._local(moment)
        return any(blackout.covers(local) for blackout in self.blackouts)

    def _ticks(self, moment: datetime) -> Iterator[datetime]:
        """What the schedule says after a moment; several times that a clock change has moved onto one instant are one."""
        last = moment.astimezone(UTC)
        for due in _utc(CronSim(self.schedule, self._local(last))):
            if due > last:
                last = due
                yield self._local(due)

    def _ticks_back(self, moment: datetime) -> Iterator[datetime]:
        """What the schedule says up to a moment, the last first, in UTC.

        cronsim goes by the clock on the wall. In an hour that is there twice it would miss what the first one had, so it begins later.
        """
        begin = self._local(moment + SECOND)
        if begin.utcoffset() != self._local(moment - NEAR).utcoffset():
            begin = self._local(moment + NEAR)
        return (due for due in _utc(CronSim(self.schedule, begin, reverse=True)) if due <= moment)

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)


def _utc(ticks: Iterator[datetime]) -> Iterator[datetime]:
    """As instants, because two times of one zone compare by what the clock shows."""
    return (tick.astimezone(UTC) for tick in ticks)


def rule_of(settings: JobSettings) -> str:
    """What a job's due times follow; one that is not enabled has none."""
    return f"{settings.schedule} {settings.timezone}" if settings.enabled else ""


def met(job: str, rule: str, row: JobRow | None, now: datetime) -> JobRow:
    """What is known of a job. Nothing is owed from before it, or its schedule, was there, nor from a clock that was wrong."""
    just_now = now - ON_TIME
    if row is None or row.settled_until > now + CLOCK_SLACK:
        return JobRow(job, rule, settled_until=just_now)
    return row if row.rule == rule else JobRow(job, rule, settled_until=max(row.settled_until, just_now))


def owed(timetable: Timetable, catch_up: str, row: JobRow, now: datetime) -> datetime | None:
    """The due time that should be taken now; `None` if there is none."""
    if timetable.blocked(now):
        return None
    due = timetable.latest(row.settled_until, now)
    if catch_up == "latest":
        return due or _broken_off(row, now)
    return due if due is not None and now - timetable.start_of(due) <= ON_TIME else None


def _broken_off(row: JobRow, now: datetime) -> datetime | None:
    """A due time that was taken and did not come to its end, if it is time to try again."""
    if row.status not in ("running", "interrupted") or row.started_at is None:
        return None
    return row.due_at if now >= row.started_at + pause_after(row.attempts) else None


def pause_after(attempts: int) -> timedelta:
    """How long after its last beginning a due time is taken again."""
    if attempts < ATTEMPTS_AT_ONCE:
        return timedelta(0)
    return min(timedelta(minutes=2 ** min(attempts - ATTEMPTS_AT_ONCE, 10)), LONGEST_RETRY)


def settled_until(timetable: Timetable, overlap: str, due: datetime, now: datetime) -> datetime:
    """Up to when nothing is owed after a due time has been carried out: what came due meanwhile is left out, or waits."""
    return (timetable.latest(due, now) if overlap == "skip" else None) or due
