from __future__ import annotations

from collections.abc import Iterator

import pytest

from knowledge_connector import Target
from knowledge_connector.testing.emulation import DistantClock
from knowledge_connector.testing.target import TargetContract
from knowledge_connector_intellia import IntelliaTarget
from plugins.intellia.stage import Stage, staged


class TestIntellia(TargetContract):
    many = 250
    survives_kill = True

    @pytest.fixture
    def stage(self) -> Iterator[Stage]:
        with staged() as stage:
            stage.emulator.records.make_base("org-emulated", "Support", "For tests")
            yield stage

    @pytest.fixture
    def target(self, stage: Stage, request: pytest.FixtureRequest) -> Target:
        if "killed" in request.node.name:
            return IntelliaTarget(stage.config(), DistantClock(stage.server.url))
        return stage.target()
