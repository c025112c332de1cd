"""`connector diff`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from knowledge_connector.cli.shared import Command, as_json, json_option, opened_host
from knowledge_connector.cli.terminal.page import Page, open_page
from knowledge_connector.cli.terminal.words import bold, clean, dim, titled

if TYPE_CHECKING:
    from knowledge_connector.story import DocumentDiff


@click.command("diff", cls=Command)
@click.argument("run", type=click.IntRange(min=1))
@click.argument("other", type=click.IntRange(min=1), required=False, metavar="[RUN]")
@click.option("--text", is_flag=True, help="Show what became of the text, line by line.")
@json_option
def command(run: int, other: int | None, text: bool, as_json_lines: bool) -> None:
    """Show which documents a run changed, or differ between two runs."""
    from knowledge_connector.story import Held, diff, text_diff

    with opened_host() as host, Held(host) as held:
        page, count = None if as_json_lines else open_page(), 0
        for document in diff(host.store, run, other):
            count += 1
            lines = text_diff(held, host.store, document) if text else []
            if page is None:
                more = {"text": "\n".join(lines)} if text else {}
                click.echo(as_json(dataclasses.asdict(document) | more))
            else:
                _show(page, document, lines)
    if page is not None and not count:
        page.line("Nothing changed.")


_SIGNS = {"create": ("+", "green"), "update": ("~", "yellow"), "retag": ("±", "cyan"), "delete": ("-", "red")}
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def _show(page: Page, document: DocumentDiff, lines: list[str]) -> None:
    sign, colour = _SIGNS.get(document.action, ("?", "white"))
    name = titled(document.name, document.external_id, document.previous_id)
    target = f"{document.lane.target}: " if document.lane.target else ""
    page.line(
        f"{click.style(sign, fg=colour, bold=True)} {bold(name)}  {dim(target + clean(document.reason) + _chunks(document))}"
    )
    for line in lines:
        page.line(click.style(clean(line), fg=_COLOURS.get(line[:1])), indent=4)
    if lines:
        page.line()


def _chunks(document: DocumentDiff) -> str:
    counts = [f"+{document.chunks_written}"] if document.chunks_written else []
    counts += [f"-{document.chunks_deleted}"] if document.chunks_deleted else []
    return f"  ({' '.join(counts)} chunks)" if counts else ""
