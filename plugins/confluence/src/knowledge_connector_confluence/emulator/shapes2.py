"""Contents and spaces as version 2 of the API shows them, and its pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from knowledge_connector_confluence.emulator.bodies import WITHOUT_SIZE, file_bytes
from knowledge_connector_confluence.emulator.call import Call, Desk, download_path, webui
from knowledge_connector_confluence.emulator.listing import Listing
from knowledge_connector_confluence.emulator.model import GROUPS, Content, Space, label_id, stamp
from knowledge_connector_confluence.emulator.paging import Page, cursor_page, limit_of, sequence_page
from knowledge_connector_confluence.emulator.world import principals

Row = dict[str, Any]


class Shapes2:
    """Makes rows and pages of version 2.

    Args:
        desk: For the wiki, addresses and faults.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._world = desk.world

    def answer(self, call: Call, results: Sequence[Row], cursor: str | None) -> Row:
        """Give a page as an answer: the link to the next one is relative to the host, and names the site's path behind the gateway, too."""
        links = {"base": self._desk.base(call)}
        if cursor:
            links["next"] = f"/wiki{call.path}?{call.with_cursor(cursor)}"
        return {"results": list(results), "_links": links}

    def page(self, call: Call, listing: Listing, *, default: int = 25) -> Page:
        """Give a page of a listing."""
        limit = limit_of(call.query, default=default)
        return cursor_page(listing, call.path, call.pairs, limit, self._desk.services.faults, call.operation)

    def rows(self, call: Call, rows: Sequence[Row]) -> Row:
        """Give a page of something short as an answer."""
        indices, cursor = sequence_page(len(rows), call.path, call.pairs, limit_of(call.query))
        return self.answer(call, [rows[index] for index in indices], cursor)

    def space(self, call: Call, space: Space) -> Row:
        """Give a space."""
        told = {"id": space.id, "key": space.key, "name": space.name, "type": space.type, "status": space.status}
        described = {"description": {"plain": {"value": f"{space.name}.", "representation": "plain"}}}
        return {
            **told,
            "homepageId": space.home,
            "currentActiveAlias": space.key,
            **(described if "description-format" in call.query else {}),
            "_links": {"webui": f"/spaces/{space.key}"},
        }

    def permissions(self, space: Space) -> list[Row]:
        """Give who may view the space, and some who may do other things in it."""
        users, groups = principals(space.readers)
        rows = [{"principal": {"type": "user", "id": one}} for one in users]
        rows += [{"principal": {"type": "group", "id": _group_id(one)}} for one in groups]
        rows += [{"principal": {"type": "role", "id": "anonymous"}}] if "anonymous" in space.readers else []
        reads: list[Row] = [{**row, "operation": {"key": "read", "targetType": "space"}} for row in rows]
        admins = {"type": "group", "id": _group_id("site-admins")}
        deletes = {"principal": admins, "operation": {"key": "delete", "targetType": "page"}}
        return [{"id": str(n), **row} for n, row in enumerate([*reads, deletes], 1)]

    def content(self, call: Call, one: Content, form: str) -> Row:
        """Give a content with its body in a format, or `none`."""
        if one.kind == "attachment":
            return self.attachment(one)
        space = self._world.spaces[self._world.space_key(one)]
        return {
            "id": one.id,
            "status": one.status,
            "title": one.title,
            "spaceId": space.id,
            **(self._parent(one) if one.kind != "blogpost" else {}),
            "position": one.number,
            "authorId": one.author,
            "ownerId": one.author,
            "createdAt": stamp(one.created),
            "version": version_body(one),
            **({"subtype": one.subtype} if one.subtype else {}),
            "body": self._body(call, one, form),
            "_links": _links(one, space.key),
        }

    def _parent(self, one: Content) -> Row:
        parent = self._world.find(one.parent) if one.parent else None
        return {"parentId": parent.id if parent else None, "parentType": parent.kind if parent else None}

    def _body(self, call: Call, one: Content, form: str) -> Row:
        if form == "none":
            return {}
        return {form: {"representation": form, "value": self._desk.rendering(call).body(one, form)}}

    def comment(self, call: Call, one: Content, form: str) -> Row:
        """Give a comment."""
        told = self.content(call, one, form)
        return {key: told[key] for key in ("id", "status", "title", "version", "body", "_links")} | {
            "pageId": one.parent
        }

    def attachment(self, one: Content) -> Row:
        """Give an attachment; of one nobody is told the size."""
        container = self._world.container(one)
        place = "blogPostId" if container and container.kind == "blogpost" else "pageId"
        size = {} if one.file == WITHOUT_SIZE else {"fileSize": len(file_bytes(one))}
        links = {"webui": webui(one, "", cloud=True), "download": download_path(one)}
        return {
            "id": one.id,
            "status": one.status,
            "title": one.title,
            "mediaType": one.media_type,
            "mediaTypeDescription": "File",
            "comment": "",
            "fileId": f"file-{one.number}",
            **size,
            place: one.parent,
            "createdAt": stamp(one.created),
            "version": version_body(one),
            "webuiLink": links["webui"],
            "downloadLink": links["download"],
            "_links": links,
        }


def _group_id(name: str) -> str:
    return GROUPS[name].id


def label_body(name: str) -> Row:
    """Give a label."""
    return {"id": label_id(name), "name": name, "prefix": "global"}


def version_body(one: Content) -> Row:
    """Give the current version of a content."""
    return {
        "createdAt": stamp(one.modified),
        "number": one.version,
        "minorEdit": one.minor,
        "message": "" if one.version == 1 else f"Version {one.version}",
        "authorId": one.author,
    }


def _links(one: Content, space: str) -> Row:
    edit = f"/pages/resumedraft.action?draftId={one.id}"
    return {"webui": webui(one, space, cloud=True), "editui": edit, "tinyui": f"/x/{one.number:x}"}
