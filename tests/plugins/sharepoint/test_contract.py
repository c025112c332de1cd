"""The contract of connectors, asked of this one against the emulated tenant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from knowledge_connector.testing.connector import ConnectorContract
from knowledge_connector.testing.context import FakeContext
from knowledge_connector_sharepoint import SharePointConnector
from plugins.sharepoint.stage import Stage, staged


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged(page_size="10", curiosities="none") as stage:
        yield stage


class TestSharePoint(ConnectorContract):
    @pytest.fixture
    def connector(self, stage: Stage) -> SharePointConnector:
        return stage.connector(lists=["*"])

    @pytest.fixture
    def context(self, stage: Stage, connector: SharePointConnector) -> Iterator[FakeContext]:
        with stage.context(connector) as context:
            yield context


class TestSharePointWithPermissions(TestSharePoint):
    @pytest.fixture
    def connector(self, stage: Stage) -> SharePointConnector:
        return stage.connector(acl=True, subsites=False)
