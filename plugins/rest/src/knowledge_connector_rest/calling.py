"""One request of the configuration: sent by the run's client, judged by the rules, decoded.

call ─▶ client (retries, budget, credentials) ─▶ rules: what does this answer mean? ─▶ decoder ─▶ selector ─▶ page

The client tries again what its status gives away. What only the body tells (an error within a 200, a page of HTML, nothing at all) is tried
again here, with the same patience.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from knowledge_connector import AuthenticationError, ConfigError, ConnectorError, FatalError, RateLimited, Unavailable
from knowledge_connector.kit.http import asking, same_origin
from knowledge_connector.kit.retry import Retries, is_retriable, pause_asked_for
from knowledge_connector_rest.config import config_values
from knowledge_connector_rest.credentials import SentToken, make_auth
from knowledge_connector_rest.decoding import Undecodable
from knowledge_connector_rest.expressions import as_text, evaluate, render, render_all, render_path
from knowledge_connector_rest.paging import Call, Page

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from knowledge_connector import SyncContext
    from knowledge_connector_rest.config import RestConfig, Rule
    from knowledge_connector_rest.decoding import Decoder
    from knowledge_connector_rest.expressions import Scope

NO_HEADERS: Mapping[str, str] = {}

TRIES_OF_BODIES = 3
"""How often an answer is asked for that cannot be read."""


class Restart(Exception):
    """The service does not know this page any more: begin again."""


class NotModified(Exception):
    """Nothing has changed since the last run."""


class Unknown(ConnectorError):
    """A rule says to go on without this answer, and to keep what is known."""


class Refused(Unknown):
    """The answer was 403 or 404, where the caller knows what to make of it."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message, where="origin")
        self.status = status


class Ignored(ConnectorError):
    """A rule says to take it as if there were no records."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How an answer is read.

    Attributes:
        records: Where it has its records; `None` for one record, which is all of it.
        bears: Statuses that the caller knows what to make of, raised as `Refused`.
        restarts: Whether 410 means to begin again.
    """

    decoder: Decoder
    records: str | None
    rules: tuple[Rule, ...] = ()
    empty_is_fine: bool = False
    bears: frozenset[int] = frozenset()
    restarts: bool = False
    document_id: str | None = None


class Caller:
    """Sends the requests of one run. Safe to use from any number of threads."""

    def __init__(self, config: RestConfig, context: SyncContext) -> None:
        self.config = config
        self.client = context.http
        self.auth = make_auth(config.auth, config.http, context.clock, origins=self._origins())
        self._clock = context.clock
        self._values = config_values(config)
        self._retries = Retries()

    def scope(self, **names: Any) -> Scope:
        """What templates of requests may use."""
        return {**self._values, **names}

    def call(
        self,
        method: str,
        path: str,
        scope: Scope,
        *,
        query: Mapping[str, Any],
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
        form: Mapping[str, Any] | None = None,
    ) -> Call:
        """Fill in the templates of a request."""
        return Call(
            method,
            self.absolute(render_path(path, scope)),
            query={name: render_all(value, scope) for name, value in query.items()},
            headers=self.headers(scope, headers),
            body=None if body is None else render_all(body, scope),
            form=None if form is None else render_all(form, scope),
        )

    def headers(self, scope: Scope, more: Mapping[str, str] = NO_HEADERS) -> dict[str, str]:
        """The headers of all requests, and more, filled in."""
        return {name: as_text(render(value, scope)) for name, value in {**self.config.headers, **more}.items()}

    def absolute(self, path: str) -> str:
        """The address of a path beneath `base_url`.

        Raises:
            ConfigError: It is an address at another host, which is not allowed.
        """
        if "://" not in path:
            return f"{self.config.base_url}/{path.lstrip('/')}" if path else self.config.base_url
        if not same_origin(path, self.config.base_url, self.config.allowed_hosts):
            raise ConfigError(
                f"path: {path.partition('?')[0]!r} is not at {self.config.base_url}; if that is right, add its host to `allowed_hosts`"
            )
        return path

    def is_ours(self, url: str) -> bool:
        """Whether credentials may go there."""
        return same_origin(url, self.config.base_url, self.config.allowed_hosts)

    def page(self, call: Call, shape: Shape) -> Page:
        """Ask, and give what the answer holds.

        Raises:
            Restart, NotModified, Unknown, Ignored: Turns of the way; see there.
            ConnectorError: As the client raises them, and what a rule says.
        """
        attempt = 0
        while True:
            response = self._send(call, shape)
            try:
                return self._judged(response, shape)
            except Undecodable as error:
                failure: ConnectorError = FatalError(f"{_subject(response)} answered with {error}", where="origin")
            except (Unavailable, RateLimited) as error:
                failure = error
            attempt += 1
            if attempt == TRIES_OF_BODIES:
                raise failure
            self._wait(failure, attempt)

    def _origins(self) -> list[str]:
        scheme = urlsplit(self.config.base_url).scheme
        return [self.config.base_url, *(f"{scheme}://{host}" for host in self.config.allowed_hosts)]

    def _send(self, call: Call, shape: Shape) -> httpx.Response:
        accept = {304, *shape.bears, *_statuses(shape.rules)} | ({410} if shape.restarts else set())
        request = self.client.build_request(
            call.method,
            _with_query(call.url, call.query, self.config.list_style),
            headers=call.headers,
            json=call.body,
            data=call.form,
            extensions=asking(document_id=shape.document_id, accept=accept, retry=True),
        )
        return self.client.send(request, auth=self.auth, follow_redirects=True)

    def _judged(self, response: httpx.Response, shape: Shape) -> Page:
        rule = _fitting(shape.rules, response)
        if rule is not None:
            self._obey(rule, response)
        elif response.is_error:
            self._turn(response, shape)
        return self._read(response, shape)

    def _turn(self, response: httpx.Response, shape: Shape) -> None:
        """Say what an answer of 400 and above means that no rule speaks of."""
        if response.status_code == httpx.codes.GONE and shape.restarts:
            raise Restart
        message = f"{_subject(response)} answered {response.status_code}"
        if response.status_code in shape.bears:
            raise Refused(message, response.status_code)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise AuthenticationError(message, where="origin")
        # a status that some rule names, though no rule fits this answer
        raise (Unavailable if is_retriable(response.status_code) else FatalError)(message, where="origin")

    def _obey(self, rule: Rule, response: httpx.Response) -> None:
        """Do what a rule says; returns if the answer shall be read."""
        told = rule.message or f"{_subject(response)} answered {response.status_code}, and a rule says: {rule.action}"
        match rule.action:
            case "ignore":
                raise Ignored(told, where="origin")
            case "unknown":
                raise Unknown(told, where="origin")
            case "retry":
                raise Unavailable(told, where="origin")
            case "rate_limited":
                pause = pause_asked_for(response.headers, self._clock.now())
                raise RateLimited(told, retry_after_seconds=pause, where="origin")
            case "renew_credentials":
                if isinstance(self.auth, SentToken):
                    self.auth.forget()
                raise Unavailable(told, where="origin")
            case "restart":
                raise Restart
            case "fail":
                raise _BLAMED[rule.blame](told, where="origin")

    def _read(self, response: httpx.Response, shape: Shape) -> Page:
        if response.status_code == httpx.codes.NOT_MODIFIED:
            raise NotModified
        headers = {name.lower(): value for name, value in response.headers.items()}
        links = {str(name): str(link.get("url", "")) for name, link in response.links.items()}
        nothing = response.status_code == httpx.codes.NO_CONTENT
        payload = None if nothing else shape.decoder.decode(response.content, response.charset_encoding)
        records = [] if nothing else _records(payload, shape)
        return Page(payload, records, headers, str(response.url), links, self.config.allowed_hosts)

    def _wait(self, failure: ConnectorError, attempt: int) -> None:
        asked = failure.retry_after_seconds if isinstance(failure, RateLimited) else None
        seconds = self._retries.backoff_seconds(attempt, random.random()) if asked is None else asked  # noqa: S311  # jitter
        if seconds > self._retries.max_wait_seconds:
            raise failure
        self._clock.sleep(seconds)


_BLAMED: Mapping[str, type[ConnectorError]] = {
    "configuration": ConfigError,
    "service": FatalError,
    "outage": Unavailable,
}


def _records(payload: Any, shape: Shape) -> list[Any]:
    found = payload if shape.records is None else evaluate(shape.records, payload)
    if isinstance(found, list):
        return found
    if isinstance(found, dict):
        return [found]
    if found is None and shape.empty_is_fine:
        return []
    raise Undecodable(f"no records: `records` = {shape.records!r} finds {_kind(found)}")


def _fitting(rules: Sequence[Rule], response: httpx.Response) -> Rule | None:
    return next((rule for rule in rules if _fits(rule, response)), None)


def _fits(rule: Rule, response: httpx.Response) -> bool:
    return (
        (not rule.status or response.status_code in rule.status)
        and all(re.search(pattern, response.headers.get(name, "")) for name, pattern in rule.header.items())
        and (rule.text is None or rule.text in response.text)
        and (rule.body is None or _is_true(rule.body, response))
    )


def _is_true(expression: str, response: httpx.Response) -> bool:
    try:
        data = response.json()
    except ValueError:
        return False
    return bool(evaluate(expression, data))


def _statuses(rules: Sequence[Rule]) -> Collection[int]:
    return {status for rule in rules for status in rule.status}


def _with_query(url: str, query: Mapping[str, Any], list_style: str) -> httpx.URL:
    """Add parameters to those that the address has; httpx's own `params` would replace them."""
    pairs = [pair for name, value in query.items() for pair in _pairs(name, value, list_style)]
    return httpx.URL(url).copy_merge_params(pairs) if pairs else httpx.URL(url)


def _pairs(name: str, value: object, list_style: str) -> list[tuple[str, str | int | float | bool | None]]:
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        return [(name, as_text(value))]
    texts = [as_text(one) for one in value]
    if list_style == "comma":
        return [(name, ",".join(texts))]
    return [(f"{name}[]" if list_style == "brackets" else name, text) for text in texts]


def _subject(response: httpx.Response) -> str:
    return f"{response.request.method} {response.request.url.copy_with(query=None, username=None, password=None)}"


def _kind(found: object) -> str:
    return "nothing" if found is None else f"a {type(found).__name__}"
