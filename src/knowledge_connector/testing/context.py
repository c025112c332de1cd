"""A context and a clock for tests of connectors: what a run would lend, without a run."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    import httpx

    from knowledge_connector.model import Document
    from knowledge_connector.ports import Clock, Holdings, Known

_LOGGER = logging.getLogger("knowledge_connector.testing")
LATER = datetime(2100, 1, 1, tzinfo=UTC)
"""A moment after everything that a test may have written: nothing looks freshly changed."""


@dataclass
class FakeClock:
    """Stands still until it is told to go on. Sleeping takes no time, and is remembered in `slept`."""

    time: datetime = LATER
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        """The time it was set to."""
        return self.time

    def monotonic(self) -> float:
        """Seconds since 1970 by the time it was set to."""
        return self.time.timestamp()

    def sleep(self, seconds: float) -> None:
        """Go on by so many seconds, at once."""
        self.slept.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Set the time forward, or back with a negative number."""
        self.time += timedelta(seconds=seconds)


@dataclass(frozen=True)
class FakeHoldings:
    """What the targets are said to hold: by default nothing, so that every body is needed."""

    known: Sequence[Known] = ()

    def rows(self) -> Iterator[Known]:
        """The rows it was given."""
        return iter(self.known)

    def needs_body(self, document: Document) -> bool:
        """Whether no row has this document at this revision."""
        return document.revision is None or not any(
            (row.external_id, row.revision) == (document.id, document.revision) for row in self.known
        )


class FakeContext:
    """A `SyncContext` of your making. Use it in a `with` statement if the connector speaks HTTP.

    Args:
        cursor: What the last kept checkpoint held.
        retry: Ids that failed before.
        holdings: What the targets hold; default is nothing.
        clock: Default is a `FakeClock` far in the future.
        http: Default is a plain client, made when first asked for; loopback needs no more.
        partition: The one part to read.
    """

    def __init__(
        self,
        *,
        cursor: Mapping[str, Any] | None = None,
        retry: Sequence[str] = (),
        holdings: Holdings | None = None,
        clock: Clock | None = None,
        http: httpx.Client | None = None,
        partition: str | None = None,
    ) -> None:
        self.cursor = cursor
        self.retry = retry
        self.partition = partition
        self.holdings: Holdings = holdings or FakeHoldings()
        self.clock: Clock = clock or FakeClock()
        self.log = logging.LoggerAdapter(_LOGGER, {})
        self._http = http

    @property
    def http(self) -> httpx.Client:
        """The client that was given, or one that follows no proxy settings."""
        if self._http is None:
            import httpx  # connectors that need no HTTP do not pay for it

            self._http = httpx.Client(trust_env=False)
        return self._http

    def at(self, cursor: Mapping[str, Any] | None) -> FakeContext:
        """The same context at another cursor."""
        return self._with(cursor, self.partition)

    def of(self, partition: str) -> FakeContext:
        """The same context for one partition, from the beginning."""
        return self._with(None, partition)

    def _with(self, cursor: Mapping[str, Any] | None, partition: str | None) -> FakeContext:
        return FakeContext(
            cursor=cursor,
            retry=self.retry,
            holdings=self.holdings,
            clock=self.clock,
            http=self._http,
            partition=partition,
        )

    def close(self) -> None:
        """Close the client, if there is one."""
        if self._http is not None:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
