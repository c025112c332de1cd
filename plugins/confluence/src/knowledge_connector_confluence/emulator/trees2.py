"""Trees in version 2 of the API: what hangs on a content, what is above it, and contents that are structure only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from knowledge_connector_confluence.emulator.call import Call, Desk, Endpoint, Operation
from knowledge_connector_confluence.emulator.model import IN_TREE, Kind, refuse
from knowledge_connector_confluence.emulator.paging import limit_of
from knowledge_connector_confluence.emulator.shapes2 import Shapes2
from knowledge_connector_confluence.emulator.world import Query

Row = dict[str, Any]

MAX_DEPTH = 10

_PLURALS: Mapping[str, Kind] = {f"{kind}s": kind for kind in IN_TREE}


class Trees2:
    """The endpoints of trees below `/api/v2`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._world = desk.world
        self._shapes = Shapes2(desk)

    def endpoints(self) -> Iterator[Operation]:
        """All of them."""
        for plural, kind in _PLURALS.items():
            scope = "read:folder" if kind == "folder" else "read:hierarchical-content"
            yield "GET", f"/{plural}/{{id}}/direct-children", scope, self._direct_children(kind)
            yield "GET", f"/{plural}/{{id}}/descendants", scope, self._descendants(kind)
            yield "GET", f"/{plural}/{{id}}/ancestors", "read:content.metadata", self._ancestors(kind)
            if kind != "page":
                yield "GET", f"/{plural}/{{id}}", scope, self._without_body(kind)
        yield "GET", "/pages/{id}/children", "read:hierarchical-content", self._children

    def _without_body(self, kind: Kind) -> Endpoint:
        def answer(call: Call) -> Row:
            one = self._desk.known(call, call.ids["id"], [kind])
            told = self._shapes.content(call, one, "none")
            return {key: value for key, value in told.items() if key != "body"} | {"type": kind}

        return answer

    def _direct_children(self, kind: Kind) -> Endpoint:
        def answer(call: Call) -> Row:
            return self._below(call, kind, depth=None)

        return answer

    def _children(self, call: Call) -> Row:
        """Deprecated: pages only."""
        told = self._below(call, "page", depth=None)
        return {**told, "results": [one for one in told["results"] if one["type"] == "page"]}

    def _descendants(self, kind: Kind) -> Endpoint:
        def answer(call: Call) -> Row:
            depth = call.query.get("depth", "2")
            if not depth.isdecimal() or not 1 <= int(depth) <= MAX_DEPTH:
                refuse(400, f"depth is a number from 1 to {MAX_DEPTH}")
            return self._below(call, kind, depth=int(depth))

        return answer

    def _below(self, call: Call, kind: Kind, depth: int | None) -> Row:
        """What hangs on a content, or, with a depth, so many generations of it."""
        top = self._desk.known(call, call.ids["id"], [kind])
        below = Query(kinds=IN_TREE, beneath=top.id)
        listing = self._world.children(top.id, IN_TREE) if depth is None else self._world.listing(below)
        page = self._shapes.page(call, listing)
        level = len(self._world.ancestors(top))
        rows = [(one, len(self._world.ancestors(one)) - level) for one in self._desk.seen(call, page.results)]
        told = [
            {"id": one.id, "status": one.status, "title": one.title, "type": one.kind, "parentId": one.parent, "depth": deep,
             "spaceId": self._world.spaces[one.space].id, "childPosition": one.number}
            for one, deep in rows if deep <= (depth or 1)
        ]  # fmt: skip
        return self._shapes.answer(call, told, page.cursor)

    def _ancestors(self, kind: Kind) -> Endpoint:
        """The nearest ones, the highest of these first; it goes on from the first of them."""

        def answer(call: Call) -> Row:
            above = self._world.ancestors(self._desk.known(call, call.ids["id"], [kind]))
            return {
                "results": [{"id": one.id, "type": one.kind} for one in above[-limit_of(call.query) :]],
                "_links": {},
            }

        return answer
