"""Whole runs: first sync, nothing new, and each kind of change; exactly those documents change, at the price the README says."""

from __future__ import annotations

import pytest

from plugins.rest.conftest import MakeWorld
from plugins.rest.world import CMS, DESK, FILES, HANDBOOK, SERVICES

QUIET = {
    "desk": {"POST token": 1, "GET tickets": 1},
    "cms": {"GET categories": 1, "GET articles": 6},
    "handbook": {"GET deleted": 1, "GET pages": 2},  # without a total, a short page may be any page
}
"""Requests of a run in which nothing has changed."""

FIRST = {
    "desk": {"POST token": 1, "GET tickets": 4},
    "cms": {"GET categories": 1, "GET articles": 6, "GET article": 40},
    "handbook": {"GET deleted": 1, "GET pages": 5},
}

CHANGES = {
    "edit": (0, 1, 0, 0),
    "rename": (0, 0, 1, 0),
    "move": (0, 0, 1, 0),
    "delete": (0, 0, 0, 1),
    "acl": (0, 0, 1, 0),
    "add": (1, 0, 0, 0),
}
"""What is created, updated, retagged and deleted."""


@pytest.mark.parametrize("service", SERVICES)
def test_a_first_run_brings_everything_and_a_second_one_asks_once(world: MakeWorld, service: str) -> None:
    here = world(SERVICES[service])
    first = here.run()
    assert (first.status, first.created, first.failed) == ("ok", 40, 0)
    assert here.requests() == FIRST[service]
    second = here.run()
    assert (second.status, second.changed, second.chunks_written) == ("ok", 0, 0)
    assert here.requests() == QUIET[service]


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("service", SERVICES)
def test_a_change_is_just_that(world: MakeWorld, service: str, kind: str) -> None:
    here = world(SERVICES[service])
    here.run()
    before = here.held()
    here.clock.sleep(120)
    told = here.change(kind, service=service, **({} if kind == "add" else {"id": 7}))
    report = here.run()
    assert (report.status, report.created, report.updated, report.retagged, report.deleted) == ("ok", *CHANGES[kind]), (
        told
    )
    after = here.held()
    touched = {one for one in before.keys() | after.keys() if before.get(one) != after.get(one)}
    assert len(touched) == (
        1 if kind in ("edit", "rename", "delete", "add") else 0
    )  # others change a link or readers alone
    assert here.run().changed == 0


@pytest.mark.parametrize("service", SERVICES)
def test_without_its_state_nothing_is_imported_again(world: MakeWorld, service: str) -> None:
    here = world(SERVICES[service])
    here.run()
    for file in (here.folder / ".connector").glob("state.db*"):
        file.unlink()
    assert here.run().changed == 0


def test_html_becomes_markdown(world: MakeWorld) -> None:
    here = world(DESK)
    here.run()
    _, text = here.held()["tickets/1001"]
    assert text.splitlines()[0] == "## In short"
    assert "1. Open the portal and choose invoices." in text
    assert "| Answer | Questions |" in text
    assert "/desk/topics/0/" not in text.replace("/help/0", "")
    assert "track(" not in text


def test_bodies_come_from_details_only_where_something_changed(world: MakeWorld) -> None:
    here = world(CMS)
    here.run()
    here.change("edit", service="cms", id=3)
    here.run()
    assert here.requests()["GET article"] == 1


def test_files_are_fetched_at_the_other_host_without_any_secret(world: MakeWorld) -> None:
    here = world(FILES)
    report = here.run()
    assert (report.status, report.created) == ("ok", 40)
    assert here.emulator.cms.leaks == []
    assert here.requests()["GET store"] == 40
    assert here.held()["articles/a-0"][1].startswith("# Invoices")


def test_deleted_pages_are_named_by_a_resource_of_their_own(world: MakeWorld) -> None:
    here = world(HANDBOOK)
    here.run()
    here.clock.sleep(120)
    here.change("delete", service="handbook", id=5)
    report = here.run()
    assert (report.deleted, report.kept) == (1, 2)
    assert "pages/6" not in here.held()


def test_what_the_list_of_the_deleted_forgot_goes_with_the_full_listing_of_the_day(world: MakeWorld) -> None:
    here = world(HANDBOOK.partition("[connectors.x.resources.deleted]")[0])
    here.run()
    here.clock.sleep(120)
    here.change("delete", service="handbook", id=5)
    assert here.run().deleted == 0
    here.clock.sleep(25 * 3600)
    report = here.run()
    assert (report.deleted, report.listed, report.kept) == (1, 39, 39)


def test_a_resource_that_is_configured_no_more_loses_its_documents(world: MakeWorld) -> None:
    here = world(DESK)
    here.run()
    other = world(DESK.replace("resources.tickets", "resources.cases"))
    report = other.run()
    assert (report.status, report.created, report.withheld) == ("withheld", 40, 40)
