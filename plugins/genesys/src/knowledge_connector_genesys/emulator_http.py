"""Requests and answers in the forms of the Genesys Cloud API."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from knowledge_connector.testing.emulation import Row
from knowledge_connector_genesys.emulator_world import Refusal, refuse

KNOWLEDGE = "/api/v2/knowledge"
USER = {"id": "5e0c1f6a-0000-4000-8000-000000000001"}
USER["selfUri"] = f"/api/v2/users/{USER['id']}"
DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 25, 200

WORDS: Mapping[int, tuple[str, str]] = {
    400: ("bad.request", "The request cannot be understood."),
    401: ("bad.credentials", "Invalid login credentials."),
    403: ("missing.permissions", "The client lacks a permission."),
    404: ("not.found", "The requested resource was not found."),
    405: ("bad.request", "The method is not allowed here."),
    413: ("request.entity.too.large", "The request is too large."),
    429: ("too.many.requests", "The rate limit was exceeded."),
    500: ("internal.server.error", "Something went wrong."),
    503: ("service.unavailable", "The service is unavailable."),
    504: ("gateway.timeout", "The service did not answer in time."),
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the API that was let in."""

    path: str
    ids: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]


Handler = Callable[[Call], Row | None]
"""Answers a call; `None` for an answer without a body."""

Operation = tuple[str, str, str, Handler]
"""Method, path, the right that is needed (empty: none), and who answers."""


def known(rows: Mapping[str, Row], id_: str, what: str) -> Row:
    """Give a row, or answer 404."""
    if id_ not in rows:
        raise Refusal(404, "not.found", f"There is no such {what}.")
    return dict(rows[id_])


def page_of(call: Call, rows: list[Row], *, key: str) -> Row:
    """A page by cursors, which are ids that nobody shall look into."""
    size = int(call.query["pageSize"]) if call.query.get("pageSize", "").isdecimal() else DEFAULT_PAGE_SIZE
    if not 1 <= size <= MAX_PAGE_SIZE:
        refuse("pageSize", f"is a number from 1 to {MAX_PAGE_SIZE}")
    ids = [str(row[key]) for row in rows]
    start, end = 0, size
    if "after" in call.query:
        start = ids.index(_cursor(call.query["after"], ids)) + 1
        end = start + size
    elif "before" in call.query:
        end = ids.index(_cursor(call.query["before"], ids))
        start = max(0, end - size)
    page = {"entities": rows[start:end], "selfUri": f"{call.path}?{urlencode({'pageSize': size})}"}
    if end < len(rows):
        page["nextUri"] = f"{call.path}?{urlencode({'pageSize': size, 'after': _encoded(ids[end - 1])})}"
    if start:
        page["previousUri"] = f"{call.path}?{urlencode({'pageSize': size, 'before': _encoded(ids[start])})}"
    return page


def _encoded(id_: str) -> str:
    return base64.urlsafe_b64encode(id_.encode()).decode()


def _cursor(text: str, ids: Sequence[str]) -> str:
    try:
        id_ = base64.urlsafe_b64decode(text).decode()
    except (binascii.Error, UnicodeDecodeError):
        id_ = ""
    if id_ not in ids:
        refuse("after", "is no cursor of this listing")
    return id_


def basic_credentials(request: Request) -> str:
    """Give `user:password` of a request; empty if it has none."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    try:
        return base64.b64decode(value).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        return ""


def json_of(content: bytes) -> Row:
    """The body as an object; none at all, and `null`, are an empty one."""
    try:
        body = json.loads(content) if content.strip() else {}
    except ValueError:
        raise Refusal(400, *WORDS[400]) from None
    if not isinstance(body, dict | None):
        raise Refusal(400, *WORDS[400])
    return body or {}


def error_body(status: int, code: str, message: str) -> Row:
    """Give what the API says of an error."""
    said = {"message": message, "code": code, "status": status, "messageWithParams": message, "messageParams": {}}
    return {**said, "contextId": str(uuid4()), "details": [], "errors": []}


def error_answer(status: int, code: str, message: str, headers: Mapping[str, str]) -> Response:
    """Give the answer to a request to the API that failed."""
    return JSONResponse(error_body(status, code, message), status, {"ININ-Correlation-Id": str(uuid4()), **headers})


def xml_answer(status: int, code: str) -> Response:
    """Give an error of the storage, which speaks the XML of S3."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{escape(code)}</Code><Message>{escape(code)}</Message></Error>'
    return Response(body, status, media_type="application/xml")
