"""Units for other schedulers: checked by their own tools and schemas, and against our own arithmetic."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import kubernetes_validate  # type: ignore[import-untyped]  # it ships no types
import pytest
import yaml

from knowledge_connector.config import Settings
from knowledge_connector.jobs.schedule import Timetable
from knowledge_connector.jobs.units import calendar_of, cron_units, kubernetes_units, systemd_units

from .conftest import Configure

COMMAND = ["/usr/bin/env"]
START = datetime(2026, 6, 1, tzinfo=UTC)

SYSTEMD = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(SYSTEMD is None, reason="systemd-analyze is not installed")

MANY = """
[jobs.plain]
connectors = ["one"]
schedule = "30 2 * * *"
timezone = "Europe/Berlin"
jitter_seconds = 600
max_duration = "2h"
[jobs.on_time_only]
connectors = ["two"]
schedule = "*/15 8-18 * * MON-FRI"
timezone = "America/New_York"
jitter_seconds = 600
catch_up = "none"
[jobs.odd-]
connectors = ["two"]
schedule = "0 12 L * *"
[jobs.never]
connectors = ["two"]
schedule = "0 12 * * *"
enabled = false
"""
JOBS = ["hourly", "plain", "on_time_only", "odd-"]


@pytest.fixture
def settings(configure: Configure) -> Settings:
    return configure(more=MANY)


@needs_systemd
def test_systemd_takes_its_units(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "units"
    folder.mkdir()
    for unit in systemd_units(settings, JOBS, COMMAND):
        (folder / unit.name).write_text(unit.text, encoding="utf-8")
    files = sorted(folder.iterdir())
    assert len(files) == 2 * len(JOBS)
    verified = subprocess.run([str(SYSTEMD), "verify", *files], capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")


def test_what_a_systemd_unit_says(settings: Settings) -> None:
    service, timer = systemd_units(settings, ["plain"], ["/opt/50% off/connector"])
    assert (service.name, timer.name) == ("connector-plain.service", "connector-plain.timer")
    assert f'ExecStart="/opt/50%% off/connector" -c {settings.file} serve --once --job plain\n' in service.text
    assert "\nTimeoutStartSec=7320\n" in service.text
    assert "\nKillMode=mixed\n" in service.text
    assert "\nOnCalendar=*-*-* 02:30:00 Europe/Berlin\n" in timer.text
    assert "\nPersistent=yes\nRandomizedDelaySec=600\n" in timer.text
    assert "\nPersistent=no\nRandomizedDelaySec=240\n" in systemd_units(settings, ["on_time_only"], COMMAND)[1].text


@pytest.mark.parametrize(
    ("schedule", "calendar"),
    [
        ("30 2 * * *", "*-*-* 02:30:00"),
        ("*/20 * * * *", "*-*-* *:00,20,40:00"),
        ("0 8-10 * 1,7 1-5", "Mon,Tue,Wed,Thu,Fri *-01,07-* 08,09,10:00:00"),
        ("0 0 * * 0,7", "Sun *-*-* 00:00:00"),
        ("0 0 1,15 * *", "*-*-01,15 00:00:00"),
        ("0 0 1 * 1", "*-*-* 00:00:00"),  # the first or a Monday: systemd knows no "or"
        ("0 0 L * *", "*-*-* 00:00:00"),
        ("0 0 * * 5#2", "*-*-* 00:00:00"),
    ],
)
def test_schedules_as_calendar_events(schedule: str, calendar: str) -> None:
    assert calendar_of(schedule) == calendar


@needs_systemd
@pytest.mark.parametrize(
    "schedule",
    ["30 2 * * *", "*/7 5-6 * * *", "0 8-10 * 6,7 1-5", "0 0 1,15 * *", "0 12 * * SUN", "15 3 1 * 1", "0 4 L * *"],
)
def test_systemd_calls_whenever_a_job_is_due(schedule: str) -> None:
    dues = list(islice(Timetable("x", schedule, ZoneInfo("UTC")).after(START), 40))
    called = set(islice(_elapses(calendar_of(schedule), until=dues[-1]), 2000))
    assert {due.astimezone(UTC) for due in dues} <= called


def _elapses(calendar: str, until: datetime) -> Iterator[datetime]:
    days = (until - START) // timedelta(days=1) + 1
    said = subprocess.run(
        [str(SYSTEMD), "calendar", f"{calendar} UTC", f"--iterations={min(40 * days, 2000)}", f"--base-time={START:%F %T} UTC"],
        capture_output=True, text=True, check=True, env={"TZ": "UTC", "LC_ALL": "C"},
    ).stdout  # fmt: skip
    for day, time in re.findall(r"\w{3} (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC", said):
        yield datetime.fromisoformat(f"{day}T{time}+00:00")


def test_cron_is_given_one_line_for_all_jobs(settings: Settings) -> None:
    (unit,) = cron_units(settings, ["plain", "hourly"], ["/opt/50% off/connector"])
    *comments, line = unit.text.splitlines()
    assert all(comment.startswith("#") for comment in comments)
    assert "#   plain: 30 2 * * * (Europe/Berlin)" in comments
    assert line == f"* * * * * '/opt/50\\% off/connector' -c {settings.file} serve --once --job plain --job hourly"


def test_kubernetes_takes_its_manifests(settings: Settings) -> None:
    (unit,) = kubernetes_units(settings, JOBS, "registry.example.com/connector:1")
    manifests = list(yaml.safe_load_all(unit.text))
    assert [one["kind"] for one in manifests] == ["PersistentVolumeClaim", *["CronJob"] * len(JOBS)]
    for manifest in manifests:
        kubernetes_validate.validate(manifest, "1.29", strict=True)


def test_a_wrong_manifest_would_be_noticed(settings: Settings) -> None:
    (unit,) = kubernetes_units(settings, ["plain"], "x")
    manifest = list(yaml.safe_load_all(unit.text))[1]
    manifest["spec"]["timezone"] = manifest["spec"].pop("timeZone")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, "1.29", strict=True)


def test_what_a_cron_job_says(settings: Settings) -> None:
    (unit,) = kubernetes_units(settings, JOBS, "registry.example.com/connector:1")
    jobs = {one["metadata"]["name"]: one["spec"] for one in yaml.safe_load_all(unit.text) if one["kind"] == "CronJob"}
    assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name) and len(name) <= 52 for name in jobs)
    plain = jobs["connector-plain"]
    assert (plain["schedule"], plain["timeZone"], plain["concurrencyPolicy"]) == (
        "30 2 * * *",
        "Europe/Berlin",
        "Forbid",
    )
    assert plain["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 7320
    (container,) = plain["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["command"][-4:] == ["serve", "--once", "--job", "plain"]
    assert sorted(spec["startingDeadlineSeconds"] for spec in jobs.values()) == [300, 3600, 3600, 3600]
    assert jobs[next(name for name in jobs if name.startswith("connector-odd-"))]["schedule"] == "0 12 * * *"


def test_jobs_that_kubernetes_would_call_the_same_have_names_of_their_own(configure: Configure) -> None:
    tables = "".join(
        f'[jobs.{name}]\nconnectors = ["one"]\nschedule = "0 3 * * *"\n' for name in ("a-b", "a_b", "a_b-")
    )
    (unit,) = kubernetes_units(configure(more=tables), ["a-b", "a_b", "a_b-"], "x")
    names = [one["metadata"]["name"] for one in yaml.safe_load_all(unit.text)]
    assert len(set(names[1:])) == 3
