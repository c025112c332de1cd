"""Many workers, one budget: nobody calls while a pause is on, whatever form it was asked for in."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from knowledge_connector.testing.emulation import Fault, running
from knowledge_connector_rest.emulator import RestEmulator
from plugins.rest.conftest import MakeWorld
from plugins.rest.world import CMS, FILES, RestWorld

SPEED = 40
"""A pause of 80 s takes two; of these, requests that are under way have one to arrive, however busy the machine."""


class RacingClock:
    """Time that runs so many times as fast for service and caller alike: who sleeps does sleep, and others act meanwhile."""

    def __init__(self) -> None:
        self._begin, self._zero = datetime.now(UTC), time.monotonic()
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._begin + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (time.monotonic() - self._zero) * SPEED

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / SPEED)


@pytest.mark.parametrize("table", [CMS, FILES], ids=["details", "files"])
def test_eight_workers_keep_to_every_pause(tmp_path: Path, table: str) -> None:
    clock = RacingClock()
    with running([RestEmulator], wall=clock.now) as server:
        here = RestWorld(tmp_path, server, table.replace("[connectors.x]\n", "[connectors.x]\nfetch_workers = 8\n"))
        here.clock = clock  # type: ignore[assignment]  # a clock is a clock
        faults = [
            server.services.faults.add(Fault("rate_limit", after=after, seconds=80, retry_after=form, grace_seconds=40))
            for after, form in ((4, None), (30, "date"))
        ]
        report = here.run()
        assert [fault.hits for fault in faults] == [1, 1]
        assert (report.status, report.created) == ("ok", 40)
        assert server.log.during_pause() == []


def test_a_pause_that_is_too_long_ends_the_run_and_loses_nothing(world: MakeWorld) -> None:
    here = world(CMS)
    here.run()
    here.server.services.faults.add(Fault("rate_limit", seconds=3600))
    report = here.run()
    assert (report.status, report.deleted) == ("failed", 0)
    assert "answered 429" in report.message
    here.clock.sleep(3600)
    assert (here.run().status, len(here.held())) == ("ok", 40)
