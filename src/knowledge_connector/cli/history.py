"""`connector history`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from knowledge_connector.cli.shared import Command, as_json, json_option, opened_host, optional_connector_argument
from knowledge_connector.cli.terminal.page import Column, Table, open_page
from knowledge_connector.cli.terminal.words import clean, dim, duration, when

if TYPE_CHECKING:
    from knowledge_connector.ports import RunRow


_COLOURS = {"ok": "green", "failed": "red", "killed": "red"}


@click.command("history", cls=Command)
@optional_connector_argument
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="How many runs.")
@json_option
def command(name: str | None, limit: int, as_json_lines: bool) -> None:
    """List the last runs."""
    with opened_host() as host:
        if name is not None:
            host.connector_settings(name)
        runs = host.history(name, limit)
    if as_json_lines:
        for run in runs:
            click.echo(as_json(_as_dict(run)))
    else:
        _show(runs)


def _as_dict(run: RunRow) -> dict[str, Any]:
    return {
        "run": run.id,
        "kind": run.kind,
        "connector": run.connector,
        "status": run.status,
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "reports": json.loads(run.report) if run.report else [],
    }


def _show(runs: list[RunRow]) -> None:
    page = open_page()
    if not runs:
        page.line("No run yet. The first: connector run NAME")
        return
    table = Table(
        [Column("run", right=True), Column("connector"), Column("kind"), Column("started"), Column("time", right=True),
         Column("status"), Column("what happened", wraps=True)]
    )  # fmt: skip
    begun: set[str] = set()
    for run in runs:
        took = duration((run.finished_at - run.started_at).total_seconds()) if run.finished_at else ""
        happened = "; ".join(_happened(report) for report in json.loads(run.report or "[]"))
        table.rows.append(
            [
                str(run.id),
                run.connector,
                run.kind,
                dim(when(run.started_at)),
                took,
                _status(run, is_last=run.connector not in begun),
                happened,
            ]
        )
        begun.add(run.connector)
    page.table(table)


def _status(run: RunRow, *, is_last: bool) -> str:
    """How it ended; what seems to run though another came after it was killed."""
    status = "killed" if run.finished_at is None and not is_last else run.status
    return click.style(status, fg=_COLOURS.get(status, "yellow"))


def _happened(report: dict[str, Any]) -> str:
    if report["status"] == "failed":
        return f"{report['target']}: {clean(report['message'])}"
    counts = [
        f"{report[name]:,} {name}"
        for name in ("created", "updated", "retagged", "deleted", "failed", "withheld")
        if report[name]
    ]
    return f"{report['target']}: {', '.join(counts) or 'unchanged'}"
