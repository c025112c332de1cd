"""What every connector promises, asked of all three deployments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge_connector import Complete, Document
from knowledge_connector.testing.connector import ConnectorContract
from knowledge_connector.testing.context import FakeContext
from knowledge_connector_confluence import ConfluenceConnector
from plugins.confluence.stage import PERSONALITIES, Stage, staged


class Contract(ConnectorContract):
    personality: str

    @pytest.fixture
    def stage(self, tmp_path: Path) -> Iterator[Stage]:
        with staged(tmp_path, self.personality, emulate={"documents": "20"}) as stage:
            yield stage

    @pytest.fixture
    def connector(self, stage: Stage) -> ConfluenceConnector:
        return stage.connector(attachments=True)

    @pytest.fixture
    def context(self, stage: Stage) -> Iterator[FakeContext]:
        with stage.context() as context:
            yield context


class TestCloud(Contract):
    personality = "cloud"


class TestGateway(Contract):
    personality = "gateway"


class TestDataCenter(Contract):
    personality = "datacenter"


@pytest.mark.parametrize("personality", PERSONALITIES)
def test_the_spaces_together_show_what_the_whole_shows(tmp_path: Path, personality: str) -> None:
    with staged(tmp_path, personality) as stage, stage.context() as context:
        connector = stage.connector(attachments=True)
        whole = {item.id for item in connector.read(context) if isinstance(item, Document)}
        parts: set[str] = set()
        for partition in connector.partitions(context):
            items = list(connector.read(context.of(partition.key)))
            shown = {item.id for item in items if isinstance(item, Document)}
            assert all(id_.startswith(f"{partition.key}/") for id_ in shown)
            assert [item for item in items if isinstance(item, Complete)] == [Complete(f"{partition.key}/")]
            parts |= shown
        assert parts == whole
