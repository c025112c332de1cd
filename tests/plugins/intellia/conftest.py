"""What all tests of Intellia share: one emulator to a module, emptied for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from plugins.intellia.caller import Caller, calling
from plugins.intellia.stage import Stage, staged


@pytest.fixture(scope="module")
def one_stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


@pytest.fixture
def call(one_stage: Stage) -> Iterator[Caller]:
    one_stage.server.reset()
    with calling(one_stage) as caller:
        yield caller
