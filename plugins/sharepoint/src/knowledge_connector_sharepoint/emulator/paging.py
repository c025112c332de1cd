"""Pages, and the links between them: also those that lead nowhere."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

from knowledge_connector.testing.emulation import Row
from knowledge_connector_sharepoint.emulator.tenant import NAME
from knowledge_connector_sharepoint.emulator.wire import Call, Refusal, seal, unseal
from knowledge_connector_sharepoint.emulator.world import World

PAGE_SIZE = 200
END = 10**12
"""A position behind the end of everything."""

FAULTS = {
    "empty_page": "a page comes without items, and with a link to those that it should have had",
    "empty_last_page": "the last items come with a nextLink, and an empty page after them ends the listing",
    "same_link": "a page links to itself",
    "alternating_links": "two pages with the same items link to each other",
    "endless_pages": "the same items come again, by a new link each time",
    "foreign_link": "the nextLink leads to another host",
}

Fetch = Callable[[int, int], tuple[list[Row], int | None]]
"""Gives rows from a position on, at most so many, and where to go on."""

Link = Callable[[Row], str]
"""Gives the URL of a place in a listing."""


def page_size(world: World, call: Call) -> int:
    """How many items a page has: `$top`, and no more than the server gives.

    Raises:
        Refusal: `$top` is no number.
    """
    most = world.options.number("page_size")
    top = call.query.get("$top", str(most))
    if not top.isdecimal() or not int(top):
        raise Refusal(400)
    return min(most, int(top))


def listing(world: World, call: Call, operation: str, fetch: Fetch) -> Row:
    """Give one page of a listing with `$skiptoken`.

    Args:
        world: For options and faults.
        call: The request.
        operation: What faults know it by.
        fetch: Gives what is on the page.
    """
    token = call.query.get("$skiptoken", call.query.get("$skipToken", ""))
    place = unseal(token) if token else {"of": call.path, "p": 0}
    if place.get("of") != call.path:
        raise Refusal(400)
    rows, following = read(world, operation, place, fetch, page_size(world, call))
    page: Row = {"@odata.context": call.url("/$metadata"), "value": rows}
    if following is not None:
        page["@odata.nextLink"] = linked(world, operation, place, following, lambda to: call.again(_skiptoken=seal(to)))
    return page


def read(world: World, operation: str, place: Row, fetch: Fetch, size: int) -> tuple[list[Row], Row | None]:
    """Give the rows at a place and the place after them, unless a fault has it otherwise."""
    if world.services.faults.take(NAME, "empty_page", operation):
        return [], _again(place)
    rows, following = fetch(place["p"], size)
    if following is None and rows and world.services.faults.take(NAME, "empty_last_page", operation):
        following = END
    return rows, None if following is None else {**place, "p": following}


def linked(world: World, operation: str, place: Row, following: Row, link: Link) -> str:
    """Give the URL of the next page, unless a fault has it otherwise."""
    faults = world.services.faults
    if faults.take(NAME, "same_link", operation):
        return link(place)
    if faults.take(NAME, "alternating_links", operation):
        return link({**place, "x": 1 - place.get("x", 0)})
    if faults.take(NAME, "endless_pages", operation):
        return link(_again(place))
    if faults.take(NAME, "foreign_link", operation):
        return elsewhere(world, link(following))
    return link(following)


def sliced(rows: list[Row]) -> Fetch:
    """Give pages of rows that are all at hand."""

    def fetch(position: int, limit: int) -> tuple[list[Row], int | None]:
        following = position + limit
        return rows[position:following], following if following < len(rows) else None

    return fetch


def elsewhere(world: World, url: str) -> str:
    """The same path and query at another host."""
    parts = urlsplit(url)
    door = world.services.secure_elsewhere_url if parts.scheme == "https" else world.services.elsewhere_url
    return urlunsplit(parts._replace(netloc=urlsplit(door).netloc))


def _again(place: Row) -> Row:
    return {**place, "x": place.get("x", 0) + 1}
