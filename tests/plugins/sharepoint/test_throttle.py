"""Resource units: by the minute, by the day, and for all workers together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from knowledge_connector import RateLimited
from knowledge_connector.testing.context import FakeClock
from knowledge_connector_sharepoint.throttle import DAY, Gate, shared_gate


def test_units_within_the_minute_cost_no_time() -> None:
    clock = FakeClock()
    gate = Gate(clock, units_per_minute=10, units_per_day=1000)
    for _ in range(5):
        gate.spend(2)
    assert clock.slept == []


def test_more_of_them_wait_until_the_window_has_moved_on() -> None:
    clock = FakeClock()
    gate = Gate(clock, units_per_minute=10, units_per_day=1000)
    gate.spend(10)
    clock.advance(20)
    gate.spend(1)
    assert clock.slept == [40]


def test_never_more_units_in_any_minute_than_granted() -> None:
    clock = FakeClock()
    gate = Gate(clock, units_per_minute=100, units_per_day=100_000)
    spent: list[tuple[float, int]] = []
    for number in range(400):
        units = (1, 2, 5)[number % 3]
        gate.spend(units)
        now = clock.monotonic()
        spent.append((now, units))
        clock.advance(0.1)
        assert sum(units for at, units in spent if at > now - 60) <= 100
    assert clock.slept


def test_a_used_up_day_ends_the_run_instead_of_sleeping() -> None:
    clock = FakeClock()
    gate = Gate(clock, units_per_minute=1000, units_per_day=20)
    gate.spend(20)
    with pytest.raises(RateLimited) as caught:
        gate.spend(1)
    assert caught.value.retry_after_seconds == pytest.approx(DAY)
    assert clock.slept == []
    clock.advance(DAY + 1)
    gate.spend(1)


def test_a_pause_stops_everybody() -> None:
    clock = FakeClock()
    gate = Gate(clock, units_per_minute=1000, units_per_day=10_000)
    gate.pause(30)
    gate.pause(5)
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(gate.spend, 1).result()
    assert clock.slept == [30]


def test_one_request_may_be_larger_than_the_window() -> None:
    clock = FakeClock()
    gate = Gate(clock, units_per_minute=10, units_per_day=1000)
    gate.spend(100)
    assert clock.slept == []


def test_an_application_has_one_gate_in_the_process() -> None:
    clock = FakeClock()
    gates = [
        shared_gate(clock, tenant, client, units_per_minute=10, units_per_day=100)
        for tenant, client in (("contoso.com", "a"), ("Contoso.com", "A"), ("contoso.com", "b"))
    ]
    assert gates[0] is gates[1]
    assert gates[0] is not gates[2]


def test_memory_of_a_day_is_bounded() -> None:
    clock = FakeClock()
    gate = Gate(clock, units_per_minute=10**9, units_per_day=10**9)
    for _ in range(20_000):
        gate.spend(1)
        clock.advance(1)
    assert [len(window.spent) <= window.slots + 1 for window in gate._windows] == [True, True]
