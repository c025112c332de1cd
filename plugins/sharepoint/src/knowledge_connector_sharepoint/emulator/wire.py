"""Requests, answers and opaque links in the forms of Microsoft Graph."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

from starlette.responses import JSONResponse, Response

from knowledge_connector.testing.emulation import Row

VERSION = "/v1.0"
_KEY = b"links of the emulated Graph"
_DIGEST_CHARS = 12

WORDS: Mapping[int, tuple[str, str]] = {
    400: ("invalidRequest", "The request is malformed or incorrect."),
    401: ("InvalidAuthenticationToken", "Access token has expired or is not yet valid."),
    403: ("accessDenied", "Access denied."),
    404: ("itemNotFound", "The resource could not be found."),
    405: ("methodNotAllowed", "The HTTP method is not allowed in the request."),
    406: ("notAcceptable", "The requested format is not available."),
    409: ("nameAlreadyExists", "The specified item name already exists."),
    410: ("resyncRequired", "Resync required. Replace any local items with the server's version."),
    416: ("invalidRange", "The specified byte range is invalid or unavailable."),
    423: ("notAllowed", "The site is locked."),
    429: ("activityLimitReached", "The app or user has been throttled."),
    500: ("generalException", "An unspecified error has occurred."),
    502: ("BadGateway", "Bad gateway."),
    503: ("serviceNotAvailable", "The service is not available."),
    504: ("GatewayTimeout", "Gateway timeout."),
    509: ("bandwidthLimitExceeded", "The app exceeded its bandwidth limit."),
}

_NO_HEADERS: Mapping[str, str] = {}


class Refusal(Exception):
    """An answer with an error.

    Args:
        status: HTTP status.
        code: `error.code`; the usual one of this status if empty.
        headers: Of the answer.
        nested: A code that is only in the inner error, as some services have it.
    """

    def __init__(
        self, status: int, code: str = "", *, headers: Mapping[str, str] = _NO_HEADERS, nested: str = ""
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code, self.headers, self.nested = status, code, headers, nested


def problem(refusal: Refusal) -> Response:
    """Give the answer that says an error."""
    code, message = WORDS.get(refusal.status, WORDS[400])
    request_id = str(uuid4())
    inner: Row = {"request-id": request_id, "client-request-id": request_id}
    if refusal.nested:
        inner["innererror"] = {"code": refusal.nested}  # deeper, and in the other spelling
    error = {"code": refusal.code or code, "message": message, "innerError": inner}
    return JSONResponse({"error": error}, refusal.status, {"request-id": request_id, **refusal.headers})


@dataclass(frozen=True, slots=True)
class Call:
    """One request to Graph.

    Attributes:
        path: Below the version, decoded.
        ids: What the pattern of the operation found in the path.
        query: With their `$`.
        headers: Names in lower case.
        base: Where the server was reached: scheme, host, port, and a prefix if there was one.
        token: The row of the bearer token.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    base: str
    body: bytes = b""
    ids: Mapping[str, str] = field(default_factory=dict)
    token: Row = field(default_factory=dict)

    @property
    def selected(self) -> frozenset[str]:
        """The fields that are asked for; empty for the usual ones."""
        return frozenset(name for name in self.query.get("$select", "").split(",") if name)

    @property
    def expanded(self) -> str:
        """What shall be expanded; Graph takes it with and without `$`."""
        return self.query.get("$expand", self.query.get("expand", ""))

    @property
    def prefers(self) -> frozenset[str]:
        """The words of the header `Prefer`."""
        return frozenset(word.strip().lower() for word in self.headers.get("prefer", "").split(","))

    def json(self) -> Row:
        """The body as an object.

        Raises:
            Refusal: It is none.
        """
        try:
            found = json.loads(self.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Refusal(400)
        return found

    def url(self, path: str, **query: str) -> str:
        """An absolute URL below the version; `_` at the start of a name stands for `$`."""
        pairs = {f"${name[1:]}" if name.startswith("_") else name: value for name, value in query.items() if value}
        address = f"{self.base}{VERSION}{quote(path, safe=PATH_SAFE)}"
        return f"{address}?{urlencode(pairs)}" if pairs else address

    def again(self, **query: str) -> str:
        """The URL of this listing at another place: with the same `$select`, `$top` and `$expand`."""
        kept = {f"_{name[1:]}": value for name, value in self.query.items() if name in _KEPT}
        return self.url(self.path, **{**kept, **query})


PATH_SAFE = "/!:,()'*~$"
_KEPT = ("$select", "$top", "$expand", "$orderby")


def seal(values: Mapping[str, Any]) -> str:
    """Put values into a token that nobody should read and nobody can change; the same values give the same token."""
    text = json.dumps(values, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(f"{_digest(text)}{text}".encode()).decode().rstrip("=")


def unseal(token: str) -> Row:
    """Take them out again.

    Raises:
        Refusal: 400; the token is damaged, or of somebody else.
    """
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise Refusal(400) from None
    if not hmac.compare_digest(text[:_DIGEST_CHARS], _digest(text[_DIGEST_CHARS:])):
        raise Refusal(400)
    found: Row = json.loads(text[_DIGEST_CHARS:])
    return found


def _digest(text: str) -> str:
    return hmac.new(_KEY, text.encode(), hashlib.sha256).hexdigest()[:_DIGEST_CHARS]


def chosen(row: Row, selected: frozenset[str]) -> Row:
    """The fields of an answer that were asked for; annotations of OData come anyway."""
    if not selected:
        return row
    return {key: value for key, value in row.items() if key in selected or key == "id" or key.startswith("@")}
