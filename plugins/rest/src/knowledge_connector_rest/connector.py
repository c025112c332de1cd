"""`type = "rest"`: what the configuration says, read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knowledge_connector import Connector, Partition
from knowledge_connector_rest.config import RestConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knowledge_connector import Finding, Item, SyncContext
    from knowledge_connector_rest.looking import Looking


class RestConnector(Connector[RestConfig]):
    """Reads any paged web service of JSON, CSV or XML records; the configuration says how."""

    type = "rest"
    resumable = True

    def __init__(self, config: RestConfig) -> None:
        super().__init__(config)
        self.exhaustive = config.exhaustive  # type: ignore[misc]  # here it is a matter of configuration

    def read(self, context: SyncContext) -> Iterator[Item]:
        """Read all resources, from where the cursor says.

        Raises:
            ConfigError: The service does not fit the configuration.
            FatalError: It cannot be read, or leads in circles; nothing is deleted.
        """
        from knowledge_connector_rest.position import cursor_of  # a listing of connectors needs no HTTP
        from knowledge_connector_rest.reading import Reading

        yield from Reading(self.config, context, cursor_of(context)).items()

    def partitions(self, context: SyncContext) -> Iterator[Partition]:  # noqa: ARG002  # the configuration says it
        """Each resource that has no parent, where there are several; what names deleted documents has no part of its own."""
        roots = [name for name, one in self.config.resources.items() if one.parent is None]
        if len(roots) > 1 and not any(one.tombstones_of for one in self.config.resources.values()):
            yield from (Partition(name, name) for name in roots)

    def check(self, context: SyncContext) -> Iterator[Finding]:
        """Ask for the first page of each resource, and show what becomes of its first record."""
        yield from self._looking(context).findings()

    def explain(self, needle: str, context: SyncContext) -> str | None:
        """Say what becomes of one document, if the service can be asked for it."""
        return self._looking(context).sentence(needle)

    def _looking(self, context: SyncContext) -> Looking:
        from knowledge_connector_rest.looking import Looking  # needs HTTP, too
        from knowledge_connector_rest.position import Cursor
        from knowledge_connector_rest.reading import Reading

        return Looking(Reading(self.config, context, Cursor()))
