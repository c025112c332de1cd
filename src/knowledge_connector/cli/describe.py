"""`connector describe`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from knowledge_connector.cli.shared import Command, as_json, json_option, opened_host
from knowledge_connector.cli.terminal.page import Page, open_page
from knowledge_connector.cli.terminal.words import bold, dim

if TYPE_CHECKING:
    from knowledge_connector.describe import Description, Option


@click.command("describe", cls=Command)
@click.argument("type_", metavar="TYPE")
@json_option
def command(type_: str, as_json_lines: bool) -> None:
    """Describe the options of a type of connector or target."""
    from knowledge_connector.describe import describe

    with opened_host() as host:
        for description in describe(host.registry, type_):
            if as_json_lines:
                click.echo(as_json(dataclasses.asdict(description)))
            else:
                _show(open_page(), description)


def _show(page: Page, description: Description) -> None:
    page.line(f'{bold(f"[{description.kind}.NAME]")}  type = "{description.type}"')
    page.line(description.summary)
    page.line(dim(f"brought by {description.plugin.name} {description.plugin.version} ({description.plugin.origin})"))
    for title, options in (
        ("its own options", description.options),
        (f"of all {description.kind}", description.host_options),
    ):
        page.line()
        page.line(dim(title))
        for option in options:
            _show_option(page, option)
        if not options:
            page.line("none", indent=2)
    page.line()


def _show_option(page: Page, option: Option) -> None:
    default = "required" if option.required else f"= {option.default}" if option.default is not None else ""
    page.line(f"{bold(option.key)}  {default}  {dim(option.type)}", indent=2)
    when = f"With {option.when}. " if option.when else ""
    page.line(f"{when}{option.description}", indent=6)
    if option.secret and option.variable:
        page.line(dim(f"secret: {option.variable}"), indent=6)
