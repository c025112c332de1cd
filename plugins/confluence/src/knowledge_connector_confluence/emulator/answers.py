"""Answers with errors, in the form of the API that was asked: version 2, version 1, the gateway, and pages for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

_PHRASES: Mapping[int, str] = {one.value: one.phrase for one in HTTPStatus}

LOGIN_PAGE = (
    '<!DOCTYPE html><html><head><title>Log in - Confluence</title><meta name="ajs-version-number" content="9.2.1"></head>'
    '<body id="com-atlassian-confluence"><form action="/dologin.action" method="post">Log in</form></body></html>'
)


def error_of(path: str, status: int, message: str, headers: Mapping[str, str]) -> Response:
    """Give the answer to a request for this path that failed."""
    if status == HTTPStatus.UNAUTHORIZED and "/ex/confluence/" in path:
        return JSONResponse({"code": status, "message": message or "Unauthorized"}, status, headers)
    if "/api/v2/" in path:
        return JSONResponse(_version_2(status, message), status, headers)
    if "/rest/api/" in path:
        return JSONResponse(_version_1(status, message), status, headers)
    said = f"<html><body><h1>{status} {_phrase(status)}</h1></body></html>"
    return HTMLResponse(said, status, headers)


def _phrase(status: int) -> str:
    return _PHRASES.get(status, "Error")


def _version_2(status: int, message: str) -> dict[str, Any]:
    code = _phrase(status).upper().replace(" ", "_").replace("'", "")
    return {"errors": [{"status": status, "code": code, "title": message or _phrase(status), "detail": None}]}


def _version_1(status: int, message: str) -> dict[str, Any]:
    data = {"authorized": status not in (401, 403), "valid": True, "errors": [], "successful": False}
    return {"statusCode": status, "data": data, "message": message or _phrase(status), "reason": _phrase(status)}


class Problem(Response):
    """An error of which only the status is known yet; the form follows from the path that was asked for.

    Args:
        status: Of the answer.
        headers: Of the answer.
        more: Gives further headers for a path.
    """

    def __init__(
        self, status: int, headers: Mapping[str, str], more: Callable[[str], Mapping[str, str]] | None = None
    ) -> None:
        super().__init__(status_code=status)
        self._given, self._more = dict(headers), more

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        path = scope["path"]
        headers = {**(self._more(path) if self._more else {}), **self._given}
        await error_of(path, self.status_code, "", headers)(scope, receive, send)
