"""The door of the built-in targets."""

from __future__ import annotations

from knowledge_connector.hookspecs import hookimpl
from knowledge_connector.ports import Target
from knowledge_connector.targets.sqlite import SqliteTarget


@hookimpl
def register_targets() -> list[type[Target]]:
    """Give the embedded target; the one in memory is for tests and has no name in `connectors.toml`."""
    return [SqliteTarget]
