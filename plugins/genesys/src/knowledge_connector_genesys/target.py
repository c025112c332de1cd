"""Genesys Cloud as a target: every connector has a knowledge source of its own, and a synchronization round is a commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing

from knowledge_connector import ConnectorError, Estimate, Finding, Limits, Target, TargetSession, Workload
from knowledge_connector.kit.clock import Clock, SystemClock
from knowledge_connector_genesys.config import GenesysConfig

RIGHTS = (
    "source:add, source:view, synchronization:add, synchronization:view, synchronization:edit, synchronization:upload, "
    "synchronization:deleteFile, synchronizationFileUpload:view, synchronizationFileUpload:delete, "
    "synchronizationFileDeletion:view, synchronizationFileDeletion:delete"
)


class GenesysTarget(Target[GenesysConfig]):
    """Knowledge sources of Genesys Cloud, filled with one Markdown file per document.

    Args:
        clock: Time; the machine's unless given.
    """

    type = "genesys"
    grain = "document"
    gap = "atomic"

    def __init__(self, config: GenesysConfig, clock: Clock | None = None) -> None:
        super().__init__(config)
        self._clock: Clock = clock or SystemClock()

    @property
    def limits(self) -> Limits:
        """One file per document, many files per round, one round at a time; any change is a new upload."""
        return Limits(
            max_chars=self.config.max_file_bytes,
            unit="bytes",
            max_bytes=self.config.max_file_bytes,
            concurrency=1,
            batch=self.config.files_per_round,
            can_rename=False,
            can_retag=False,
        )

    def estimate(self, work: Workload) -> Estimate:
        """Two calls for a file, one for a deletion, and about five for each round that carries them."""
        documents = work.creates + work.updates + work.retags + work.deletes
        rounds = -(-documents // self.config.files_per_round)
        calls = 2 * (documents - work.deletes) + work.deletes + 5 * rounds
        return Estimate(calls, 60 * calls / self.config.requests_per_minute)

    def check(self) -> Iterator[Finding]:
        """As the port says; costs three calls. Which rights to write there are is only known to who writes."""
        from knowledge_connector_genesys.client import GenesysClient

        with closing(GenesysClient(self.config, self._clock)) as client:
            try:
                sources = client.sources()
                yield Finding(True, self.config.api_url, f"gives a token, and shows {len(sources)} knowledge sources")
                seen = "can be seen" if client.can_see_rounds() else "there are none yet"
                yield Finding(True, "synchronizations", seen)
            except ConnectorError as error:
                yield Finding(False, self.config.api_url, error.message)
                return
        yield Finding(True, "rights to write", f"show when the first round is started; needed are knowledge: {RIGHTS}")

    def open(self, owner: str, *, fence: int) -> AbstractContextManager[TargetSession]:  # noqa: ARG002  # see Shelf.start
        """As the port says. A session stops when rounds were started since that it does not know of."""
        from knowledge_connector_genesys.client import GenesysClient
        from knowledge_connector_genesys.session import GenesysSession
        from knowledge_connector_genesys.shelf import Shelf

        client = GenesysClient(self.config, self._clock)
        shelf = Shelf(client, self.config.source, owner, self._clock, patience_seconds=self.config.patience_seconds)
        return closing(GenesysSession(client, shelf, owner))
