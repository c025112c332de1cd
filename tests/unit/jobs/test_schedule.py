"""When jobs are due, start, and owe: over clock changes, blackouts, jitter, restarts and clocks that are wrong."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge_connector.config import JobSettings
from knowledge_connector.jobs.schedule import (
    ON_TIME,
    Blackout,
    Timetable,
    met,
    owed,
    rule_of,
    settled_until,
)
from knowledge_connector.ports import JobRow

BERLIN = ZoneInfo("Europe/Berlin")
EVERY_DAY = frozenset(range(7))
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def table(schedule: str, zone: str = "UTC", *blackouts: Blackout, jitter: int = 0) -> Timetable:
    return Timetable("nightly", schedule, ZoneInfo(zone), blackouts, jitter)


def times(timetable: Timetable, moment: str, count: int) -> list[str]:
    return [due.isoformat() for due in islice(timetable.after(datetime.fromisoformat(moment)), count)]


@pytest.mark.parametrize(
    ("schedule", "zone", "moment", "expected"),
    [
        # the hour that is left out: right after it
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00:00+01:00",
            ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"],
        ),
        # … and what falls together there comes once
        (
            "15,45 2,3 * * *",
            "Europe/Berlin",
            "2026-03-29T00:00:00+01:00",
            ["2026-03-29T03:00:00+02:00", "2026-03-29T03:15:00+02:00", "2026-03-29T03:45:00+02:00"],
        ),
        # the hour that is there twice: once
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00:00+02:00",
            ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"],
        ),
        # … also if asked within the second one
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T02:10:00+01:00", ["2026-10-26T02:30:00+01:00"]),
        # … but every hour is every hour
        (
            "0 * * * *",
            "Europe/Berlin",
            "2026-10-25T01:30:00+02:00",
            ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00", "2026-10-25T03:00:00+01:00"],
        ),
        ("0 2 * * *", "America/New_York", "2026-03-08T00:00:00-05:00", ["2026-03-08T03:00:00-04:00"]),
        # half an hour only
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-04T00:00:00+10:30", ["2026-10-04T02:30:00+11:00"]),
        ("0 3 * * *", "Asia/Kolkata", "2026-03-28T21:30:00+00:00", ["2026-03-30T03:00:00+05:30"]),
        ("0 0 L * *", "UTC", "2027-02-01T00:00:00+00:00", ["2027-02-28T00:00:00+00:00"]),
    ],
)
def test_due_times_over_clock_changes(schedule: str, zone: str, moment: str, expected: list[str]) -> None:
    assert times(table(schedule, zone), moment, len(expected)) == expected


ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Antarctica/Troll"]


@settings(deadline=None)  # machines may be busy
@given(
    schedule=st.sampled_from(
        ["*/5 * * * *", "30 2 * * *", "15,45 1-3 * * *", "0 */2 * * *", "59 23 * * SUN", "7 * 1,15 * *"]
    ),
    zone=st.sampled_from(ZONES),
    moment=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001  # bounds
    jitter=st.sampled_from([0, 600]),
)
def test_the_latest_is_the_last_of_those_after(schedule: str, zone: str, moment: datetime, jitter: int) -> None:
    timetable = table(schedule, zone, jitter=jitter)
    dues = list(islice(timetable.after(moment), 20))
    assert all(one.astimezone(UTC) < other.astimezone(UTC) for one, other in pairwise(dues))
    now = timetable.start_of(dues[-1])
    started = [due for due in islice(timetable.after(moment), 200) if timetable.start_of(due) <= now]
    assert timetable.latest(moment, now) == started[-1].astimezone(UTC)
    assert timetable.latest(started[-1].astimezone(UTC), now) is None


@pytest.mark.parametrize(
    ("now", "latest"),
    [
        ("2026-10-25T02:29:59+02:00", "2026-10-24T02:30:00+02:00"),
        ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+02:00"),
        ("2026-10-25T02:10:00+01:00", "2026-10-25T02:30:00+02:00"),  # the clock shows less, but it is later
        ("2026-10-25T02:30:00+01:00", "2026-10-25T02:30:00+02:00"),
        ("2026-10-25T04:00:00+01:00", "2026-10-25T02:30:00+02:00"),
        ("2026-03-29T01:59:59+01:00", "2026-03-28T02:30:00+01:00"),
        ("2026-03-29T03:00:00+02:00", "2026-03-29T03:00:00+02:00"),
        ("2026-03-29T03:00:00.000001+02:00", "2026-03-29T03:00:00+02:00"),
    ],
)
def test_the_latest_around_clock_changes(now: str, latest: str) -> None:
    timetable = table("30 2 * * *", "Europe/Berlin")
    found = timetable.latest(datetime(2026, 1, 1, tzinfo=UTC), datetime.fromisoformat(now).astimezone(UTC))
    assert found == datetime.fromisoformat(latest)


def test_a_blackout_within_a_day() -> None:
    office = Blackout(frozenset({0, 1, 2, 3, 4}), time(8), time(18))
    timetable = table("0 * * * *", "Europe/Berlin", office)
    assert times(timetable, "2026-06-05T06:30:00+02:00", 3) == [  # a Friday
        "2026-06-05T07:00:00+02:00",
        "2026-06-05T18:00:00+02:00",
        "2026-06-05T19:00:00+02:00",
    ]
    assert times(timetable, "2026-06-06T07:30:00+02:00", 1) == ["2026-06-06T08:00:00+02:00"]


def test_a_blackout_over_midnight_belongs_to_the_day_it_begins_on() -> None:
    weekend = Blackout(frozenset({4}), time(22), time(6))
    timetable = table("0 * * * *", "UTC", weekend)
    assert times(timetable, "2026-06-05T20:30:00+00:00", 2) == [
        "2026-06-05T21:00:00+00:00",
        "2026-06-06T06:00:00+00:00",
    ]
    assert times(timetable, "2026-06-05T04:30:00+00:00", 1) == ["2026-06-05T05:00:00+00:00"]


@pytest.mark.parametrize("schedule", ["0 9 * * *", "* 9 * * *", "0 9 1 1 *"])
def test_a_job_that_is_always_blacked_out_is_never_due(schedule: str) -> None:
    assert times(table(schedule, "UTC", Blackout(EVERY_DAY, time(8), time(10))), "2026-06-05T00:00:00+00:00", 1) == []


def test_nothing_starts_in_a_blackout_and_what_was_missed_before_it_starts_after_it() -> None:
    timetable = table("0 7 * * *", "UTC", Blackout(EVERY_DAY, time(8), time(18)))
    row = JobRow("nightly", "", settled_until=NOON - timedelta(days=2))
    assert owed(timetable, "latest", row, NOON) is None
    assert owed(timetable, "latest", row, NOON.replace(hour=18)) == NOON.replace(hour=7)


def test_jitter_is_the_same_for_everybody_and_differs_between_times() -> None:
    timetable = table("0 * * * *", jitter=600)
    dues = list(islice(timetable.after(NOON), 50))
    delays = [(timetable.start_of(due) - due).total_seconds() for due in dues]
    assert delays == [(table("0 * * * *", jitter=600).start_of(due) - due).total_seconds() for due in dues]
    assert len(set(delays)) > 30
    assert 0 <= min(delays) < 100
    assert 500 < max(delays) <= 600


def test_what_has_not_started_yet_is_upcoming_and_not_owed() -> None:
    timetable = table("0 * * * *", jitter=600)
    due = next(due for due in timetable.after(NOON) if timetable.start_of(due) > due)
    before = timetable.start_of(due) - timedelta(seconds=1)
    row = JobRow("nightly", "", settled_until=due.astimezone(UTC) - MINUTE)
    assert timetable.upcoming(before) == due
    assert owed(timetable, "latest", row, before) is None
    assert owed(timetable, "latest", row, timetable.start_of(due)) == due


# -- what is owed --------------------------------------------------------------------------------------------------------


def test_of_what_was_missed_the_latest_is_owed_or_nothing() -> None:
    row = JobRow("nightly", "", settled_until=NOON - timedelta(days=3))
    timetable = table("0 3 * * *")
    assert owed(timetable, "latest", row, NOON) == NOON.replace(hour=3)
    assert owed(timetable, "none", row, NOON) is None


def test_a_little_late_is_on_time() -> None:
    row = JobRow("nightly", "", settled_until=NOON - timedelta(days=1))
    timetable = table("0 12 * * *")
    assert owed(timetable, "none", row, NOON + ON_TIME) == NOON
    assert owed(timetable, "none", row, NOON + ON_TIME + MINUTE) is None


@pytest.mark.parametrize("status", ["running", "interrupted"])
def test_what_was_broken_off_is_owed_until_something_newer_is(status: str) -> None:
    row = JobRow("nightly", "", settled_until=NOON, due_at=NOON, attempts=1, status=status, started_at=NOON)
    hourly = table("0 * * * *")
    assert owed(hourly, "latest", row, NOON + MINUTE) == NOON
    assert owed(hourly, "none", row, NOON + MINUTE) is None
    assert owed(hourly, "latest", row, NOON + 61 * MINUTE) == NOON + 60 * MINUTE


@pytest.mark.parametrize(("attempts", "minutes"), [(1, 0), (2, 0), (3, 1), (4, 2), (8, 32), (9, 60), (5000, 60)])
def test_what_always_dies_is_tried_less_and_less_often(attempts: int, minutes: int) -> None:
    row = JobRow("nightly", "", NOON, due_at=NOON, attempts=attempts, status="running", started_at=NOON)
    again = NOON + minutes * MINUTE
    assert owed(table("0 3 * * *"), "latest", row, again) == NOON
    assert owed(table("0 3 * * *"), "latest", row, again - timedelta(seconds=1)) is None


@pytest.mark.parametrize("status", ["ok", "failed", "overran", "skipped"])
def test_what_has_ended_is_not_owed_again(status: str) -> None:
    row = JobRow("nightly", "", settled_until=NOON, due_at=NOON, attempts=1, status=status, started_at=NOON)
    assert owed(table("0 * * * *"), "latest", row, NOON + MINUTE) is None


def test_a_job_owes_nothing_from_before_it_was_there() -> None:
    row = met("nightly", "0 3 * * * UTC", None, NOON)
    assert owed(table("0 3 * * *"), "latest", row, NOON) is None
    just_now = met("nightly", "", None, NOON + MINUTE)
    assert owed(table("0 12 * * *"), "latest", just_now, NOON + MINUTE) == NOON


def test_a_new_schedule_owes_nothing_from_before_it_counted() -> None:
    row = JobRow("nightly", "0 3 * * * UTC", settled_until=NOON - timedelta(hours=9), status="ok")
    changed = met("nightly", "0 11 * * * UTC", row, NOON)
    assert owed(table("0 11 * * *"), "latest", changed, NOON) is None
    assert met("nightly", "0 3 * * * UTC", row, NOON) is row


def test_a_new_schedule_does_not_bring_back_what_has_run() -> None:
    row = JobRow("nightly", "*/5 * * * * UTC", settled_until=NOON, status="ok")
    assert met("nightly", "* * * * * UTC", row, NOON + MINUTE).settled_until == NOON


def test_a_clock_that_is_put_back_a_little_brings_nothing_back() -> None:
    row = JobRow("nightly", "r", settled_until=NOON, due_at=NOON, status="ok")
    five = table("*/5 * * * *")
    assert met("nightly", "r", row, NOON - 30 * MINUTE) is row
    assert [owed(five, "latest", row, NOON + after * MINUTE) for after in (-30, 0, 4, 5)] == [
        *[None] * 3,
        NOON + 5 * MINUTE,
    ]


def test_a_clock_that_was_far_ahead_does_not_stop_a_job() -> None:
    ahead = NOON + timedelta(days=1500)
    row = met("nightly", "r", JobRow("nightly", "r", settled_until=ahead, due_at=ahead, status="ok"), NOON)
    assert owed(table("*/5 * * * *"), "latest", row, NOON) == NOON


def test_what_came_due_meanwhile_is_left_out_or_waits() -> None:
    five = table("*/5 * * * *")
    assert settled_until(five, "skip", NOON, NOON + 12 * MINUTE) == NOON + 10 * MINUTE
    assert settled_until(five, "queue", NOON, NOON + 12 * MINUTE) == NOON
    assert settled_until(five, "skip", NOON, NOON - MINUTE) == NOON


def test_a_job_that_is_not_enabled_follows_no_rule() -> None:
    job = JobSettings(connectors=("docs",), schedule="0 3 * * *", timezone="Europe/Berlin")
    assert rule_of(job) == "0 3 * * * Europe/Berlin"
    assert rule_of(job.model_copy(update={"enabled": False})) == ""


def test_a_timetable_is_what_the_file_says() -> None:
    job = JobSettings.model_validate(
        {
            "connectors": ["docs"],
            "schedule": "0 3 * * *",
            "timezone": "Europe/Berlin",
            "jitter_seconds": 30,
            "blackouts": [{"days": ["mon", "sun"], "start": "22:00", "end": "06:00"}],
        }
    )
    blackout = Blackout(frozenset({0, 6}), time(22), time(6))
    assert Timetable.of("nightly", job) == Timetable("nightly", "0 3 * * *", BERLIN, (blackout,), 30)
