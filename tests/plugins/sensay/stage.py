"""Sensay on a stage: the emulator, a target whose waiting moves the emulator's clock on, and a look at what is held."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr

from knowledge_connector.testing.emulation import LeapingClock, RunningServer, running
from knowledge_connector_sensay import SensayConfig, SensayTarget
from knowledge_connector_sensay.emulator import REPLICA, SECRET, SensayEmulator
from knowledge_connector_sensay.titles import Label, label_of


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
        return SensayTarget(self.config(**changes), clock=LeapingClock(self.server.services.clock))

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
