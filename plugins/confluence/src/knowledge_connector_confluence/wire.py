"""The library's way out: atlassian-python-api writes the requests, the run's own client sends them.

    ConfluenceServer.get ─▶ requests session ─▶ Bridge ─▶ SyncContext.http: pauses, retries, redirects, TLS, one budget ─▶ Confluence

So there is one layer that retries, one that counts, and the log-in is added where requests leave: it reaches no other origin.
"""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import httpx
import requests
from requests.adapters import BaseAdapter

from knowledge_connector import (
    AuthenticationError,
    ConnectorError,
    DocumentError,
    FatalError,
    RateLimited,
    Unavailable,
)
from knowledge_connector.kit.http import asking
from knowledge_connector.kit.retry import is_retriable, pause_asked_for
from knowledge_connector_confluence.times import when

if TYPE_CHECKING:
    from atlassian.confluence import ConfluenceServer

    from knowledge_connector import Clock

USER_AGENT = "knowledge-connector-confluence/0.1"

_RETRIED = frozenset({408, 425, 429})
_JUDGED_HERE = frozenset(range(400, 500)) - _RETRIED
"""Statuses that say more in Confluence's own headers than the client could know."""

_DOCUMENT_CODES = {403: "forbidden", 404: "not-found", 410: "gone"}

Params = Mapping[str, str | int | list[str]]


class Bridge(BaseAdapter):
    """A transport of requests that hands over to httpx. Serves one thread.

    Attributes:
        asked: The extensions of the next request.
    """

    def __init__(self, http: httpx.Client, auth: httpx.Auth) -> None:
        super().__init__()
        self._http, self._auth = http, auth
        self.asked: dict[str, Any] = {}

    def send(self, request: requests.PreparedRequest, *_args: object, **_options: object) -> requests.Response:
        """Send a request, and give the answer in the form that requests knows."""
        outgoing = self._http.build_request(
            request.method or "GET",
            request.url or "",
            content=request.body,
            headers=dict(request.headers),
            extensions=self.asked,
        )
        return _as_requests(self._http.send(outgoing, auth=self._auth, follow_redirects=True), request)

    def close(self) -> None:
        """Nothing is open here."""


def _as_requests(answer: httpx.Response, request: requests.PreparedRequest) -> requests.Response:
    made = requests.Response()
    made.status_code = answer.status_code
    made.reason = answer.reason_phrase
    made.headers.update(answer.headers)
    made.url = str(answer.url)
    made.request = request
    made.raw = io.BytesIO(answer.content)
    return made


class Wire:
    """What the two dialects speak through: JSON in, our errors out. Safe for any number of threads.

    Attributes:
        server_time: What the wiki's clock said last, for what is compared with its own times.

    Args:
        base_url: Of the wiki, without a slash at the end.
        http: The run's client.
        auth: Adds the log-in to a request.
        clock: Whose time it is.
        named: Whether every answer has to be one to somebody who is logged in (Data Center answers strangers, too).
    """

    def __init__(self, base_url: str, http: httpx.Client, auth: httpx.Auth, clock: Clock, *, named: bool) -> None:
        self.base_url, self.http, self.auth, self.clock = base_url, http, auth, clock
        self.server_time = clock.now()
        self._named = named
        self._lines = threading.local()

    def get(self, path: str, params: Params | None = None, *, document_id: str | None = None) -> dict[str, Any]:
        """Ask for JSON.

        Args:
            path: Below the base, such as `api/v2/spaces`.
            params: The query; a list becomes repeated keys.
            document_id: The request is about this document alone: 403, 404 and 410 are its own failure.

        Raises:
            AuthenticationError: 401; an answer to nobody in particular; a log-in page instead of JSON.
            BadRequest: 400.
            DocumentError: 403, 404, 410, if it is about one document.
            FatalError: These otherwise.
            RateLimited: 429 to the last.
            Unavailable: 5xx to the last, no answer, or one that is cut or empty.
        """
        line = self._line
        line.bridge.asked = asking(document_id=document_id, accept=_JUDGED_HERE)
        try:
            answer = line.client.get(path, params=dict(params or {}), advanced_mode=True)
        except RateLimited as error:
            if error.retry_after_seconds == 0:  # Data Center says `Retry-After: 0` in every answer, also in a 500
                raise Unavailable(error.message, where="origin") from error
            raise
        self.server_time = when(answer.headers.get("Date")) or self.clock.now()
        self._judge(answer, path, document_id)
        return _table(answer, self._subject(path))

    def _judge(self, answer: requests.Response, path: str, document_id: str | None) -> None:
        """Turn a refusal into the error that says what to do."""
        status, subject = answer.status_code, self._subject(path)
        if answer.headers.get("X-Authentication-Denied-Reason"):
            raise AuthenticationError(_denied(answer, subject), where="origin")
        if status == httpx.codes.UNAUTHORIZED:
            raise AuthenticationError(f"{subject} answered 401: {self._why_unauthorised()}", where="origin")
        if status >= 400:
            raise self._refusal(answer, subject, document_id)
        if self._named and answer.headers.get("X-AUSERNAME", "").lower() == "anonymous":
            raise AuthenticationError(
                f"{subject} was answered as to a stranger: the token or password is not valid (any more), and this wiki shows its "
                "public pages to everybody. Nothing was taken from it",
                where="origin",
            )

    def _refusal(self, answer: requests.Response, subject: str, document_id: str | None) -> ConnectorError:
        status = answer.status_code
        message = f"{subject} answered {status} {answer.reason or ''}".rstrip()
        pause = pause_asked_for(answer.headers, self.clock.now())
        if status == httpx.codes.TOO_MANY_REQUESTS or (status == httpx.codes.FORBIDDEN and pause and self._named):
            return RateLimited(message, retry_after_seconds=pause)  # some proxies before Data Center say 403
        if is_retriable(status):
            return Unavailable(message, where="origin")
        if document_id is not None and status in _DOCUMENT_CODES:
            return DocumentError(message, code=_DOCUMENT_CODES[status], where="origin", document_id=document_id)
        if status == httpx.codes.BAD_REQUEST:
            return BadRequest(message, where="origin")
        return FatalError(f"{message}; {_hint(status, answer)}", where="origin")

    def _why_unauthorised(self) -> str:
        if self._named:
            return "the token or password is not valid (any more)"
        if "/ex/confluence/" in self.base_url:
            return "the token is not valid (any more), or it lacks a scope that this call needs"
        return (
            "the token is not valid (any more), or it is one with scopes, which needs the gateway's address in base_url"
        )

    def _subject(self, path: str) -> str:
        return f"GET {self.base_url}/{path}"

    @property
    def _line(self) -> _Line:
        """This thread's own client: sessions of requests are not meant to be shared."""
        if not hasattr(self._lines, "line"):
            self._lines.line = _Line(self.base_url, self.http, self.auth, cloud=not self._named)
        line: _Line = self._lines.line
        return line


class _Line:
    """One thread's client of the library."""

    def __init__(self, base_url: str, http: httpx.Client, auth: httpx.Auth, *, cloud: bool) -> None:
        self.bridge = Bridge(http, auth)
        self._base_url, self._cloud = base_url, cloud

    @cached_property
    def client(self) -> ConfluenceServer:
        """`ConfluenceServer` is the one class whose plain `get` gives right addresses on both deployments."""
        from atlassian.confluence import ConfluenceServer  # 0.4 s that `connector --help` does not pay

        # At DEBUG it writes whole answers into the log.
        logging.getLogger("atlassian").setLevel(logging.INFO)
        session = requests.Session()
        session.trust_env = (
            False  # no other credentials, from a .netrc, and no proxies that the run's client does not know
        )
        session.headers["User-Agent"] = USER_AGENT
        for scheme in ("http://", "https://"):
            session.mount(scheme, self.bridge)
        make: Any = ConfluenceServer  # its constructor is not typed
        return cast(
            "ConfluenceServer", make(self._base_url, session=session, cloud=self._cloud, retry_with_header=False)
        )


class BadRequest(FatalError):
    """400: a cursor that is not good any more, a query that is not understood."""


def _denied(answer: requests.Response, subject: str) -> str:
    if "captcha" in answer.headers["X-Authentication-Denied-Reason"].lower():
        return f"{subject}: too many failed log-ins; log in with a browser once and solve the CAPTCHA, then mend the password"
    return f"{subject}: the log-in was denied"


def _hint(status: int, answer: requests.Response) -> str:
    if status == httpx.codes.NOT_FOUND and not _is_json(answer):
        return "this is not Confluence's API: check the path of base_url (/wiki on Cloud, often /confluence on Data Center)"
    if status == httpx.codes.FORBIDDEN:
        return "the account may not use Confluence or lacks this right"
    if status == httpx.codes.GONE:
        return "this API was removed: check `deployment`"
    return "check base_url and `deployment`"


def _is_json(answer: requests.Response) -> bool:
    return "json" in answer.headers.get("Content-Type", "").lower()


def _table(answer: requests.Response, subject: str) -> dict[str, Any]:
    """The JSON object of an answer; a page of HTML is somebody's log-in form."""
    if not answer.content:
        raise Unavailable(f"{subject} answered {answer.status_code} with nothing in it", where="origin")
    if not _is_json(answer):
        raise AuthenticationError(
            f"{subject} answered with {answer.headers.get('Content-Type') or 'no type'} instead of JSON: a log-in page, or a proxy in "
            "between",
            where="origin",
        )
    try:
        found = answer.json()
    except ValueError as error:
        raise Unavailable(f"{subject} answered with half of its JSON", where="origin") from error
    if not isinstance(found, dict):
        raise Unavailable(f"{subject} answered with a {type(found).__name__} where an object was due", where="origin")
    return found
