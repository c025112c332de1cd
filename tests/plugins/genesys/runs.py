"""Whole runs against the emulator: a folder with a connectors.toml, a shelf of documents, and a host whose targets do not wait."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from knowledge_connector import Host, SyncReport, Target
from knowledge_connector.config import load
from knowledge_connector.execution import RunOptions
from knowledge_connector.kit.clock import Clock
from knowledge_connector.testing.emulation import RunningServer
from knowledge_connector_genesys import GenesysTarget
from scenarios.world import SHELF

OWNER = "shelf"

CONFIG = """
[plugins]
paths = ["{plugin}"]

[targets.assistant]
type = "genesys"
base_url = "{url}"
client_id = "emu-client"
client_secret = "emu-secret"
source = "Handbook"

[connectors.shelf]
type = "shelf"
path = "shelf.json"
target = "assistant"

[connectors.shelf.deletes]
max_documents = 50
"""


class QuickHost(Host):
    """A host whose targets take their time from the given clock; everything else has the machine's."""

    vendor_clock: Clock

    def target(self, name: str) -> Target[Any]:
        made = super().target(name)
        return GenesysTarget(made.config, self.vendor_clock)


def write_config(folder: Path, server: RunningServer) -> None:
    (folder / "connectors.toml").write_text(CONFIG.format(plugin=SHELF, url=server.url), encoding="utf-8")


def put(folder: Path, documents: dict[str, str]) -> None:
    """What the origin holds from now on: a text for each id. An entry with a title of its own is `title|text`."""
    entries = []
    for id_, text in documents.items():
        title, _, rest = text.rpartition("|")
        entries.append({"id": id_, "title": title or f"Title of {id_}", "chunks": [rest]})
    (folder / "shelf.json").write_text(json.dumps(entries), encoding="utf-8")


def run(folder: Path, clock: Clock, options: RunOptions | None = None) -> SyncReport:
    host = QuickHost(load(folder / "connectors.toml", {}))
    host.vendor_clock = clock
    with host:
        return host.run(OWNER, options)
