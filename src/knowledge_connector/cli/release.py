"""`connector release`."""

from __future__ import annotations

import click

from knowledge_connector.cli.shared import Command, connector_argument, opened_host


@click.command("release", cls=Command)
@connector_argument
def command(name: str) -> None:
    """Let go of what `undo` holds: the next run follows the origin again."""
    with opened_host() as host:
        released = host.release(name)
    if released:
        click.echo(f"Released: {released}. The next run follows the origin again: connector run {name}")
    else:
        click.echo(f"Nothing of {name} was held.")
