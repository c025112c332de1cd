"""An origin that notices when two runs read it at once, and can be made to wait in the middle."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from knowledge_connector import Connector, ConnectorConfig, Document, Item, SyncContext, hookimpl


class AloneConfig(ConnectorConfig):
    folder: Path = Field(description="Where it leaves its traces.")
    gate: Path | None = Field(default=None, description="A pipe to wait for in the middle; missing is open.")
    seconds: float = Field(default=0.0, description="How long to read.")


class AloneConnector(Connector[AloneConfig]):
    type = "alone"

    def read(self, context: SyncContext) -> Iterator[Item]:
        here = self.config.folder / "here"
        sys.stdout.write("a plugin that prints\n")
        try:
            here.touch(exist_ok=False)
        except FileExistsError:
            (self.config.folder / "overlap").touch()
        try:
            yield Document("first", body="one")
            if self.config.gate and self.config.gate.exists():
                self.config.gate.read_bytes()
            time.sleep(self.config.seconds)
            yield Document("second", body="two")
        finally:
            here.unlink(missing_ok=True)


@hookimpl
def register_connectors() -> list[type[Connector]]:
    return [AloneConnector]
