"""`connector schema`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from knowledge_connector.cli.shared import Command, opened_host


@click.command("schema", cls=Command)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE",
              help="Where to write it; `-` for standard output. [default: .connector/schema.json beside connectors.toml]")  # fmt: skip
def command(out: Path | None) -> None:
    """Write the JSON Schema of connectors.toml, for editors."""
    from knowledge_connector.describe import json_schema

    with opened_host() as host:
        text = json.dumps(json_schema(host.registry), ensure_ascii=False, indent=2) + "\n"
        file = host.settings.file
    if out == Path("-"):
        click.echo(text, nl=False)
        return
    path = out or file.parent / ".connector" / "schema.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    click.echo(f"Written: {path}")
    click.echo(f"First line of {file.name}, so that editors complete and check it:\n")
    click.echo(f"#:schema {Path(os.path.relpath(path, file.parent)).as_posix()}")
