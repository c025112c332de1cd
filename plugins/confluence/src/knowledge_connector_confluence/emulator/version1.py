"""Version 1 of the API: all of it on Data Center, what is left of it on Cloud."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.responses import Response

from knowledge_connector_confluence.emulator.call import Call, Desk, Operation
from knowledge_connector_confluence.emulator.cql import Searching
from knowledge_connector_confluence.emulator.listing import Listing
from knowledge_connector_confluence.emulator.model import (
    GROUPS,
    IN_TREE,
    READABLE,
    READER,
    USERS,
    Content,
    Group,
    Kind,
    Space,
    User,
    refuse,
    stamp,
)
from knowledge_connector_confluence.emulator.paging import Page, cursor_page, limit_of, offset_page, start_of, whole
from knowledge_connector_confluence.emulator.shapes1 import (
    Shapes1,
    expansions,
    label_body,
    largest_page,
    links_of_page,
)
from knowledge_connector_confluence.emulator.world import ORDERS, VENDOR, Query, principals

Row = dict[str, Any]

ZONE = "Europe/Berlin"
GONE = "com.atlassian.confluence.api.service.exceptions.GoneException: This deprecated endpoint has been removed."
DATACENTER_VERSION = "9.2.1"

_CHILD_KINDS: Mapping[str, Kind] = {"page": "page", "attachment": "attachment", "comment": "comment"}


class Version1:
    """The endpoints below `/rest/api`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._world = desk.world
        self._shapes = Shapes1(desk)
        zone = desk.services.options.get(f"{VENDOR}.timezone", ZONE)
        self._searching = Searching(desk.world, ZoneInfo(zone))

    def on_both(self) -> Iterator[Operation]:
        """What Cloud kept."""
        yield "GET", "/content/search", "search", self._content_search
        yield "GET", "/search", "search", self._search
        yield "GET", "/search/user", "search", self._search_users
        yield "GET", "/content/{id}/restriction", "read:content.restriction", self._restrictions
        yield "GET", "/content/{id}/restriction/byOperation", "read:content.restriction", self._by_operation
        yield "GET", "/content/{id}/restriction/byOperation/{key}", "read:content.restriction", self._one_operation
        yield "GET", "/content/{id}/descendant/{kind}", "read:hierarchical-content", self._descendants
        yield "POST", "/content/{id}/permission/check", "read:content.permission", self._check
        yield "GET", "/group", "read:group", self._groups
        yield "GET", "/user", "read:user", self._user
        yield "GET", "/user/current", "read:user", self._current_user
        yield "GET", "/user/memberof", "read:group", self._member_of

    def on_cloud(self) -> Iterator[Operation]:
        """What Cloud has alone, and what it took away."""
        yield "GET", "/group/{id}/membersByGroupId", "read:group", self._members
        for path in (
            "/content", "/content/{id}", "/content/{id}/child", "/content/{id}/child/{kind}", "/content/{id}/label", "/space",
            "/space/{key}", "/space/{key}/content", "/group/{id}/member",
        ):  # fmt: skip
            yield "GET", path, "", _gone

    def on_datacenter(self) -> Iterator[Operation]:
        """What only Data Center has (still)."""
        yield "GET", "/space", "", self._spaces
        yield "GET", "/space/{key}", "", lambda call: self._shapes.space(call, self._space(call), expansions(call))
        yield "GET", "/space/{key}/permissions", "", self._permissions
        yield "GET", "/content", "", self._contents
        yield "GET", "/content/scan", "", self._scan
        yield "GET", "/content/{id}", "", self._content
        yield "GET", "/content/{id}/child/{kind}", "", self._children
        yield "GET", "/content/{id}/label", "", self._labels
        yield "GET", "/group/{id:path}/member", "", self._members  # names may hold a slash
        yield "GET", "/server-information", "", self._server

    # ------------------------------------------------------------------------------------------------------------- search

    def _content_search(self, call: Call) -> Row:
        asked = expansions(call)
        page = self._found(call, largest_page(call, asked))
        results = self._desk.seen(call, page.results)
        return self._answer(call, self._shapes.contents(call, results, asked, page.limit), page)

    def _found(self, call: Call, largest: int) -> Page:
        """A page of what a query finds: by cursors on Cloud, where `start` is ignored, by offsets on Data Center."""
        text = call.query.get("cql")
        if not text:
            refuse(400, "CQL query must not be empty")
        listing = self._world.listing(self._searching.query(text, self._desk.kinds(call)))
        faults = self._desk.services.faults
        if not call.cloud:
            return offset_page(listing, call.query, largest, faults, call.operation)
        limit = limit_of(call.query, largest=largest)
        pairs = [pair for pair in call.pairs if pair[0] != "next"]
        return cursor_page(listing, call.path, pairs, limit, faults, call.operation)

    def _search(self, call: Call) -> Row:
        """The form of search results, which wrap contents."""
        page = self._found(call, 250 if call.cloud else 1000)
        rows = [self._hit(call, one) for one in self._desk.seen(call, page.results)]
        told = self._answer(call, rows, page)
        size = len(self._world.listing(self._searching.query(call.query["cql"], self._desk.kinds(call))))
        return {**told, "totalSize": size, "cqlQuery": call.query["cql"], "searchDuration": 1, "archivedResultCount": 0}

    def _hit(self, call: Call, one: Content) -> Row:
        content = self._shapes.content(call, one, frozenset())
        space = self._world.spaces[self._world.space_key(one)]
        return {
            "content": content,
            "title": one.title,
            "excerpt": "",
            "url": content["_links"]["webui"],
            "resultGlobalContainer": {"title": space.name, "displayUrl": f"/spaces/{space.key}"},
            "entityType": "content",
            "lastModified": stamp(one.modified),
        }

    def _answer(self, call: Call, rows: Sequence[Row], page: Page) -> Row:
        following = page.cursor and (
            f"{call.path}?{call.with_cursor(page.cursor, {'next': 'true'})}" if call.cloud else _with_start(call, page)
        )
        told = {"results": list(rows), "start": page.start, "limit": page.limit, "size": len(rows)}
        return {**told, "_links": links_of_page(self._desk, call, following)}

    def _offset(self, call: Call, listing: Listing, asked: frozenset[str]) -> Row:
        page = offset_page(listing, call.query, largest_page(call, asked), self._desk.services.faults, call.operation)
        results = self._desk.seen(call, page.results)
        return self._answer(call, self._shapes.contents(call, results, asked, page.limit), page)

    # ----------------------------------------------------------------------------------------------------------- contents

    def _contents(self, call: Call) -> Row:
        kind = call.query.get("type", "page")
        if kind not in READABLE:
            refuse(400, f"No ContentTypeBinding found for type: {kind}")
        status = call.query.get("status", "current")
        statuses = ("current", "archived", "trashed") if status == "any" else (status,)
        key = call.query.get("spaceKey")
        if key is not None and key not in self._world.spaces:
            refuse(404, f"No space with key : {key}")
        query = Query(
            kinds=(kind,),
            statuses=statuses,
            spaces=None if key is None else (key,),
            test=self._world.test(title=call.query.get("title"), subtype=None, label=None),
        )
        return self._offset(call, self._world.listing(query), expansions(call))

    def _scan(self, call: Call) -> Row:
        """By cursors, on which changes in between have no effect."""
        asked, key = expansions(call), call.query.get("spaceKey")
        listing = self._world.listing(Query(spaces=None if key is None else (key,)))
        limit = limit_of(call.query, largest=largest_page(call, asked))
        page = cursor_page(listing, call.path, call.pairs, limit, self._desk.services.faults, call.operation)
        rows = self._shapes.contents(call, self._desk.seen(call, page.results), asked, limit)
        following = page.cursor and f"{call.path}?{call.with_cursor(page.cursor)}"
        told = {"results": rows, "cursor": call.query.get("cursor", ""), "limit": limit, "size": len(rows)}
        return {**told, "nextCursor": page.cursor or "", "_links": links_of_page(self._desk, call, following)}

    def _content(self, call: Call) -> Row:
        status = call.query.get("status", "current")
        statuses = ("current", "archived", "trashed", "draft") if status == "any" else status.split(",")
        one = self._desk.known(call, call.ids["id"], self._desk.kinds(call), statuses)
        asked = expansions(call)
        return self._shapes.contents(call, [one], asked, 1)[0]

    def _children(self, call: Call) -> Row:
        kind = _CHILD_KINDS.get(call.ids["kind"])
        if kind is None:
            refuse(400, f"No ContentTypeBinding found for type: {call.ids['kind']}")
        one = self._desk.known(call, call.ids["id"], READABLE)
        return self._offset(call, self._below(one, kind), expansions(call))

    def _below(self, one: Content, kind: Kind) -> Listing:
        if kind == "page":
            return self._world.listing(Query(ids=tuple(self._child_pages(one.id))))
        if kind == "attachment":
            return self._world.attached(one.id, ("current",))
        return Listing((), self._world.generated.page, self._world.comments(one.id), ORDERS["id"])

    def _child_pages(self, id_: str) -> Iterator[str]:
        """Ids of the pages that hang on a content, and on what is between and has no name here."""
        for child in whole(self._world.children(id_, IN_TREE)):
            if child.kind == "page":
                yield child.id
            else:
                yield from self._child_pages(child.id)

    def _labels(self, call: Call) -> Row:
        one = self._desk.known(call, call.ids["id"])
        rows = [dict(label_body(name)) for name in one.labels]
        return {
            "results": rows,
            "start": 0,
            "limit": 200,
            "size": len(rows),
            "_links": links_of_page(self._desk, call, None),
        }

    def _descendants(self, call: Call) -> Row:
        kinds = cast(tuple[str, ...], self._desk.kinds(call))
        if call.ids["kind"] not in kinds:
            refuse(400, f"No ContentTypeBinding found for type: {call.ids['kind']}")
        one = self._desk.known(call, call.ids["id"], IN_TREE)
        query = Query(kinds=(cast(Kind, call.ids["kind"]),), beneath=one.id)
        return self._offset(call, self._world.listing(query), expansions(call))

    # ------------------------------------------------------------------------------------------------------------- rights

    def _is_expanded(self, call: Call, what: str) -> bool:
        """Cloud tells who is meant without being asked."""
        return call.cloud or any(one.endswith(what) for one in call.query.get("expand", "").split(","))

    def _by_operation(self, call: Call) -> Row:
        one = self._desk.known(call, call.ids["id"], self._desk.kinds(call))
        wanted = self._is_expanded(call, "restrictions.user") and self._is_expanded(call, "restrictions.group")
        return self._shapes.restrictions(call, one, expanded=wanted)

    def _restrictions(self, call: Call) -> Row:
        told = self._by_operation(call)
        rows = [told["read"], told["update"]]
        return {"results": rows, "start": 0, "limit": 100, "size": 2, "_links": links_of_page(self._desk, call, None)}

    def _one_operation(self, call: Call) -> Row:
        key = call.ids["key"]
        if key not in ("read", "update"):
            refuse(404, f"No restriction for operation {key}")
        return cast(Row, self._by_operation(call)[key])

    def _check(self, call: Call) -> Row:
        """A refusal is no error here."""
        subject, operation = call.body.get("subject"), call.body.get("operation", "read")
        if not isinstance(subject, dict):
            refuse(400, "subject is required")
        one = self._desk.known(call, call.ids["id"], self._desk.kinds(call))
        name = str(subject.get("identifier"))
        meant = {f"{subject.get('type')}:{name}"} | {
            f"group:{each.name}" for each in GROUPS.values() if name in each.members
        }
        chain = [one, *self._world.ancestors(one)]
        limits = [each.readers for each in chain if each.readers] + [
            self._world.spaces[self._world.space_key(one)].readers
        ]
        limits += [one.editors] if operation == "update" and one.editors else []
        return {"hasPermission": all(not meant.isdisjoint(limit) for limit in limits), "errors": []}

    def _visible_spaces(self, call: Call) -> list[Space]:
        spaces = sorted(self._world.spaces.values(), key=lambda one: int(one.id))
        return [one for one in spaces if not call.caller.anonymous or "anonymous" in one.readers]

    def _space(self, call: Call) -> Space:
        found = next((one for one in self._visible_spaces(call) if one.key == call.ids["key"]), None)
        if found is None:
            refuse(404, f"No space with key : {call.ids['key']}")
        return found

    def _spaces(self, call: Call) -> Row:
        """`spaceKey` may be repeated; knowledge bases are global spaces here."""
        keys, asked = call.all("spaceKey"), expansions(call)
        found = [
            one
            for one in self._visible_spaces(call)
            if (not keys or one.key in keys)
            and call.query.get("status", one.status) == one.status
            and call.query.get("type", _plain_type(one)) == _plain_type(one)
        ]
        start, limit = start_of(call.query), limit_of(call.query, largest=100)
        rows = [
            {**self._shapes.space(call, one, asked), "type": _plain_type(one)} for one in found[start : start + limit]
        ]
        return self._answer(
            call, rows, Page([], str(start + limit) if start + limit < len(found) else None, limit, start)
        )

    def _permissions(self, call: Call) -> Response | Row:
        """For administrators; anybody else gets a 500 (CONFSERVER-99908). People are named by their keys only."""
        space = self._space(call)
        if self._desk.services.options.get(f"{VENDOR}.datacenter_admin", "yes") == "no":
            refuse(500, "Internal Server Error")
        users, groups = principals(space.readers)
        subjects: list[Row] = [{"type": "user", "userKey": USERS[user].key} for user in users]
        subjects += [{"type": "group", "name": group} for group in groups]
        subjects += [{"type": "anonymous"}] if "anonymous" in space.readers else []
        read = {"operationKey": "read", "targetType": "space"}
        rows = [{"operation": read, "subject": subject, "spaceKey": space.key} for subject in subjects]
        delete = {
            "operation": {"operationKey": "delete", "targetType": "page"},
            "subject": {"type": "group", "name": "site-admins"},
        }
        return self._answer(call, [*rows, {**delete, "spaceKey": space.key}], Page([], None, 200))

    # ------------------------------------------------------------------------------------------------------------- people

    def _user_row(self, call: Call, user: User) -> Row:
        return self._desk.mention(call).user(user)

    def _short_page(self, call: Call, rows: Sequence[Row]) -> Row:
        """People and groups have no next link: a page that is shorter than asked for is the last one."""
        start, limit = start_of(call.query), limit_of(call.query, default=200, largest=200)
        page = rows[start : start + limit]
        return {
            "results": list(page),
            "start": start,
            "limit": limit,
            "size": len(page),
            "_links": {"base": self._desk.base(call)},
        }

    def _groups(self, call: Call) -> Row:
        return self._short_page(call, [self._desk.mention(call).group(one) for one in GROUPS.values()])

    def _group(self, call: Call) -> Group:
        wanted = call.ids["id"]
        found = next((one for one in GROUPS.values() if wanted == (one.id if call.cloud else one.name)), None)
        if found is None:
            refuse(404, f"No group with id or name: {wanted}")
        return found

    def _members(self, call: Call) -> Row:
        return self._short_page(call, [self._user_row(call, USERS[one]) for one in self._group(call).members])

    def _meant(self, call: Call) -> User:
        asked = set(call.pairs)
        found = next((user for user in USERS.values() if asked & _names_of(user, cloud=call.cloud)), None)
        if found is None:
            refuse(404, "No user found")
        return found

    def _user(self, call: Call) -> Row:
        return self._user_row(call, self._meant(call))

    def _current_user(self, call: Call) -> Row:
        if call.caller.anonymous:
            return {
                "type": "anonymous",
                "displayName": "Anonymous",
                "profilePicture": {"path": "/images/icons/profilepics/anonymous.svg"},
            }
        return self._user_row(call, READER)

    def _member_of(self, call: Call) -> Row:
        user = self._meant(call)
        mention = self._desk.mention(call)
        return self._short_page(call, [mention.group(one) for one in GROUPS.values() if user.account in one.members])

    def _search_users(self, call: Call) -> Row:
        rows = [
            {"user": self._user_row(call, user), "title": user.display, "entityType": "user"} for user in USERS.values()
        ]
        return self._short_page(call, rows)

    def _server(self, call: Call) -> Row:
        version = self._desk.services.options.get(f"{VENDOR}.datacenter_version", DATACENTER_VERSION)
        return {"version": version, "buildNumber": 9200, "baseUrl": self._desk.base(call)}


def _names_of(user: User, *, cloud: bool) -> set[tuple[str, str]]:
    """The parameters that mean somebody."""
    return {("accountId", user.account)} if cloud else {("username", user.name), ("key", user.key)}


def _gone(_: Call) -> Row:
    refuse(410, GONE)


def _plain_type(space: Space) -> str:
    return "personal" if space.type == "personal" else "global"


def _with_start(call: Call, page: Page) -> str:
    kept = [pair for pair in call.pairs if pair[0] not in ("start", "limit")]
    return f"{call.path}?{urlencode([*kept, ('start', str(page.cursor)), ('limit', str(page.limit))])}"
