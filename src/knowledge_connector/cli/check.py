"""`connector check`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from knowledge_connector.cli.shared import (
    Command,
    as_json,
    connector_argument,
    json_option,
    opened_host,
    warn_of_plugins,
)
from knowledge_connector.cli.terminal.page import Page, open_page
from knowledge_connector.cli.terminal.words import bold, clean, dim

if TYPE_CHECKING:
    from knowledge_connector.model import Finding


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
        findings = Findings(open_page())
        for finding in check(host, name):
            failed += not finding.ok
            if as_json_lines:
                click.echo(as_json(dataclasses.asdict(finding)))
            else:
                findings.show(finding)
    if not as_json_lines:
        findings.page.line()
        findings.page.line(click.style(f"{failed} not well.", fg="red") if failed else "All is well.")
    return ExitCode.STOPPED if failed else ExitCode.OK


@dataclasses.dataclass(slots=True)
class Findings:
    """Writes findings under a line for each origin or target."""

    page: Page
    _head: str = ""

    def show(self, finding: Finding) -> None:
        """Write one."""
        head, _, subject = finding.subject.rpartition(" · ")
        if head != self._head:
            self.page.line(bold(head))
            self._head = head
        mark = click.style("✓", fg="green") if finding.ok else click.style("✗", fg="red")
        self.page.line(f"{mark} {dim(subject)}  {clean(finding.message)}", indent=2)
