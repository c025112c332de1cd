"""How long plugins wait for a vendor, and how often they look meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector.kit.clock import SystemClock
from knowledge_connector.kit.patience import Patience


@dataclass
class Sleeper(SystemClock):
    """Notes how long it should have slept."""

    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def test_pauses_grow_up_to_the_longest() -> None:
    clock = Sleeper()
    assert len(list(Patience(clock, 2, 5, 20).looks())) == 6
    assert clock.slept == [2, 3, 4.5, 5, 5, 5]


@given(st.floats(1, 10), st.floats(1, 100), st.floats(1, 300))
def test_the_last_look_comes_when_the_time_is_over(first: float, longest: float, total: float) -> None:
    clock = Sleeper()
    for _ in Patience(clock, first, longest, total).looks():
        assert sum(clock.slept[:-1]) < total
    assert sum(clock.slept) >= total


def test_who_breaks_off_sleeps_no_more() -> None:
    clock = Sleeper()
    next(Patience(clock, 2, 5, 20).looks())
    assert clock.slept == [2]


def test_what_does_not_move_is_not_looked_at_again() -> None:
    clock = Sleeper()
    assert Patience(clock, 2, 5, 20).settled("done", "moving".__eq__, lambda: "never") == "done"
    assert clock.slept == []


def test_looking_ends_when_nothing_moves_and_gives_what_was_seen_last() -> None:
    states = iter(["moving", "done", "never"])
    assert Patience(Sleeper(), 2, 5, 20).settled("moving", "moving".__eq__, lambda: next(states)) == "done"


def test_what_moves_for_ever_is_given_as_it_was_at_the_end_of_patience() -> None:
    looks = iter(range(1, 100))
    assert Patience(Sleeper(), 2, 5, 20).settled(0, lambda seen: seen < 50, lambda: next(looks)) == 6
