"""The target `intellia`: its limits, `check`, and the door for runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import TYPE_CHECKING

from knowledge_connector import Estimate, Finding, Limits, Target, TargetSession, Workload
from knowledge_connector.kit.clock import Clock, SystemClock
from knowledge_connector_intellia.config import IntelliaConfig

if TYPE_CHECKING:
    from knowledge_connector_intellia.client import IntelliaClient
    from knowledge_connector_intellia.session import IntelliaSession
    from knowledge_connector_intellia.wire import Etl, KnowledgeBase

HEAD_BYTES = 64_000
"""Room for the front matter, with a long title and a long link."""


class IntelliaTarget(Target[IntelliaConfig]):
    """Keeps each document as one Markdown file in an Intellia knowledge base, which splits and embeds it by itself.

    Args:
        config: Which knowledge base, and as whom.
        clock: All waiting is done with it.
    """

    type = "intellia"
    grain = "document"
    gap = "overlap"

    def __init__(self, config: IntelliaConfig, clock: Clock | None = None) -> None:
        super().__init__(config)
        self._clock = clock or SystemClock()

    @property
    def limits(self) -> Limits:
        """Whole documents, several at a time. All that is not text is in the file name, which cannot change."""
        size = self.config.max_file_bytes
        return Limits(
            max_chars=size - HEAD_BYTES,
            unit="bytes",
            max_bytes=size,
            concurrency=self.config.concurrency,
            can_rename=False,
            can_retag=False,
        )

    def estimate(self, work: Workload) -> Estimate:
        """Two calls for a new file, a third to delete what it replaces; waiting is shared, and comes on top."""
        calls = 2 * work.creates + 3 * work.updates + work.deletes
        rate = self.config.requests_per_minute
        return Estimate(calls, 60 * calls / rate if rate else None)

    def check(self) -> Iterator[Finding]:
        """Say whether the key is accepted, which knowledge base is meant, what it holds, and which ETLs an upload would set off."""
        with self._client() as client:
            session = self._session(client, "check")
            base = session.find_base()
            yield Finding(ok=True, subject="access", message=f"{self.config.base_url} accepts the key for reading")
            if base is None:
                message = f"{self.config.knowledge_base!r} is not there yet; the first write makes it"
                yield Finding(ok=True, subject="knowledge base", message=message)
            else:
                yield from _findings(client, base)

    @contextmanager
    def open(self, owner: str, *, fence: int) -> Iterator[TargetSession]:  # noqa: ARG002  # Intellia has nothing to keep it in
        """As the port says; ends with a search for what was written last. A lower fence is not noticed: the lease has to do."""
        with self._client() as client:
            session = self._session(client, owner)
            yield session
            session.check_search()

    def _client(self) -> AbstractContextManager[IntelliaClient]:
        # Imported when first needed: every command loads every plugin, and few of them speak HTTP.
        from knowledge_connector_intellia.client import IntelliaClient

        return closing(IntelliaClient(self.config, self._clock))

    def _session(self, client: IntelliaClient, owner: str) -> IntelliaSession:
        from knowledge_connector_intellia.session import IntelliaSession

        return IntelliaSession(client, self.config, owner, self._clock)


def _findings(client: IntelliaClient, base: KnowledgeBase) -> Iterator[Finding]:
    name = f"{base.title!r} ({base.knowledge_base_id})"
    files = client.files(base.knowledge_base_id).values()
    unsettled = sum(file.status != "READY" for file in files)
    message = f"{name} holds {len(files)} files, {unsettled} of them not READY"
    yield Finding(ok=True, subject="knowledge base", message=message)
    client.search(base.knowledge_base_id, base.title, limit=1)
    message = "may be searched; whether the key may write shows with the first write"
    yield Finding(ok=True, subject="rights", message=message)
    for etl in client.etls(base.knowledge_base_id):
        yield Finding(ok=True, subject="ETL", message=_warning(etl))


def _warning(etl: Etl) -> str:
    what = f"agent {etl.agent_id}" if etl.agent_id else etl.etl_type
    which = "some files" if etl.conditions else "every file"
    return f"{etl.etl_id} runs {what} on {which} that is added, which means again for each new version of a document"
