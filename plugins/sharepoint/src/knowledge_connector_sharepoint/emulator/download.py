"""The host that contents come from. Its addresses are the secret; whoever comes with a bearer token as well is sent away."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from knowledge_connector_sharepoint.emulator import content, driveitem
from knowledge_connector_sharepoint.emulator.curiosities import HUGE_BYTES
from knowledge_connector_sharepoint.emulator.library import Item, Library
from knowledge_connector_sharepoint.emulator.tenant import NAME, Shelf
from knowledge_connector_sharepoint.emulator.wire import Refusal, problem, seal, unseal
from knowledge_connector_sharepoint.emulator.world import World

PATH = "/_layouts/15/download.aspx"
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")

FAULTS = {
    "expired_download": "a download address is refused with 401, a new one works (`operation` of all these: pattern of file names)",
    "html_file": "a page to log in at comes instead of a file, with status 200",
    "error_file": "a small text about an error comes instead of a file, with status 200",
    "ignore_range": "the whole file comes with status 200, whatever Range says",
    "cut_file": "the connection is cut after half of the file",
    "short_file": "half of the file comes, and Content-Length agrees with it",
    "long_file": "more comes than the listing said, and Content-Length agrees with it",
    "changed_file": "another version comes, with another ETag",
    "empty_file": "nothing comes, with status 200",
}


class Storage:
    """Gives addresses, and what is behind them."""

    def __init__(self, world: World) -> None:
        self._world = world

    def link(self, base: str, shelf: Shelf, item: Item, *, as_pdf: bool = False) -> str:
        """Give an address that works for some time.

        Args:
            base: Where the caller reached Graph; the address speaks the same scheme.
            shelf: The library.
            item: The file.
            as_pdf: Whether it shall come as PDF.
        """
        services = self._world.services
        seconds = self._world.options.number("download_seconds")
        ticket = {
            "k": shelf.key, "i": item.id, "v": item.version, "e": services.clock.now().timestamp() + seconds, "pdf": as_pdf,
        }  # fmt: skip
        host = services.secure_elsewhere_url if base.startswith("https:") else services.elsewhere_url
        query = {"UniqueId": driveitem.unique_id(item).lower(), "Translate": "false", "tempauth": seal(ticket)}
        return f"{host}{PATH}?{urlencode(query)}"

    async def give(self, request: Request) -> Response:
        """Answer a request for a file."""
        if not self._world.services.is_elsewhere(request):
            return problem(Refusal(404))
        if "authorization" in request.headers or "cookie" in request.headers:
            return problem(Refusal(401, "unauthenticated"))
        try:
            library, item, as_pdf = self._admitted(request.query_params.get("tempauth", ""))
            return self._answer(request, library, item, as_pdf=as_pdf)
        except Refusal as refusal:
            return problem(refusal)

    def _admitted(self, tempauth: str) -> tuple[Library, Item, bool]:
        try:
            ticket = unseal(tempauth)
        except Refusal:
            raise Refusal(401, "unauthenticated") from None
        library = self._world.library(ticket["k"])
        item = library.find(ticket["i"])
        if item is None:
            raise Refusal(404)
        if ticket["e"] <= self._world.services.clock.now().timestamp() or self._is_used_up(tempauth):
            raise Refusal(401, "unauthenticated")
        if self._world.services.faults.take(NAME, "expired_download", item.name):
            raise Refusal(401, "unauthenticated")
        return library, item, ticket["pdf"]

    def _is_used_up(self, tempauth: str) -> bool:
        most = self._world.options.number("download_uses")
        if not most:
            return False
        uses = self._world.store.table("uses")
        count = uses.get(tempauth, {"count": 0})["count"] + 1
        uses[tempauth] = {"count": count}
        return bool(count > most)

    def _answer(self, request: Request, library: Library, item: Item, *, as_pdf: bool) -> Response:
        faults = self._world.services.faults
        if item.kind == "sign-in" or faults.take(NAME, "html_file", item.name):
            return Response(content.sign_in_page(), media_type="text/html")
        if faults.take(NAME, "error_file", item.name):
            return Response(b"The file could not be read from the content store.", media_type="text/plain")
        if faults.take(NAME, "empty_file", item.name):
            return Response(b"", media_type=content.media_type(item.name))
        if faults.take(NAME, "changed_file", item.name):
            item = library.edit(item)
        body = content.pdf(content.topic(item.seed)) if as_pdf else _damaged(self._world, item)
        return self._ranged(request, item, body)

    def _ranged(self, request: Request, item: Item, body: bytes) -> Response:
        headers = {"ETag": driveitem.etag(item), "Accept-Ranges": "bytes"}
        if self._world.services.faults.take(NAME, "cut_file", item.name):
            return Response(body[: len(body) // 2], headers={**headers, "Content-Length": str(len(body))})
        kind = content.media_type(item.name)
        span = _RANGE.fullmatch(request.headers.get("range", ""))
        if_range = request.headers.get("if-range", headers["ETag"])
        is_whole = span is None or if_range != headers["ETag"]
        if span is None or is_whole or self._world.services.faults.take(NAME, "ignore_range", item.name):
            return Response(body, media_type=kind, headers=headers)
        start, end = _span(span, len(body))
        if start >= len(body):
            raise Refusal(416, headers={"Content-Range": f"bytes */{len(body)}"})
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(body)}"
        return Response(body[start:end], 206, media_type=kind, headers=headers)


def _span(span: re.Match[str], size: int) -> tuple[int, int]:
    first, last = span[1], span[2]
    if not first:
        return max(0, size - int(last or 0)), size
    return int(first), min(size, int(last) + 1) if last else size


def _damaged(world: World, item: Item) -> bytes:
    """The bytes of a file, cut or lengthened where a fault says so."""
    if item.kind == "huge":
        return b"so much to read. " * (HUGE_BYTES // 17 // 1000)  # a thousandth: who asks for it has lost already
    body = item.content
    if world.services.faults.take(NAME, "short_file", item.name):
        return body[: len(body) // 2]
    if world.services.faults.take(NAME, "long_file", item.name):
        return body + b" And more."
    return body
