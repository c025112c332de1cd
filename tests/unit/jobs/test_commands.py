"""`connector schedule` and `connector serve`, as people and scripts read them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from knowledge_connector import Host
from knowledge_connector.cli import main
from knowledge_connector.config import load
from knowledge_connector.ports import JobRow

from .conftest import CONNECTORS, NOON

JOBS = """
[jobs.nightly]
connectors = ["one", "two"]
schedule = "30 2 * * *"
timezone = "Europe/Berlin"
[jobs.spread]
connectors = ["one"]
schedule = "0 * * * *"
jitter_seconds = 600
blackouts = [{ start = "08:00", end = "18:00" }]
[jobs.off]
connectors = ["one"]
schedule = "0 0 * * *"
enabled = false
"""


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Connector = Callable[..., Ran]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "connectors.toml"
    file.write_text(CONNECTORS + JOBS, encoding="utf-8")
    return file


@pytest.fixture
def connector(file: Path, capsys: pytest.CaptureFixture[str]) -> Connector:
    def run(*arguments: str) -> Ran:
        code = main(["-c", str(file), *arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


def test_next_prints_one_time_a_line(connector: Connector) -> None:
    ran = connector("schedule", "next", "nightly", "--from", "2026-03-28T00:00:00+01:00", "--count", "3")
    assert (ran.code, ran.err) == (0, "")
    assert ran.lines == ["2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]


def test_a_time_without_an_offset_is_meant_on_the_jobs_own_clock(connector: Connector) -> None:
    ran = connector("schedule", "next", "nightly", "--from", "2026-10-25T02:29", "--count", "1")
    assert ran.lines == ["2026-10-25T02:30:00+02:00"]


def test_a_moment_that_is_due_itself_is_not_after_itself(connector: Connector) -> None:
    ran = connector("schedule", "next", "nightly", "--from", "2026-06-01T02:30:00+02:00", "--count", "1")
    assert ran.lines == ["2026-06-02T02:30:00+02:00"]


def test_next_as_json_says_when_it_starts(connector: Connector) -> None:
    ran = connector("schedule", "next", "spread", "--from", "2026-06-01T06:30Z", "--count", "3", "--json")
    rows = [json.loads(line) for line in ran.lines]
    assert [row["due_at"] for row in rows] == [f"2026-06-01T{hour}:00:00+00:00" for hour in ("07", "18", "19")]
    for row in rows:
        delay = datetime.fromisoformat(row["starts_at"]) - datetime.fromisoformat(row["due_at"])
        assert 0 <= delay.total_seconds() <= 600
        assert row["job"] == "spread"


def test_next_without_a_moment_begins_now(connector: Connector) -> None:
    lines = connector("schedule", "next", "spread").lines
    assert len(lines) == 5
    assert all(datetime.fromisoformat(line) > NOON for line in lines)


def test_an_odd_moment_is_refused_with_what_is_right(connector: Connector) -> None:
    ran = connector("schedule", "next", "nightly", "--from", "tomorrow")
    assert ran.code == 2
    assert "'tomorrow' is not a time as in ISO 8601, such as 2026-03-29T00:00+01:00" in ran.err


def test_an_unknown_job_is_refused_with_those_that_there_are(connector: Connector) -> None:
    ran = connector("schedule", "next", "daily")
    assert ran.code == 2
    assert "there is no [jobs.daily]" in ran.err
    assert "there are: nightly, spread, off" in ran.err


def test_the_list(connector: Connector, file: Path) -> None:
    with Host(load(file, {})) as host:
        host.store.keep_job(JobRow("nightly", "", NOON, NOON, 1, "partial", NOON, NOON))
    head, nightly, spread, off = connector("schedule", "list").lines
    assert head.split() == ["job", "connectors", "schedule", "time", "zone", "next", "due", "last", "due", "status"]
    assert nightly.split()[:9] == ["nightly", "one,", "two", "30", "2", "*", "*", "*", "Europe/Berlin"]
    assert nightly.endswith("partial")
    assert spread.endswith("not run yet")
    assert "not enabled" in off


def test_the_list_as_json(connector: Connector, file: Path) -> None:
    with Host(load(file, {})) as host:
        host.store.keep_job(JobRow("nightly", "", NOON, NOON, 1, "running", NOON))
    nightly, _, off = [json.loads(line) for line in connector("schedule", "list", "--json").lines]
    at = "2026-06-01T12:00:00+00:00"
    assert nightly["last"] == {"due_at": at, "status": "running", "started_at": at, "finished_at": None}
    assert datetime.fromisoformat(nightly["next_due_at"]).strftime("%H:%M") in ("02:30", "03:00")
    assert (off["enabled"], off["next_due_at"], off["last"]) == (False, None, None)


def test_a_list_of_nothing_says_what_to_do(connector: Connector, file: Path) -> None:
    file.write_text(CONNECTORS, encoding="utf-8")
    assert connector("schedule", "list").out == "No job yet: add a table [jobs.NAME] to connectors.toml.\n"


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        (
            ["--systemd"],
            [
                "connector-nightly.service",
                "connector-nightly.timer",
                "connector-spread.service",
                "connector-spread.timer",
            ],
        ),
        (["--systemd", "--job", "nightly"], ["connector-nightly.service", "connector-nightly.timer"]),
        (["--cron"], ["connector.cron"]),
        (["--kubernetes", "--image", "x:1"], ["connector.yaml"]),
    ],
)
def test_units_are_printed_or_written(
    arguments: list[str], files: list[str], connector: Connector, tmp_path: Path
) -> None:
    printed = connector("schedule", "install", *arguments)
    written = connector("schedule", "install", *arguments, "--out", str(tmp_path / "units"))
    assert (printed.code, written.code) == (0, 0)
    assert sorted(path.name for path in (tmp_path / "units").iterdir()) == files
    for name in files:
        assert (tmp_path / "units" / name).read_text(encoding="utf-8") in printed.out
        assert f"Written: {tmp_path / 'units' / name}\n" in written.out
    assert "To install: " in written.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--systemd, --cron or --kubernetes"),
        (["--kubernetes"], "--image"),
        (["--cron", "--job", "off"], "is enabled"),
        (["--cron", "--job", "daily"], "there is no [jobs.daily]"),
    ],
)
def test_units_for_nothing_are_refused(arguments: list[str], message: str, connector: Connector) -> None:
    ran = connector("schedule", "install", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err


def test_serving_without_a_job_warns(connector: Connector, file: Path) -> None:
    file.write_text(CONNECTORS, encoding="utf-8")
    ran = connector("serve", "--once")
    assert ran.code == 0
    assert "there is no [jobs.NAME]" in ran.err


def test_serving_with_a_broken_connector_says_so_before_anything_is_due(connector: Connector, file: Path) -> None:
    file.write_text((CONNECTORS + JOBS).replace('root = "."', 'rooot = "."', 1), encoding="utf-8")
    ran = connector("serve", "--once")
    assert ran.code == 2
    assert "connectors.one.rooot" in ran.err


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ('schedule = "61 * * * *"', "should be a cron expression such as `0 3 * * *`, and has a bad minute; given"),
        ('schedule = "0 0 31 2 *"', "should be a cron expression"),
        (
            'schedule = "0 3 * * *"\nmax_duration = "2 hours"',
            "should be a number and a unit, such as 90s, 30m, 24h or 2d",
        ),
        ('schedule = "0 3 * * *"\nmax_duration = "0s"', "should be a number and a unit"),
        ('schedule = "0 3 * * *"\nblackouts = [{ start = "08:00", end = "08:00" }]', "start and end should differ"),
        ('schedule = "0 3 * * *"\nblackouts = [{ start = "08:00", end = "9", days = ["monday"] }]', "days"),
        ('schedule = "0 3 * * *"\noverlap = "wait"', "'skip' or 'queue'"),
    ],
)
def test_what_is_wrong_with_a_job_is_said(options: str, complaint: str, connector: Connector, file: Path) -> None:
    file.write_text(f'{CONNECTORS}[jobs.x]\nconnectors = ["one"]\n{options}\n', encoding="utf-8")
    ran = connector("schedule", "list")
    assert ran.code == 2
    assert complaint in ran.err
    assert "jobs.x." in ran.err
