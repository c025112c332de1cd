"""`connector undo`."""

from __future__ import annotations

from functools import partial

import click

from knowledge_connector.cli.shared import Command, json_option, opened_host, quiet_option
from knowledge_connector.errors import ConfigError


@click.command("undo", cls=Command)
@click.argument("run", type=click.IntRange(min=1))
@json_option
@quiet_option
def command(run: int, as_json_lines: bool, quiet: bool) -> int:
    """Take back what a run did.

    What it replaced or deleted comes back from our own store, what it made goes. Those documents then stay as they are until their
    origin changes again, or until `connector release`.
    """
    from knowledge_connector.cli.running import Manner, carry_out
    from knowledge_connector.execution import RunOptions

    with opened_host() as host:
        row = host.store.run(run)
        if row is None:
            raise ConfigError(f"there is no run {run}, or it is no longer kept; see: connector history")
        manner = Manner(quiet, as_json_lines)
        code = carry_out(host, {row.connector: partial(host.undo, run)}, RunOptions(), manner)
        held = sum(host.store.count_held(lane) for lane in host.lanes(row.connector))
        if held and manner.for_people:
            click.echo(f"Held as they are now: {held}. To follow the origin again: connector release {row.connector}")
        return code
