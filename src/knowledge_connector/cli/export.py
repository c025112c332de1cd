"""`connector export`."""

from __future__ import annotations

from pathlib import Path

import click

from knowledge_connector.cli.shared import Command, connector_argument, opened_host


@click.command("export", cls=Command)
@connector_argument
@click.argument("what")
@click.option("--target", metavar="NAME", help="Where it is held; the connector's first target unless given.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FOLDER", help="Write a file there, instead of standard output."
)
def command(name: str, what: str, target: str | None, out: Path | None) -> None:
    """Give one source as a file, in its platform's own format.

    WHAT is the id, the link or the title of a document.
    """
    from knowledge_connector.export import export

    with opened_host() as host:
        file, text = export(host, name, what, target)
    if out is None:
        click.echo(text, nl=False)
        return
    out.mkdir(parents=True, exist_ok=True)
    (out / file).write_text(text, encoding="utf-8")
    click.echo(f"Written: {out / file}")
