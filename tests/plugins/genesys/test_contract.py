"""The shipped target contract, asked of the adapter over the emulator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from knowledge_connector import KnowledgeSource
from knowledge_connector.testing.drafts import OWNER
from knowledge_connector.testing.emulation import DistantClock, RunningServer, running
from knowledge_connector.testing.target import Reader, TargetContract
from knowledge_connector_genesys import GenesysTarget
from knowledge_connector_genesys.emulator import GenesysEmulator
from plugins.genesys.wire import config_for, search, source_of


class TestGenesysTarget(TargetContract):
    survives_kill = True
    refuses_overtaken = True
    many = 1200  # three rounds, and several pages of uploads in each

    @pytest.fixture
    def server(self) -> Iterator[RunningServer]:
        with running([GenesysEmulator], options={"genesys.requests_per_minute": "1000000"}, seed=2) as server:
            yield server

    @pytest.fixture
    def target(self, server: RunningServer) -> GenesysTarget:
        config = config_for(server, requests_per_minute=3000, max_file_bytes=2_000_000)
        return GenesysTarget(config, DistantClock(server.url))

    @pytest.fixture
    def reader(self, target: GenesysTarget, server: RunningServer) -> Reader:
        """Search, as an assistant would."""

        def found() -> Sequence[KnowledgeSource]:
            source = source_of(server, OWNER)
            names = [hit["fileName"] for hit in search(server, "version one", source)] if source else []
            return [KnowledgeSource(name, name, None, name, name, 1) for name in names]

        return found
