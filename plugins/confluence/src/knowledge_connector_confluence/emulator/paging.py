"""Pages of listings: by opaque cursors, and by offsets with their traps."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from knowledge_connector.testing.emulation import Faults
from knowledge_connector_confluence.emulator.listing import Listing
from knowledge_connector_confluence.emulator.model import Content, refuse
from knowledge_connector_confluence.emulator.world import VENDOR

FAULTS = {
    "duplicate_results": "a page begins with the last result of the page before",
    "lost_result": "the first result of a page is left out, as if another had been deleted while somebody read",
    "empty_page": "a page has no results, and a next one",
    "cursor_loop": "the next page is this page",
    "bad_cursor": "a cursor is refused with 400",
}
"""What can go wrong with pages; `operation` is the listing's, such as `GET pages`."""

NOT_FILTERS = frozenset({"cursor", "limit", "start"})


@dataclass(frozen=True, slots=True)
class Page:
    """Some results, and where it goes on.

    Attributes:
        cursor: Of the next page; `None` for the last one.
        limit: How many results it might have had.
        start: Index of its first result.
        clamped: Whether more had been asked for.
    """

    results: Sequence[Content]
    cursor: str | None
    limit: int
    start: int = 0
    clamped: bool = False


def limit_of(query: Mapping[str, str], *, default: int = 25, largest: int = 250) -> int:
    """Give the page size; what is too large is clamped silently, what is none is refused."""
    text = query.get("limit", str(default))
    if not text.isdecimal() or not int(text):
        refuse(400, f"limit should be a positive number, not {text!r}")
    return min(int(text), largest)


def filters(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """A query without what says which page of it is wanted."""
    return [pair for pair in pairs if pair[0] not in NOT_FILTERS]


def cursor_page(
    listing: Listing, path: str, pairs: Sequence[tuple[str, str]], limit: int, faults: Faults, operation: str
) -> Page:
    """Give a page of a listing.

    A cursor holds the key of the last result and a digest of the filters, so that it is refused with others; a content that is gone by
    then does not matter, as it would for an offset.
    """
    cursor = dict(pairs).get("cursor")
    mark = _digest(path, filters(pairs))
    if cursor and faults.take(VENDOR, "bad_cursor", operation):
        refuse(400, "The cursor is invalid or has expired.")
    start = listing.after(_key(cursor, mark)) if cursor else 0
    if cursor and faults.take(VENDOR, "cursor_loop", operation):
        return Page(listing[start : start + limit], cursor, limit, start)
    if cursor and faults.take(VENDOR, "empty_page", operation):
        return Page([], _cursor(listing.key(listing[start - 1]), mark) if start else None, limit, start)
    stop = min(start + limit, len(listing))
    following = _cursor(listing.key(listing[stop - 1]), mark) if stop < len(listing) else None
    return Page(shifted(listing, start, stop, faults, operation), following, limit, start)


def shifted(listing: Listing, start: int, stop: int, faults: Faults, operation: str) -> Sequence[Content]:
    """The results of a page, of which one may be doubled or lost."""
    if start and faults.take(VENDOR, "duplicate_results", operation):
        start -= 1
    elif start and faults.take(VENDOR, "lost_result", operation):
        start += 1
    return listing[start:stop]


def sequence_page(count: int, path: str, pairs: Sequence[tuple[str, str]], limit: int) -> tuple[range, str | None]:
    """The same for what is short and never moves, such as spaces: the indices, and the cursor of the next page."""
    cursor, mark = dict(pairs).get("cursor"), _digest(path, filters(pairs))
    start = int(_key(cursor, mark)[0]) if cursor else 0
    stop = min(start + limit, count)
    return range(start, stop), _cursor((stop,), mark) if stop < count else None


def _digest(path: str, kept: Sequence[tuple[str, str]]) -> str:
    return hashlib.sha256(f"{path}?{urlencode(sorted(kept))}".encode()).hexdigest()[:16]


def _cursor(key: Sequence[Any], mark: str) -> str:
    return base64.urlsafe_b64encode(json.dumps({"after": key, "of": mark}).encode()).decode()


def _key(cursor: str, mark: str) -> tuple[Any, ...]:
    try:
        read = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        key, of = tuple(read["after"]), read["of"]
    except (binascii.Error, ValueError, TypeError, KeyError):
        refuse(400, "The cursor is invalid.")
    if of != mark:
        refuse(400, "The cursor belongs to a request with other parameters.")
    return key


def start_of(query: Mapping[str, str]) -> int:
    """Give the offset; nothing is the beginning."""
    text = query.get("start") or "0"
    if not text.isdecimal():
        refuse(400, f"start should be a number, not {text!r}")
    return int(text)


def offset_page(listing: Listing, query: Mapping[str, str], largest: int, faults: Faults, operation: str) -> Page:
    """Give a page by `start` and `limit`; a next page is announced whenever this one is full, be there any more or not."""
    start, limit = start_of(query), limit_of(query, largest=largest)
    stop = min(start + limit, len(listing))
    results = shifted(listing, start, stop, faults, operation) if start < stop else []
    is_clamped = int(query.get("limit", "25")) > limit
    following = str(_next_start(start, limit, clamped=is_clamped)) if stop - start == limit else None
    if start and faults.take(VENDOR, "empty_page", operation):
        return Page([], str(start), limit, start, is_clamped)
    if start and faults.take(VENDOR, "cursor_loop", operation):
        following = str(start)
    return Page(results, following, limit, start, is_clamped)


def _next_start(start: int, limit: int, *, clamped: bool) -> int:
    """Where the next page starts, as the server says: one too low where it gave less than it was asked for (CONFSERVER-95272)."""
    return start + limit - (1 if clamped else 0)


def whole(listing: Listing) -> Iterator[Content]:
    """All of a listing, one after the other."""
    return (listing[index] for index in range(len(listing)))
