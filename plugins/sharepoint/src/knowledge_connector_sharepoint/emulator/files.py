"""Drives and what is in them: items, children, delta, permissions, and where contents are to be had."""

from __future__ import annotations

import base64
import binascii
from functools import partial
from urllib.parse import unquote, urlsplit

from starlette.responses import Response

from knowledge_connector.testing.emulation import Row
from knowledge_connector_sharepoint.emulator import content, driveitem, paging
from knowledge_connector_sharepoint.emulator.curiosities import EMPTY_KINDS
from knowledge_connector_sharepoint.emulator.delta import Delta
from knowledge_connector_sharepoint.emulator.download import Storage
from knowledge_connector_sharepoint.emulator.library import Item, Library
from knowledge_connector_sharepoint.emulator.permissions import permissions
from knowledge_connector_sharepoint.emulator.tenant import NAME, SITES
from knowledge_connector_sharepoint.emulator.wire import Call, Refusal, chosen
from knowledge_connector_sharepoint.emulator.world import World

FAULTS = {
    "forbidden_file": "403 instead of the redirect to a file (`operation`: pattern of file names)",
    "vanished": "404 for the content of a file that was listed (the same)",
    "no_permissions": "403 for the permissions of an item (the same)",
}


class Files:
    """Answers what is asked of drives.

    Args:
        world: What there is.
        storage: Gives links to contents.
    """

    def __init__(self, world: World, storage: Storage) -> None:
        self._world = world
        self._storage = storage

    def drive(self, call: Call) -> Row:
        """One drive."""
        return chosen(driveitem.drive(self._library(call)), call.selected)

    def item(self, call: Call) -> Row:
        """One item."""
        library, item = self._item(call)
        return self._shown(call, library, item)

    def children(self, call: Call) -> Row:
        """What is in a folder."""
        library, folder = self._item(call)
        if not folder.folder:
            raise Refusal(400)

        def fetch(position: int, limit: int) -> tuple[list[Row], int | None]:
            items, following = library.children(folder, position, limit)
            return [self._shown(call, library, item) for item in items], following

        return paging.listing(self._world, call, "GET children", fetch)

    def delta(self, call: Call) -> Row:
        """Everything in a drive, or what has changed; of a subfolder alone there is none in SharePoint."""
        if call.ids.get("item", "root") != "root":
            raise Refusal(400, "notSupported")
        library = self._library(call)
        link = self._linker(call, library)

        def shown(item: Item) -> Row:
            return chosen(driveitem.in_delta(library, item, link=link), call.selected)

        def gone(item: Item) -> Row:
            return driveitem.deleted(library, item)

        return Delta(self._world, library, call, "GET delta", shown=shown, gone=gone).answer()

    def permissions(self, call: Call) -> Row:
        """Who may see an item."""
        library, item = self._item(call)
        if item.kind == "hidden-rights" or self._world.services.faults.take(NAME, "no_permissions", item.name):
            raise Refusal(403)
        rows = permissions(library, item)
        return paging.listing(self._world, call, "GET permissions", paging.sliced(rows))

    def content(self, call: Call) -> Response:
        """Where the bytes are to be had: a redirect to another host."""
        library, item = self._item(call)
        self._check_content(item)
        if call.headers.get("if-none-match", "") in (driveitem.etag(item), driveitem.ctag(item)):
            return Response(status_code=304, headers={"ETag": driveitem.etag(item)})
        as_pdf = call.query.get("format", "")
        if as_pdf and (as_pdf != "pdf" or content.extension(item.name) not in content.OFFICE):
            raise Refusal(406)
        location = self._storage.link(call.base, library.shelf, item, as_pdf=bool(as_pdf))
        return Response(status_code=302, headers={"Location": location, "Cache-Control": "no-store"})

    def labels(self, call: Call) -> Row:
        """Sensitivity labels of a file; a protected one has the label that protects it."""
        _, item = self._item(call)
        if item.folder:
            raise Refusal(400)
        label = {"sensitivityLabelId": "5feba255-812e-446a-ac59-a7044ef827b5", "assignmentMethod": "standard"}
        return {"labels": [label] if item.kind == "encrypted" else []}

    # ------------------------------------------------------------------------------------------------- by path and by link

    def item_at(self, call: Call) -> str:
        """The id of the item at a path of a drive, whatever its case.

        Raises:
            Refusal: 404.
        """
        library = self._library(call)
        item = library.root
        for name in filter(None, call.ids["path"].split("/")):
            found = library.child(item, name) if item.folder else None
            if found is None:
                raise Refusal(404)
            item = found
        return item.id

    def shared(self, call: Call) -> Row:
        """The item that a sharing link of a person leads to: a path form, or one made for an item (`/s/` and the item's id)."""
        url = _decoded(call.ids["share"])
        if library_and_item := self._behind(url, call.token):
            return self._shown(call, *library_and_item)
        raise Refusal(404)

    def _behind(self, url: str, token: Row) -> tuple[Library, Item] | None:
        parts = urlsplit(url)
        path = unquote(parts.path)
        last = path.rsplit("/", 1)[-1].removeprefix("E")
        for site in SITES:
            for shelf in site.libraries() if site.host == parts.netloc else ():
                drive, root = shelf.drive_id, f"{site.path}/{shelf.url_name}"
                if "/s/" in path and self._world.library(shelf.key).find(last):
                    return self._world.item(drive, last, token)
                if f"{path}/".casefold().startswith(f"{root}/".casefold()):
                    ids = {"drive": drive, "path": path[len(root) :]}
                    call = Call("GET", "", {}, {}, "", ids=ids, token=token)
                    return self._world.item(drive, self.item_at(call), token)
        return None

    # --------------------------------------------------------------------------------------------------------------- parts

    def _library(self, call: Call) -> Library:
        return self._world.drive(call.ids["drive"], call.token)

    def _item(self, call: Call) -> tuple[Library, Item]:
        return self._world.item(call.ids["drive"], call.ids.get("item", "root"), call.token)

    def _linker(self, call: Call, library: Library) -> partial[str] | None:
        wanted = not call.selected or call.selected & driveitem.DOWNLOAD_WORDS
        return partial(self._storage.link, call.base, library.shelf) if wanted else None

    def _shown(self, call: Call, library: Library, item: Item) -> Row:
        row = chosen(driveitem.in_listing(library, item, link=self._linker(call, library)), call.selected)
        if "permissions" in call.expanded:
            row["permissions"] = permissions(library, item)
        return row

    def _check_content(self, item: Item) -> None:
        faults = self._world.services.faults
        if faults.take(NAME, "vanished", item.name) or item.kind == "checked-out":
            raise Refusal(404)
        if item.folder or item.kind in EMPTY_KINDS - {"empty"}:
            raise Refusal(400, "notAFile")
        if item.kind == "malware":
            raise Refusal(403, "malwareDetected")
        if faults.take(NAME, "forbidden_file", item.name):
            raise Refusal(403)


def _decoded(share: str) -> str:
    """The URL in a sharing token (`u!` and unpadded base64url)."""
    text = share.removeprefix("u!")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Refusal(400) from None
