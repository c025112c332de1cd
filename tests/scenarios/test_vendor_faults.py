"""At every vendor: what goes wrong at any writing request is made good by the next run; and nobody calls during a pause.

Here one run of creates, updates and deletes goes wrong in four ways. `PYTHONPATH=tests python -m benchmarks.vendors faults` has more: first
runs, other kills, and vendors that stay out of reach.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from knowledge_connector.testing.emulation import Fault, running
from matrices import Sampled
from scenarios.vendor_matrix import LATER, TROUBLES, Play
from scenarios.vendors import FOREIGN, VENDORS, RacingClock, Stage, staged

WRITES = {"cognigy": 14, "genesys": 11, "intellia": 9, "totoy": 6, "sensay": 5}
"""Writing requests of the run that goes wrong: it creates, edits, retitles and deletes a document each."""

WAYS = ("error before", "error after", "lost answer", "killed after")
"""To be killed before a request is, for the vendor, to be killed after the one before; the benchmark does both."""

CASES = sum(WRITES.values()) * len(WAYS)

EIGHT_AT_A_TIME: Mapping[str, Mapping[str, object]] = {
    "genesys": {},  # a source has one round at a time, and a round is written one file after another
    "totoy": {"concurrency": 8, "batch_documents": 1},
}

SPEED = 40
STORMS = [
    Fault("rate_limit", after=after, seconds=40, retry_after=form, grace_seconds=10)
    for after, form in ((6, None), (14, "date"))
]
"""Seconds of a time that runs so many times as fast: pauses of a second, and a quarter of one for requests that are under way."""


@pytest.fixture(scope="module", params=VENDORS)
def play(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    with staged(request.param) as stage:
        yield Play(stage, LATER, tmp_path_factory.mktemp(request.param) / "world")


@pytest.mark.parametrize("trouble", WAYS)
def test_the_next_run_makes_good_what_went_wrong_at_any_write(play: Play, trouble: str, sampled: Sampled) -> None:
    assert len(play.writes) == WRITES[play.stage.vendor.name]
    broken = [play.check(TROUBLES[trouble], number) for number in sampled(len(play.writes))]
    assert any(broken) or trouble != "killed after", "no death left anything to make good"


def test_the_documentation_gives_the_number_of_cases() -> None:
    page = Path(__file__).parents[2] / "docs" / "targets.md"
    assert f"{CASES} cases" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", VENDORS)
def test_no_request_comes_during_a_pause(name: str, tmp_path: Path) -> None:
    vendor, clock = VENDORS[name], RacingClock(SPEED)
    with running([vendor.emulator], options=vendor.options, seed=FOREIGN, wall=clock.now) as server:
        world = Stage(vendor, server, clock).world(tmp_path / "world", **EIGHT_AT_A_TIME.get(name, {"concurrency": 8}))
        for number in range(16):
            world.write(f"d{number:02}", f"text {number}")
        faults = [server.services.faults.add(storm) for storm in STORMS]
        report = world.run()
        assert [fault.hits for fault in faults] == [1, 1]
        assert (report.status, report.created) == ("ok", 16)
        assert server.log.during_pause() == []
