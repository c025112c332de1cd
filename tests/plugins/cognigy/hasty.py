"""The Cognigy target with watched requests, and with time that does not pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from knowledge_connector_cognigy import CognigyTarget
from knowledge_connector_cognigy.client import CognigyClient
from knowledge_connector_cognigy.session import CognigySession
from knowledge_connector_cognigy.store import KnowledgeStore
from plugins.cognigy.wire import HastyClock

Watch = Callable[[], None]


def _nobody() -> None:
    """Looks away."""


@dataclass
class Watches:
    """What is called around every request that writes."""

    before: Watch = _nobody
    after: Watch = _nobody


WATCHES = Watches()


@contextmanager
def watched(*, before: Watch = _nobody, after: Watch = _nobody) -> Iterator[None]:
    """Have every request that writes watched."""
    WATCHES.before, WATCHES.after = before, after
    try:
        yield
    finally:
        WATCHES.before = WATCHES.after = _nobody


class WatchedClient(CognigyClient):
    def _send(
        self,
        method: str,
        path: str,
        subject: str,
        *,
        params: Mapping[str, str] | None = None,
        body: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        if method == "GET":
            return super()._send(method, path, subject, params=params)
        WATCHES.before()
        try:
            return super()._send(method, path, subject, params=params, body=body)
        finally:
            WATCHES.after()


class HastyCognigy(CognigyTarget):
    type = "hasty-cognigy"

    def _session(self, owner: str) -> CognigySession:
        client = WatchedClient(self.config, HastyClock())
        return CognigySession(client, KnowledgeStore(client, self.config), owner, self.config)
