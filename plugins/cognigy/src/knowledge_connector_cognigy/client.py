"""Cognigy's REST API 2.0, as far as knowledge goes: paging, errors in our words, and creating without twins.

A POST is sent once. If it got no clear answer, the store is asked whether it took effect before it is sent again.
"""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from knowledge_connector import DocumentError, FatalError, RateLimited, RetriableError
from knowledge_connector.kit.budget import shared
from knowledge_connector.kit.http import HttpClient, asking, make_client
from knowledge_connector.kit.retry import Retries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import httpx

    from knowledge_connector.kit.clock import Clock
    from knowledge_connector_cognigy.config import CognigyConfig

Item = dict[str, Any]
"""One object of the API, as JSON gives it."""

MAX_BODY_BYTES = 60_000
PAGE = 100
RETRIES = Retries()

_JUDGED_HERE = (400, 402, 404, 409, 413)


class Missing(DocumentError):
    """404: the store, source or chunk is not there (any more)."""


class NameTaken(DocumentError):
    """409: another source of the store has this name."""


class CognigyClient:
    """Calls the API from any number of threads.

    Args:
        config: Where, and with which key.
        clock: Whose time it is.

    Attributes:
        calls: How often each endpoint was called.
    """

    def __init__(self, config: CognigyConfig, clock: Clock) -> None:
        self.calls: Counter[str] = Counter()
        self._config = config
        self._clock = clock
        self._root = f"{config.base_url}{config.api_path}"
        self._lock = threading.Lock()
        self._mine = threading.local()
        self._opened: list[HttpClient] = []

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            opened, self._opened = self._opened, []
        for http in opened:
            http.close()

    def get(self, path: str, subject: str) -> Item:
        """Give one object."""
        return self._send("GET", path, subject)

    def pages(self, path: str, subject: str, params: Mapping[str, str] | None = None) -> Iterator[Item]:
        """Give everything in a list, page by page: by cursor, and by `skip` where the answers have none."""
        position: dict[str, str] = {}
        seen = 0
        while True:
            page = self._send("GET", path, subject, params={**(params or {}), "limit": str(PAGE), **position})
            items = page.get("items")
            if not isinstance(items, list):  # taken for an empty list, it would mean that everything is gone
                raise FatalError(f"GET {path} was answered without a list of items", where="target")
            yield from items
            seen += len(items)
            cursor = page.get("nextCursor") or page.get("next")  # documentation of old releases has the second name
            has_cursors = bool(page.keys() & {"nextCursor", "next"})
            if not items or not (cursor or (not has_cursors and seen < page.get("total", 0))):
                return
            position = {"next": cursor} if cursor else {"skip": str(seen)}

    def create(self, path: str, subject: str, body: Item, find: Callable[[], Item | None]) -> Item:
        """Create one object, and only one.

        Args:
            path: Of the list that it becomes part of.
            subject: What it is, for counting calls.
            body: The object.
            find: Gives what an earlier try has created; asked if a try got no clear answer.
        """
        failure: RetriableError | None = None
        for attempt in range(RETRIES.tries):
            try:
                return self._send("POST", path, subject, body=body)
            except RetriableError as error:
                failure = error
            if not isinstance(failure, RateLimited):  # a pause that was asked for is kept by the budget
                self._clock.sleep(RETRIES.backoff_seconds(attempt, random.random()))  # noqa: S311  # jitter, no secret
            found = find()
            if found is not None:
                return found
        raise failure or AssertionError("a policy allows at least one try")

    def patch(self, path: str, subject: str, body: Item) -> None:
        """Change one object. Saying the same twice does no harm."""
        self._send("PATCH", path, subject, body=body)

    def delete(self, path: str, subject: str) -> None:
        """Remove one object; gone already is success."""
        try:
            self._send("DELETE", path, subject)
        except Missing:
            return

    def _send(
        self, method: str, path: str, subject: str, *, params: Mapping[str, str] | None = None, body: Item | None = None
    ) -> Item:
        with self._lock:
            self.calls[f"{method} {subject}"] += 1
        content = None if body is None else _encoded(body, f"{method} {subject}")
        response = self._http().request(
            method,
            self._root + path,
            params=params,
            content=content,
            headers=None if content is None else {"Content-Type": "application/json"},
            extensions=asking(accept=_JUDGED_HERE, retry=True if method == "PATCH" else None),
        )
        if response.is_error:
            raise _refusal(response, method, path)
        return _object_in(response, f"{method} {path}") if response.content else {}

    def _http(self) -> HttpClient:
        """This thread's own client: a pool that many threads share is slower than the server."""
        http: HttpClient | None = getattr(self._mine, "http", None)
        if http is None:
            # One budget for all keys: the vendor counts per calling address.
            budgets = shared(self._clock, max_requests=self._config.requests_per_5_minutes or None, window_seconds=300)
            http = self._mine.http = make_client(self._clock, budgets=budgets, where="target")
            http.headers.update({"X-API-Key": self._config.api_key.get_secret_value(), "Accept": "application/json"})
            with self._lock:
                self._opened.append(http)
        return http


def _encoded(body: Item, subject: str) -> bytes:
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    if len(content) > MAX_BODY_BYTES:
        message = f"{subject} would take {len(content)} bytes, and Cognigy takes {MAX_BODY_BYTES}"
        raise DocumentError(message, code="too-large", where="target")
    return content


def _object_in(response: httpx.Response, subject: str) -> Item:
    try:
        item = response.json()
    except ValueError:
        item = None
    if not isinstance(item, dict):
        message = f"{subject} was answered with something that is no JSON object; is base_url the address of the API?"
        raise FatalError(message, where="target")
    return item


def _refusal(response: httpx.Response, method: str, path: str) -> DocumentError | FatalError:
    """Say what to do about an answer that trying again does not mend."""
    message = f"{method} {path} was refused: {_in_words(response)}"
    match response.status_code:
        case 402:
            return FatalError(f"{message}. The organisation's quota of knowledge chunks is used up.", where="target")
        case 404:
            return Missing(message, code="not-found", where="target")
        case 409:
            return NameTaken(message, code="name-taken", where="target")
        case 413:
            return DocumentError(message, code="too-large", where="target")
        case _:
            return DocumentError(message, code="refused", where="target")


def _in_words(response: httpx.Response) -> str:
    """Status, Cognigy's numeric code and the trace id; never what it quotes of the request."""
    words = [str(response.status_code), response.reason_phrase]
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    if isinstance(problem, dict):
        if isinstance(problem.get("code"), int):
            words.append(f"(code {problem['code']})")
        trace = problem.get("traceId")
        if isinstance(trace, str) and trace.isascii() and trace.isprintable() and len(trace) <= 64:
            words.append(f"[{trace}]")
    return " ".join(words)
