"""`connector schedule`: which jobs there are, when they are due, and units for other schedulers."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from knowledge_connector.cli.shared import Command, as_json, json_option, opened_host
from knowledge_connector.cli.terminal.page import Column, Table, open_page
from knowledge_connector.cli.terminal.words import dim, when

if TYPE_CHECKING:
    from knowledge_connector.app import Host
    from knowledge_connector.jobs.units import Unit
    from knowledge_connector.ports import JobRow


@click.group("schedule")
def command() -> None:
    """Say when jobs are due, and write units for other schedulers."""


# -- list ----------------------------------------------------------------------------------------------------------------


@command.command("list", cls=Command)
@json_option
def list_(as_json_lines: bool) -> None:
    """List the jobs: when each is due next, and how its last time ended."""
    with opened_host() as host:
        rows = _jobs(host)
        file = host.settings.file.name
    if as_json_lines:
        for row in rows:
            click.echo(as_json(row))
    elif rows:
        _show(rows)
    else:
        open_page().line(f"No job yet: add a table [jobs.NAME] to {file}.")


def _jobs(host: Host) -> list[dict[str, Any]]:
    from knowledge_connector.jobs.schedule import Timetable

    kept, now = host.store.jobs(), host.clock.now()
    return [
        {
            "job": job,
            "connectors": list(table.connectors),
            "schedule": table.schedule,
            "timezone": table.timezone,
            "enabled": table.enabled,
            "next_due_at": _iso(Timetable.of(job, table).upcoming(now)) if table.enabled else None,
            "last": _last(kept.get(job)),
        }
        for job, table in host.settings.jobs.items()
    ]


def _last(row: JobRow | None) -> dict[str, Any] | None:
    if row is None or row.due_at is None:
        return None
    return {
        "due_at": _iso(row.due_at),
        "status": row.status,
        "started_at": _iso(row.started_at),
        "finished_at": _iso(row.finished_at),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _show(rows: list[dict[str, Any]]) -> None:
    table = Table(
        [Column("job"), Column("connectors", wraps=True), Column("schedule"), Column("time zone"), Column("next due"),
         Column("last due"), Column("status")]
    )  # fmt: skip
    for row in rows:
        last = row["last"]
        table.rows.append(
            [
                row["job"],
                ", ".join(row["connectors"]),
                row["schedule"],
                row["timezone"],
                row["next_due_at"] or dim("never" if row["enabled"] else "not enabled"),
                dim(when(datetime.fromisoformat(last["due_at"]))) if last else "",
                last["status"] if last else dim("not run yet"),
            ]
        )
    open_page().table(table)


# -- next ----------------------------------------------------------------------------------------------------------------


def _moment(_: click.Context, __: click.Parameter, value: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if value else None
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a time as in ISO 8601, such as 2026-03-29T00:00+01:00") from None


@command.command("next", cls=Command)
@click.argument("name")
@click.option("--from", "moment", metavar="ISO-TIME", callback=_moment,
              help="After this moment, on the clock of the job's time zone unless it says otherwise; after now, if not given.")  # fmt: skip
@click.option("--count", type=click.IntRange(min=1), default=5, show_default=True, metavar="N", help="How many.")
@json_option
def next_(name: str, moment: datetime | None, count: int, as_json_lines: bool) -> None:
    """Print the next times that a job is due, one a line; blackouts are left out."""
    from itertools import islice

    from knowledge_connector.jobs.runner import named_job
    from knowledge_connector.jobs.schedule import Timetable

    with opened_host() as host:
        timetable = Timetable.of(name, named_job(host.settings, name))
        moment = moment or host.clock.now()
        for due in islice(timetable.after(moment if moment.tzinfo else moment.replace(tzinfo=timetable.zone)), count):
            starts_at = timetable.start_of(due).astimezone(timetable.zone)
            row = {"job": name, "due_at": due.isoformat(), "starts_at": starts_at.isoformat()}
            click.echo(as_json(row) if as_json_lines else due.isoformat())


# -- install -------------------------------------------------------------------------------------------------------------


@command.command("install", cls=Command)
@click.option("--systemd", "kind", flag_value="systemd", help="A service and a timer for each job.")
@click.option("--cron", "kind", flag_value="cron", help="A line for crontab.")
@click.option("--kubernetes", "kind", flag_value="kubernetes", help="A CronJob for each job.")
@click.option("--job", "jobs", multiple=True, metavar="NAME", help="For this job only; may be repeated.")
@click.option("--image", metavar="IMAGE", help="The container image with `connector` in it, for --kubernetes.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Write files into this folder; otherwise all is printed.")  # fmt: skip
def install(kind: str | None, jobs: tuple[str, ...], image: str | None, out: Path | None) -> None:
    """Print or write units for a scheduler that you have. They call `connector serve --once`."""
    if kind is None:
        raise click.UsageError("Say for which scheduler: --systemd, --cron or --kubernetes.")
    if kind == "kubernetes" and not image:
        raise click.UsageError("Name the container image: --image registry.example.com/knowledge-connector:1")
    with opened_host() as host:
        units = _units(host, kind, jobs, image or "")
    for unit in units:
        if out is None:
            click.echo(f"# {unit.name}\n{unit.text}")
        else:
            out.mkdir(parents=True, exist_ok=True)
            (out / unit.name).write_text(unit.text, encoding="utf-8")
            click.echo(f"Written: {out / unit.name}")
    if out is not None:
        click.echo(f"\n{_HOW_TO_INSTALL[kind].format(out=out)}")


_HOW_TO_INSTALL = {
    "systemd": "To install: systemctl link {out}/connector-*; systemctl enable --now NAME.timer for each timer",
    "cron": "To install: add the line to the output of `crontab -l`, and give it to `crontab -`",
    "kubernetes": "To install: kubectl apply -f {out}/connector.yaml",
}


def _units(host: Host, kind: str, jobs: tuple[str, ...], image: str) -> list[Unit]:
    from knowledge_connector.jobs.runner import named_job
    from knowledge_connector.jobs.units import cron_units, kubernetes_units, systemd_units

    chosen = [job for job in jobs or host.settings.jobs if named_job(host.settings, job).enabled]
    if not chosen:
        raise click.UsageError(f"No job of {host.settings.file} is enabled.")
    if kind == "systemd":
        return systemd_units(host.settings, chosen, _connector())
    if kind == "cron":
        return cron_units(host.settings, chosen, _connector())
    return kubernetes_units(host.settings, chosen, image)


def _connector() -> list[str]:
    """How to call this very program, from anywhere."""
    script = Path(sys.executable).with_name("connector")
    return [str(script)] if script.exists() else [sys.executable, "-m", "knowledge_connector"]
