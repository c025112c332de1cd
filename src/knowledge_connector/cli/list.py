"""`connector list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from knowledge_connector.cli.shared import Command, as_json, json_option, opened_host, warn_of_plugins
from knowledge_connector.cli.terminal.page import Column, Table, open_page
from knowledge_connector.cli.terminal.words import dim, when

if TYPE_CHECKING:
    from knowledge_connector.app import Host
    from knowledge_connector.registry import Registry


@click.command("list", cls=Command)
@click.option("--plugins", is_flag=True, help="List plugins: version, where they are from, what they bring.")
@json_option
def command(plugins: bool, as_json_lines: bool) -> None:
    """List connectors and how their last run ended, or plugins."""
    with opened_host() as host:
        rows = list_plugins(host.registry) if plugins else list_connectors(host)
        warn_of_plugins(host)
        if as_json_lines:
            for row in rows:
                click.echo(as_json(row))
        elif plugins:
            _show_plugins(rows)
        else:
            _show_connectors(rows)


def list_connectors(host: Host) -> list[dict[str, Any]]:
    """One for each connector, in the order of the file."""
    return [
        {
            "connector": name,
            "type": table.type,
            "targets": list(table.targets),
            "enabled": table.enabled,
            "last_run": _last_run(host, name),
        }
        for name, table in host.settings.connectors.items()
    ]


def _last_run(host: Host, name: str) -> dict[str, Any] | None:
    runs = [run for run in host.history(name, 20) if run.kind != "plan"]
    if not runs:
        return None
    last = runs[0]
    return {"run": last.id, "kind": last.kind, "status": last.status, "started_at": last.started_at}


def list_plugins(registry: Registry) -> list[dict[str, Any]]:
    """One for each plugin that could be loaded."""
    brought: dict[str, list[str]] = {}
    for noun, classes, word in (
        ("connector", registry.connectors(), "type"),
        ("target", registry.targets(), "type"),
        ("converter", registry.converters(), "name"),
        ("chunker", registry.chunkers(), "name"),
    ):
        for cls in classes:
            brought.setdefault(registry.brought_by(cls).name, []).append(f"{noun} {getattr(cls, word)}")
    return [
        {"plugin": one.name, "version": one.version, "origin": one.origin, "brings": brought.get(one.name, [])}
        for one in registry.plugins
    ]


def _show_connectors(rows: list[dict[str, Any]]) -> None:
    page = open_page()
    if not rows:
        page.line("No connector yet: add a table [connectors.NAME] to connectors.toml.")
        return
    table = Table(
        [Column("connector"), Column("type"), Column("targets", wraps=True), Column("last run"), Column("status")]
    )
    for row in rows:
        last = row["last_run"]
        status = _status(last["status"]) if last else dim("never run")
        if not row["enabled"]:
            status += dim(" (not enabled)")
        started = dim(f"{last['run']}, {when(last['started_at'])}") if last else ""
        table.rows.append([row["connector"], row["type"], ", ".join(row["targets"]), started, status])
    page.table(table)


def _status(status: str) -> str:
    return click.style(status, fg={"ok": "green", "failed": "red"}.get(status, "yellow"))


def _show_plugins(rows: list[dict[str, Any]]) -> None:
    table = Table([Column("plugin"), Column("version"), Column("from", wraps=True), Column("brings", wraps=True)])
    for row in rows:
        table.rows.append([row["plugin"], row["version"], dim(row["origin"]), ", ".join(row["brings"])])
    open_page().table(table)
