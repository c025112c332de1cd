"""Intellia on a stage: the emulator, a target whose waiting moves the emulator's clock on, and a look at what is held."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import SecretStr

from knowledge_connector.testing.emulation import LeapingClock, RunningServer, running
from knowledge_connector_intellia import IntelliaConfig, IntelliaTarget
from knowledge_connector_intellia.emulator import ORGANIZATION, TOKEN, IntelliaEmulator
from knowledge_connector_intellia.names import Label, label_of

BASE = "Support"
CALM = {"intellia.rate_per_minute": "0"}


@dataclass(frozen=True)
class Stage:
    server: RunningServer

    @cached_property
    def clock(self) -> LeapingClock:
        """One for all targets, as real ones share one."""
        return LeapingClock(self.server.services.clock)

    @property
    def emulator(self) -> IntelliaEmulator:
        emulator = self.server.vendor("intellia")
        assert isinstance(emulator, IntelliaEmulator)
        return emulator

    def config(self, **changes: Any) -> IntelliaConfig:
        facts: dict[str, Any] = {
            "base_url": self.server.url,
            "organization_id": ORGANIZATION,
            "api_key": SecretStr(TOKEN),
            "knowledge_base": BASE,
            "max_file_bytes": 1_000_000,
            **changes,
        }
        return IntelliaConfig(**facts)

    def target(self, **changes: Any) -> IntelliaTarget:
        return IntelliaTarget(self.config(**changes), self.clock)

    def base(self, title: str = BASE) -> str:
        """The id of the knowledge base of this title."""
        (found,) = (key for key, row in self.emulator.records.bases.items() if row["title"] == title)
        return found

    def files(self, base: str | None = None) -> list[dict[str, Any]]:
        """What the vendor holds in a knowledge base."""
        records = self.emulator.records
        return [records.shown(row) for row in records.files(base or self.base()).values()]

    def held(self) -> dict[str, tuple[Label, str, str]]:
        """Label, status and text of every file of ours, by external digest; there are no twins."""
        found = {}
        for file in self.files():
            label = label_of(file["fileName"])
            if label is not None:
                assert label.external_digest not in found, "a twin"
                records = self.emulator.records
                text = records.content(file["fileId"]).decode() if file["fileId"] in records.contents else ""
                found[label.external_digest] = (label, file["status"], text)
        return found


@contextmanager
def staged(**options: str) -> Iterator[Stage]:
    switches = {**CALM, **{f"intellia.{name}": value for name, value in options.items()}}
    with running([IntelliaEmulator], options=switches) as server:
        yield Stage(server)
