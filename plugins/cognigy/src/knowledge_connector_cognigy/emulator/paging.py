"""The pages of a list, by cursor or by `skip`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from knowledge_connector_cognigy.emulator.rules import Refusal

DEFAULT_LIMIT, MAX_LIMIT = 25, 100
_SORTABLE = ("_id", "name", "createdAt", "lastChanged", "order", "type", "status")

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list. Cursors are the ids of its outermost items; `None` at the ends of the list."""

    items: list[Item]
    total: int
    next_cursor: str | None
    previous_cursor: str | None


def page(rows: Sequence[Item], query: Mapping[str, str], *, text: str) -> Page:
    """Cut the page that a query asks for.

    Args:
        rows: All of the list, oldest first.
        query: `limit`, `skip`, `sort`, `filter`, `next`, `previous`.
        text: The field that `filter` looks into.

    Raises:
        Refusal: A parameter is out of its range.
    """
    limit = _number(query, "limit", DEFAULT_LIMIT, least=1, most=MAX_LIMIT)
    skip = _number(query, "skip", 0, least=0)
    wanted = query.get("filter", "").casefold()
    found = [row for row in rows if wanted in str(row[text]).casefold()] if wanted else rows
    ordered = _sorted(found, query.get("sort"))
    start = _start(ordered, query, limit) + skip
    items = list(ordered[start : start + limit])
    has_more, has_less = start + limit < len(ordered), start > 0
    return Page(
        items,
        len(ordered),
        items[-1]["_id"] if items and has_more else None,
        items[0]["_id"] if items and has_less else None,
    )


def _start(ordered: Sequence[Item], query: Mapping[str, str], limit: int) -> int:
    if query.get("next"):
        return _position(ordered, query["next"], "next") + 1
    if query.get("previous"):
        return max(0, _position(ordered, query["previous"], "previous") - limit)
    return 0


def _position(ordered: Sequence[Item], cursor: str, name: str) -> int:
    """Where an id is, or would be: ids are in the order of creation, and what a cursor names may be deleted meanwhile."""
    for position, row in enumerate(ordered):
        if row["_id"] == cursor:
            return position
    if len(cursor) != 24:
        raise Refusal(400, f"{name}: {cursor!r} is no cursor")
    return len([row for row in ordered if row["_id"] < cursor]) - 1


def _sorted(rows: Sequence[Item], order: str | None) -> Sequence[Item]:
    if not order:
        return rows
    name, _, direction = order.partition(":")
    if name not in _SORTABLE or direction not in ("", "asc", "desc"):
        raise Refusal(400, f"sort: {order!r}; wanted is one of {', '.join(_SORTABLE)}, then :asc or :desc")
    return sorted(rows, key=lambda row: (str(type(row.get(name))), row.get(name)), reverse=direction == "desc")


def _number(query: Mapping[str, str], name: str, default: int, *, least: int, most: int | None = None) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal() or int(text) < least or (most is not None and int(text) > most):
        raise Refusal(400, f"{name}: {text!r}; wanted is a number from {least}{'' if most is None else f' to {most}'}")
    return int(text)
