"""Units for those who have a scheduler already: it calls `connector serve --once`, which runs what is due by the jobs' own rules.

So no scheduler has to understand time zones, clock changes, catching up or overlaps as we do. It only has to call often enough.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cronsim import CronSim

from knowledge_connector.config import JobSettings, Settings
from knowledge_connector.config.tables import seconds_of
from knowledge_connector.jobs.schedule import ON_TIME
from knowledge_connector.model import digest

SPARE_SECONDS = 60
"""What a scheduler should wait beyond our own bounds before it ends us by force."""

LONGEST_JITTER_ON_TIME = 240
"""Seconds that a job which makes up for nothing can be delayed by without being late."""

SYSTEMD_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
HOME = "/var/lib/connector"
"""Where the container finds `connectors.toml`, and keeps what is relative to it."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A file to install."""

    name: str
    text: str


def systemd_units(settings: Settings, jobs: Collection[str], command: Sequence[str]) -> list[Unit]:
    """A service and a timer for each job.

    Args:
        settings: The configuration.
        jobs: Which ones.
        command: How to call `connector`, with its absolute path.
    """
    units = []
    for job in jobs:
        units.append(Unit(f"connector-{job}.service", _service(settings, job, command)))
        units.append(Unit(f"connector-{job}.timer", _timer(job, settings.jobs[job])))
    return units


def cron_units(settings: Settings, jobs: Collection[str], command: Sequence[str]) -> list[Unit]:
    """One line for all jobs, because cron knows one time zone only."""
    named = [word for job in jobs for word in ("--job", job)]
    call = shlex.join([*command, "-c", str(settings.file), "serve", "--once", *named]).replace("%", r"\%")
    lines = [
        "# Looks every minute which of these jobs is due, by its own schedule and time zone:",
        *(f"#   {job}: {settings.jobs[job].schedule} ({settings.jobs[job].timezone})" for job in jobs),
        f"* * * * * {call}",
    ]
    return [Unit("connector.cron", "\n".join(lines) + "\n")]


def kubernetes_units(settings: Settings, jobs: Collection[str], image: str) -> list[Unit]:
    """A CronJob for each job, and the volume that they share for what is kept beside `connectors.toml`."""
    import yaml  # nothing else of this room needs it

    manifests = [_volume_claim(), *(_cron_job(settings, job, image) for job in jobs)]
    head = (
        "# The configuration: kubectl create configmap connector --from-file=connectors.toml\n"
        "# Its secrets:       kubectl create secret generic connector --from-literal=CONNECTOR_…=…\n"
    )
    return [Unit("connector.yaml", head + yaml.safe_dump_all(manifests, sort_keys=False, explicit_start=True))]


# -- systemd -------------------------------------------------------------------------------------------------------------


def _service(settings: Settings, job: str, command: Sequence[str]) -> str:
    call = [*command, "-c", str(settings.file), "serve", "--once", "--job", job]
    stop_seconds = round(settings.serve.stop_seconds) + SPARE_SECONDS
    return f"""\
[Unit]
Description=Knowledge job {job}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
WorkingDirectory={str(settings.base).replace("%", "%%")}
ExecStart={" ".join(map(_quoted, call))}
TimeoutStartSec={seconds_of(settings.jobs[job].max_duration) + stop_seconds}
TimeoutStopSec={stop_seconds}
# The stop signal goes to the main process, which lets the document in hand be finished.
KillMode=mixed
NoNewPrivileges=yes
PrivateTmp=yes
"""


def _timer(job: str, settings: JobSettings) -> str:
    jitter = settings.jitter_seconds
    if settings.catch_up == "none":
        jitter = min(jitter, LONGEST_JITTER_ON_TIME)
    return f"""\
[Unit]
Description=When the knowledge job {job} is due: {settings.schedule} ({settings.timezone})

[Timer]
OnCalendar={calendar_of(settings.schedule)} {settings.timezone}
# Finds what a clock change has moved, a blackout has held back or a stop has broken off; runs nothing else.
OnCalendar=hourly
Persistent={"yes" if settings.catch_up == "latest" else "no"}
RandomizedDelaySec={jitter}
AccuracySec=1s

[Install]
WantedBy=timers.target
"""


def calendar_of(schedule: str) -> str:
    """A calendar event of systemd that comes whenever the schedule does; on more days, where systemd cannot say which."""
    cron = CronSim(schedule, datetime(2024, 1, 1, tzinfo=UTC))
    days, weekdays = "*", ""
    if cron.day_and and all(isinstance(day, int) and day >= 0 for day in (*cron.days, *cron.weekdays)):
        days = _listed(cron.days, 31)
        named = {int(day) % 7 for day in cron.weekdays if isinstance(day, int)}
        weekdays = ",".join(SYSTEMD_DAYS[day] for day in sorted(named)) + " " if len(named) < 7 else ""
    months, hours, minutes = _listed(cron.months, 12), _listed(cron.hours, 24), _listed(cron.minutes, 60)
    return f"{weekdays}*-{months}-{days} {hours}:{minutes}:00"


def _listed(numbers: Iterable[int], all_of_them: int) -> str:
    found = sorted(numbers)
    return "*" if len(found) == all_of_them else ",".join(f"{number:02}" for number in found)


def _quoted(argument: str) -> str:
    """As `ExecStart` reads it: specifiers and variables are not meant."""
    plain = argument.replace("%", "%%").replace("$", "$$")
    if re.fullmatch(r"[\w./:=@%$+-]+", plain):
        return plain
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


# -- Kubernetes ----------------------------------------------------------------------------------------------------------


def _volume_claim() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "connector"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }


def _cron_job(settings: Settings, job: str, image: str) -> dict[str, Any]:
    table = settings.jobs[job]
    stop_seconds = round(settings.serve.stop_seconds) + SPARE_SECONDS
    deadline = int(ON_TIME.total_seconds()) if table.catch_up == "none" else 3600
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": _label(job), "labels": {"app.kubernetes.io/name": "knowledge-connector"}},
        "spec": {
            "schedule": _portable(table.schedule),
            "timeZone": table.timezone,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": deadline,
            "jobTemplate": {
                "spec": {
                    "backoffLimit": 0,
                    "activeDeadlineSeconds": seconds_of(table.max_duration) + stop_seconds,
                    "template": {"spec": _pod(job, image, stop_seconds)},
                }
            },
        },
    }


def _pod(job: str, image: str, stop_seconds: int) -> dict[str, Any]:
    file = f"{HOME}/connectors.toml"
    return {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": stop_seconds,
        "containers": [
            {
                "name": "connector",
                "image": image,
                "command": ["connector", "-c", file, "serve", "--once", "--job", job],
                "envFrom": [{"secretRef": {"name": "connector", "optional": True}}],
                "volumeMounts": [
                    {"name": "home", "mountPath": HOME},
                    {"name": "configuration", "mountPath": file, "subPath": "connectors.toml", "readOnly": True},
                ],
                "securityContext": {"allowPrivilegeEscalation": False},
            }
        ],
        "volumes": [
            {"name": "home", "persistentVolumeClaim": {"claimName": "connector"}},
            {"name": "configuration", "configMap": {"name": "connector"}},
        ],
    }


def _label(job: str) -> str:
    """A name that Kubernetes takes: without `_`, not ending in `-`, at most 52 characters; others are told apart by a digest."""
    name = f"connector-{job}"
    plain = re.sub(r"[_-]+$", "", name).replace("_", "-")
    return name if plain == name else f"{plain[:45]}-{digest(job)[:6]}"


def _portable(schedule: str) -> str:
    """The same times on more days, where Kubernetes cannot say which: it knows no last and no nth day."""
    minute, hour, day, month, weekday = schedule.split()
    if "L" in (day + weekday).upper() or "#" in weekday:
        return f"{minute} {hour} * {month} *"
    return f"{minute} {hour} {day} {month} {weekday}"
