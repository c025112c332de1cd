"""`connector explain`."""

from __future__ import annotations

import dataclasses

import click

from knowledge_connector.cli.shared import Command, as_json, connector_argument, json_option, opened_host
from knowledge_connector.cli.terminal.page import open_page


@click.command("explain", cls=Command)
@connector_argument
@click.argument("what")
@json_option
def command(name: str, what: str, as_json_lines: bool) -> int:
    """Tell the story of one document.

    WHAT is its id, its link or its title, or a part of one.
    """
    from knowledge_connector.cli.terminal.stories import show_explanation
    from knowledge_connector.story import explain

    with opened_host() as host:
        explanation = explain(host, name, what)
    if as_json_lines:
        click.echo(as_json(dataclasses.asdict(explanation)))
    else:
        show_explanation(open_page(), explanation)
    return 0 if explanation.stories or explanation.matches else 1
