"""Contents, spaces and restrictions as version 1 of the API shows them, with what `expand` asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from knowledge_connector_confluence.emulator.bodies import WITHOUT_SIZE, file_bytes
from knowledge_connector_confluence.emulator.call import CONTEXT, Call, Desk, download_path, webui
from knowledge_connector_confluence.emulator.model import GROUPS, USERS, Content, Space, label_id, refuse, stamp
from knowledge_connector_confluence.emulator.rendering import FORMATS
from knowledge_connector_confluence.emulator.world import principals

Row = dict[str, Any]

SLOW_BODIES = ("body.export_view", "body.styled_view")

_WORDS = (
    "space version ancestors history container extensions metadata restrictions children descendants body operations "
    "homepage description content status icon permissions"
)

_EXPANSIONS = frozenset(_WORDS.split())
"""The first words of what can be expanded; anything else is refused."""


def expansions(call: Call) -> frozenset[str]:
    """What `expand` asks for: one text, joined by commas.

    Raises:
        Refusal: It names what is not known.
    """
    asked = frozenset(part.strip() for part in call.query.get("expand", "").split(",") if part.strip())
    for one in asked:
        if one.partition(".")[0] not in _EXPANSIONS:
            refuse(400, f"Unknown expansion: {one.partition('.')[0]}")
    return asked


def largest_page(call: Call, asked: frozenset[str]) -> int:
    """The most results that a page has, which depends on what is expanded."""
    has_body = any(one.startswith("body.") for one in asked)
    if call.cloud:
        slow = bool(asked & set(SLOW_BODIES))
        return 25 if slow else 50 if has_body else 250
    return 50 if has_body else 200 if asked else 1000


class Shapes1:
    """Makes rows of version 1.

    Args:
        desk: For the wiki, addresses and rights.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._world = desk.world

    def contents(self, call: Call, contents: Sequence[Content], asked: frozenset[str], limit: int) -> list[Row]:
        """Give a page of contents; one that cannot be given spoils it all."""
        for form in self._forms(asked):
            self._desk.check_bodies(contents, form, limit)
        self._check_ancestors(call, contents, asked)
        return [self.content(call, one, asked) for one in contents]

    def _forms(self, asked: frozenset[str]) -> list[str]:
        forms = [one.removeprefix("body.") for one in asked if one.startswith("body.")]
        for form in forms:
            if form not in FORMATS:
                refuse(400, f"Unknown expansion: body.{form}")
        return forms

    def _check_ancestors(self, call: Call, contents: Sequence[Content], asked: frozenset[str]) -> None:
        """Restrictions of ancestors fail as a whole where one of them cannot be seen (CONFCLOUD-77618)."""
        if not any(one.startswith("ancestors.restrictions") for one in asked):
            return
        for one in contents:
            if any(not self._desk.may_see(call, above) for above in self._desk.ancestors(call, one)):
                refuse(404, "No content found")

    def content(self, call: Call, one: Content, asked: frozenset[str]) -> Row:
        """Give one content."""
        space = self._world.spaces[self._world.space_key(one)]
        parts: dict[str, Callable[[], Any]] = {
            "space": lambda: self.space(call, space, frozenset()),
            "version": lambda: self.version(call, one),
            "ancestors": lambda: self._above(call, one, asked),
            "history": lambda: self._history(call, one),
            "container": lambda: self._container(call, one, space),
            "metadata": lambda: self._metadata(one),
            "restrictions": lambda: self.restrictions(call, one, expanded=True),
            "body": lambda: self._bodies(call, one, asked),
            "children": lambda: self._children(call, one),
        }
        roots = {name.partition(".")[0] for name in asked}
        told = {"id": one.id, "type": one.kind, "status": one.status, "title": one.title}
        expanded = {name: make() for name, make in parts.items() if name in roots}
        always = {"extensions": self._extensions(one)} | (
            {"metadata": self._metadata(one)} if one.kind == "attachment" else {}
        )
        folded = {name: "" for name in parts if name not in roots}
        return {**told, **always, **expanded, "_expandable": folded, "_links": self._links(call, one, space)}

    def _links(self, call: Call, one: Content, space: Space) -> Row:
        links = {
            "self": f"{self._desk.base(call)}/rest/api/content/{one.id}",
            "webui": webui(one, space.key, cloud=call.cloud),
            "tinyui": f"/x/{one.number:x}",
        }
        if one.kind == "attachment":
            links["download"] = download_path(one)
        return links

    def _extensions(self, one: Content) -> Row:
        if one.kind != "attachment":
            return {"position": one.number}
        size = {} if one.file == WITHOUT_SIZE else {"fileSize": len(file_bytes(one))}
        return {"mediaType": one.media_type, **size, "comment": "", "fileId": f"file-{one.number}"}

    def _metadata(self, one: Content) -> Row:
        labels = [label_body(name) for name in one.labels]
        told: Row = {"labels": {"results": labels, "start": 0, "limit": 200, "size": len(labels)}}
        return told | ({"mediaType": one.media_type} if one.kind == "attachment" else {})

    def _above(self, call: Call, one: Content, asked: frozenset[str]) -> list[Row]:
        inner = frozenset(name.removeprefix("ancestors.") for name in asked if name.startswith("ancestors."))
        above = [each for each in self._desk.ancestors(call, one) if self._desk.may_see(call, each)]
        return [self.content(call, each, inner) for each in above]

    def _container(self, call: Call, one: Content, space: Space) -> Row:
        container = self._world.container(one)
        return self.content(call, container, frozenset()) if container else self.space(call, space, frozenset())

    def _bodies(self, call: Call, one: Content, asked: frozenset[str]) -> Row:
        rendering, anonymous = self._desk.rendering(call), call.caller.anonymous
        if one.kind == "attachment":
            return {}
        return {
            form: {"value": rendering.body(one, form, anonymous=anonymous), "representation": form}
            for form in self._forms(asked)
        }

    def _children(self, call: Call, one: Content) -> Row:
        attached = self._world.attached(one.id, ("current",))
        rows = [self.content(call, each, frozenset({"version"})) for each in self._desk.seen(call, attached)]
        return {"attachment": {"results": rows[:25], "start": 0, "limit": 25, "size": len(rows[:25])}}

    def version(self, call: Call, one: Content) -> Row:
        """Give the current version of a content."""
        who = self._desk.mention(call).user(USERS[one.author])
        return {"by": who, "when": stamp(one.modified), "message": "", "number": one.version, "minorEdit": one.minor}

    def _history(self, call: Call, one: Content) -> Row:
        who = self._desk.mention(call).user(USERS[one.author])
        return {
            "latest": True,
            "createdBy": who,
            "createdDate": stamp(one.created),
            "lastUpdated": self.version(call, one),
        }

    def space(self, call: Call, space: Space, asked: frozenset[str]) -> Row:
        """Give a space; ids are numbers here."""
        told: Row = {
            "id": int(space.id),
            "key": space.key,
            "name": space.name,
            "type": space.type,
            "status": space.status,
        }
        if "homepage" in asked:
            home = self._world.find(space.home)
            told["homepage"] = self.content(call, home, frozenset()) if home else None
        if any(one.startswith("description") for one in asked):
            told["description"] = {"plain": {"value": f"{space.name}.", "representation": "plain"}}
        webui = f"/spaces/{space.key}" if call.cloud else f"/display/{space.key}"
        own = f"{self._desk.base(call)}/rest/api/space/{space.key}"
        return {
            **told,
            "_expandable": {"homepage": f"/rest/api/content/{space.home}"},
            "_links": {"webui": webui, "self": own},
        }

    # ------------------------------------------------------------------------------------------------------- restrictions

    def restrictions(self, call: Call, one: Content, *, expanded: bool) -> Row:
        """Give both operations; who is meant only where that is expanded."""
        told: Row = {name: self.restriction(call, one, name, expanded=expanded) for name in ("read", "update")}
        return {
            **told,
            "_links": {"self": f"{self._desk.base(call)}/rest/api/content/{one.id}/restriction/byOperation"},
        }

    def restriction(self, call: Call, one: Content, operation: str, *, expanded: bool) -> Row:
        """Give one operation. Without anybody it is not restricted here."""
        users, groups = principals(one.readers if operation == "read" else one.editors)
        mention = self._desk.mention(call)
        told: Row = {"operation": operation}
        if expanded:
            told["restrictions"] = {
                "user": _listed([mention.user(USERS[user]) for user in users]),
                "group": _listed([mention.group(GROUPS[group]) for group in groups]),
            }
        else:
            told["_expandable"] = {"restrictions": "", "content": f"/rest/api/content/{one.id}"}
        return told


def _listed(rows: list[Row]) -> Row:
    return {"results": rows, "start": 0, "limit": 200, "size": len(rows)}


def label_body(name: str) -> Mapping[str, str]:
    """Give a label."""
    return {"prefix": "global", "name": name, "id": label_id(name), "label": name}


def links_of_page(desk: Desk, call: Call, following: str | None) -> Row:
    """The links of a page: the next one is relative to the base."""
    context = "/wiki" if call.cloud else CONTEXT
    base = desk.base(call)
    links = {"base": base, "context": context, "self": f"{base}{call.path}"}
    return links | ({"next": following} if following else {})
