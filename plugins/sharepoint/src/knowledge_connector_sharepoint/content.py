"""A file's bytes: a fresh address for each download, no token for whoever keeps them, and a look at what came."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

import httpx

from knowledge_connector import AuthenticationError, DocumentError, Unreadable
from knowledge_connector.kit.download import download
from knowledge_connector_sharepoint.graph import Refused
from knowledge_connector_sharepoint.media import OFFICE, ZIPPED, ending_of
from knowledge_connector_sharepoint.quickxor import quick_xor_hash

if TYPE_CHECKING:
    from knowledge_connector_sharepoint.graph import Graph, Item

HEAD_BYTES = 2048

READINGS = 3
"""How often a file is read until it holds still."""

_GONE = frozenset({404, 410})
_CODES = {403: "forbidden", 404: "no-content", 410: "no-content", 423: "locked"}
_MALWARE = frozenset({"malwareDetected", "virusSuspicious"})
_OLE, _ZIP = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK"
_MAGIC = {"pdf": b"%PDF", "png": b"\x89PNG", "jpg": b"\xff\xd8", "jpeg": b"\xff\xd8", "gif": b"GIF8", "zip": _ZIP}
_MAY_BEGIN_AT = {"pdf": 1024}
_MAY_BE_HTML = frozenset({"html", "htm", "xhtml", "mht", "mhtml", "aspx", "svg", "xml", "md", "markdown"})
_IS_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<!doctype\s+html|<html\b)", re.IGNORECASE)
_RIGHTS_MANAGED = b"MicrosoftIRMServices"


def fetch(graph: Graph, drive: str, item: Item, *, max_bytes: int) -> BinaryIO:
    """Give the content of a file as an open file; the caller closes it.

    Raises:
        Unreadable: It is encrypted, infected, or gone since it was listed.
        DocumentError: It may not be read, was cut short, changed while it was read, or something else came in its place.
        Unavailable: It was cut off again and again.
    """
    listed = listed_hash(item)
    former = None
    for _ in range(READINGS):
        file = _checked(graph, drive, item, max_bytes)
        found = quick_xor_hash(file) if listed else None
        file.seek(0)
        # Twice the same will do: SharePoint may rewrite Office files without saying so, and a later version is told by the next delta.
        if found in (listed, former):
            return file
        former = found
        file.close()
    document_id = f"{drive}/{item['id']}"
    message = f"{document_id}: it changed each of the {READINGS} times that it was read"
    raise DocumentError(message, code="changed-while-read", where="origin", document_id=document_id)


def listed_hash(item: Item) -> str | None:
    """The hash of the content, if SharePoint has reckoned it already."""
    found = (item["file"].get("hashes") or {}).get("quickXorHash")
    return str(found) if found else None


def _checked(graph: Graph, drive: str, item: Item, max_bytes: int) -> BinaryIO:
    """Fetch all of it, and look whether it can be this file."""
    try:
        file = _download(graph, drive, item, max_bytes)
    except AuthenticationError:  # the address had expired before it was used
        file = _download(graph, drive, item, max_bytes)
    try:
        check_head(file.read(HEAD_BYTES), item["name"], f"{drive}/{item['id']}")
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _download(graph: Graph, drive: str, item: Item, max_bytes: int) -> BinaryIO:
    """Fetch all of it, going on at a fresh address wherever it is cut off."""
    document_id = f"{drive}/{item['id']}"
    where = partial(_address, graph, drive, item["id"])
    return download(
        graph.http,
        where(),
        document_id=document_id,
        max_bytes=max_bytes,
        expected_bytes=None if ending_of(item["name"]) in OFFICE else item.get("size"),
        auth=None,
        renew_url=where,
    )


def _address(graph: Graph, drive: str, item_id: str) -> str:
    """Ask where the bytes are. The answer opens the file to everybody for an hour: it is used at once, and kept nowhere."""
    path, document_id = f"/drives/{drive}/items/{item_id}", f"{drive}/{item_id}"
    try:
        location = graph.ask(f"{path}/content").headers.get("location")
    except Refused as refused:
        gone = refused.status in _GONE and _is_gone(graph, path)
        raise _outcome(refused, document_id, gone=gone) from refused
    if not location:
        message = f"{document_id}: Graph did not say where its content is"
        raise DocumentError(message, code="no-content", where="origin", document_id=document_id)
    return str(httpx.URL(graph.url(path)).join(location))


def _is_gone(graph: Graph, path: str) -> bool:
    """Whether the item itself is not there any more, and not only its content (never checked in, not yet everywhere)."""
    try:
        graph.get(f"{path}?$select=id")
    except Refused as refused:
        return refused.status in _GONE
    return False


def _outcome(refused: Refused, document_id: str, *, gone: bool) -> DocumentError:
    """What a refusal to hand out one file means."""
    if _MALWARE.intersection(refused.codes):
        return Unreadable(refused.message, code="malware", where="origin", document_id=document_id)
    if gone:  # the next delta says so, too
        return Unreadable(refused.message, code="vanished", where="origin", document_id=document_id)
    code = _CODES.get(refused.status, "refused")
    return DocumentError(refused.message, code=code, where="origin", document_id=document_id)


def check_head(head: bytes, name: str, document_id: str) -> None:
    """Look whether the first bytes can be those of this file: SharePoint answers 200 to some refusals, too."""
    ending = ending_of(name)
    if (ending in ZIPPED and head.startswith(_OLE)) or (ending == "pdf" and _RIGHTS_MANAGED in head):
        message = f"{document_id}: it is encrypted, by a password or a sensitivity label"
        raise Unreadable(message, code="encrypted", where="origin", document_id=document_id)
    magic = _ZIP if ending in ZIPPED else _MAGIC.get(ending)
    if head and magic is not None and not 0 <= head.find(magic) <= _MAY_BEGIN_AT.get(ending, 0):
        message = f"{document_id}: what came is no .{ending} file, whatever its name says"
        raise DocumentError(message, code="other-content", where="origin", document_id=document_id)
    if ending not in _MAY_BE_HTML and _IS_PAGE.match(head):
        message = f"{document_id}: a web page came instead of the file, as when a session has ended"
        raise DocumentError(message, code="other-content", where="origin", document_id=document_id)
