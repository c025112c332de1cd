"""One emulator for each module, begun anew for each test."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="the extra `emulate` is not installed")

from knowledge_connector.testing.emulation import RunningServer, running
from knowledge_connector_rest.emulator import RestEmulator
from plugins.rest.world import Listener, RestWorld

MakeWorld = Callable[..., RestWorld]


@pytest.fixture(scope="module")
def serving() -> Iterator[RunningServer]:
    with running([RestEmulator]) as server:
        yield server


@pytest.fixture
def server(serving: RunningServer) -> RunningServer:
    serving.services.options.clear()
    serving.reset()
    return serving


@pytest.fixture
def world(tmp_path: Path, server: RunningServer) -> MakeWorld:
    def make(table: str, **options: str) -> RestWorld:
        return RestWorld(tmp_path / "world", server, table, **options)

    return make


@pytest.fixture
def heard() -> Iterator[Listener]:
    """Everything that is logged at any level."""
    listener, root = Listener(), logging.getLogger()
    before = root.level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    yield listener
    root.removeHandler(listener)
    root.setLevel(before)
