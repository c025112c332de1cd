"""Listings that nobody stored, against the same made by hand: every content looked at, and sorted."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge_connector.testing.emulation import Services, Tables
from knowledge_connector_confluence.emulator.changes import KINDS, Changes
from knowledge_connector_confluence.emulator.listing import Listing, Ranges
from knowledge_connector_confluence.emulator.model import IN_TREE, Content
from knowledge_connector_confluence.emulator.showcase import SPACES, contents
from knowledge_connector_confluence.emulator.world import ORDERS, Query, World

COUNT = 60

runs = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 12)).map(lambda pair: range(pair[0], sum(pair))), max_size=6
)


def apart(given: Sequence[range]) -> Ranges:
    return Ranges([]).plus(given)


@given(runs, runs)
def test_ranges_are_sets_in_order(one: list[range], other: list[range]) -> None:
    first, second = ({number for run in given for number in run} for given in (one, other))
    ranges = apart(one)
    assert list(ranges) == sorted(first)
    assert list(ranges.plus(other)) == sorted(first | second)
    assert list(ranges.minus(other)) == sorted(first - second)
    assert list(ranges.within(apart(other).runs)) == sorted(first & second)
    assert list(ranges.without(second)) == sorted(first - second)
    assert len(ranges) == len(first)


def content(number: int, title: str = "x") -> Content:
    return Content(str(number), "page", title, "ENG", None, number, number)


@given(st.sets(st.integers(0, 50)), st.sets(st.integers(0, 50)), st.booleans(), st.integers(-1, 51))
def test_a_listing_is_sorted_whatever_is_set_in_between(
    generated: set[int], others: set[int], descending: bool, place: int
) -> None:
    others -= generated
    numbers = sorted(generated)
    listing = Listing(numbers, content, map(content, others), ORDERS["id"], descending=descending)
    wanted = sorted(generated | others, reverse=descending)
    assert [one.number for one in listing] == wanted
    behind = [number for number in wanted if (number < place if descending else number > place)]
    assert [one.number for one in listing[listing.after((place,)) :]] == behind


def world_of(count: int) -> World:
    services = Services(options={"confluence.documents": str(count), "confluence.attachment_every": "3"})
    world = World(services, Tables().part("confluence"))
    for space in SPACES:
        world.put_space(space)
    world.plant(contents())
    return world


def everything(world: World) -> list[Content]:
    """Every content there is, one by one."""
    generated = world.generated
    ids = [generated.page(n).id for n in range(generated.count)]
    ids += [generated.attachment(n).id for n in range(generated.attachments)]
    found = (world.find(id_) for id_ in {*ids, *world.rows})
    return [one for one in found if one is not None]


QUERIES = [
    Query(),
    Query(statuses=("current", "archived"), order="title"),
    Query(spaces=("HR", "SHOW"), order="modified", descending=True),
    Query(kinds=("attachment",)),
    Query(kinds=("attachment",), spaces=("42",)),
    Query(kinds=("page", "attachment"), spaces=("ENG",), order="modified"),
    Query(kinds=IN_TREE, beneath="10000015"),
    Query(beneath="10000000", order="created", descending=True),
    Query(kinds=("page", "folder"), beneath="100001"),
    Query(kinds=("attachment",), beneath="10000016"),
    Query(ids=("10000003", "100002", "att50000001"), kinds=("page", "attachment")),
    Query(ids=("10000000", "att50000002"), kinds=("attachment",)),
    Query(since=1_704_067_700, before=1_704_068_300),
    Query(kinds=("attachment",), since=1_704_067_700, order="modified"),
    Query(statuses=("trashed",)),
]


def by_hand(world: World, query: Query) -> list[str]:
    def fits(one: Content) -> bool:
        return (
            one.kind in query.kinds
            and one.status in query.statuses
            and (query.spaces is None or world.space_key(one) in query.spaces)
            and query.since <= one.modified < query.before
            and (query.beneath is None or world.is_beneath(one, query.beneath))
            and (query.ids is None or one.id in query.ids)
        )

    found = sorted(filter(fits, everything(world)), key=ORDERS[query.order], reverse=query.descending)
    return [one.id for one in found]


@pytest.mark.parametrize("query", QUERIES)
def test_listings_of_an_untouched_wiki(query: Query) -> None:
    world = world_of(COUNT)
    assert [one.id for one in world.listing(query)] == by_hand(world, query)


MOVES = (
    "move_parent",
    "move_space",
    "trash",
    "archive",
    "restore",
    "purge",
    "edit",
    "rename",
    "attach",
    "attachment_version",
    "create",
)


@settings(max_examples=40, deadline=None)  # an example looks at a thousand contents, one by one
@given(st.lists(st.tuples(st.sampled_from(MOVES), st.integers(0, COUNT - 1), st.integers(0, COUNT - 1)), max_size=8))
def test_listings_after_any_changes(steps: list[tuple[str, int, int]]) -> None:
    world = world_of(COUNT)
    changes = Changes(world)
    for kind, one, other in steps:
        arguments = {"id": str(10_000_000 + one), "parent": str(10_000_000 + other)}
        if kind == "attachment_version":
            arguments["id"] = f"att{50_000_000 + one // 3}"
        try:
            changes.change(kind, arguments)
        except ValueError:
            continue  # it cannot happen to this one
    for query in QUERIES:
        assert [found.id for found in world.listing(query)] == by_hand(world, query)


def test_every_change_that_is_offered_is_there() -> None:
    changes = Changes(world_of(COUNT))
    for kind in KINDS:
        assert changes.change(kind, {})
