"""An emulated Cognigy for each test, and a target that writes to it without waiting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("starlette", reason="the extra `emulate` is not installed")

from knowledge_connector.testing.emulation import RunningServer, running
from knowledge_connector_cognigy import CognigyConfig, CognigyTarget
from plugins.cognigy.wire import HastyClock, Wire, config_for


@pytest.fixture
def server() -> Iterator[RunningServer]:
    with running(["cognigy"]) as server:
        yield server


@pytest.fixture
def config(server: RunningServer) -> CognigyConfig:
    return config_for(server)


@pytest.fixture
def target(config: CognigyConfig) -> CognigyTarget:
    return CognigyTarget(config, HastyClock())


@pytest.fixture
def wire(config: CognigyConfig) -> Iterator[Wire]:
    with Wire(config) as wire:
        yield wire
