"""Bytes of attachments: from the wiki itself, or from a media store on another host, by an address that was signed for a while."""

from __future__ import annotations

import hashlib
import hmac
import re
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from knowledge_connector.testing.emulation import Services
from knowledge_connector_confluence.emulator.bodies import file_bytes
from knowledge_connector_confluence.emulator.call import Call, Desk
from knowledge_connector_confluence.emulator.model import Content, refuse
from knowledge_connector_confluence.emulator.world import VENDOR

MEDIA = "/media-store"
SIGNED_SECONDS = 600
_KEY = b"what only the media store knows"


class Downloads:
    """Gives bytes, or tells where they are.

    Args:
        desk: For the wiki and rights.
        services: For the clock, faults and the other host.
    """

    def __init__(self, desk: Desk, services: Services) -> None:
        self._desk = desk
        self._services = services

    def by_id(self, call: Call) -> Response:
        """Redirect to the media store: the form of version 1 of the API of Cloud."""
        attachment = self._attachment(call, call.ids["attachment"])
        if attachment.parent != call.ids["id"]:
            refuse(404, f"No attachment {attachment.id} on content {call.ids['id']}")
        return self._redirected(attachment)

    def by_name(self, call: Call) -> Response:
        """The form of the links. Data Center has the bytes itself; the gateway does not know this path at all."""
        if call.deployment == "gateway":
            refuse(401, "Unauthorized; scope does not match")
        container = self._desk.known(call, call.ids["id"])
        names = {one.title: one for one in self._desk.world.attached(container.id, ("current",))}
        if call.ids["name"] not in names:
            refuse(404, "No such attachment")
        attachment = self._attachment(call, names[call.ids["name"]].id)
        return self._redirected(attachment) if call.cloud else self.bytes_of(attachment, None)

    def _attachment(self, call: Call, id_: str) -> Content:
        """One that may be read; one that was deleted after it was listed is not there any more."""
        if self._services.faults.take(VENDOR, "deleted_attachment", id_):
            refuse(404, f"No attachment found with id: {id_}")
        return self._desk.known(call, id_, ["attachment"], ["current"])

    def _redirected(self, attachment: Content) -> Response:
        expires = int(self._services.clock.now().timestamp()) + SIGNED_SECONDS
        query = {"client": "emulated", "expires": str(expires), "signature": _signature(attachment, expires)}
        address = (
            f"{self._services.elsewhere_url}{MEDIA}/{quote(attachment.id)}/{attachment.version}?{urlencode(query)}"
        )
        return RedirectResponse(address, 302)

    async def media(self, request: Request) -> Response:
        """What the media store answers: nothing to requests that bear credentials, nor to addresses that are not (any more) signed."""
        if not self._services.is_elsewhere(request):
            return JSONResponse({"error": "NotFound"}, 404)
        if "authorization" in request.headers or "cookie" in request.headers:
            return JSONResponse(
                {"error": "InvalidRequest", "message": "Only one way of authentication is allowed"}, 400
            )
        attachment = self._desk.world.find(request.path_params["attachment"])
        if attachment is None or not self._is_signed(request, attachment):
            return JSONResponse({"error": "AccessDenied", "message": "The signature has expired"}, 403)
        whole = self.bytes_of(attachment, request.headers.get("range"), request.headers.get("if-range"))
        if self._services.faults.take(VENDOR, "short_download", attachment.id):
            return Response(whole.body[: len(whole.body) // 2], whole.status_code, media_type=attachment.media_type)
        return whole

    def _is_signed(self, request: Request, attachment: Content) -> bool:
        if self._services.faults.take(VENDOR, "expired_signature", attachment.id):
            return False
        expires = request.query_params.get("expires", "")
        is_young = expires.isdecimal() and int(expires) > self._services.clock.now().timestamp()
        given = request.query_params.get("signature", "")
        return is_young and hmac.compare_digest(given, _signature(attachment, int(expires)))

    def bytes_of(self, attachment: Content, wanted: str | None, if_range: str | None = None) -> Response:
        """The bytes, or from some byte on (RFC 9110, section 14)."""
        content = file_bytes(attachment)
        tag = f'"{attachment.id}-{attachment.version}"'
        headers = {
            "ETag": tag,
            "Accept-Ranges": "bytes",
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(attachment.title)}",
        }
        found = re.fullmatch(r"bytes=(\d+)-", wanted or "")
        if found is None or if_range not in (None, tag):
            return Response(content, 200, headers, attachment.media_type)
        start = int(found[1])
        if start >= len(content):
            return Response(b"", 416, {**headers, "Content-Range": f"bytes */{len(content)}"})
        headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return Response(content[start:], 206, headers, attachment.media_type)


def _signature(attachment: Content, expires: int) -> str:
    return hmac.new(_KEY, f"{attachment.id}/{attachment.version}/{expires}".encode(), hashlib.sha256).hexdigest()
