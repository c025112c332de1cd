"""Whole runs against the emulator: a pile of documents to change, and who kills."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from knowledge_connector_sensay.emulator import REPLICA, SECRET, SensayEmulator
from plugins.sensay.stage import Stage
from plugins.vendor_runs import LethalEmulator, VendorRuns

DOORS = Path(__file__).with_name("doors.py")

CONFIG = """
[plugins]
paths = ["{doors}"]

[conversion]
processes = 1

[targets.assistant]
type = "sensay-staged"
base_url = "{url}"
replica = "{replica}"
entries = "{entries}"
concurrency = {concurrency}

[connectors.pile]
type = "pile"
path = "pile.json"
target = "assistant"
"""

ENVIRON = {"CONNECTOR_TARGETS__ASSISTANT__ORGANIZATION_SECRET": SECRET}

Pile = Mapping[str, str | tuple[str, str]]
"""Texts by id; with a web address before the text, where Sensay shall read that."""


class Runs(VendorRuns):
    """One connector `pile` that writes to the emulator."""

    def __init__(self, folder: Path, stage: Stage, *, entries: str = "text", concurrency: int = 1) -> None:
        text = CONFIG.format(
            doors=DOORS, url=stage.server.url, replica=REPLICA, entries=entries, concurrency=concurrency
        )
        super().__init__(folder, text, "pile", ENVIRON, "plugins.sensay.doors")

    def put(self, pile: Pile) -> None:
        entries = [
            {"id": id_, "text": text, "metadata": {"sensay_url": url} if url else {}}
            for id_, (url, text) in ((id_, one if isinstance(one, tuple) else ("", one)) for id_, one in pile.items())
        ]
        (self.folder / "pile.json").write_text(json.dumps(entries), encoding="utf-8")

    def planned(self) -> list[str]:
        with self.host() as host:
            _, plan = host.plan("pile")
            return [change["action"] for change in plan.lanes[0].changes]

    def forget(self) -> None:
        """Lose the local state."""
        for file in self.folder.glob(".connector/state.db*"):
            file.unlink()


class LethalSensay(LethalEmulator, SensayEmulator):
    """Sensay that kills."""
