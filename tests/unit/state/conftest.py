from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from knowledge_connector.clock import SystemClock
from knowledge_connector.ports import Clock, StateStore
from knowledge_connector.state import open_state

Open = Callable[..., StateStore]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state.db"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def open_store(url: str) -> Iterator[Open]:
    """Opens that database as often as one likes."""
    stores: list[StateStore] = []

    def open_one(clock: Clock | None = None, lease_seconds: float = 60) -> StateStore:
        stores.append(open_state(url, Path("/"), clock or SystemClock(), lease_seconds=lease_seconds))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()
