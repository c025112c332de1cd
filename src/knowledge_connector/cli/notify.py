"""`connector notify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from knowledge_connector.cli.shared import Command, opened_host
from knowledge_connector.cli.terminal.page import Column, Table, open_page
from knowledge_connector.errors import ConfigError, ConnectorError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from knowledge_connector.config import NotificationSettings
    from knowledge_connector.ports import Clock


@click.group("notify")
def command() -> None:
    """Try the channels that tell people when something is wrong."""


@command.command("test", cls=Command)
@click.argument("channels", nargs=-1, metavar="[CHANNEL]...")
def test(channels: Sequence[str]) -> int:
    """Send a test message to every channel, or to those named.

    Ends with 3 if one of them did not take it.
    """
    with opened_host() as host:
        chosen = _chosen(host.settings.notifications, channels)
        rows = [[name, one.type, _tried(name, one, host.clock)] for name, one in chosen.items()]
    open_page().table(Table([Column("channel"), Column("type"), Column("outcome", wraps=True)], rows))
    return 0 if all(outcome == DELIVERED for *_, outcome in rows) else 3


DELIVERED = "delivered"


def _chosen(known: Mapping[str, NotificationSettings], names: Sequence[str]) -> dict[str, NotificationSettings]:
    unknown = [name for name in names if name not in known]
    if unknown or not known:
        there = ", ".join(known) or "none; write a table [notifications.NAME]"
        raise ConfigError(f"there is no [notifications.{unknown[0] if unknown else 'NAME'}]; there are: {there}")
    return {name: known[name] for name in names or known}


def _tried(name: str, settings: NotificationSettings, clock: Clock) -> str:
    """Send, and say what came of it."""
    from knowledge_connector.ports import Told
    from knowledge_connector.watch.channels import open_channel
    from knowledge_connector.watch.notices import Notice

    told = Told(name, "failure", "test", clock.now())
    text = "This is a test: nothing is wrong, and notifications arrive here."
    try:
        open_channel(name, settings, clock).send(Notice("failure", "connector: a test", text, False, told))
    except ConnectorError as error:
        return error.message
    return DELIVERED
