"""`type = "sharepoint"`: the reading, its parts, and what a person may ask about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knowledge_connector import Connector, ConnectorError, Partition
from knowledge_connector_sharepoint.config import SharePointConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knowledge_connector import Finding, Item, SyncContext
    from knowledge_connector_sharepoint.reading import Reading


class SharePointConnector(Connector[SharePointConfig]):
    """Reads sites of SharePoint Online: files, pages and, if asked for, lists."""

    type = "sharepoint"
    resumable = True

    def read(self, context: SyncContext) -> Iterator[Item]:
        """Show everything at first, later what has changed; see `reading.py`.

        Raises:
            ConfigError: Tenant, application or sites are not what the configuration says.
            FatalError: None of the sites could be read.
        """
        reading = self._reading(context)
        if context.partition is not None:
            yield from reading.part(context.partition)
        else:
            yield from reading.everything()

    def partitions(self, context: SyncContext) -> Iterator[Partition]:
        """Each library, and the pages and lists of each site.

        Raises:
            ConnectorError: A site cannot be read; its parts must not be taken for gone.
        """
        from knowledge_connector_sharepoint.parts import parts_of  # with the rest of the reading
        from knowledge_connector_sharepoint.sites import Trouble

        discovery = self._reading(context).discovery
        for found in discovery.sites():
            if isinstance(found, Trouble):
                raise found.error
            drives = discovery.drives(found) if self.config.files else []
            for part in parts_of(self.config, found.site, drives, whole=found.libraries is None):
                yield Partition(part.key, part.name)

    def check(self, context: SyncContext) -> Iterator[Finding]:
        """Log in, and look at every site, library and list of pages."""
        from knowledge_connector_sharepoint.checking import check

        return check(self._reading(context), self.config)

    def explain(self, needle: str, context: SyncContext) -> str | None:
        """Say whether a file is listed, or which rule leaves it out; by its id or its address."""
        from knowledge_connector_sharepoint.checking import explain

        try:
            return explain(needle, self._reading(context), self.config)
        except ConnectorError as error:
            return f"SharePoint was asked, and {error.message}"

    def _reading(self, context: SyncContext) -> Reading:
        from knowledge_connector_sharepoint.reading import (
            Reading,
        )  # brings msal and httpx, which a list of plugins needs not

        return Reading(self.config, context)
