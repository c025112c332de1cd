"""`connector check`."""

from __future__ import annotations

import dataclasses

import click

from knowledge_connector.cli.shared import (
    Command,
    as_json,
    connector_argument,
    json_option,
    opened_host,
    warn_of_plugins,
)
from knowledge_connector.cli.terminal.page import open_page
from knowledge_connector.cli.terminal.words import bold, clean, dim


@click.command("check", cls=Command)
@connector_argument
@json_option
def command(name: str, as_json_lines: bool) -> int:
    """Say whether origin and targets can be reached. Nothing is written."""
    from knowledge_connector.story import check
    from knowledge_connector.sync.report import ExitCode

    failed = 0
    with opened_host() as host:
        warn_of_plugins(host)
        page, group = open_page(), ""
        for finding in check(host, name):
            failed += not finding.ok
            if as_json_lines:
                click.echo(as_json(dataclasses.asdict(finding)))
                continue
            head, _, subject = finding.subject.rpartition(" · ")
            if head != group:
                page.line(bold(head))
                group = head
            mark = click.style("✓", fg="green") if finding.ok else click.style("✗", fg="red")
            page.line(f"{mark} {f'{dim(subject)}  ' if head else ''}{clean(finding.message)}", indent=2)
    if not as_json_lines:
        page.line()
        page.line(
            click.style("All is well.", fg="green") if not failed else click.style(f"{failed} not well.", fg="red")
        )
    return ExitCode.STOPPED if failed else ExitCode.OK
