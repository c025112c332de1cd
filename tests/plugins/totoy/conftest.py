"""An emulator on loopback, and a clock by which nobody waits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from knowledge_connector.testing.emulation import LeapingClock, RunningServer, running
from knowledge_connector_totoy.config import TotoyConfig
from knowledge_connector_totoy.emulator import TOKEN, TotoyEmulator
from knowledge_connector_totoy.target import TotoyTarget
from plugins.totoy.wire import Api


@pytest.fixture
def server() -> Iterator[RunningServer]:
    with running([TotoyEmulator], options={"totoy.indexing_seconds": "5"}) as server:
        yield server


@pytest.fixture
def clock(server: RunningServer) -> LeapingClock:
    return LeapingClock(server.services.clock)


@pytest.fixture
def config(server: RunningServer) -> TotoyConfig:
    return config_for(server)


@pytest.fixture
def target(config: TotoyConfig, clock: LeapingClock) -> TotoyTarget:
    return TotoyTarget(config, clock=clock)


@pytest.fixture
def emulator(server: RunningServer) -> TotoyEmulator:
    vendor = server.vendor("totoy")
    assert isinstance(vendor, TotoyEmulator)
    return vendor


def config_for(server: RunningServer, **options: object) -> TotoyConfig:
    given = {"knowledge_base": "Handbook", "base_url": f"{server.url}/v1", "api_key": SecretStr(TOKEN), **options}
    return TotoyConfig.model_validate(given)


@pytest.fixture
def api(server: RunningServer) -> Iterator[Api]:
    api = Api(server)
    with api.http:
        yield api
