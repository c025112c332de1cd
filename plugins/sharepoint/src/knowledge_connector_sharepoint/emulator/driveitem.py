"""Items of libraries in the form of Graph: a driveItem, and the drive it is in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from knowledge_connector.testing.emulation import Row
from knowledge_connector_sharepoint.emulator import content
from knowledge_connector_sharepoint.emulator.curiosities import HUGE_BYTES
from knowledge_connector_sharepoint.emulator.library import BIRTH, Item, Library, stamp
from knowledge_connector_sharepoint.emulator.tenant import HOME, SHELVES, guid

PEOPLE = (("Ann Example", "ann@contoso.com"), ("Ben Example", "ben@contoso.com"), ("Cem Example", "cem@contoso.com"))
DOWNLOAD_URL = "@microsoft.graph.downloadUrl"
PROMOTED_BYTES = 17
DOWNLOAD_WORDS = frozenset({"content.downloadUrl", DOWNLOAD_URL})

_WITHOUT_HASH = frozenset({"huge", "grown", "unhashed"})


def person(number: int) -> Row:
    """Give an identity set; the same number gives the same person."""
    name, email = PEOPLE[number % len(PEOPLE)]
    return {"user": {"id": guid(email), "displayName": name, "email": email}}


def drive_type(library: Library) -> str:
    """Give `business` for somebody's OneDrive, `documentLibrary` for all others."""
    return "business" if HOME[library.shelf.key].personal else "documentLibrary"


def drive(library: Library) -> Row:
    """Give a library as a drive."""
    shelf, site = library.shelf, HOME[library.shelf.key]
    found: Row = {
        "id": shelf.drive_id,
        "name": shelf.title,
        "driveType": drive_type(library),
        "webUrl": web_root(library),
        "createdDateTime": stamp(BIRTH),
        "lastModifiedDateTime": stamp(BIRTH),
        "quota": {"total": 27_487_790_694_400, "used": 1_048_576, "state": "normal"},
        "sharePointIds": {"listId": shelf.list_id, "siteId": site.id.split(",")[1], "siteUrl": site.url},
    }
    return {**found, "system": {}} if shelf.hidden else found


def web_root(library: Library) -> str:
    """Give the URL of a library."""
    return f"{HOME[library.shelf.key].url}/{quote(library.shelf.url_name)}"


def unique_id(item: Item) -> str:
    """Give the GUID that lists, eTags and links know an item by."""
    return guid(f"item/{item.id}").upper()


def etag(item: Item) -> str:
    """Give the token that changes with everything."""
    return f'"{{{unique_id(item)}}},{item.version}"'


def ctag(item: Item) -> str:
    """Give the token that changes with the content."""
    return f'"c:{{{unique_id(item)}}},{item.edition}"'


def web_url(library: Library, item: Item, path: Sequence[str]) -> str:
    """Give the link for people: a viewer for Office files, which tells no folder, or the place itself."""
    if content.extension(item.name) in content.OFFICE:
        site = HOME[library.shelf.key]
        viewer = f"{site.url}/_layouts/15/Doc.aspx?sourcedoc=%7B{unique_id(item)}%7D"
        return f"{viewer}&file={quote(item.name, safe='')}&action=default&mobileredirect=true"
    return "/".join([web_root(library), *(quote(name, safe="") for name in path)])


def in_listing(library: Library, item: Item, *, link: Callable[[Item], str] | None) -> Row:
    """Give an item as listings and single requests have it.

    Args:
        library: Where it is.
        item: Which.
        link: Gives the pre-authenticated URL of a file.
    """
    found = in_delta(library, item, link=link)
    if not item.folder:
        found["cTag"] = ctag(item)
    if item.parent:
        folders = library.path(item)[:-1]
        path = "".join(f"/{quote(name, safe='')}" for name in folders)
        found["parentReference"]["path"] = f"/drives/{library.shelf.drive_id}/root:{path}"
    return found


def in_delta(library: Library, item: Item, *, link: Callable[[Item], str] | None = None) -> Row:
    """Give an item as delta has it: without `cTag` and without the path of its folder."""
    path = library.path(item)
    found: Row = {
        "id": item.id,
        "name": item.name,
        "eTag": etag(item),
        "webUrl": web_url(library, item, path),
        "createdDateTime": item.created,
        "lastModifiedDateTime": item.modified,
        "createdBy": person(item.seed),
        "lastModifiedBy": person(item.seed + item.edition),
        "parentReference": _parent(library, item),
        "fileSystemInfo": {"createdDateTime": item.created, "lastModifiedDateTime": item.modified},
        "sharepointIds": _sharepoint_ids(library, item),
        **_facets(library, item),
    }
    if link and "file" in found and item.kind != "malware":
        found[DOWNLOAD_URL] = link(item)
    return found


def deleted(library: Library, item: Item) -> Row:
    """Give what delta says of an item that is gone: no name, no tags."""
    parent = _parent(library, item)
    parent.pop("id", None)
    return {"id": item.id, "parentReference": parent, "deleted": {"state": "deleted"}}


def _parent(library: Library, item: Item) -> Row:
    found = {
        "driveId": library.shelf.drive_id,
        "driveType": drive_type(library),
        "siteId": HOME[library.shelf.key].id,
    }
    return {**found, "id": item.parent} if item.parent else found


def _sharepoint_ids(library: Library, item: Item) -> Row:
    site = HOME[library.shelf.key]
    _, collection, web = site.id.split(",")
    return {
        "listId": library.shelf.list_id, "listItemId": str(library.number(item)), "listItemUniqueId": unique_id(item).lower(),
        "siteId": collection, "webId": web, "siteUrl": site.url,
    }  # fmt: skip


def _facets(library: Library, item: Item) -> Row:
    """Give what says of which kind it is."""
    if item.kind == "notebook":
        return {"size": 4096, "package": {"type": "oneNote"}}
    if item.kind in ("shortcut", "self-shortcut"):
        return {"size": 0, "remoteItem": _remote(library, item)}
    if item.folder:
        facets: Row = {"size": 0, "folder": {"childCount": library.child_count(item)}}
        return {**facets, "root": {}} if item.kind == "root" else facets
    return _file_facets(item)


def _file_facets(item: Item) -> Row:
    body = item.content[: -PROMOTED_BYTES if item.kind == "promoted" else None]
    size = {"huge": HUGE_BYTES, "grown": max(1, len(body) // 2)}.get(item.kind, len(body))
    file: dict[str, Any] = {"mimeType": content.media_type(item.name)}
    if item.kind not in _WITHOUT_HASH:
        file["hashes"] = {"quickXorHash": content.quick_xor_hash(body)}
    facets: Row = {"size": size, "file": file}
    return {**facets, "malware": {"description": "EICAR_Test_File"}} if item.kind == "malware" else facets


def _remote(library: Library, item: Item) -> Row:
    """Give what a shortcut leads to: the root of the policies, or itself."""
    shelf = SHELVES["policies"] if item.kind == "shortcut" else library.shelf
    target = f"01{shelf.code}R{0:09d}" if item.kind == "shortcut" else item.id
    return {
        "id": target, "name": shelf.title, "folder": {"childCount": 1}, "webUrl": f"{HOME[shelf.key].url}/{quote(shelf.url_name)}",
        "parentReference": {"driveId": shelf.drive_id, "driveType": "documentLibrary", "siteId": HOME[shelf.key].id},
    }  # fmt: skip
