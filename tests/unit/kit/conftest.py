"""Origins and a client for the tests of the HTTP kit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from knowledge_connector.kit.http import HttpClient, make_client
from unit.kit.origin import JumpingClock, Origin


@pytest.fixture
def origin() -> Iterator[Origin]:
    server = Origin()
    yield server
    server.close()


@pytest.fixture
def stranger() -> Iterator[Origin]:
    server = Origin()
    yield server
    server.close()


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
def client(clock: JumpingClock) -> Iterator[HttpClient]:
    with make_client(clock, jitter=lambda: 1.0) as made:
        yield made
