"""The contract of state stores, asked of both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge_connector.clock import SystemClock
from knowledge_connector.ports import StateStore
from knowledge_connector.state import open_state
from knowledge_connector.testing.state import StateStoreContract


class TestSqlite(StateStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[StateStore]:
        store = open_state("sqlite:///.connector/state.db", tmp_path, SystemClock())
        yield store
        store.close()


class TestTemporary(StateStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[StateStore]:
        store = open_state("sqlite://", tmp_path, SystemClock())
        yield store
        store.close()


class TestPostgresql(StateStoreContract):
    @pytest.fixture
    def store(self, postgresql_url: str, tmp_path: Path) -> Iterator[StateStore]:
        store = open_state(postgresql_url, tmp_path, SystemClock())
        yield store
        store.close()
