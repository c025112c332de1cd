"""Every way to page, pack and write, read against a service that really does so; and every way in which it may lead astray."""

from __future__ import annotations

import pytest

from knowledge_connector import SyncReport
from knowledge_connector.testing.emulation import Fault
from plugins.rest.conftest import MakeWorld
from plugins.rest.world import RestWorld, style

ITEMS = 'records = "items"'
OFFSET = f'{ITEMS}\npaginator = {{ type = "offset", size = 10 }}'
OFFSET_TOTAL = f'{ITEMS}\npaginator = {{ type = "offset", size = 10, total = "total" }}'
PAGE = f'{ITEMS}\npaginator = {{ type = "page", size = 10, size_param = "size" }}'
NEXT_URL = f'{ITEMS}\npaginator = {{ type = "next_url" }}'
CURSOR = f'{ITEMS}\npaginator = {{ type = "cursor", path = "next" }}'

WAYS = {
    "single": style("single", ITEMS),
    "page": style("page", PAGE),
    "page with its number of pages": style("page", PAGE.replace("size_param", 'total_pages = "pages", size_param')),
    "page with a total": style("page", PAGE.replace("size_param", 'total = "total", size_param')),
    "offset": style("offset", OFFSET),
    "offset with a total": style("offset", OFFSET_TOTAL),
    "offset without overlap": style("offset", OFFSET.replace("size = 10", "size = 10, overlap = 0")),
    "link": style("link", 'paginator = { type = "link" }'),
    "next_url": style("next_url", NEXT_URL),
    "cursor": style("cursor", CURSOR),
    "search": style(
        "search",
        f'{ITEMS}\nmethod = "POST"\nbody = {{ query = "all" }}\n'
        'paginator = { type = "cursor", path = "next", place_in = "body", param = "page.after" }',
    ),
    "header": style(
        "header", 'paginator = { type = "header_cursor", header = "X-Next", place_in = "header", param = "X-After" }'
    ),
    "last_record": style("last_record", 'paginator = { type = "last_record", param = "after_id" }'),
    "window": style(
        "window",
        'incremental = { cursor = "updated", start_param = "from", end_param = "to", initial = "2024-01-01", step = 864000 }',
    ),
    "window of numbers": style(
        "depth",
        'paginator = { type = "offset", limit_param = "n", size = 10 }\n'
        'incremental = { cursor = "id", start_param = "from_id", format = "number", initial = 1, step = 20, end = 60 }',
    ),
    "depth": style(
        "depth",
        'paginator = { type = "offset", limit_param = "n", size = 10, overlap = 0 }\n'
        'incremental = { cursor = "id", start_param = "from_id", format = "number", restart_after_records = 30 }',
    ),
    "for each": style("link", 'paginator = { type = "link" }\nfor_each = ["link"]', path="/{item.value}"),
    "jsonl": style("jsonl", 'decoder = { type = "jsonl" }'),
    "csv": style("csv", 'decoder = { type = "csv", delimiter = ";" }'),
    "xml": style("xml", 'decoder = { type = "xml", lists = ["entry"] }\nrecords = "feed.entry"').replace(
        'id = "id"', "id = '\"@id\"'"
    ),
    "gzip": style("gzip", 'decoder = { type = "json", packed = "gzip" }'),
    "zip": style("zip", 'decoder = { type = "json", packed = "zip" }'),
}

EVERYTHING = {f"items/{number}" for number in range(1, 41)}


@pytest.mark.parametrize("way", WAYS)
def test_everything_is_read_and_the_next_run_finds_nothing_new(world: MakeWorld, way: str) -> None:
    here = world(WAYS[way])
    report = here.run()
    assert (report.status, report.created, report.message) == ("ok", 40, "")
    assert set(here.held()) == EVERYTHING
    again = here.run()
    assert (again.status, again.changed, again.message) == ("ok", 0, "")
    if "incremental" not in WAYS[way]:
        here.change("delete", service="styles", id=13)
        assert here.run().deleted == 1


def test_the_address_of_the_next_page_is_kept_as_it_came(world: MakeWorld) -> None:
    here = world(WAYS["next_url"].replace('/next_url"', '/next_url"\nquery = { first = "1" }'))
    here.run()
    queries = [entry.query for entry in here.server.log.entries("rest")]
    assert queries == ["first=1", *(f"after={number}&kept=a%2Fb" for number in (10, 20, 30))] or queries[0] == "first=1"
    assert all("kept=a%2Fb" in query and "first" not in query for query in queries[1:])


HARMLESS = {
    "clamped pages": (PAGE.replace("size_param", 'total = "total", size_param'), "page", Fault("clamp", times=0)),
    "clamped offsets": (OFFSET, "offset", Fault("clamp", times=0)),
    "clamped offsets with a total": (OFFSET_TOTAL, "offset", Fault("clamp", times=0)),
    "a total that lies": (OFFSET_TOTAL, "offset", Fault("lying_total", times=0)),
    "a total of pages that lies": (
        PAGE.replace("size_param", 'total = "total", size_param'),
        "page",
        Fault("lying_total", times=0),
    ),
    "an empty page before a cursor": (CURSOR, "cursor", Fault("empty_page", after=1)),
    "the first page is empty": (CURSOR, "cursor", Fault("empty_page")),
    "an empty page is passed over": (
        OFFSET.replace("size = 10", "size = 10, overlap = 0, max_empty_pages = 1"),
        "offset",
        None,
    ),
    "a query alone as the next page": (NEXT_URL, "next_url", Fault("relative_next", times=0)),
    "a record goes while offsets are read": (OFFSET, "offset", Fault("removed_meanwhile", after=1)),
    "a stale cursor": (CURSOR, "cursor", Fault("stale_cursor", after=1)),
    "an unknown total": (OFFSET.replace("size = 10", 'size = 10, total = "nowhere"'), "offset", None),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_oddities_lose_nothing_and_delete_nothing(world: MakeWorld, name: str) -> None:
    keys, way, fault = HARMLESS[name]
    here = world(style(way, keys))
    here.run()
    active = here.server.services.faults.add(fault) if fault else None
    here.change("edit", service="styles", id=25)
    report = here.run()
    assert (report.status, report.updated) == ("ok", 1), report.message
    removed = {"items/1"} if name.startswith("a record goes") else set()
    assert set(here.held()) >= EVERYTHING - removed
    assert active is None or active.hits


MISLEADING = {
    "the next page is this one": (NEXT_URL, "next_url", "same_next", "the same page twice"),
    "two pages lead to each other": (NEXT_URL, "next_url", "alternating_next", "that was read already"),
    "the cursor stays": (CURSOR, "cursor", "same_next", "that was read already"),
    "the number is ignored": (PAGE, "page", "ignored_page", "the same page twice"),
    "the next page is elsewhere": (NEXT_URL, "next_url", "foreign_next", "allow the host"),
    "the cursor is stale whenever it is used": (CURSOR, "cursor", "stale_cursor", "its own next page is gone"),
}


@pytest.mark.parametrize("name", MISLEADING)
def test_circles_and_strangers_are_errors_and_delete_nothing(world: MakeWorld, name: str) -> None:
    keys, way, kind, told = MISLEADING[name]
    here = world(style(way, keys))
    here.run()
    here.server.services.faults.add(Fault(kind, times=0))
    report = here.run()
    assert report.status == "failed"
    assert told in report.message
    assert (report.deleted, set(here.held())) == (0, EVERYTHING)
    here.server.services.faults.clear()
    assert (here.run().status, set(here.held())) == ("ok", EVERYTHING)


def test_a_page_elsewhere_is_read_where_its_host_is_allowed(world: MakeWorld) -> None:
    here = world(WAYS["next_url"])
    elsewhere = here.server.services.elsewhere_url.partition("://")[2]
    allowed = WAYS["next_url"].replace("[connectors.x.res", f'allowed_hosts = ["{elsewhere}"]\n[connectors.x.res', 1)
    here = world(allowed)
    here.server.services.faults.add(Fault("foreign_next"))
    assert here.run().created == 40


def test_a_record_that_goes_while_numbered_pages_are_read_makes_the_rest_unknown(world: MakeWorld) -> None:
    here = world(style("offset", OFFSET_TOTAL.replace("size = 10,", "size = 10, overlap = 0,")))
    here.run()
    here.server.services.faults.add(Fault("removed_meanwhile", after=1))
    report = here.run()
    assert (report.status, report.deleted) == ("partial", 0)
    assert [code for _, code, _ in here.failures()] == ["moved"]
    calm = here.run()
    assert (calm.status, calm.deleted) == ("ok", 1)


def test_an_unchanged_single_page_costs_one_answer_without_a_body(world: MakeWorld) -> None:
    here = world(style("single", f"{ITEMS}\nconditional = true"))
    here.run()
    quiet = here.run()
    assert (quiet.listed, quiet.deleted, set(here.held())) == (0, 0, EVERYTHING)
    assert [entry.status for entry in here.server.log.entries("rest")] == [304]
    here.change("delete", service="styles", id=3)
    assert here.run().deleted == 1


@pytest.mark.parametrize("page", range(1, 5))
def test_a_run_that_ends_at_a_page_is_taken_up_there(world: MakeWorld, page: int) -> None:
    here = world(WAYS["cursor"])
    assert _cut_off_at(here, page).status == "failed"
    held = set(here.held())
    assert len(held) == 10 * page
    report = here.run()
    assert (report.status, set(here.held())) == ("ok", EVERYTHING)
    assert here.requests()["GET cursor"] == 5 - page


@pytest.mark.parametrize("page", range(1, 4))
def test_what_went_while_a_listing_was_cut_off_goes_with_its_second_half(world: MakeWorld, page: int) -> None:
    here = world(WAYS["cursor"])
    here.run()
    here.change("delete", service="styles", id=2)
    here.change("delete", service="styles", id=38)
    _cut_off_at(here, page)
    assert here.run().deleted == 2
    assert set(here.held()) == EVERYTHING - {"items/3", "items/39"}


def _cut_off_at(here: RestWorld, page: int) -> SyncReport:
    here.server.services.faults.add(Fault("error_before", after=page, times=5, status=503))
    report = here.run()
    here.server.services.faults.clear()
    return report
