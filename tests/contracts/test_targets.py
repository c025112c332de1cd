"""The shipped target contract, asked of the built-in targets."""

from pathlib import Path

import pytest

from knowledge_connector.targets.memory import MemoryTarget
from knowledge_connector.targets.sqlite import SqliteTarget, SqliteTargetConfig
from knowledge_connector.testing.target import TargetContract


class TestSqliteTarget(TargetContract):
    survives_kill = True
    refuses_overtaken = True

    @pytest.fixture
    def target(self, tmp_path: Path) -> SqliteTarget:
        return SqliteTarget(SqliteTargetConfig(path=tmp_path / "made" / "knowledge.db"))


class TestMemoryTarget(TargetContract):
    refuses_overtaken = True

    @pytest.fixture
    def target(self) -> MemoryTarget:
        return MemoryTarget()
