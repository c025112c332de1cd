"""`type = "confluence"`: what the host asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knowledge_connector import Connector, Partition
from knowledge_connector_confluence.config import ConfluenceConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knowledge_connector import Finding, Item, SyncContext
    from knowledge_connector_confluence.wiki import Wiki


class ConfluenceConnector(Connector[ConfluenceConfig]):
    """Reads pages, blog posts and their attachments, on Cloud and on Data Center."""

    type = "confluence"
    resumable = True

    def read(self, context: SyncContext) -> Iterator[Item]:
        """List ids and versions; bodies are fetched only when they are asked for.

        Raises:
            AuthenticationError: The log-in is not accepted, or was only accepted as a stranger's.
            FatalError: A space that is named is not there, or none is.
            RetriableError: The wiki does not answer.
        """
        from knowledge_connector_confluence.reading import Reading  # what follows, only a run needs

        yield from Reading(self.config, self._wiki(context), context).items()

    def partitions(self, context: SyncContext) -> Iterator[Partition]:
        """Name the spaces."""
        from knowledge_connector_confluence.reading import Reading  # as above

        for space in Reading(self.config, self._wiki(context), context).spaces():
            yield Partition(space.id, f"{space.name} ({space.key})")

    def check(self, context: SyncContext) -> Iterator[Finding]:
        """Say who we are, which spaces there are, and whether each right that the options need is there."""
        from knowledge_connector_confluence.checking import findings  # as above

        yield from findings(self.config, self._wiki(context), context)

    def explain(self, needle: str, context: SyncContext) -> str | None:
        """Say whether a page is read, by its id, our id of it, or any of its addresses."""
        from knowledge_connector_confluence.checking import explain  # as above

        return explain(needle, self.config, self._wiki(context))

    def _wiki(self, context: SyncContext) -> Wiki:
        from knowledge_connector_confluence.cloud import CloudWiki  # as above
        from knowledge_connector_confluence.datacenter import DataCenterWiki
        from knowledge_connector_confluence.login import login
        from knowledge_connector_confluence.wire import Wire

        config = self.config
        auth = login(config, context.http)
        wire = Wire(config.base_url, context.http, auth, context.clock, named=not config.is_cloud)
        return CloudWiki(config, wire) if config.is_cloud else DataCenterWiki(config, wire)
