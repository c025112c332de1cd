"""Lists and their items; libraries are lists, too."""

from __future__ import annotations

import re
from html import escape

from knowledge_connector.testing.emulation import Row
from knowledge_connector_sharepoint.emulator import content, driveitem, paging
from knowledge_connector_sharepoint.emulator.delta import Delta
from knowledge_connector_sharepoint.emulator.library import Item, Library
from knowledge_connector_sharepoint.emulator.tenant import HOME, Shelf
from knowledge_connector_sharepoint.emulator.wire import Call, Refusal, chosen
from knowledge_connector_sharepoint.emulator.world import World

_TEMPLATES = {"files": "documentLibrary", "pages": "webPageLibrary", "list": "genericList"}
_INDEXED = ("id", "Modified", "Created")
_UNINDEXED_ALLOWED = "honornonindexedquerieswarningmayfailrandomly"
_FIELDS = re.compile(r"fields(?:\(\$?select=([^)]*)\))?")


class Lists:
    """Answers what is asked of lists."""

    def __init__(self, world: World) -> None:
        self._world = world

    def lists(self, call: Call) -> Row:
        """The lists of a site, hidden ones for who selects `system`."""
        site = self._world.site(call.ids["site"], call.token)
        shelves = [one for one in site.shelves if not one.hidden or "system" in call.selected]
        rows = [chosen(_list_row(shelf), call.selected) for shelf in shelves]
        return paging.listing(self._world, call, "GET lists", paging.sliced(rows))

    def list(self, call: Call) -> Row:
        """One list, by its id or its title."""
        return chosen(_list_row(self._library(call).shelf), call.selected)

    def items(self, call: Call) -> Row:
        """Entries; fields only where they are asked for."""
        library = self._library(call)
        self._check_filter(call)

        def fetch(position: int, limit: int) -> tuple[list[Row], int | None]:
            items, following = library.everything(position + 1, limit)  # without the root
            return [self._shown(call, library, item) for item in items], None if following is None else following - 1

        return paging.listing(self._world, call, "GET list items", fetch)

    def item(self, call: Call) -> Row:
        """One entry."""
        library = self._library(call)
        number = call.ids["item"]
        item = library.numbered(int(number)) if number.isdecimal() and int(number) else None
        if item is None:
            raise Refusal(404)
        return self._shown(call, library, item)

    def delta(self, call: Call) -> Row:
        """Entries that have changed."""
        library = self._library(call)

        def shown(item: Item) -> Row:
            return self._shown(call, library, item)

        def gone(item: Item) -> Row:
            return {"id": str(library.number(item)), "deleted": {"state": "deleted"}}

        return Delta(self._world, library, call, "GET list delta", shown=shown, gone=gone).answer()

    def _library(self, call: Call) -> Library:
        site, asked = self._world.site(call.ids["site"], call.token), call.ids["list"]
        for shelf in site.shelves:
            if asked.lower() == shelf.list_id or asked == shelf.title:
                return self._world.library(shelf.key)
        raise Refusal(404)

    def _check_filter(self, call: Call) -> None:
        """Refuse to look for what no index helps with, unless the caller takes the risk."""
        field = call.query.get("$filter", call.query.get("filter", "")).removeprefix("fields/").partition(" ")[0]
        if field and field not in _INDEXED and _UNINDEXED_ALLOWED not in call.prefers:
            raise Refusal(400)

    def _shown(self, call: Call, library: Library, item: Item) -> Row:
        row = chosen(_item_row(library, item), call.selected)
        wanted = _FIELDS.search(call.expanded)
        if wanted:
            row["fields"] = _only(_fields(library, item), wanted[1] or "")
        return row


def _only(fields: Row, wanted: str) -> Row:
    names = {name.strip() for name in wanted.split(",") if name.strip()}
    return {name: value for name, value in fields.items() if not names or name in names or name.startswith("@")}


def _list_row(shelf: Shelf) -> Row:
    site = HOME[shelf.key]
    row: Row = {
        "id": shelf.list_id,
        "name": shelf.url_name.rsplit("/", 1)[-1],
        "displayName": shelf.title,
        "webUrl": f"{site.url}/{shelf.url_name.replace(' ', '%20')}",
        "list": {"template": _TEMPLATES[shelf.kind], "hidden": shelf.hidden, "contentTypesEnabled": False},
        "parentReference": {"siteId": site.id},
    }
    return {**row, "system": {}} if shelf.hidden else row


def _item_row(library: Library, item: Item) -> Row:
    number = str(library.number(item))
    return {
        "id": number,
        "eTag": driveitem.etag(item).replace("{", "").replace("}", ""),
        "webUrl": f"{_list_row(library.shelf)['webUrl']}/{number}_.000",
        "createdDateTime": item.created,
        "lastModifiedDateTime": item.modified,
        "createdBy": driveitem.person(item.seed),
        "lastModifiedBy": driveitem.person(item.seed + item.edition),
        "parentReference": {"id": driveitem.unique_id(item).lower(), "siteId": HOME[library.shelf.key].id},
        "contentType": {"id": "0x0100", "name": "Folder" if item.folder else "Item"},
    }


def _fields(library: Library, item: Item) -> Row:
    """Give typed values; a person is a number that leads to another list."""
    common = {
        "@odata.etag": driveitem.etag(item), "id": str(library.number(item)), "Created": item.created, "Modified": item.modified,
        "AuthorLookupId": str(7 + item.seed % 3), "_UIVersionString": f"{item.version}.0", "Attachments": False,
    }  # fmt: skip
    if library.shelf.kind != "list":
        return {**common, "FileLeafRef": item.name, "Title": content.topic(item.seed)}
    heading, answer = content.paragraphs(item.seed, item.edition)[0]
    last = content.paragraphs(item.seed, item.edition)[-1][1]
    return {
        **common,
        "Title": f"{content.topic(item.seed)}: {heading.lower()}?",
        "Answer": f'<div class="ExternalClass"><p>{escape(answer)}</p><p>{escape(last)}</p></div>',
        "Category": content.topic(item.seed + 1),
        "Order": float(item.seed + 1),
        "Tags": ["rules", content.topic(item.seed).lower()],
        "OwnerLookupId": str(7 + item.seed % 3),
    }
