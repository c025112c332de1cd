"""Whole runs against the emulator: a shelf to change, and who kills."""

from __future__ import annotations

import json
from pathlib import Path

from knowledge_connector import SyncReport
from knowledge_connector_intellia.emulator import ORGANIZATION, TOKEN, IntelliaEmulator
from plugins.intellia.stage import BASE, Stage
from plugins.vendor_runs import LethalEmulator, VendorRuns

DOORS = Path(__file__).with_name("doors.py")

CONFIG = """
[plugins]
paths = ["{doors}"]

[conversion]
processes = 1

[targets.support]
type = "intellia-staged"
base_url = "{url}"
organization_id = "{organization}"
knowledge_base = "{base}"
description = "All about support"
concurrency = {concurrency}

[connectors.shelf]
type = "shelf"
path = "shelf.json"
target = "support"
"""

ENVIRON = {"CONNECTOR_TARGETS__SUPPORT__API_KEY": TOKEN}


class Runs(VendorRuns):
    """One connector `shelf` that writes to the emulator.

    Attributes:
        shelf: Texts by id; saved before each run.
    """

    def __init__(self, folder: Path, stage: Stage, *, concurrency: int = 1) -> None:
        self.shelf: dict[str, str] = {}
        text = CONFIG.format(
            doors=DOORS, url=stage.server.url, organization=ORGANIZATION, base=BASE, concurrency=concurrency
        )
        super().__init__(folder, text, "shelf", ENVIRON, "plugins.intellia.doors")

    def save(self) -> None:
        entries = [{"id": id_, "title": f"About {id_}", "chunks": [text]} for id_, text in self.shelf.items()]
        (self.folder / "shelf.json").write_text(json.dumps(entries), encoding="utf-8")

    def run(self) -> SyncReport:
        self.save()
        return super().run()

    def run_killed(self, lethal: LethalEmulator, call: int, *, after: bool) -> int:
        self.save()
        return super().run_killed(lethal, call, after=after)


class LethalIntellia(LethalEmulator, IntelliaEmulator):
    """Intellia that kills."""
