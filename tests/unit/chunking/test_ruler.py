"""A ruler counts what the target counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector.chunking.ruler import Ruler
from knowledge_connector.model import Unit

UNITS = st.sampled_from(["characters", "utf-16", "bytes"])


@pytest.mark.parametrize(("unit", "size"), [("characters", 3), ("utf-16", 4), ("bytes", 7)])
def test_units(unit: Unit, size: int) -> None:
    assert Ruler("aé😀", unit).size(0, 3) == size


def test_white_space_at_the_end_is_not_counted_when_trimmed() -> None:
    assert Ruler("é  \n\nx", "bytes").trimmed(0, 5) == 2


@given(st.text(), UNITS, st.integers(4, 20))
def test_nothing_farther_is_within_reach(text: str, unit: Unit, room: int) -> None:
    ruler = Ruler(text + "x", unit)
    stop = ruler.reach(0, room)

    assert ruler.size(0, stop) <= room
    assert stop == len(ruler.text) or ruler.size(0, stop + 1) > room
