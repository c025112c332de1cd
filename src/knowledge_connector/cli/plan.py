"""`connector plan`."""

from __future__ import annotations

from pathlib import Path

import click

from knowledge_connector.cli.shared import (
    Command,
    allow_deletes_option,
    connector_argument,
    json_option,
    opened_host,
    targets_option,
)
from knowledge_connector.cli.terminal.page import open_page

SHOWN = 50
"""Changes of one kind; a plan of thousands is read as a file."""


@click.command("plan", cls=Command)
@connector_argument
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), metavar="FILE",
              help="Save the plan, for `connector apply FILE`.")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=0), default=SHOWN, show_default=True, metavar="N",
              help="Show at most so many changes of one kind; 0 shows all.")  # fmt: skip
@click.option("--all-changes", is_flag=True, help="Show everything, also what is kept or skipped.")
@targets_option
@allow_deletes_option
@json_option
def command(
    name: str,
    out: Path | None,
    limit: int,
    all_changes: bool,
    targets: tuple[str, ...],
    allow_deletes: int | None,
    as_json_lines: bool,
) -> int:
    """Show what a run would do, and why. Nothing is written."""
    from knowledge_connector.cli.running import Manner, watcher_for
    from knowledge_connector.cli.terminal.plans import Planner, make_plan, show_plan
    from knowledge_connector.execution import RunOptions
    from knowledge_connector.sync.report import worst

    with opened_host() as host:
        watcher = watcher_for(host, Manner(as_json_lines=as_json_lines))
        planner = Planner(watcher, limit=0 if all_changes else limit, shows_all=all_changes)
        options = RunOptions(targets=targets, allow_deletes=allow_deletes, observer=planner)
        reports, plan = make_plan(host, name, options, planner)
        if out is not None:
            plan.write(out)
    if as_json_lines:
        for report in reports:
            click.echo(report.to_json())
    else:
        show_plan(open_page(), reports, planner, out)
    return worst([report.exit_code for report in reports])
