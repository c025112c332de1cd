"""Modern pages: an item of the library *Site Pages* each, with a canvas.

The first eight are special; see `SPECIAL`. A page of which the canvas is damaged makes the expanded listing fail for all.
"""

from __future__ import annotations

from collections.abc import Mapping

from knowledge_connector.testing.emulation import Row
from knowledge_connector_sharepoint.emulator import canvas, content, driveitem, paging
from knowledge_connector_sharepoint.emulator.library import Item, Library
from knowledge_connector_sharepoint.emulator.tenant import HOME, NAME
from knowledge_connector_sharepoint.emulator.wire import Call, Refusal, chosen
from knowledge_connector_sharepoint.emulator.world import World

SPECIAL: Mapping[int, str] = {
    0: "every web part",
    2: "news",
    3: "draft",
    4: "checked out",
    5: "malformed",
    6: "reserved",
    7: "empty",
}
DAMAGED = "damaged"

FAULTS = {
    "pages_forbidden": "403 for everything about pages",
    "damaged_canvas": "400 for an expanded listing of pages (`operation`: GET pages), or for an expanded page (GET page)",
}


class Pages:
    """Answers what is asked of pages."""

    def __init__(self, world: World) -> None:
        self._world = world

    def listing(self, call: Call) -> Row:
        """The pages of a site, expanded where that is asked for and no canvas is damaged."""
        library = self._library(call)
        if library is None:
            return paging.listing(self._world, call, "GET pages", paging.sliced([]))

        def fetch(position: int, limit: int) -> tuple[list[Row], int | None]:
            items, following = library.children(library.root, position, limit)
            self._check_canvases(call, "GET pages", items)
            return [self._shown(call, library, item) for item in items], following

        return paging.listing(self._world, call, "GET pages", fetch)

    def page(self, call: Call) -> Row:
        """One page."""
        library, item = self._page(call)
        self._check_canvases(call, "GET page", [item])
        return self._shown(call, library, item)

    def parts(self, call: Call) -> Row:
        """The web parts of a page, one after the other."""
        _, item = self._page(call)
        if item.kind == DAMAGED:
            raise Refusal(400)
        made = canvas_of(item)
        columns = [column for one in made.get("horizontalSections", []) for column in one["columns"]]
        columns += [made["verticalSection"]] if "verticalSection" in made else []
        rows = [part for column in columns for part in column["webparts"]]
        return paging.listing(self._world, call, "GET webparts", paging.sliced(rows))

    def _library(self, call: Call) -> Library | None:
        if self._world.services.faults.take(NAME, "pages_forbidden", call.path):
            raise Refusal(403)
        site = self._world.site(call.ids["site"], call.token)
        shelf = next((one for one in site.shelves if one.kind == "pages"), None)
        return self._world.library(shelf.key) if shelf else None

    def _page(self, call: Call) -> tuple[Library, Item]:
        """A page by its id: the GUID of the item."""
        library = self._library(call)
        position: int | None = 0
        while library and position is not None:
            items, position = library.children(library.root, position, paging.PAGE_SIZE)
            for item in items:
                if page_id(item) == call.ids["page"].lower():
                    return library, item
        raise Refusal(404)

    def _check_canvases(self, call: Call, operation: str, items: list[Item]) -> None:
        if "canvasLayout" not in call.expanded:
            return
        damaged = any(item.kind == DAMAGED for item in items)
        if damaged or self._world.services.faults.take(NAME, "damaged_canvas", operation):
            raise Refusal(400)

    def _shown(self, call: Call, library: Library, item: Item) -> Row:
        row = chosen(page_row(library, item), call.selected)
        if "canvasLayout" not in call.expanded:
            return row
        row["canvasLayout"] = canvas_of(item)
        return _without_types(row) if "odata.metadata=none" in call.headers.get("accept", "") else row


def page_id(item: Item) -> str:
    """Give the id that a page has here; its file in the library has another."""
    return driveitem.unique_id(item).lower()


def page_row(library: Library, item: Item) -> Row:
    """Give a page without its canvas."""
    special = SPECIAL.get(item.seed, "")
    level = {"draft": "draft", "checked out": "checkout"}.get(special, "published")
    reserved = special == "reserved"
    return {
        "@odata.type": "#microsoft.graph.sitePage",
        "id": page_id(item),
        "name": item.name,
        "title": title_of(item),
        "description": f"About {content.topic(item.seed).lower()}",
        "webUrl": f"{HOME[library.shelf.key].url}/SitePages/{item.name}",
        "eTag": driveitem.etag(item),
        "createdDateTime": item.created,
        "lastModifiedDateTime": item.modified,
        "createdBy": driveitem.person(item.seed),
        "lastModifiedBy": driveitem.person(item.seed + item.edition),
        "parentReference": {"siteId": HOME[library.shelf.key].id},
        "pageLayout": "microsoftReserved" if reserved else "article",
        "promotionKind": "microsoftReserved" if reserved else "newsPost" if special == "news" else "page",
        "publishingState": {"level": level, "versionId": f"{item.edition}.{int(level == 'draft')}"},
        "titleArea": {"enableGradientEffect": True, "layout": "colorBlock", "textAboveTitle": "Handbook", "title": title_of(item)},
        "showComments": True,
        "reactions": {"likeCount": 0, "commentCount": 0},
    }  # fmt: skip


def title_of(item: Item) -> str:
    """Give the title of a page."""
    special = SPECIAL.get(item.seed)
    return f"{content.topic(item.seed)} ({special or f'page {item.seed}'})"


def canvas_of(item: Item) -> Row:
    """Give the canvas of a page; every edition has another."""
    special = SPECIAL.get(item.seed, "")
    if special == "empty":
        return {"horizontalSections": []}
    if special == "malformed":
        return canvas.of_malformed()
    if special != "every web part":
        return canvas.of_paragraphs(item.seed, item.edition)
    made = canvas.of_every_part()
    if item.edition > 1:
        made["horizontalSections"].append(
            canvas.section(3, "oneColumn", [[canvas.text(f"<p>Edition {item.edition}.</p>")]])
        )
    return made


def _without_types(value: Row) -> Row:
    """The same without annotations, as `odata.metadata=none` has it."""
    return {
        key: [_without_types(one) if isinstance(one, dict) else one for one in inner]
        if isinstance(inner, list)
        else _without_types(inner)
        if isinstance(inner, dict)
        else inner
        for key, inner in value.items()
        if not key.startswith("@odata.")
    }
