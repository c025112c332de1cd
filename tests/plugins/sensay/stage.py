"""Sensay on a stage: the emulator, a target whose waiting moves the emulator's clock on, and a look at what is held."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.request import urlopen

import httpx
from pydantic import SecretStr

from knowledge_connector.kit.clock import SystemClock
from knowledge_connector.testing.emulation import RunningServer, running
from knowledge_connector_sensay import SensayConfig, SensayTarget
from knowledge_connector_sensay.emulator import REPLICA, SECRET, SensayEmulator
from knowledge_connector_sensay.titles import Label, label_of


class SteppingClock:
    """Waiting moves the emulator's clock on, so nobody waits; it can be sent to another process."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/__emulator__/clock"
        self._wall = SystemClock()
        self._seconds = 0.0

    def now(self) -> datetime:
        return self._wall.now() + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        return self._wall.monotonic() + self._seconds

    def sleep(self, seconds: float) -> None:
        self._seconds += seconds
        body = json.dumps({"advance_seconds": seconds}).encode()
        with urlopen(self._url, body) as answer:  # noqa: S310  # the emulator
            assert answer.status == HTTPStatus.OK


class LocalClock:
    """The same within one process, and a hundred times faster."""

    def __init__(self, server: RunningServer) -> None:
        self._clock = server.services.clock

    def now(self) -> datetime:
        return self._clock.now()

    def monotonic(self) -> float:
        return self.now().timestamp()

    def sleep(self, seconds: float) -> None:
        self._clock.advance(seconds)


@dataclass(frozen=True)
class Stage:
    server: RunningServer

    @property
    def emulator(self) -> SensayEmulator:
        emulator = self.server.vendor("sensay")
        assert isinstance(emulator, SensayEmulator)
        return emulator

    def config(self, **changes: Any) -> SensayConfig:
        facts: dict[str, Any] = {
            "base_url": self.server.url,
            "organization_secret": SecretStr(SECRET),
            "replica": REPLICA,
            "max_file_bytes": 1_000_000,
            **changes,
        }
        return SensayConfig(**facts)

    def target(self, **changes: Any) -> SensayTarget:
        return SensayTarget(self.config(**changes), clock=LocalClock(self.server))

    def api(self) -> httpx.Client:
        """Sensay, as curl would see it."""
        headers = {"X-ORGANIZATION-SECRET": SECRET}
        return httpx.Client(base_url=f"{self.server.url}/v1/replicas/{REPLICA}", headers=headers)

    def entries(self) -> list[dict[str, Any]]:
        """What a list shows, oldest first."""
        with self.api() as api:
            query: dict[str, str | int] = {"pageSize": 100, "sortOrder": "asc", "sortBy": "createdAt"}
            found: list[dict[str, Any]] = api.get("/knowledge-base", params=query).json()["items"]
        return found

    def labels(self) -> list[Label]:
        """What the titles of our entries say."""
        return [label for entry in self.entries() if (label := label_of(entry.get("title", "")))]

    def answers(self) -> dict[str, str]:
        """The texts by which the replica would answer, by the names of their entries; there are no twins."""
        found: dict[str, str] = {}
        for _, title, text in self.emulator.answering(REPLICA):
            label = label_of(title)
            name = label.name if label else title
            assert name not in found, "a twin"
            found[name] = text.partition("\n---\n\n")[2].rstrip("\n") or text
        return found


@contextmanager
def staged(emulator: type[SensayEmulator] = SensayEmulator, **options: str) -> Iterator[Stage]:
    with running([emulator], options={f"sensay.{name}": value for name, value in options.items()}) as server:
        yield Stage(server)
