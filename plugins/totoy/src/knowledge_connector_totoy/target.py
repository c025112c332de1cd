"""The target: what it can take, whether it can be reached, and the door for runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from typing import TYPE_CHECKING

from knowledge_connector import ConnectorError, Estimate, Finding, Limits, Target, Workload
from knowledge_connector.kit.clock import Clock, SystemClock
from knowledge_connector_totoy.config import TotoyConfig

if TYPE_CHECKING:
    from knowledge_connector import TargetSession
    from knowledge_connector_totoy.client import TotoyClient

MAX_CHARS = 5_000_000
"""Of one document. Texts longer than 1,000,000 characters become several sources."""

# The modules that talk (client, place, session) are imported by the functions that need them: they bring httpx, and every command reads
# the plugins' configuration models.


class TotoyTarget(Target[TotoyConfig]):
    """Keeps each document as a text source of Totoy, linked to one knowledge base.

    Args:
        config: The options.
        clock: Time; the system's unless given.
    """

    type = "totoy"
    grain = "document"
    gap = "overlap"
    keeps_content = False

    def __init__(self, config: TotoyConfig, *, clock: Clock | None = None) -> None:
        super().__init__(config)
        self._clock: Clock = clock or SystemClock()

    @property
    def limits(self) -> Limits:
        """Whole documents up to `MAX_CHARS`; many to a flush, because that is what waits for the index."""
        return Limits(max_chars=MAX_CHARS, concurrency=self.config.concurrency, batch=self.config.batch_documents)

    def open(self, owner: str, *, fence: int) -> AbstractContextManager[TargetSession]:  # noqa: ARG002  # Totoy has no way to refuse a late writer
        """As the port says; asks nothing yet."""
        from knowledge_connector_totoy.session import TotoySession

        return closing(TotoySession(self._client(), self.config, owner, self._clock))

    def estimate(self, work: Workload) -> Estimate:
        """One call for a source, and two to delete one; links go in bulk, and waiting is shared."""
        links = -(-work.creates // self.config.batch_documents)
        return Estimate(work.creates + links + work.updates + work.retags + 2 * work.deletes)

    def check(self) -> Iterator[Finding]:
        """Say whether the key is taken, how near the plan's limits are, and where knowledge would go."""
        from knowledge_connector_totoy.check import findings

        with closing(self._client()) as client:
            try:
                yield from findings(client, self.config)
            except ConnectorError as error:
                yield Finding(ok=False, subject="totoy", message=error.message)

    def _client(self) -> TotoyClient:
        from knowledge_connector_totoy.client import TotoyClient

        return TotoyClient(self.config, self._clock)
