"""What the tests of the emulator share: one emulated tenant for each module, begun anew for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from plugins.sharepoint.graph_caller import Graph, serving


@pytest.fixture(scope="module")
def caller() -> Iterator[Graph]:
    with serving() as graph:
        yield graph


@pytest.fixture
def graph(caller: Graph) -> Graph:
    caller.begin_anew()
    return caller
