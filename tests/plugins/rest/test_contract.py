"""What every connector promises, asked of three services and of a page with a validator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge_connector.testing.connector import ConnectorContract
from knowledge_connector.testing.context import FakeContext
from knowledge_connector.testing.emulation import RunningServer
from knowledge_connector_rest import RestConnector
from plugins.rest.world import CMS, DESK, FILES, HANDBOOK, RestWorld, style


class OfAService(ConnectorContract):
    table: str

    @pytest.fixture
    def place(self, tmp_path: Path, server: RunningServer) -> RestWorld:
        return RestWorld(tmp_path, server, self.table)

    @pytest.fixture
    def connector(self, place: RestWorld) -> RestConnector:
        return place.connector()

    @pytest.fixture
    def context(self, place: RestWorld) -> Iterator[FakeContext]:
        with place.context() as context:
            yield context


class TestDesk(OfAService):
    table = DESK


class TestCms(OfAService):
    table = CMS


class TestFiles(OfAService):
    table = FILES


class TestHandbook(OfAService):
    table = HANDBOOK


class TestTwoResources(OfAService):
    table = style("single", 'records = "items"\nconditional = true') + (
        '\n[connectors.x.resources.more]\npath = "/cursor"\nrecords = "items"\n'
        'paginator = { type = "cursor", path = "next" }\nmap = { id = "id", title = "title", body = "text", modified = "updated" }\n'
    )
