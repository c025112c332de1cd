"""The HTTP client of connectors: one layer of retries, one budget, and no credential leaves its origin.

    client.get(url)                            answers 2xx and 3xx; everything else is raised as one of our errors
    client.get(url, extensions=asking(…))      with what is special about this request

Each hop: the address is allowed ─▶ budget gives a turn ─▶ request ─▶ 429, 5xx, cut connection: pause, again ─▶ redirect: next hop
"""

from __future__ import annotations

import random
import re
import ssl
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import httpx

from knowledge_connector.errors import (
    AuthenticationError,
    ConfigError,
    ConnectorError,
    DocumentError,
    FatalError,
    RateLimited,
    RetriableError,
    Unavailable,
    Where,
)
from knowledge_connector.kit.addresses import addresses_of, is_forbidden
from knowledge_connector.kit.budget import Budget, Budgets
from knowledge_connector.kit.retry import IDEMPOTENT, Retries, calls_left, is_retriable, pause_asked_for

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from pydantic import SecretStr

    from knowledge_connector.ports import Clock

TIMEOUT = httpx.Timeout(60, connect=10)

HARMLESS_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "range",
        "user-agent",
    }
)
"""What may travel on to another origin. A list of what may, because nobody can list every name of an API key."""

_REQUEST_IDS = ("x-request-id", "request-id", "x-ms-request-id", "x-arequestid", "x-amzn-requestid", "x-correlation-id")
_SAFE_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


_DOCUMENT_CODES: dict[int, str] = {403: "forbidden", 404: "not-found", 410: "gone"}


@dataclass(frozen=True, slots=True)
class Tls:
    """How connections by HTTPS are made.

    Attributes:
        ca_file: Certificates (PEM) to trust besides those of the system.
        client_certificate: Shown to servers that ask for one (PEM); with its key in the same file, if there is no other.
        client_key: Its key (PEM), which never leaves this machine.
        client_key_password: Unlocks the key.
    """

    ca_file: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    client_key_password: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class HttpPolicy:
    """What a client does and what it bears.

    Attributes:
        redirects: Whether a redirect is followed (without secrets, where it leads to another origin) or refused.
        max_redirects: Hops that one request may make.
        allow_link_local: Whether link-local and metadata addresses may be called.
        max_body_bytes: Upper bound of an answer after decompression.
        max_body_seconds: How long an answer may take from its first byte to its last.
        tls: Whom to trust, and who we are.
    """

    retries: Retries = field(default_factory=Retries)
    redirects: Literal["follow", "refuse"] = "follow"
    max_redirects: int = 10
    allow_link_local: bool = False
    max_body_bytes: int = 100_000_000
    max_body_seconds: float = 600
    tls: Tls = field(default_factory=Tls)


def asking(
    *, document_id: str | None = None, accept: Collection[int] = (), retry: bool | None = None
) -> dict[str, Any]:
    """Say what is special about one request; give the result as its `extensions`.

    Args:
        document_id: The request is about this document alone: 403, 404, 410 and an answer that is too large are its own failure.
        accept: Statuses of 400 and above that shall be returned and not raised.
        retry: Whether it may be sent twice; by default what the method promises (not POST, not PATCH).
    """
    return {"kc": _Asking(document_id, frozenset(accept), retry)}


@dataclass(frozen=True, slots=True)
class _Asking:
    document_id: str | None = None
    accept: frozenset[int] = frozenset()
    retry: bool | None = None


def make_client(
    clock: Clock,
    *,
    policy: HttpPolicy = HttpPolicy(),
    budgets: Budgets | None = None,
    credential: str = "",
    where: Where = "origin",
    jitter: Callable[[], float] = random.random,
    transport: httpx.BaseTransport | None = None,
) -> HttpClient:
    """Give a client; base URL, headers, cookies and `auth` are set on it as on any `httpx.Client`.

    Args:
        clock: Whose time it is; all waiting is done with it.
        policy: What it does and bears.
        budgets: Shared by all clients whose requests count together; its own if not given.
        credential: Tells one credential from another, for the budgets; it is not kept.
        where: Which side it talks to, for errors.
        jitter: Gives numbers from 0 to 1.
        transport: For tests and for special connections.
    """
    return HttpClient(clock, policy, budgets or Budgets(clock), credential, where, jitter, transport)


class HttpClient(httpx.Client):
    """An `httpx.Client` that waits, tries again, and translates; see `make_client`."""

    def __init__(
        self,
        clock: Clock,
        policy: HttpPolicy,
        budgets: Budgets,
        credential: str,
        where: Where,
        jitter: Callable[[], float],
        transport: httpx.BaseTransport | None,
    ) -> None:
        super().__init__(timeout=TIMEOUT, transport=transport, verify=_context(policy.tls))
        self._clock = clock
        self._policy = policy
        self._budgets = budgets
        self._credential = credential
        self._where = where
        self._jitter = jitter

    def send(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,
        auth: Any = httpx.USE_CLIENT_DEFAULT,
        follow_redirects: Any = httpx.USE_CLIENT_DEFAULT,
    ) -> httpx.Response:
        """Send a request, and follow where it is redirected to.

        Raises:
            AuthenticationError: 401.
            FatalError: 403 and all other statuses that trying again does not mend; a forbidden address or redirect.
            RateLimited: 429 to the last, or a pause that is longer than we wait.
            Unavailable: 5xx to the last, or no answer.
            DocumentError: 403, 404, 410 or too large, for a request that is about one document.
        """
        asked = request.extensions.get("kc", _Asking())
        is_abroad = False  # for good: httpx would give cookies without a domain to a stranger's second hop
        for _ in range(self._policy.max_redirects + 1):
            response = self._try(request, asked, stream=stream, auth=None if is_abroad else auth)
            following = response.next_request
            if following is None or follow_redirects is False:
                return response
            response.close()
            if not same_origin(str(following.url), str(request.url)):
                self._refuse_crossing(following)
                is_abroad = True
            request = _harmless(following) if is_abroad else following
        raise FatalError(
            f"{_subject(request)} was redirected more than {self._policy.max_redirects} times", where=self._where
        )

    def _refuse_crossing(self, request: httpx.Request) -> None:
        """Refuse to go to another origin where the policy says so, and wherever a body would come along."""
        if self._policy.redirects == "refuse" or request.method not in ("GET", "HEAD"):
            raise FatalError(
                f"a redirect of a {request.method} to another origin, {_origin(request.url)}, was refused",
                where=self._where,
            )

    def _try(self, request: httpx.Request, asked: _Asking, *, stream: bool, auth: Any) -> httpx.Response:
        """Make one hop, as often as it takes."""
        retries = self._policy.retries
        budget = self._budgets.of(request.url.netloc.decode("ascii"), self._credential)
        waited = 0.0
        for attempt in range(retries.tries):
            with budget.turn(retries.max_wait_seconds - waited, self._where) as seconds:
                try:
                    return self._exchange(request, asked, budget, stream=stream, auth=auth)
                except RetriableError as error:
                    failure = error
                delay = self._delay(failure, attempt)
                if isinstance(failure, RateLimited):
                    budget.pause(delay)  # before the turn ends, so that nobody slips through
            waited += seconds
            is_last = attempt + 1 == retries.tries or waited + delay > retries.max_wait_seconds
            if is_last or not _may_repeat(request, asked, failure):
                raise failure
            if not isinstance(failure, RateLimited):
                self._clock.sleep(delay)
                waited += delay
        raise AssertionError("a policy allows at least one try")

    def _delay(self, failure: RetriableError, attempt: int) -> float:
        if isinstance(failure, RateLimited) and failure.retry_after_seconds:  # "at once" would be five tries at once
            return failure.retry_after_seconds
        return self._policy.retries.backoff_seconds(attempt, self._jitter())

    def _exchange(
        self, request: httpx.Request, asked: _Asking, budget: Budget, *, stream: bool, auth: Any
    ) -> httpx.Response:
        """Send once, and judge the answer."""
        if not self._policy.allow_link_local:
            self._refuse(request.url.host, request.url.host)
            request.extensions = {**request.extensions, "trace": self._watch}
        with _translated(request, self._where):
            response = super().send(request, stream=True, auth=auth, follow_redirects=False)
            ill = response.is_error and response.status_code not in asked.accept
            if ill or not stream:
                response = self._whole(response, asked)
        if ill:
            raise self._error(response, asked)
        left = calls_left(response.headers)
        if left is not None:
            budget.spare(left, pause_asked_for(response.headers, self._clock.now()) or 0)
        return response

    def _whole(self, response: httpx.Response, asked: _Asking) -> httpx.Response:
        """Read the body within its bounds."""
        policy, started, parts, size = self._policy, self._clock.monotonic(), [], 0
        with closing(response):
            for part in response.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > policy.max_body_bytes:
                    raise self._too_large(response, asked)
                if self._clock.monotonic() - started > policy.max_body_seconds:
                    raise httpx.ReadTimeout("the body took too long as a whole", request=response.request)
        encoded = ("content-encoding", "content-length", "transfer-encoding")  # the body is none of it any more
        headers = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in encoded]
        whole = httpx.Response(
            response.status_code,
            headers=headers,
            content=b"".join(parts),
            request=response.request,
            extensions=response.extensions,
        )
        whole.next_request = response.next_request
        return whole

    def _too_large(self, response: httpx.Response, asked: _Asking) -> ConnectorError:
        message = f"{_subject(response.request)} answered with more than {self._policy.max_body_bytes} bytes"
        if asked.document_id is None:
            return FatalError(message, where=self._where)
        return DocumentError(message, code="too-large", where=self._where, document_id=asked.document_id)

    def _error(self, response: httpx.Response, asked: _Asking) -> ConnectorError:
        """Give the error that says what to do about an answer."""
        status = response.status_code
        message = f"{_subject(response.request)} answered {_in_words(response)}"
        if asked.document_id is not None and status in _DOCUMENT_CODES:
            code = _DOCUMENT_CODES[status]
            return DocumentError(message, code=code, where=self._where, document_id=asked.document_id)
        if status == httpx.codes.UNAUTHORIZED:
            return AuthenticationError(message, where=self._where)
        if not is_retriable(status):
            return FatalError(message, where=self._where)
        if status == httpx.codes.TOO_MANY_REQUESTS or "retry-after" in response.headers:
            pause = pause_asked_for(response.headers, self._clock.now())
            return RateLimited(message, retry_after_seconds=pause, code=_error_code(response), where=self._where)
        return Unavailable(message, where=self._where)

    def _watch(self, event: str, details: Mapping[str, Any]) -> None:
        """Look at each new connection before and after it is made: a name may lead to an address that none should reach."""
        if event == "connection.connect_tcp.started":
            for address in addresses_of(details["host"]):
                self._refuse(details["host"], address)
        elif event == "connection.connect_tcp.complete":
            stream = details["return_value"]
            address = stream.get_extra_info("server_addr")[0]
            if is_forbidden(address):  # it was resolved once more, and to something else
                stream.close()
            self._refuse(address, address)

    def _refuse(self, host: str, address: str) -> None:
        if is_forbidden(address):
            raise FatalError(
                f"{host} is {address}, a link-local or metadata address; these are refused unless they are allowed",
                where=self._where,
            )


@cache
def _context(tls: Tls) -> ssl.SSLContext:
    """One for all clients: reading the certificates takes 50 ms.

    Raises:
        ConfigError: A file cannot be read.
    """
    context = httpx.create_ssl_context()
    if tls.ca_file is not None:
        try:
            context.load_verify_locations(cafile=tls.ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise ConfigError(f"http.ca_file: no certificates could be read from {tls.ca_file}: {error}") from error
    if tls.client_certificate is not None:
        password = tls.client_key_password.get_secret_value() if tls.client_key_password else ""
        try:  # with no password at all, OpenSSL would ask for it on the terminal
            context.load_cert_chain(tls.client_certificate, tls.client_key, password)
        except OSError as error:
            files = " and ".join(str(file) for file in (tls.client_certificate, tls.client_key) if file)
            raise ConfigError(
                f"http.client_certificate: no certificate with its key could be read from {files}: {error}; "
                "both are PEM, and a locked key needs http.client_key_password"
            ) from error
    return context


def same_origin(url: str, base: str, allowed_hosts: Collection[str] = ()) -> bool:
    """Whether a URL has scheme, host and port of `base`, or leads by the same scheme to one of the allowed hosts.

    Args:
        url: Absolute.
        base: Absolute.
        allowed_hosts: As `host` or `host:port`.
    """
    one, other = httpx.URL(url), httpx.URL(base)
    if one.scheme != other.scheme:
        return False
    return one.netloc == other.netloc or one.netloc.decode("ascii") in allowed_hosts


def next_link(link: str, base: str, allowed_hosts: Collection[str] = ()) -> str:
    """Give the absolute form of a link to the next page.

    Args:
        link: As the answer has it, absolute or relative.
        base: URL of that answer.
        allowed_hosts: Where it may lead besides, as `host` or `host:port`.

    Raises:
        FatalError: It leads elsewhere, where credentials must not go.
    """
    url = str(httpx.URL(base).join(link))
    if same_origin(url, base, allowed_hosts):
        return url
    raise FatalError(
        f"the link to the next page leads from {_origin(httpx.URL(base))} to {_origin(httpx.URL(url))}; "
        "if that is right, allow the host",
        where="origin",
    )


@contextmanager
def _translated(request: httpx.Request, where: Where) -> Iterator[None]:
    """Turn what httpx raises into our errors; their messages hold no text of httpx, which may quote a URL."""
    try:
        yield
    except httpx.UnsupportedProtocol as error:
        raise FatalError(f"{_subject(request)}: only http and https are spoken", where=where) from error
    except (httpx.TransportError, httpx.DecodingError) as error:
        if _is_untrusted(error):
            raise FatalError(f"{_subject(request)}: the server's certificate is not trusted", where=where) from error
        raise Unavailable(f"{_subject(request)} got no whole answer: {type(error).__name__}", where=where) from error


def _is_untrusted(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


def _may_repeat(request: httpx.Request, asked: _Asking, failure: RetriableError) -> bool:
    """Whether sending a request again cannot do any harm, or the caller says so."""
    if not isinstance(request.stream, httpx.ByteStream):
        return False  # its body was read from somewhere, and is gone
    if isinstance(failure.__cause__, httpx.ConnectError | httpx.ConnectTimeout):
        return True  # nothing was sent
    return request.method in IDEMPOTENT if asked.retry is None else asked.retry


def _harmless(request: httpx.Request) -> httpx.Request:
    """Make the same request without anything that may be secret."""
    headers = [(name, value) for name, value in request.headers.multi_items() if name.lower() in HARMLESS_HEADERS]
    return httpx.Request(request.method, request.url, headers=headers, extensions=request.extensions)


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _subject(request: httpx.Request) -> str:
    """Name a request without its query and without credentials."""
    path = request.url.raw_path.partition(b"?")[0].decode("ascii", "replace")
    return f"{request.method} {_origin(request.url)}{path[:200]}"


def _in_words(response: httpx.Response) -> str:
    """Say status, error code and request id: what a person needs for a ticket, and nothing that may be secret."""
    words = [str(response.status_code), response.reason_phrase]
    code = _error_code(response)
    if code:
        words.append(f"({code})")
    name = next((name for name in _REQUEST_IDS if _SAFE_WORD.fullmatch(response.headers.get(name, ""))), None)
    if name:
        words.append(f"[{name} {response.headers[name]}]")
    return " ".join(word for word in words if word)


def _error_code(response: httpx.Response) -> str | None:
    """Find the error code where the usual APIs put it: `code`, `errorCode`, `error_code` or `error`, itself or inside `error`."""
    try:
        body = response.json()
    except ValueError:
        return None
    tables = [one for one in (body, body.get("error") if isinstance(body, dict) else None) if isinstance(one, dict)]
    codes = (table.get(key) for table in reversed(tables) for key in ("code", "errorCode", "error_code", "error"))
    return next((code for code in codes if isinstance(code, str) and _SAFE_WORD.fullmatch(code)), None)
