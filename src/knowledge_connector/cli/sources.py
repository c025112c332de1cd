"""`connector sources`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from knowledge_connector.cli.shared import Command, as_json, connector_option, json_option, opened_host, target_option
from knowledge_connector.cli.terminal.page import open_page
from knowledge_connector.cli.terminal.words import bold, clean, counted, dim, titled

if TYPE_CHECKING:
    from knowledge_connector.app import Host
    from knowledge_connector.model import KnowledgeSource

FIELDS = ("external_id", "name", "tags", "chunk_count", "fingerprint", "committed")
"""What `--json` prints of a source, in this order."""


@click.command("sources", cls=Command)
@connector_option
@target_option
@json_option
def command(connectors: tuple[str, ...], target: str | None, as_json_lines: bool) -> None:
    """List what the knowledge holds."""
    with opened_host() as host:
        found = _sources(host, connectors, target)
        if as_json_lines:
            for _, source in found:
                click.echo(as_json({name: getattr(source, name) for name in FIELDS}))
        else:
            _show(found)


def _sources(host: Host, connectors: tuple[str, ...], target: str | None) -> Iterator[tuple[str, KnowledgeSource]]:
    for connector in connectors or (None,):
        yield from host.sources(target=target, connector=connector)


def _show(found: Iterator[tuple[str, KnowledgeSource]]) -> None:
    page = open_page()
    owner, sources, chunks = "", 0, 0
    for name, source in found:
        if name != owner:
            page.line(bold(name))
            owner = name
        sources += 1
        chunks += source.chunk_count
        unfinished = "" if source.committed else click.style("  unfinished", fg="yellow")
        tags = dim(f"  {clean(', '.join(source.tags))}") if source.tags else ""
        title = titled(source.name, source.external_id or source.external_digest)
        page.line(f"{title}  {dim(counted(source.chunk_count, 'chunk'))}{tags}{unfinished}", indent=2)
    page.line(f"{counted(sources, 'source')}, {counted(chunks, 'chunk')}" if sources else "Nothing is held yet.")
