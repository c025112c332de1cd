from __future__ import annotations

from collections.abc import Iterator

import pytest

from knowledge_connector.testing.emulation import RunningServer, running
from knowledge_connector_genesys.emulator import GenesysEmulator


@pytest.fixture
def server() -> Iterator[RunningServer]:
    with running([GenesysEmulator], seed=3) as server:
        yield server
