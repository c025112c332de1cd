"""What a run lends to a connector."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from knowledge_connector.ports import Clock, Holdings

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True)
class RunContext:
    """`ports.SyncContext`.

    Args:
        make_http: Makes the client; called when a connector first asks for it.
    """

    cursor: Mapping[str, Any] | None
    retry: Sequence[str]
    holdings: Holdings
    clock: Clock
    log: logging.LoggerAdapter[logging.Logger]
    make_http: Callable[[], httpx.Client]
    partition: str | None = None

    @cached_property
    def http(self) -> httpx.Client:
        """See `SyncContext.http`."""
        return self.make_http()

    def close(self) -> None:
        """Give back what was lent."""
        if "http" in self.__dict__:
            self.http.close()
