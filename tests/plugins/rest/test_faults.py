"""The fault matrix: whatever goes wrong, no document is lost, none is wrongly deleted, no credential leaks; the next calm run is exact.

A case: a calm first run, then one document is edited and one deleted, then a run in which something goes wrong, then a calm one.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from knowledge_connector.testing.emulation import Fault, RunningServer
from matrices import Sampled
from plugins.rest.conftest import MakeWorld
from plugins.rest.world import CMS, DESK, FILES, HANDBOOK, HELD_SECRETS, SHELF_OF, Held, Listener, RestWorld

TABLES = {
    "desk": DESK.replace("incremental", "# incremental"),
    "desk by changes": DESK,
    "cms": CMS,
    "files": FILES,
    "handbook": HANDBOOK,
}
"""Each service; the tickets once as a listing and once by what has changed."""

WIRE = {
    "401 once": Fault("unauthorized"),
    "429 with seconds": Fault("rate_limit", seconds=30),
    "429 with a date": Fault("rate_limit", seconds=30, retry_after="date"),
    "429 with 0": Fault("rate_limit", retry_after="0"),
    "429 without": Fault("rate_limit", retry_after="none"),
    "429 again and again": Fault("rate_limit", seconds=5, times=3),
    "500 once": Fault("error_before"),
    "500 for good": Fault("error_before", times=0),
    "503 once": Fault("error_before", status=503),
    "403": Fault("error_before", status=403),
    "409": Fault("error_before", status=409),
    "410": Fault("error_before", status=410),
    "no answer": Fault("lost_answer"),
    "cut off": Fault("cut_before"),
    "cut off for good": Fault("cut_before", times=0),
    "slow": Fault("slow", seconds=0.05),
}
"""What may happen to every request."""

BODIES = {
    kind: Fault(kind, operation="GET tickets")
    for kind in (
        "html_200",
        "empty_200",
        "error_200",
        "short_body",
        "nan",
        "wrong_charset",
        "deep",
        "without_id",
        "twins",
        "stale_cursor",
    )
}
FOR_GOOD = {
    f"{kind} for good": replace(BODIES[kind], times=0)
    for kind in ("html_200", "empty_200", "short_body", "deep", "without_id")
}
CHILDREN = {
    kind: Fault(kind, operation="GET articles") for kind in ("forbidden_child", "missing_child", "broken_child")
} | {"broken_child for good": Fault("broken_child", times=0)}
DETAILS = {"missing": Fault("missing"), "malformed_html": Fault("malformed_html")}
STORES = {"missing": Fault("missing"), "zero_byte": Fault("zero_byte")}

OF_SERVICE = {
    "desk": BODIES | FOR_GOOD,
    "desk by changes": BODIES | FOR_GOOD,
    "cms": CHILDREN | DETAILS,
    "files": CHILDREN | STORES,
    "handbook": {},
}
CASES = [
    *((service, name, replace(fault, after=1)) for service in TABLES for name, fault in WIRE.items()),
    *(
        (service, name, replace(fault, after=after))
        for service in TABLES
        for name, fault in OF_SERVICE[service].items()
        for after in (0, 1)
    ),
]
"""Service, name and fault; `after` is how many requests pass unharmed before."""

ENDS = {"missing_child": 1}
"""What a service may rightly be believed: a category that is not there has no articles, until it is there again."""


@dataclass
class Stage:
    """A service after a calm first run, to begin from again and again."""

    world: RestWorld
    kept: Path
    held: Held

    def restore(self) -> None:
        self.world.server.reset()
        shutil.rmtree(self.world.folder / ".connector")
        shutil.copytree(self.kept, self.world.folder / ".connector")


@pytest.fixture(scope="module")
def stages(serving: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Stage]:
    found = {}
    for service, table in TABLES.items():
        folder = tmp_path_factory.mktemp("stage")
        serving.reset()
        world = RestWorld(folder / "world", serving, table)
        assert world.run().status == "ok"
        shutil.copytree(world.folder / ".connector", folder / "kept")
        found[service] = Stage(world, folder / "kept", world.held())
    return found


@pytest.mark.parametrize("service", TABLES)
def test_nothing_is_lost_nothing_wrongly_deleted_nothing_told(
    stages: dict[str, Stage], service: str, heard: Listener, sampled: Sampled
) -> None:
    stage, here = stages[service], stages[service].world
    shelf = SHELF_OF[service.partition(" ")[0]]
    cases = [(name, fault) for of, name, fault in CASES if of == service]
    for name, fault in (cases[number] for number in sampled(len(cases))):
        case = f"{service}: {name} after {fault.after}"
        stage.restore()
        here.clock.sleep(120)
        here.change("edit", service=shelf, id=21)
        here.change("delete", service=shelf, id=30)
        gone = {one for one in stage.held if _number(one) == _number_of(shelf, 30)}
        here.server.services.faults.add(fault)
        report = here.run()
        held = set(here.held())
        may_go = ENDS.get(name, 0) * 20
        assert len(stage.held.keys() - held - gone) <= may_go, f"{case}: lost {stage.held.keys() - held - gone}"
        here.server.services.faults.clear()
        calm = here.run()
        assert calm.status == "ok", f"{case}: {report.status}, then {calm.message} {here.failures()}"
        after = here.held()
        assert after.keys() == stage.held.keys() - gone, case
        edited = [one for one in after if after[one] != stage.held[one]]
        assert len(edited) == 1, case
    assert here.emulator.cms.leaks == []
    told = "\n".join(heard.heard)
    assert [secret for secret in HELD_SECRETS if secret in told] == []


def test_the_number_of_cases() -> None:
    assert len(CASES) == 5 * 16 + 2 * (15 + 15 + 6 + 6)


def _number(document_id: str) -> int:
    return int("".join(letter for letter in document_id.rpartition("/")[2] if letter.isdigit()))


def _number_of(shelf: str, index: int) -> int:
    return {"desk": 1001 + index, "cms": index, "handbook": index + 1}[shelf]


# ------------------------------------------------------------------------------------------------------------------ single ones


def test_a_category_that_may_not_be_read_is_unknown_and_the_others_are_read(world: MakeWorld) -> None:
    here = world(CMS)
    here.run()
    here.change("edit", service="cms", id=1)
    here.server.services.faults.add(Fault("forbidden_child"))
    report = here.run()
    assert (report.status, report.failed, report.deleted, report.updated) == ("partial", 1, 0, 1)
    assert here.failures()[0][:2] == ("articles/", "forbidden")


def test_with_nested_ids_only_that_category_is_unknown(world: MakeWorld) -> None:
    here = world(CMS.replace('resource = "categories" }', 'resource = "categories", nested_ids = true }'))
    here.run()
    assert "articles/0/a-0" in here.held()
    here.change("delete", service="cms", id=0)
    here.change("delete", service="cms", id=1)
    here.server.services.faults.add(Fault("forbidden_child"))
    report = here.run()
    assert (report.status, report.deleted) == ("partial", 1)
    assert "articles/0/a-0" in here.held()
    assert here.failures()[0][:2] == ("articles/0/", "forbidden")


def test_a_missing_parent_can_be_trouble(world: MakeWorld) -> None:
    here = world(CMS.replace('resource = "categories" }', 'resource = "categories", on_missing = "fail" }'))
    here.run()
    here.server.services.faults.add(Fault("missing_child"))
    report = here.run()
    assert (report.status, report.deleted, len(here.held())) == ("partial", 0, 40)


def test_an_article_that_is_gone_when_its_text_is_asked_for_is_one_failure(world: MakeWorld) -> None:
    here = world(CMS)
    here.server.services.faults.add(Fault("missing", after=2))
    report = here.run()
    assert (report.status, report.created, report.failed) == ("partial", 39, 1)
    assert here.failures()[0][1] == "not-found"


def test_records_without_an_id_make_the_listing_unknown_and_are_counted(world: MakeWorld) -> None:
    here = world(DESK)
    here.server.services.faults.add(Fault("without_id", times=2))
    report = here.run()
    assert (report.status, report.created) == ("partial", 38)
    assert "1 records of a page have nothing at map.id = 'id'" in here.failures()[0][2]


def test_of_twins_the_last_counts_and_they_are_reported(world: MakeWorld) -> None:
    here = world(DESK)
    here.server.services.faults.add(Fault("twins"))
    report = here.run()
    assert (report.status, report.created, report.skipped["duplicate-id"]) == ("ok", 40, 1)


def test_a_page_that_is_small_on_the_wire_and_huge_within_is_refused(world: MakeWorld) -> None:
    here = world(DESK)
    here.server.services.faults.add(Fault("huge"))
    report = here.run()
    assert report.status == "failed"
    assert "more than 100000000 bytes" in report.message
    here.server.services.faults.add(Fault("gzip", times=0))
    assert here.run().created == 40


def test_after_a_gap_everything_is_listed_once_and_then_changes_alone(world: MakeWorld) -> None:
    here = world(DESK)
    here.run()
    here.server.services.faults.add(Fault("without_id"))
    assert here.run().status == "partial"
    assert (here.run().listed, here.run().listed) == (40, 1)


def test_nobody_is_told_who_may_read_it(world: MakeWorld) -> None:
    here = world(DESK.replace('acl = "viewers"', 'acl = "readers"'))
    report = here.run()
    assert (report.created, report.failed) == (0, 10)
    assert here.failures()[0][1] == "acl"
