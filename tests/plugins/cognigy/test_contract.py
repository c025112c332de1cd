"""The shipped target contract, asked of the Cognigy target over the emulator."""

from __future__ import annotations

import pytest

from knowledge_connector import KnowledgeSource
from knowledge_connector.testing.target import Reader, TargetContract
from knowledge_connector_cognigy import CognigyConfig, CognigyTarget
from knowledge_connector_cognigy.held import holdings, part_from
from plugins.cognigy.wire import Wire


class TestCognigy(TargetContract):
    survives_kill = True
    many = 150  # six requests each; `test_listing` lists 10,000

    @pytest.fixture
    def target(self, config: CognigyConfig) -> CognigyTarget:
        return CognigyTarget(config)

    @pytest.fixture
    def reader(self, wire: Wire) -> Reader:
        """What a search finds: sources that are enabled, whatever their tags say."""

        def enabled() -> list[KnowledgeSource]:
            ready = [
                part_from(source) for source in wire.sources() if source["status"] == "ready" and source["chunkCount"]
            ]
            return [one.listed() for one in holdings(ready).values()]

        return enabled
