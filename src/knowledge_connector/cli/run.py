"""`connector run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from knowledge_connector.cli.shared import (
    Command,
    allow_deletes_option,
    connectors_argument,
    json_option,
    opened_host,
    quiet_option,
    targets_option,
)

if TYPE_CHECKING:
    from knowledge_connector.app import Host


@click.command("run", cls=Command)
@connectors_argument
@click.option("--all", "every", is_flag=True, help="Run every connector that is enabled.")
@targets_option
@allow_deletes_option
@click.option("--full", is_flag=True, help="List everything and read everything, whatever cursor and revisions say.")
@json_option
@quiet_option
def command(
    names: tuple[str, ...],
    every: bool,
    targets: tuple[str, ...],
    allow_deletes: int | None,
    full: bool,
    as_json_lines: bool,
    quiet: bool,
) -> int:
    """Bring targets in step with their origins."""
    from functools import partial

    from knowledge_connector.cli.running import Manner, carry_out
    from knowledge_connector.execution import RunOptions

    with opened_host() as host:
        works = {name: partial(host.sync, name) for name in _chosen(host, names, every)}
        options = RunOptions(targets=targets, allow_deletes=allow_deletes, full=full)
        return carry_out(host, works, options, Manner(quiet, as_json_lines))


def _chosen(host: Host, names: tuple[str, ...], every: bool) -> list[str]:
    connectors = host.settings.connectors
    if bool(names) == every:
        there = ", ".join(connectors) or "none yet"
        raise click.UsageError(f"Name the connectors to run, or say --all. There are: {there}")
    for name in names:
        host.connector_settings(name)  # a wrong name shall be told before anything runs
    return list(dict.fromkeys(names)) or [name for name, table in connectors.items() if table.enabled]
