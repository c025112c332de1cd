"""A source as a file: in its platform's own format, or else as Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from knowledge_connector.errors import ConfigError
from knowledge_connector.model import StoredSource
from knowledge_connector.ports import Known, Lane, Target

if TYPE_CHECKING:
    from knowledge_connector.app import Host

_ODD = re.compile(r"[^\w.-]+")


def export(host: Host, connector: str, needle: str, target: str | None = None) -> tuple[str, str]:
    """Give one source as a file: its name and its text.

    Args:
        host: Where it is configured.
        connector: Whose document it is.
        needle: Its id, link or title.
        target: Where it is held; the connector's first target unless named.

    Raises:
        ConfigError: Nothing is held under that name, or several things are.
    """
    lane = Lane(connector, target or host.lanes(connector)[0].target)
    place = host.target(lane.target)
    stored = _stored(host, lane, place, _the_one(host, lane, needle))
    return place.export(stored) or _as_markdown(stored)


def _the_one(host: Host, lane: Lane, needle: str) -> Known:
    rows = [row for where, row in host.store.find(lane.connector, needle) if where == lane and row.source_id]
    exact = [row for row in rows if row.external_id == needle] or rows
    if len(exact) == 1:
        return exact[0]
    if not exact:
        raise ConfigError(
            f"target {lane.target!r} holds nothing of {lane.connector!r} that has {needle!r} in its id, link or title; "
            f"see: connector sources --connector {lane.connector}"
        )
    several = ", ".join(row.external_id or row.name for row in exact)
    raise ConfigError(f"{needle!r} may be any of these: {several}. Give the whole id.")


def _stored(host: Host, lane: Lane, target: Target[Any], row: Known) -> StoredSource:
    if target.keeps_content:
        with target.open(lane.connector, fence=0) as session:
            stored = session.read(row.source_id or "")
    else:
        stored = host.store.current(lane, row.external_id or "")
    if stored is None:
        raise ConfigError(
            f"the text of {row.external_id!r} is not kept here any more; "
            f"write it anew first: connector run {lane.connector} --full"
        )
    return stored


def _as_markdown(stored: StoredSource) -> tuple[str, str]:
    name = _ODD.sub("-", stored.draft.name).strip("-.") or "source"
    return f"{name}.md", "\n\n".join(chunk.text for chunk in stored.chunks) + "\n"
