"""The shipped target contract, asked of the Cognigy target over the emulator."""

from __future__ import annotations

import pytest

from knowledge_connector.testing.target import TargetContract
from knowledge_connector_cognigy import CognigyConfig, CognigyTarget


class TestCognigy(TargetContract):
    survives_kill = True
    many = 150  # six requests each; `test_listing` lists 10,000

    @pytest.fixture
    def target(self, config: CognigyConfig) -> CognigyTarget:
        return CognigyTarget(config)
