"""The shipped target contract, asked of the adapter over its emulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from knowledge_connector.kit.clock import SystemClock
from knowledge_connector.testing.emulation import LeapingClock, RunningServer, running
from knowledge_connector.testing.target import TargetContract
from knowledge_connector_totoy.emulator import TotoyEmulator
from knowledge_connector_totoy.target import TotoyTarget
from plugins.totoy.conftest import config_for


class TestTotoyTarget(TargetContract):
    """With an index that takes its time: every write is waited for."""

    many = 300

    @pytest.fixture
    def target(self, server: RunningServer, clock: LeapingClock) -> TotoyTarget:
        return TotoyTarget(config_for(server), clock=clock)


class TestTotoyTargetOfPromptEmulator(TargetContract):
    """With an index that takes no time, so that the children that are killed need no clock of ours."""

    many = 10
    survives_kill = True

    @pytest.fixture
    def server(self) -> Iterator[RunningServer]:
        with running([TotoyEmulator], options={"totoy.indexing_seconds": "0"}, seed=3) as server:
            yield server

    @pytest.fixture
    def target(self, server: RunningServer) -> TotoyTarget:
        return TotoyTarget(config_for(server), clock=SystemClock())
