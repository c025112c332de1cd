"""A plugin for whole runs: the shelf as origin, and the target with a clock that moves the emulator's."""

from __future__ import annotations

from typing import Any

from knowledge_connector import Connector, Target, hookimpl
from knowledge_connector.testing.emulation import DistantClock
from knowledge_connector_intellia import IntelliaConfig, IntelliaTarget
from scenarios.shelf import ShelfConnector


class StagedTarget(IntelliaTarget):
    type = "intellia-staged"

    def __init__(self, config: IntelliaConfig) -> None:
        super().__init__(config, DistantClock(config.base_url))


@hookimpl
def register_connectors() -> list[type[Connector[Any]]]:
    return [ShelfConnector]


@hookimpl
def register_targets() -> list[type[Target[Any]]]:
    return [StagedTarget]
