"""Pauses that Cognigy asks for, and the budget of requests: kept by all threads together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from knowledge_connector import Chunk
from knowledge_connector.testing.drafts import draft_of, write
from knowledge_connector.testing.emulation import Fault, LeapingClock, RunningServer
from knowledge_connector_cognigy import CognigyTarget
from plugins.cognigy.wire import Wire, config_for

CHUNKS = [Chunk(number, f"chunk {number}") for number in range(5)]


def fill(target: CognigyTarget, documents: int, workers: int) -> None:
    with target.open("shelf", fence=1) as session, ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda number: write(session, draft_of(f"{number}.md", CHUNKS), CHUNKS), range(documents)))


@pytest.mark.parametrize("workers", [1, 8, 32])
@pytest.mark.parametrize("retry_after", ["3", "date", None])
def test_no_request_comes_during_a_pause(
    server: RunningServer, wire: Wire, retry_after: str | None, workers: int
) -> None:
    target = CognigyTarget(config_for(server), LeapingClock(server.services.clock))
    for storm in range(5):
        # What was under way when the pause began may still arrive.
        fault = Fault("rate_limit", after=20 + 40 * storm, seconds=3, retry_after=retry_after, grace_seconds=0.5)
        server.services.faults.add(fault)
    fill(target, documents=40, workers=workers)
    assert all(fault.hits == 1 for fault in server.services.faults.all())
    assert server.log.during_pause() == []
    assert sorted(source["chunkCount"] for source in wire.sources()) == [5] * 40


def test_the_budget_stays_below_what_is_allowed(server: RunningServer) -> None:
    server.services.options["cognigy.rate_limit"] = "1000"
    target = CognigyTarget(config_for(server, requests_per_5_minutes=100), LeapingClock(server.services.clock))
    before = server.services.clock.now()
    fill(target, documents=50, workers=1)
    assert [entry for entry in server.log if entry.status == 429] == []
    asked = [entry.at.timestamp() for entry in server.log]
    assert len(asked) == 50 * 9 + 1
    assert all(later - earlier > 299 for earlier, later in zip(asked, asked[100:], strict=False))
    assert (server.services.clock.now() - before).total_seconds() >= 4 * 300


def test_a_target_that_is_opened_again_goes_on_with_the_same_budget(server: RunningServer) -> None:
    clock = LeapingClock(server.services.clock)
    for _ in range(3):
        fill(CognigyTarget(config_for(server, requests_per_5_minutes=20), clock), documents=2, workers=1)
    asked = [entry.at.timestamp() for entry in server.log]
    assert all(later - earlier > 299 for earlier, later in zip(asked, asked[20:], strict=False))
