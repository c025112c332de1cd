"""What the tests of the emulator share: a wiki of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from plugins.confluence.emulated import Wiki, wiki


@pytest.fixture
def site() -> Iterator[Wiki]:
    with wiki() as opened:
        yield opened


@pytest.fixture
def bare() -> Iterator[Wiki]:
    """Forty generated pages and nothing else."""
    with wiki(showcase="off") as opened:
        yield opened
