"""What a run costs in requests, as the README says, and what `plan` would do."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge_connector.testing.emulation import RunningServer
from plugins.cognigy.stories import Entry, World, entry
from plugins.cognigy.wire import table_for

LISTING = {"GET stores": 1, "GET sources": 1}


@pytest.fixture
def world(server: RunningServer, tmp_path: Path) -> World:
    world = World(tmp_path, table_for(server))
    world.put(entry("a.md", "1", "2", "3", "4"))
    world.run()
    server.log.clear()
    return world


def cost(server: RunningServer, world: World, *entries: Entry) -> dict[str, int]:
    """Requests of the next run, besides the listing."""
    server.log.clear()
    world.put(*entries)
    report = world.run()
    assert report.status == "ok"
    counts = server.log.counts()
    assert {name: counts.pop(name) for name in LISTING} == LISTING
    return counts


def test_an_unchanged_run_lists_and_nothing_else(server: RunningServer, world: World) -> None:
    assert cost(server, world, entry("a.md", "1", "2", "3", "4")) == {}
    plan = world.plan()
    assert (plan.kept, plan.created + plan.updated + plan.retagged + plan.deleted) == (2, 0)
    assert server.log.writes() == []


def test_a_first_import_costs_its_chunks_and_four(server: RunningServer, world: World) -> None:
    both = (entry("a.md", "1", "2", "3", "4"), entry("b.md", "1", "2", "3"))
    assert cost(server, world, *both) == {"POST sources": 1, "PATCH source": 2, "POST chunks": 3, "GET source": 1}


@pytest.mark.parametrize(
    ("chunks", "step"),
    [("12x4", "PATCH chunk"), ("12345", "POST chunks"), ("124", "DELETE chunk"), ("234", "DELETE chunk")],
)
def test_one_chunk_that_differs_costs_three_and_the_comparison(
    server: RunningServer, world: World, chunks: str, step: str
) -> None:
    assert cost(server, world, entry("a.md", *chunks)) == {"GET chunks": 1, "PATCH source": 2, step: 1}


def test_another_text_costs_its_chunks_and_six(server: RunningServer, world: World) -> None:
    assert cost(server, world, entry("a.md", *"abcdef")) == {
        "POST sources": 1,
        "PATCH source": 3,
        "POST chunks": 6,
        "GET source": 1,
        "DELETE source": 1,
    }


def test_two_chunks_that_differ_cost_the_comparison_more(server: RunningServer, world: World) -> None:
    assert cost(server, world, entry("a.md", *"1x3x")) == {
        "GET chunks": 1,
        "POST sources": 1,
        "PATCH source": 3,
        "POST chunks": 4,
        "GET source": 1,
        "DELETE source": 1,
    }


@pytest.mark.parametrize(
    "after",
    [
        entry("a.md", *"1234", title="Another"),
        entry("a.md", *"1234", tags=["x"]),
        entry("a.md", *"1234", uri="https://example.com/a"),
        entry("moved/a.md", *"1234", title="Title of a.md"),
    ],
    ids=["title", "tags", "link", "id"],
)
def test_what_does_not_touch_the_text_costs_one(server: RunningServer, world: World, after: Entry) -> None:
    assert cost(server, world, after) == {"PATCH source": 1}


def test_a_delete_costs_one(server: RunningServer, world: World) -> None:
    assert cost(server, world) == {"DELETE source": 1}


def test_the_report_counts_the_same_requests(server: RunningServer, world: World) -> None:
    server.log.clear()
    world.put(entry("a.md", *"abcdef"))
    report = world.run()
    assert sum(report.calls.values()) == len(server.log)
    assert report.calls["POST chunks"] == 6


def test_a_seventh_tag_fails_that_document_and_plan_says_so(server: RunningServer, world: World) -> None:
    tags = [f"tag{number}" for number in range(7)]
    world.put(entry("a.md", *"1234", tags=tags[:6]), entry("b.md", "1", tags=tags))
    plan, report = world.plan(), world.run()
    assert [(one.retagged, one.failed) for one in (plan, report)] == [(1, 1), (1, 1)]
