"""A plugin for whole runs: a pile of documents as origin, and the target with a clock that moves the emulator's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from knowledge_connector import Chunk, Connector, ConnectorConfig, Document, SyncContext, Target, hookimpl
from knowledge_connector.testing.emulation import DistantClock
from knowledge_connector_sensay import SensayConfig, SensayTarget


class PileConfig(ConnectorConfig):
    path: Path = Field(description="JSON: a list of documents, each with id, text and metadata.")


class PileConnector(Connector[PileConfig]):
    type = "pile"

    def read(self, context: SyncContext) -> Iterator[Document]:
        for entry in json.loads(self.config.path.read_text(encoding="utf-8")):
            title, chunks = f"About {entry['id']}", (Chunk(0, entry["text"]),)
            yield Document(entry["id"], title=title, body=chunks, metadata=entry["metadata"])


class StagedTarget(SensayTarget):
    type = "sensay-staged"

    def __init__(self, config: SensayConfig) -> None:
        super().__init__(config, clock=DistantClock(config.base_url))


@hookimpl
def register_connectors() -> list[type[Connector[Any]]]:
    return [PileConnector]


@hookimpl
def register_targets() -> list[type[Target[Any]]]:
    return [StagedTarget]
