"""`connector retry`."""

from __future__ import annotations

from functools import partial

import click

from knowledge_connector.cli.shared import Command, connector_argument, json_option, opened_host, quiet_option


@click.command("retry", cls=Command)
@connector_argument
@json_option
@quiet_option
def command(name: str, as_json_lines: bool, quiet: bool) -> int:
    """Look again at the documents that failed."""
    from knowledge_connector.cli.running import Manner, carry_out
    from knowledge_connector.execution import RunOptions

    with opened_host() as host:
        host.connector_settings(name)
        manner = Manner(quiet, as_json_lines)
        if not host.store.failures(name, limit=1):
            if manner.for_people:
                click.echo(f"No document of {name} has failed; there is nothing to retry.")
            return 0
        return carry_out(host, {name: partial(host.retry, name)}, RunOptions(), manner)
