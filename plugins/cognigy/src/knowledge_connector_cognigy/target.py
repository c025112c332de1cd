"""The target: what it takes, what `check` finds, and the doors to a session and to an export."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, ClassVar, Literal

from knowledge_connector import ConnectorError, Estimate, Finding, Limits, Target, Workload
from knowledge_connector.kit.clock import Clock, SystemClock
from knowledge_connector_cognigy.config import CognigyConfig
from knowledge_connector_cognigy.marks import MAX_PAIRS, MAX_USER_TAGS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from knowledge_connector import StoredSource, TargetSession
    from knowledge_connector_cognigy.session import CognigySession


class CognigyTarget(Target[CognigyConfig]):
    """Keeps knowledge in a store of Cognigy.AI, by its REST API 2.0.

    Args:
        config: See `CognigyConfig`.
        clock: Whose time it is; the machine's unless given.
    """

    type = "cognigy"
    gap: ClassVar[Literal["atomic", "overlap", "gap"]] = "overlap"
    keeps_content = False

    def __init__(self, config: CognigyConfig, clock: Clock | None = None) -> None:
        super().__init__(config)
        self._clock = clock or SystemClock()

    @property
    def limits(self) -> Limits:
        """Chunks whose text and data have 2,000 characters together; each document is written for itself, several at a time."""
        return Limits(
            max_chars=self.config.max_chars,
            counts_metadata=True,
            max_tags=MAX_USER_TAGS,
            max_metadata=MAX_PAIRS,
            concurrency=self.config.concurrency,
        )

    def open(self, owner: str, *, fence: int) -> AbstractContextManager[TargetSession]:  # noqa: ARG002  # nothing there could hold it
        """As the port says. The API has no means to refuse an overtaken session; the lease is asked before and after each document."""
        return closing(self._session(owner))

    def estimate(self, work: Workload) -> Estimate:
        """Four calls frame a new source and six a replaced one; each chunk is one, and so are a retag and a delete."""
        calls = 4 * work.creates + 6 * work.updates + work.chunks + work.retags + work.deletes
        rate = self.config.requests_per_5_minutes
        return Estimate(calls, 300 * calls / rate if rate else None)

    def check(self) -> Iterator[Finding]:
        """Say whether the key is taken and the store is there; whether it may be written, only a write can tell."""
        # httpx, which a run into another target does not need
        from knowledge_connector_cognigy.checking import findings

        try:
            yield from findings(self.config, self._clock)
        except ConnectorError as error:
            yield Finding(ok=False, subject="knowledge store", message=error.message)

    def export(self, stored: StoredSource) -> tuple[str, str]:
        """Give a source as a file in Cognigy's text format, for upload by hand: its name and its text."""
        from knowledge_connector_cognigy.ctxt import file_name, text_of  # needed by `connector export` only

        return file_name(stored.draft.name), text_of(stored)

    def _session(self, owner: str) -> CognigySession:
        # httpx, which a run into another target does not need
        from knowledge_connector_cognigy.client import CognigyClient
        from knowledge_connector_cognigy.session import CognigySession
        from knowledge_connector_cognigy.store import KnowledgeStore

        client = CognigyClient(self.config, self._clock)
        return CognigySession(client, KnowledgeStore(client, self.config), owner, self.config)
