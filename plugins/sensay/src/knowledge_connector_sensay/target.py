"""The target `sensay`: its limits, `check`, and the door for runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import TYPE_CHECKING

from knowledge_connector import Estimate, Finding, Limits, Target, TargetSession, Workload
from knowledge_connector.kit.clock import Clock, SystemClock
from knowledge_connector_sensay.config import SensayConfig

if TYPE_CHECKING:
    from knowledge_connector_sensay.client import SensayClient

HEAD_BYTES = 64_000
"""Room for the front matter, with a long title, a long link and many tags."""


class SensayTarget(Target[SensayConfig]):
    """Keeps each document as an entry of a replica's knowledge base, which cuts and embeds it by itself.

    Args:
        config: Which replica, and as whom.
        clock: All waiting is done with it; the system's unless given.
    """

    type = "sensay"
    grain = "document"
    gap = "overlap"

    def __init__(self, config: SensayConfig, *, clock: Clock | None = None) -> None:
        super().__init__(config)
        self._clock = clock or SystemClock()

    @property
    def limits(self) -> Limits:
        """Whole documents, several at a time. All that a retag would change stands in the text."""
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
        """One call for an entry or its change, and two to delete one."""
        calls = work.creates + work.updates + 2 * work.deletes
        rate = self.config.requests_per_minute
        return Estimate(calls, 60 * calls / rate if rate else None)

    def check(self) -> Iterator[Finding]:
        """Say whether the secret is accepted, which replica is meant, what it holds, and whether files may be uploaded."""
        with self._client() as client:
            replica = client.replica()
            yield Finding(
                ok=True, subject="access", message=f"{self.config.base_url} accepts the organisation's secret"
            )
            if replica is None:
                message = f"the organisation has no replica {self.config.replica}; its UUID is in Sensay's studio"
                yield Finding(ok=False, subject="replica", message=message)
                return
            yield Finding(ok=True, subject="replica", message=f"{replica.name!r} ({self.config.replica})")
            message = f"{client.count()} entries, {client.count(hasError='true')} of them with an error"
            yield Finding(ok=True, subject="knowledge base", message=message)
            yield _files(client)

    @contextmanager
    def open(self, owner: str, *, fence: int) -> Iterator[TargetSession]:  # noqa: ARG002  # Sensay has nothing to keep it in
        """As the port says. A lower fence is not noticed: the lease has to do."""
        from knowledge_connector_sensay.session import SensaySession

        with self._client() as client:
            yield SensaySession(client, self.config, owner, self._clock)

    def _client(self) -> AbstractContextManager[SensayClient]:
        # Imported when first needed: every command loads every plugin, and few of them speak HTTP.
        from knowledge_connector_sensay.client import SensayClient

        return closing(SensayClient(self.config, self._clock))


def _files(client: SensayClient) -> Finding:
    kinds = [kind for group in client.file_types().media_groups for kind in group.file_types if "md" in kind.extensions]
    is_taken = any(kind.support_level != "disabled" for kind in kinds)
    message = "Markdown files may be uploaded" if is_taken else "Markdown files are not taken: long documents will fail"
    return Finding(ok=is_taken, subject="files", message=message)
