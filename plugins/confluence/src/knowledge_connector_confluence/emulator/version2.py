"""Version 2 of the API of Cloud: the same below the site's address and behind the gateway."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from knowledge_connector_confluence.emulator.call import Call, Desk, Endpoint, Operation
from knowledge_connector_confluence.emulator.model import READABLE, USERS, Content, Kind, Space, label_id, refuse
from knowledge_connector_confluence.emulator.people import Mention
from knowledge_connector_confluence.emulator.rendering import FORMATS, IN_LISTS
from knowledge_connector_confluence.emulator.shapes2 import Shapes2, label_body, version_body
from knowledge_connector_confluence.emulator.trees2 import Trees2
from knowledge_connector_confluence.emulator.world import Query

Row = dict[str, Any]

PLURALS: Mapping[str, Kind] = {
    "pages": "page",
    "blogposts": "blogpost",
    "attachments": "attachment",
}
_SORTS = {"id": "id", "created-date": "created", "modified-date": "modified", "title": "title"}
_STATUSES = ("current", "archived", "deleted", "trashed", "draft")
MAX_IDS, MAX_SPACES = 250, 100


class Version2:
    """The endpoints below `/api/v2`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._world = desk.world
        self._shapes = Shapes2(desk)

    def endpoints(self) -> Iterator[Operation]:
        """All of them."""
        yield "GET", "/spaces", "read:space", self._spaces
        yield "GET", "/spaces/{id}", "read:space", lambda call: self._shapes.space(call, self._space(call))
        yield "GET", "/spaces/{id}/permissions", "read:space", self._permissions
        for plural in ("pages", "blogposts"):
            yield "GET", f"/{plural}", "read:page", self._listed(PLURALS[plural])
            yield "GET", f"/spaces/{{id}}/{plural}", "read:page", self._listed(PLURALS[plural])
            yield "GET", f"/labels/{{label}}/{plural}", "read:page", self._listed(PLURALS[plural])
            yield "GET", f"/{plural}/{{id}}", "read:page", self._one(PLURALS[plural])
            yield "GET", f"/{plural}/{{id}}/attachments", "read:attachment", self._attached
            yield "GET", f"/{plural}/{{id}}/versions", "read:page", self._versions
            for kind in ("footer", "inline"):
                yield "GET", f"/{plural}/{{id}}/{kind}-comments", "read:comment", self._comments(kind)
        yield "GET", "/attachments", "read:attachment", self._listed("attachment")
        yield "GET", "/attachments/{id}", "read:attachment", self._attachment
        for plural in ("pages", "blogposts", "attachments"):
            yield "GET", f"/{plural}/{{id}}/labels", "read:label", self._labels_of(PLURALS[plural])
        yield from Trees2(self._desk).endpoints()
        yield "POST", "/users-bulk", "read:user", self._users
        yield "POST", "/content/convert-ids-to-types", "read:content.metadata", self._types

    # ------------------------------------------------------------------------------------------------------------- spaces

    def _visible_spaces(self, call: Call) -> list[Space]:
        spaces = self._world.spaces.values()
        return [one for one in spaces if not call.caller.anonymous or "anonymous" in one.readers]

    def _space(self, call: Call) -> Space:
        found = next((one for one in self._visible_spaces(call) if one.id == call.ids["id"]), None)
        if found is None:
            refuse(404, f"No space found with id: {call.ids['id']}")
        return found

    def _spaces(self, call: Call) -> Row:
        """Keys of personal spaces are aliases, by which `keys` finds nothing."""
        ids, keys, query = call.all("ids"), call.all("keys"), call.query
        if len(keys) > MAX_IDS or len(ids) > MAX_IDS:
            refuse(400, f"At most {MAX_IDS} keys or ids.")
        spaces = [
            one
            for one in self._visible_spaces(call)
            if (not ids or one.id in ids)
            and (not keys or (one.key in keys and one.type != "personal"))
            and query.get("type", one.type) == one.type
            and query.get("status", one.status) == one.status
        ]
        return self._shapes.rows(
            call, [self._shapes.space(call, one) for one in sorted(spaces, key=lambda one: int(one.id))]
        )

    def _permissions(self, call: Call) -> Row:
        return self._shapes.rows(call, self._shapes.permissions(self._space(call)))

    # ---------------------------------------------------------------------------------------------------- pages and posts

    def _listed(self, kind: Kind) -> Endpoint:
        def answer(call: Call) -> Row:
            form = call.query.get("body-format", "none")
            if form not in ("none", *IN_LISTS):
                refuse(400, f"body-format in lists is one of {', '.join(IN_LISTS)}, not {form}")
            page = self._shapes.page(
                call, self._world.listing(self._query(call, kind)), default=50 if kind == "attachment" else 25
            )
            results = self._desk.seen(call, page.results)
            if form != "none":
                self._desk.check_bodies(results, form, page.limit)
            return self._shapes.answer(call, [self._shapes.content(call, one, form) for one in results], page.cursor)

        return answer

    def _query(self, call: Call, kind: Kind) -> Query:
        """What the filters of a request ask for."""
        query = call.query
        statuses = call.all("status") or (("current",) if kind != "page" else ("current", "archived"))
        if wrong := [status for status in statuses if status not in _STATUSES]:
            refuse(400, f"there is no status {wrong[0]!r}")
        sort = query.get("sort", "id")
        if sort.removeprefix("-") not in _SORTS:
            refuse(400, f"cannot be sorted by {sort!r}")
        ids = call.all("id")
        if len(ids) > MAX_IDS:
            refuse(400, f"At most {MAX_IDS} ids.")
        return Query(
            kinds=(kind,),
            statuses=statuses,
            spaces=self._space_keys(call),
            ids=self._root_ids() if query.get("depth") == "root" else ids or None,
            order=_SORTS[sort.removeprefix("-")],
            descending=sort.startswith("-"),
            test=self._world.test(title=query.get("title"), subtype=query.get("subtype"), label=self._label(call)),
        )

    def _space_keys(self, call: Call) -> tuple[str, ...] | None:
        ids = (call.ids["id"],) if "id" in call.ids else call.all("space-id")
        if len(ids) > MAX_SPACES:
            refuse(400, f"At most {MAX_SPACES} space ids.")
        if "id" in call.ids:
            self._space(call)
        return tuple(one.key for one in self._world.spaces.values() if one.id in ids) if ids else None

    def _root_ids(self) -> tuple[str, ...]:
        rows = (one.id for one in self._world.rows.values() if one.parent is None)
        return tuple({*rows, *(space.home for space in self._world.spaces.values())})

    def _label(self, call: Call) -> str | None:
        if "label" not in call.ids:
            return None
        return next((name for name in self._world.labels() if label_id(name) == call.ids["label"]), "\0no such label")

    def _one(self, kind: Kind) -> Endpoint:
        def answer(call: Call) -> Row:
            form = call.query.get("body-format", "none")
            if form not in ("none", *FORMATS):
                refuse(400, f"body-format is one of {', '.join(FORMATS)}, not {form}")
            one = _of_version(
                self._desk.known(call, call.ids["id"], [kind], call.all("status")), call.query.get("version")
            )
            if form != "none":
                self._desk.check_bodies([one], form, 1)
            return {**self._shapes.content(call, one, form), **self._included(call, one)}

        return answer

    def _included(self, call: Call, one: Content) -> Row:
        labels = {"labels": {"results": [label_body(label) for label in one.labels], "meta": {"hasMore": False}}}
        return labels if call.query.get("include-labels") == "true" else {}

    def _versions(self, call: Call) -> Row:
        one = self._desk.known(call, call.ids["id"], READABLE)
        told = [{**version_body(one), "number": number} for number in range(one.version, 0, -1)]
        return self._shapes.rows(call, told)

    def _comments(self, subtype: str) -> Endpoint:
        def answer(call: Call) -> Row:
            page = self._desk.known(call, call.ids["id"], READABLE)
            form = call.query.get("body-format", "none")
            found = [one for one in self._world.comments(page.id) if one.subtype == subtype and one.status == "current"]
            return self._shapes.rows(call, [self._shapes.comment(call, one, form) for one in found])

        return answer

    # -------------------------------------------------------------------------------------------------------- attachments

    def _attached(self, call: Call) -> Row:
        container = self._desk.known(call, call.ids["id"], READABLE)
        statuses, query = call.all("status") or ("current",), call.query
        page = self._shapes.page(call, self._world.attached(container.id, statuses), default=50)
        results = [
            one
            for one in self._desk.seen(call, page.results)
            if query.get("filename", one.title) == one.title
            and query.get("mediaType", one.media_type) == one.media_type
        ]
        return self._shapes.answer(call, [self._shapes.attachment(one) for one in results], page.cursor)

    def _attachment(self, call: Call) -> Row:
        return self._shapes.attachment(self._desk.known(call, call.ids["id"], ["attachment"]))

    # ------------------------------------------------------------------------------------------------------------- labels

    def _labels_of(self, kind: Kind) -> Endpoint:
        def answer(call: Call) -> Row:
            one = self._desk.known(call, call.ids["id"], [kind])
            return self._shapes.rows(call, [label_body(label) for label in one.labels])

        return answer

    # ------------------------------------------------------------------------------------------------------------- people

    def _users(self, call: Call) -> Row:
        wanted = call.body.get("accountIds")
        if not isinstance(wanted, list):
            refuse(400, "accountIds is required")
        mention = Mention(cloud=True)
        return {"results": [mention.user(USERS[one]) for one in wanted if one in USERS], "_links": {}}

    def _types(self, call: Call) -> Row:
        wanted = call.body.get("contentIds")
        if not isinstance(wanted, list):
            refuse(400, "contentIds is required")
        found = {str(id_): self._world.find(str(id_)) for id_ in cast(list[object], wanted)}
        return {
            "results": {
                id_: one.kind if one and self._desk.may_see(call, one) else "null" for id_, one in found.items()
            }
        }


def _of_version(one: Content, number: str | None) -> Content:
    """An older version of a content, if one is asked for."""
    if number is None or number == str(one.version):
        return one
    if not number.isdecimal() or not 1 <= int(number) < one.version:
        refuse(404, f"No version {number} of content {one.id}")
    return replace(one, version=int(number), status="historical", edition=min(one.edition, int(number)))
