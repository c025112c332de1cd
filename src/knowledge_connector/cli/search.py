"""`connector search`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from knowledge_connector.cli.shared import (
    Command,
    as_json,
    connector_option,
    json_option,
    opened_host,
    target_option,
)
from knowledge_connector.cli.terminal.page import open_page
from knowledge_connector.cli.terminal.words import bold, clean, dim

if TYPE_CHECKING:
    from knowledge_connector.ports import Hit

FIELDS = ("connector", "source", "external_id", "title", "url", "heading", "text", "score", "tags")
"""What `--json` prints of a hit, in this order."""


@click.command("search", cls=Command)
@click.argument("words", nargs=-1, required=True)
@connector_option
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="With this tag only; may be repeated.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=10, show_default=True, metavar="N", help="How many chunks."
)
@target_option
@json_option
def command(
    words: tuple[str, ...],
    connectors: tuple[str, ...],
    tags: tuple[str, ...],
    limit: int,
    target: str | None,
    as_json_lines: bool,
) -> None:
    """Ask the knowledge, as an assistant would.

    WORDS are words, "quoted phrases", -without and begin*.
    """
    question = " ".join(words)
    with opened_host() as host:
        hits = host.search(question, target=target, connectors=connectors, tags=tags, limit=limit)
    if as_json_lines:
        for hit in hits:
            click.echo(as_json({name: getattr(hit, name) for name in FIELDS}))
    else:
        _show(question, hits)


def _show(question: str, hits: list[Hit]) -> None:
    page = open_page()
    if not hits:
        page.line(f"Nothing found for “{clean(question)}”.")
    for number, hit in enumerate(hits, 1):
        heading = f" › {clean(hit.heading)}" if hit.heading and hit.heading != hit.title else ""
        page.line(f"{dim(f'{number:>2}')}  {bold(clean(hit.title))}{dim(heading)}")
        page.line(_marked(hit.snippet or hit.text), indent=4)
        page.line(dim(f"{hit.connector} · {clean(hit.url or hit.external_id)}{_tags(hit)}"), indent=4)
        if number < len(hits):
            page.line()


def _tags(hit: Hit) -> str:
    return f" · {clean(', '.join(hit.tags))}" if hit.tags else ""


def _marked(snippet: str) -> str:
    """The words that were found, made to stand out."""
    from knowledge_connector.ports import MARK_END, MARK_START

    first, *rest = " ".join(snippet.split()).split(MARK_START)
    marked = [clean(first)]
    for part in rest:
        found, _, after = part.partition(MARK_END)
        marked += [click.style(clean(found), fg="yellow", bold=True), clean(after)]
    return "".join(marked)
