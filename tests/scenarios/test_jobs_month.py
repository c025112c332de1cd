"""A month of jobs around each clock change of a year, in three time zones, with processes killed at random and a clock that is moved.

An oracle that knows nothing of cronsim says when the jobs are due: every five minutes, and at half past two by the clock on the wall
(which a clock change leaves out once, and shows twice once).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from knowledge_connector.config import Settings, load
from knowledge_connector.jobs.runner import Runner
from knowledge_connector.jobs.schedule import ATTEMPTS_AT_ONCE, ON_TIME
from knowledge_connector.ports import Occasion
from scenarios.jobs_world import Death, JobsWorld

DAYS = 30
FIVE = timedelta(minutes=5)
START_OF_TIME = datetime.min.replace(tzinfo=UTC)
CHANGES = {
    "Europe/Berlin": ("2026-03-29", "2026-10-25"),
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Australia/Lord_Howe": ("2026-04-05", "2026-10-04"),
}
CONFIG = """
[connectors.often]
type = "filesystem"
root = "."
[connectors.one]
type = "filesystem"
root = "."
[connectors.two]
type = "filesystem"
root = "."
[jobs.often]
connectors = ["often"]
schedule = "*/5 * * * *"
timezone = "{zone}"
catch_up = "{catch_up}"
[jobs.nightly]
connectors = ["one", "two"]
schedule = "30 2 * * *"
timezone = "{zone}"
catch_up = "{catch_up}"
"""


def settings(folder: Path, zone: str, catch_up: str) -> Settings:
    file = folder / "connectors.toml"
    file.write_text(CONFIG.format(zone=zone, catch_up=catch_up), encoding="utf-8")
    return load(file, {})


def every_five_minutes(start: datetime, end: datetime) -> list[datetime]:
    return [start + number * FIVE for number in range((end - start) // FIVE)]


def half_past_two(start: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    """By walking over all minutes: the first moment of each date at which the clock shows 02:30 or, where it jumps over it, more."""
    found: dict[object, datetime] = {}
    minute = start + timedelta(minutes=1)
    while minute <= end:
        local, before = minute.astimezone(zone), (minute - timedelta(minutes=1)).astimezone(zone)
        shown, shown_before = (local.hour, local.minute), (before.hour, before.minute)
        if shown == (2, 30) or (shown_before < (2, 30) < shown and local.date() == before.date()):
            found.setdefault(local.date(), minute)
        minute += timedelta(minutes=1)
    return list(found.values())


class Month:
    """Lets a month pass, and looks after each tick whether anything is missing that should have been run by then."""

    def __init__(
        self, world: JobsWorld, due: dict[str, list[datetime]], end: datetime, *, clock_is_moved: bool
    ) -> None:
        self.world, self.due, self.end, self.clock_is_moved = world, due, end, clock_is_moved
        self.lives = 0
        self.settled: dict[str, datetime] = {}

    def pass_by(self) -> None:
        clock = self.world.clock
        while clock.now() < self.end:
            self.lives += 1
            try:
                self.live(self.world.process())
            except Death:
                clock.sleep(self.world.dice.choice([1, 60, 600, 7200]))

    def live(self, process: Runner) -> None:
        clock, dice, dues = self.world.clock, self.world.dice, self.due["often"]
        while clock.now() < self.end:
            now = clock.now()
            process.tick()
            self.check(now)
            if self.clock_is_moved and dice.random() < 0.02:
                clock.move(timedelta(minutes=dice.uniform(-50, 90)))
            index = bisect_right(dues, clock.now())
            clock.sleep((dues[index] - clock.now()).total_seconds() if index < len(dues) else 300)

    def check(self, now: datetime) -> None:
        for job, dues in self.due.items():
            index = bisect_right(dues, now) - 1
            if index >= 0 and dues[index] > self.settled.get(job, START_OF_TIME):
                assert self.is_settled(Occasion(job, dues[index]), now), f"{job}: {dues[index]} was missed at {now}"
                self.settled[job] = dues[index]

    def is_settled(self, occasion: Occasion, now: datetime) -> bool:
        """Whether it was carried out, or fell into the time of another run, or may be left out by the job's own rules."""
        launcher, taken, job = self.world.launcher, self.world.taken.times, self.world.settings.jobs[occasion.job]
        within_a_run = any(
            began < occasion.due_at <= ended for began, ended in launcher.spans.get(occasion.job, [])[-5:]
        )
        if job.catch_up == "none":
            on_record = self.world.store.jobs()[occasion.job].due_at == occasion.due_at  # and then it died
            return within_a_run or occasion in taken or on_record or now - occasion.due_at > ON_TIME
        done = all((occasion, connector) in launcher.ended for connector in job.connectors)
        return done or within_a_run or taken.get(occasion, 0) >= ATTEMPTS_AT_ONCE  # which is tried again after a while

    @property
    def due_times(self) -> set[Occasion]:
        return {Occasion(job, due) for job, dues in self.due.items() for due in dues}


def month(folder: Path, zone: str, change: str, catch_up: str, *, clock_is_moved: bool) -> Month:
    start = datetime.fromisoformat(change).replace(tzinfo=UTC) - timedelta(days=DAYS / 2)
    end = start + timedelta(days=DAYS)
    due = {"often": every_five_minutes(start, end), "nightly": half_past_two(start, end, ZoneInfo(zone))}
    world = JobsWorld(settings(folder, zone, catch_up), start, chance=0.01, longest_seconds=400, seed=20_26)
    passing = Month(world, due, end, clock_is_moved=clock_is_moved)
    passing.pass_by()
    return passing


CASES = [(zone, day, True) for zone, days in CHANGES.items() for day in days] + [("Europe/Berlin", "2026-10-25", False)]


@pytest.mark.parametrize(("zone", "change", "clock_is_moved"), CASES)
def test_nothing_is_missed_and_nothing_is_run_twice(
    zone: str, change: str, clock_is_moved: bool, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    passed = month(tmp_path, zone, change, "latest", clock_is_moved=clock_is_moved)
    ended = {occasion for occasion, _ in passed.world.launcher.ended}
    counts = {"due": len(passed.due_times), "ended": len(ended), "processes": passed.lives}
    for name, count in counts.items():
        record_property(name, count)
    assert ended <= passed.due_times  # and never twice: the launcher looks after that
    assert counts["due"] == DAYS * 24 * 12 + DAYS
    assert counts["ended"] > counts["due"] / 3
    assert counts["processes"] > 100


def test_without_catching_up_no_due_time_is_taken_twice_or_late(tmp_path: Path) -> None:
    passed = month(tmp_path, "Europe/Berlin", "2026-10-25", "none", clock_is_moved=False)
    taken = passed.world.taken.times
    assert set(taken.values()) == {1}
    assert taken.keys() <= passed.due_times
    assert len(taken) > len(passed.due_times) / 3
