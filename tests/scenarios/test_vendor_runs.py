"""Whole runs at every vendor: what they cost, what they leave, and what they leave alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from knowledge_connector import RunOptions, SyncReport
from scenarios.vendor_calls import CHANGES, DOCUMENTS, Cost, costs, furnished, row
from scenarios.vendors import FOREIGN, VENDORS, Held, Stage, staged

TARGETS = Path(__file__).parents[2] / "docs" / "targets.md"

N = DOCUMENTS

WRITES: Mapping[str, Mapping[str, Mapping[str, int]]] = {
    "cognigy": {
        "import": {"POST sources": N, "POST chunks": 2 * N, "PATCH source": 2 * N},
        "unchanged": {},
        "lost state": {},
        "edit": {"POST sources": 1, "POST chunks": 2, "PATCH source": 3, "DELETE source": 1},
        "title": {"PATCH source": 1},
        "new id": {"PATCH source": 1},
        "delete": {"DELETE source": 1},
    },
    "genesys": {
        "import": {
            "POST sources": 1,
            "POST synchronizations": 1,
            "POST uploads": N,
            "PUT content": N,
            "PATCH synchronization": 1,
        },
        "unchanged": {},
        "lost state": {},
        "edit": {"POST synchronizations": 1, "POST uploads": 1, "PUT content": 1, "PATCH synchronization": 1},
        "title": {"POST synchronizations": 1, "POST uploads": 1, "PUT content": 1, "PATCH synchronization": 1},
        "new id": {
            "POST synchronizations": 2,
            "POST uploads": 1,
            "PUT content": 1,
            "POST deletions": 1,
            "PATCH synchronization": 2,
        },
        "delete": {"POST synchronizations": 1, "POST deletions": 1, "PATCH synchronization": 1},
    },
    "intellia": {
        "import": {"POST upload-url": N, "PUT upload": N},
        "unchanged": {},
        "lost state": {},
        "edit": {"POST upload-url": 1, "PUT upload": 1, "DELETE file": 1},
        "title": {"POST upload-url": 1, "PUT upload": 1, "DELETE file": 1},
        "new id": {"POST upload-url": 1, "PUT upload": 1, "DELETE file": 1},
        "delete": {"DELETE file": 1},
    },
    "totoy": {
        "import": {"POST sources": N, "POST links": 1},
        "unchanged": {},
        "lost state": {},
        "edit": {"PATCH source": 1},
        "title": {"PATCH source": 1},
        "new id": {"PATCH source": 1},
        "delete": {"DELETE link": 1, "DELETE source": 1},
    },
    "sensay": {
        "import": {"POST entry": N},
        "unchanged": {},
        "lost state": {},
        "edit": {"PATCH entry": 1},
        "title": {"PATCH entry": 1},
        "new id": {"POST entry": 1, "PATCH entry": 1, "DELETE entry": 1},
        "delete": {"PATCH entry": 1, "DELETE entry": 1},
    },
}
"""Writing requests of each run. Cognigy's documents have two chunks, the others are written whole."""

READS_UNCHANGED = {"cognigy": 2, "genesys": 3, "intellia": 2, "totoy": 5, "sensay": 1}
"""All requests of a run that finds nothing changed, signing in included."""

AFTER_THE_REPORT = {"POST search"}
"""Intellia is asked for what was written when the session closes; the report is made by then."""

OUR_OWN_SOURCE: Mapping[str, Held] = {"genesys": [("source", "Emulated (kc-by-shelf)")]}
"""What stays when all documents are gone: each connector has a knowledge source of its own at Genesys."""

KEEP_THEIR_ID_ONLY = {"genesys", "intellia", "sensay"}
"""Where a document of another id is another document."""

MOVED_IS_NEW = {"created": 1, "deleted": 1}
EXPECTED: Mapping[str, Mapping[str, int]] = {
    "import": {"created": N},
    "unchanged": {"kept": N},
    "lost state": {"kept": N},
    "edit": {"updated": 1, "kept": N - 1},
    "title": {"retagged": 1, "kept": N - 1},
    "new id": {"retagged": 1, "kept": N - 1},
    "delete": {"deleted": 1, "kept": N - 1},
}


@pytest.fixture(scope="module", params=VENDORS)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    with staged(request.param) as stage:
        yield stage


@pytest.fixture(scope="module")
def found(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Cost]:
    return costs(stage, tmp_path_factory.mktemp(stage.vendor.name) / "world")


@pytest.fixture
def fresh(stage: Stage) -> Stage:
    stage.server.reset()
    return stage


def counts(report: SyncReport) -> dict[str, int]:
    words = ("created", "updated", "retagged", "deleted", "kept", "failed", "withheld")
    return {word: getattr(report, word) for word in words if getattr(report, word)}


def expected(vendor: str, run: str) -> Mapping[str, int]:
    """What a report says; where nothing can change in place, a new title is an update, and a new id another document."""
    if vendor in KEEP_THEIR_ID_ONLY:
        return {
            **EXPECTED,
            "title": EXPECTED["edit"],
            "new id": {**MOVED_IS_NEW, "kept": N - 1},
        }[run]
    return EXPECTED[run]


@pytest.mark.parametrize("run", ["import", *CHANGES])
def test_runs_write_what_has_changed_and_nothing_else(stage: Stage, found: dict[str, Cost], run: str) -> None:
    cost, name = found[run], stage.vendor.name
    assert (cost.report.status, counts(cost.report)) == ("ok", expected(name, run))
    assert cost.writes == WRITES[name][run]


def test_an_unchanged_run_reads_a_listing(stage: Stage, found: dict[str, Cost]) -> None:
    assert sum(found["unchanged"].calls.values()) == READS_UNCHANGED[stage.vendor.name]


def test_reports_count_the_calls_that_the_vendor_saw(found: dict[str, Cost]) -> None:
    for cost in found.values():
        seen = sum(number for operation, number in cost.calls.items() if operation not in AFTER_THE_REPORT)
        assert sum(cost.report.calls.values()) == seen


@pytest.mark.parametrize("name", VENDORS)
def test_the_documentation_shows_these_numbers(name: str) -> None:
    page = TARGETS.read_text(encoding="utf-8")
    assert row(name, WRITES[name], READS_UNCHANGED[name]) in page


def test_others_keep_what_they_have(fresh: Stage, tmp_path: Path) -> None:
    world = furnished(fresh, tmp_path / "world")
    others = fresh.held()
    assert len(others) > FOREIGN
    for change in (None, *CHANGES.values()):
        if change:
            change(world)
        assert world.run().status == "ok"
        assert missing(others, fresh.held()) == []
    world.shelf.clear()
    assert world.run(RunOptions(allow_deletes=N - 1)).deleted == N - 1
    assert fresh.held() == sorted(others + OUR_OWN_SOURCE.get(fresh.vendor.name, []), key=repr)


def missing(some: Held, held: Held) -> Held:
    return [one for one in some if one not in held]


def test_a_plan_writes_nothing(fresh: Stage, tmp_path: Path) -> None:
    world = furnished(fresh, tmp_path / "world")
    fresh.writes()
    assert list(world.planned().values()) == ["create"] * N
    assert fresh.writes() == []
    world.run()
    fresh.writes()
    for name, change in CHANGES.items():
        change(world)
        assert bool(world.planned()) == (name not in {"unchanged", "lost state"})
    assert fresh.writes() == []


def test_undo_brings_back_what_a_run_replaced_and_deleted(fresh: Stage, tmp_path: Path) -> None:
    world = furnished(fresh, tmp_path / "world")
    world.run()
    before = fresh.held()
    for name in ("edit", "title", "new id", "delete"):
        CHANGES[name](world)
    report = world.run()
    after = fresh.held()
    assert after != before
    with world.host() as host:
        host.undo(report.run)
    assert fresh.held() == before
