"""Microsoft Graph v1.0, as far as reading goes: tokens, units, pages, batches, and refusals in our words.

get · pages · batch ─▶ gate (resource units) ─▶ kit's client (token, retries, pauses) ─▶ Graph
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from knowledge_connector import FatalError, Unavailable
from knowledge_connector.kit.auth import TokenAuth
from knowledge_connector.kit.http import asking, next_link
from knowledge_connector.kit.retry import Retries, pause_asked_for
from knowledge_connector_sharepoint.auth import MsalTokens
from knowledge_connector_sharepoint.throttle import LIST, ONE, shared_gate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import httpx

    from knowledge_connector import SyncContext
    from knowledge_connector_sharepoint.config import SharePointConfig

Item = dict[str, Any]
"""One object of Graph, as JSON gives it."""

NEXT_LINK = "@odata.nextLink"

BATCH = 20
"""Most requests that one `$batch` takes."""

RETRIES = Retries()
_JUDGED_HERE = (400, 403, 404, 405, 406, 409, 410, 412, 413, 415, 416, 422, 423)
_PART_AGAIN = frozenset({408, 424, 429, 500, 502, 503, 504, 509})
_MAX_CODES = 5
REPEATED_PAGES = 50
"""After so many pages that were there before, a listing is taken to go round in circles."""


class NotReadable(FatalError):
    """Something of the tenant cannot be read as things are. Whoever reads parts catches it, and goes on with the next."""


class Refused(NotReadable):
    """An answer that trying again does not mend.

    Attributes:
        status: Of HTTP.
        codes: Graph's words, from the general to the particular.
        location: Where a 410 says to begin anew.
    """

    def __init__(self, message: str, status: int, codes: tuple[str, ...], location: str | None = None) -> None:
        super().__init__(message, where="origin")
        self.status = status
        self.codes = codes
        self.location = location


class BrokenListing(NotReadable):
    """A listing whose pages repeat, lead elsewhere, or do not end as they should; it must never be taken for a complete one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One part of a `$batch`."""

    status: int
    body: Item

    @property
    def ok(self) -> bool:
        """Whether it is what was asked for."""
        return self.status == HTTPStatus.OK


@dataclass(slots=True)
class PageGuard:
    """Watches a listing for the service's known fault of handing out the same pages for ever. Keeps hashes alone."""

    subject: str
    _links: set[int] = field(default_factory=set)
    _pages: set[int] = field(default_factory=set)
    _repeated: int = 0

    def see(self, link: str, page: Item) -> None:
        """Note a page and the link that led to it.

        Raises:
            BrokenListing: The link was followed before, or nothing new has come for `REPEATED_PAGES` pages.
        """
        content = hash(tuple((str(item.get("id")), str(item.get("eTag"))) for item in page["value"]))
        self._repeated = self._repeated + 1 if content in self._pages else 0
        if hash(link) in self._links or self._repeated >= REPEATED_PAGES:
            raise BrokenListing(f"{self.subject}: its pages repeat without an end", where="origin")
        self._links.add(hash(link))
        self._pages.add(content)


class Graph:
    """Calls Graph from any number of threads.

    Args:
        config: Which cloud, tenant and application.
        context: Lends client and clock.

    Attributes:
        http: The run's client, for what is not Graph's: the hosts that files come from.
        tokens: What is sent to Graph.
        clock: The run's.
    """

    def __init__(self, config: SharePointConfig, context: SyncContext) -> None:
        self._root = f"{config.hosts.graph_url}/v1.0"
        self.http: httpx.Client = context.http
        self.tokens = MsalTokens(config, self.http)
        self._auth = TokenAuth(self.tokens, origins=[config.hosts.graph_url])
        self.clock = context.clock
        self._headers = {"User-Agent": config.user_agent, "Accept": "application/json"}
        self._gate = shared_gate(
            context.clock,
            config.tenant,
            config.client_id,
            units_per_minute=config.units_per_minute,
            units_per_day=config.units_per_day,
        )
        self.http.event_hooks = {"request": [], "response": [self._heed]}

    def _heed(self, response: httpx.Response) -> None:
        """Let a pause that one host asks for hold for the others, too: Microsoft counts by tenant, and not by host."""
        if response.status_code in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
            self._gate.pause(pause_asked_for(response.headers, self.clock.now()) or 0.0)

    def url(self, path: str) -> str:
        """The absolute form of a path below `/v1.0`; absolute URLs are left as they are."""
        return path if path.startswith("https://") else self._root + path

    def get(self, path: str, *, units: int = ONE, headers: Mapping[str, str] | None = None) -> Item:
        """Give one object.

        Args:
            path: Below `/v1.0`, or a link that Graph gave, which is sent as it is.
            units: What it costs.
            headers: Besides the usual ones.

        Raises:
            Refused: 4xx.
            Unavailable: No answer, 5xx, or 2xx without an object.
        """
        return self._object(lambda: self.ask(path, units=units, headers=headers))

    def ask(self, path: str, *, units: int = ONE, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Give the answer to a GET; a redirect is given and not followed.

        Raises:
            Refused: 4xx.
        """
        self._gate.spend(units)
        request = self.http.build_request(
            "GET",
            self.url(path),
            headers={**self._sent(), **(headers or {})},
            extensions=asking(accept=_JUDGED_HERE),
        )
        response = self.http.send(request, stream=False, auth=self._auth, follow_redirects=False)
        if response.is_error:
            raise _refusal(response)
        return response

    def page(self, path: str, *, units: int = LIST, headers: Mapping[str, str] | None = None) -> Item:
        """Give one page of a list; `value` is a list of objects.

        Raises:
            Refused: 4xx.
            BrokenListing: It is no page. Taken for an empty one it would say that everything is gone.
        """
        page = self.get(path, units=units, headers=headers)
        if not isinstance(page.get("value"), list):
            raise BrokenListing(f"GET {path.partition('?')[0]} was answered without a list", where="origin")
        return page

    def pages(self, path: str, *, units: int = LIST, headers: Mapping[str, str] | None = None) -> Iterator[Item]:
        """Give a list page by page.

        Raises:
            Refused: 4xx.
            BrokenListing: It goes round in circles, leads to another host, or holds something else than pages.
        """
        guard = PageGuard(f"GET {path.partition('?')[0]}")
        link: str | None = path
        while link:
            page = self.page(link, units=units, headers=headers)
            guard.see(link, page)
            yield page
            link = self.next_of(page)

    def next_of(self, page: Item, key: str = NEXT_LINK) -> str | None:
        """The link to the next page.

        Raises:
            BrokenListing: It leads to another host than Graph's.
        """
        link = page.get(key)
        if not isinstance(link, str):
            return None
        try:
            return next_link(link, self._root)
        except FatalError as error:
            raise BrokenListing(error.message, where="origin") from error

    def items(self, path: str, *, units: int = LIST) -> Iterator[Item]:
        """Give what is in a list."""
        for page in self.pages(path, units=units):
            yield from page["value"]

    def batch(self, paths: Sequence[str], *, units: int = ONE) -> list[Answer]:
        """Give the answers to GETs, in the order of the paths; parts that fail for the moment are asked again.

        Args:
            paths: Below `/v1.0`, any number.
            units: What each costs.

        Raises:
            Unavailable: A part failed to the last.
        """
        found: dict[int, Answer] = {}
        for start in range(0, len(paths), BATCH):
            group = range(start, min(start + BATCH, len(paths)))
            found |= self._group({place: paths[place] for place in group}, units)
        return [found[place] for place in range(len(paths))]

    def _group(self, paths: Mapping[int, str], units: int) -> dict[int, Answer]:
        """One batch, and the failed parts of it again."""
        found: dict[int, Answer] = {}
        left = dict(paths)
        for attempt in range(RETRIES.tries):
            pause = 0.0
            for place, part in self._batch(left, units).items():
                answer = Answer(part.get("status", 0), _table(part.get("body")))
                if answer.status == HTTPStatus.UNAUTHORIZED:
                    found[place] = self._single(left[place], units)  # alone, where a stale token is renewed
                elif answer.status not in _PART_AGAIN:
                    found[place] = answer
                else:
                    pause = max(pause, self._pause_of(part, attempt))
            left = {place: path for place, path in left.items() if place not in found}
            if not left:
                return found
            self._gate.pause(pause or RETRIES.backoff_seconds(attempt, random.random()))  # noqa: S311  # jitter
        raise Unavailable(f"{len(left)} parts of POST /$batch failed {RETRIES.tries} times", where="origin")

    def _batch(self, paths: Mapping[int, str], units: int) -> dict[int, Item]:
        """Send some requests as one. Their answers come in any order."""
        self._gate.spend(units * len(paths))
        requests = [{"id": str(place), "method": "GET", "url": path} for place, path in paths.items()]
        answer = self._object(
            lambda: self.http.post(
                self.url("/$batch"),
                json={"requests": requests},
                headers=self._sent(),
                auth=self._auth,
                extensions=asking(retry=True),  # nothing in it changes anything
            )
        )
        parts = [part for part in answer.get("responses", ()) if isinstance(part, dict)]
        return {int(part["id"]): part for part in parts if str(part.get("id")).isdigit() and int(part["id"]) in paths}

    def _single(self, path: str, units: int) -> Answer:
        try:
            return Answer(HTTPStatus.OK, self.get(path, units=units))
        except Refused as refused:
            return Answer(refused.status, {})

    def _pause_of(self, part: Item, attempt: int) -> float:
        headers = {name.lower(): str(value) for name, value in _table(part.get("headers")).items()}
        asked = pause_asked_for(headers, self.clock.now())
        return RETRIES.backoff_seconds(attempt, random.random()) if asked is None else asked  # noqa: S311  # jitter

    def _object(self, ask: Callable[[], httpx.Response]) -> Item:
        """Ask until the answer is an object: Graph has been seen to answer 200 with nothing, or with a page of HTML."""
        for attempt in range(RETRIES.tries):
            body = _json(ask())
            if isinstance(body, dict):
                return body
            self.clock.sleep(RETRIES.backoff_seconds(attempt, random.random()))  # noqa: S311  # jitter
        raise Unavailable("Graph answered with something that is no JSON object", where="origin")

    def _sent(self) -> dict[str, str]:
        return {**self._headers, "client-request-id": str(uuid.uuid4())}


def _json(response: httpx.Response) -> object:
    try:
        return response.json()
    except ValueError:
        return None


def _table(value: object) -> Item:
    return value if isinstance(value, dict) else {}


def _refusal(response: httpx.Response) -> Refused:
    """Name status, codes and request id; never the message, which may quote names and addresses."""
    codes = codes_of(_json(response))
    request = response.request
    subject = f"GET {request.url.copy_with(query=None).path[:200]}"
    words = [f"{subject} was answered {response.status_code}", *([f"({', '.join(codes)})"] if codes else [])]
    trace = response.headers.get("request-id", "")
    if trace and trace.isascii() and trace.isprintable() and len(trace) <= 64:
        words.append(f"[request-id {trace}]")
    return Refused(" ".join(words), response.status_code, codes, response.headers.get("location"))


def codes_of(body: object) -> tuple[str, ...]:
    """Give Graph's error codes, from the general to the particular; the telling one may be nested deeply."""
    codes: list[str] = []
    inner = _table(_table(body).get("error"))
    while inner and len(codes) < _MAX_CODES:
        code = inner.get("code")
        if isinstance(code, str) and code.isalnum() and code not in codes:
            codes.append(code)
        inner = _table(inner.get("innerError") or inner.get("innererror"))
    return tuple(codes)
