"""What the `auth` table does: credentials that go to the service's own origins only, and tokens that are fetched and renewed.

Tokens are fetched by a client of their own: a request that waits for one holds a place in the budget of its host, and a second place
may never come free.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any

import httpx

from knowledge_connector import AuthenticationError, ConfigError
from knowledge_connector.kit.auth import TokenAuth
from knowledge_connector.kit.config import HttpOptions
from knowledge_connector.kit.http import asking, make_client, same_origin
from knowledge_connector.kit.remote import policy_of
from knowledge_connector_rest.authentication import (
    EARLY_SECONDS,
    ApiKeyAuth,
    Auth,
    BasicAuth,
    BearerAuth,
    JwtAuth,
    LoginAuth,
    OAuth,
    PasswordAuth,
    RefreshTokenAuth,
    Renewed,
)
from knowledge_connector_rest.expressions import evaluate

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import SecretStr

    from knowledge_connector import Clock

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
Apply = Callable[[httpx.Request], None]


def make_auth(auth: Auth, http: HttpOptions, clock: Clock, *, origins: Iterable[str]) -> httpx.Auth:
    """Give what puts the credentials of an `auth` table on requests to these origins, and on no others."""
    if isinstance(auth, Renewed):
        return SentToken(FetchedToken(auth, http, clock), auth, origins)
    return FixedAuth(_fixed(auth), origins)


class FixedAuth(httpx.Auth):
    """Credentials that stay the same."""

    def __init__(self, apply: Apply, origins: Iterable[str]) -> None:
        self._apply = apply
        self._origins = tuple(origins)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """See `httpx.Auth`."""
        if any(same_origin(str(request.url), origin) for origin in self._origins):
            self._apply(request)
        yield request


class SentToken(TokenAuth):
    """A token that is renewed, sent in the header that the service wants."""

    def __init__(self, tokens: FetchedToken, auth: Renewed, origins: Iterable[str]) -> None:
        super().__init__(tokens, origins=origins)
        self._header, self._prefix = auth.token_header, auth.token_prefix
        self._fetched = tokens

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """See `httpx.Auth`."""
        flow = super().auth_flow(request)
        try:
            sent = next(flow)
            while True:
                sent = flow.send((yield self._moved(sent)))
        except StopIteration:
            return

    def forget(self) -> None:
        """Fetch another token before the next request: an answer said that this one is good no more."""
        self._fetched.forget()

    def _moved(self, request: httpx.Request) -> httpx.Request:
        bearer = request.headers.pop("Authorization", "")
        if bearer:
            request.headers[self._header] = self._prefix + bearer.removeprefix("Bearer ")
        return request


def _fixed(auth: Auth) -> Apply:
    match auth:
        case BearerAuth():
            return _with_header("Authorization", f"Bearer {_reveal(auth.token)}")
        case BasicAuth():
            return _with_header("Authorization", _basic(auth.username, _reveal(auth.password)))
        case ApiKeyAuth():
            return _with_key(auth)
        case _:
            return _with_nothing


def _with_nothing(request: httpx.Request) -> None:
    """Nobody asks who we are."""


def _with_header(name: str, value: str) -> Apply:
    def apply(request: httpx.Request) -> None:
        request.headers[name] = value

    return apply


def _with_key(auth: ApiKeyAuth) -> Apply:
    value = auth.prefix + _reveal(auth.key)

    def in_query(request: httpx.Request) -> None:
        request.url = request.url.copy_set_param(auth.name, value)

    def in_cookie(request: httpx.Request) -> None:
        others = [
            one for one in request.headers.get("cookie", "").split("; ") if one and one.partition("=")[0] != auth.name
        ]
        request.headers["Cookie"] = "; ".join([*others, f"{auth.name}={value}"])

    return {"header": _with_header(auth.name, value), "query": in_query, "cookie": in_cookie}[auth.place]


class FetchedToken:
    """`kit.auth.Tokens`: fetches a token, and another when it is about to expire or was refused."""

    def __init__(self, auth: Renewed, http: HttpOptions, clock: Clock) -> None:
        self._auth = auth
        self._policy = policy_of(http)
        self._clock = clock
        self._token: str | None = None
        self._good_until = float("-inf")
        self._refresh_token = ""

    def current(self) -> str:
        """See `Tokens`."""
        if self._token is None or self._clock.monotonic() >= self._good_until:
            self._token = self._fetch()
        return self._token

    def renew(self, stale: str, challenge: str | None) -> str:  # noqa: ARG002  # there is but one way to renew
        """See `Tokens`."""
        self._token = self._fetch()
        return self._token

    def forget(self) -> None:
        """Take the token for expired."""
        self._good_until = float("-inf")

    def _fetch(self) -> str:
        auth = self._auth
        if isinstance(auth, JwtAuth) and auth.token_url is None:
            return self._kept(_signed(auth, self._clock), auth.lifetime_seconds)
        url = auth.login_url if isinstance(auth, LoginAuth) else getattr(auth, "token_url", "")
        answer = self._ask(url, self._request(auth))
        if isinstance(auth, LoginAuth) and auth.answer_header:
            return self._kept(answer.headers.get(auth.answer_header), auth.lifetime_seconds)
        data = _data(answer)
        lifetime = data.get("expires_in")
        if isinstance(auth, RefreshTokenAuth):
            self._rotate(auth, data.get("refresh_token"))
        seconds = (
            float(lifetime) if isinstance(lifetime, int | str) and str(lifetime).isdigit() else auth.lifetime_seconds
        )
        return self._kept(evaluate(auth.token_path, data), seconds)

    def _kept(self, token: object, lifetime_seconds: float) -> str:
        if not isinstance(token, str) or not token:
            raise AuthenticationError(
                f"the answer to the log-in has no token at auth.token_path = {self._auth.token_path!r}", where="origin"
            )
        early = min(EARLY_SECONDS, lifetime_seconds / 10)
        self._good_until = self._clock.monotonic() + lifetime_seconds - early
        return token

    def _ask(self, url: str, request: dict[str, Any]) -> httpx.Response:
        with make_client(self._clock, policy=self._policy) as client:
            answer = client.post(url, extensions=asking(retry=True, accept={400, 401, 403}), **request)
        if answer.is_error:
            code = _data(answer).get("error")
            told = f" ({code})" if isinstance(code, str) and code.replace("_", "").isalnum() and len(code) < 40 else ""
            raise AuthenticationError(
                f"POST {httpx.URL(url).copy_with(query=None)} answered {answer.status_code}{told}: the credentials in `auth` "
                "are not accepted; log in again or mend them",
                where="origin",
            )
        return answer

    def _request(self, auth: Renewed) -> dict[str, Any]:
        if isinstance(auth, LoginAuth):
            fields = {name: _reveal(value) for name, value in auth.credentials.items()}
            return {"json": fields} if auth.encoding == "json" else {"data": fields}
        if isinstance(auth, JwtAuth):
            return {"data": {"grant_type": JWT_GRANT, "assertion": _signed(auth, self._clock)}}
        return _oauth_request(auth, self._grant(auth)) if isinstance(auth, OAuth) else {}

    def _grant(self, auth: OAuth) -> dict[str, str]:
        match auth:
            case RefreshTokenAuth():
                newest = self._refresh_token or _kept_refresh_token(auth)
                return {"grant_type": "refresh_token", "refresh_token": newest}
            case PasswordAuth():
                return {"grant_type": "password", "username": auth.username, "password": _reveal(auth.password)}
            case _:
                return {"grant_type": "client_credentials"}

    def _rotate(self, auth: RefreshTokenAuth, token: object) -> None:
        """Take the new refresh token that came with a token, if one did: the old one may be good no more."""
        if isinstance(token, str) and token:
            self._refresh_token = token
            if auth.refresh_token_file is not None:
                _write_privately(auth.refresh_token_file, token)


def _oauth_request(auth: OAuth, grant: dict[str, str]) -> dict[str, Any]:
    form = {**grant, **auth.fields}
    form |= {name: value for name, value in (("scope", auth.scope), ("audience", auth.audience)) if value}
    secret = _reveal(auth.client_secret)
    if auth.client_in == "basic":
        return {"data": form, "headers": {"Authorization": _basic(auth.client_id, secret)}}
    return {
        "data": form
        | {name: value for name, value in (("client_id", auth.client_id), ("client_secret", secret)) if value}
    }


def _kept_refresh_token(auth: RefreshTokenAuth) -> str:
    """The newest one that an earlier run got."""
    file = auth.refresh_token_file
    kept = file.read_text(encoding="utf-8").strip() if file and file.is_file() else ""
    return kept or _reveal(auth.refresh_token)


def _write_privately(file: Path, token: str) -> None:
    """Write a file whole or not at all, and for nobody else's eyes."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_name(f"{file.name}.new")
        with open(fresh, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as out:
            out.write(token)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(file)
    except OSError as error:
        raise ConfigError(f"auth.refresh_token_file: {file} cannot be written: {error.strerror}") from error


def _signed(auth: JwtAuth, clock: Clock) -> str:
    try:
        import jwt  # an extra that few need
    except ImportError:
        raise ConfigError("auth.type: 'jwt' needs pip install 'knowledge-connector-rest[jwt]'") from None
    now = int(clock.now().timestamp())
    claims = {**auth.claims, "iat": now, "exp": now + int(auth.lifetime_seconds)}
    headers = {"kid": auth.key_id} if auth.key_id else None
    try:
        return jwt.encode(claims, _reveal(auth.private_key), algorithm=auth.algorithm, headers=headers)
    except (jwt.PyJWTError, ValueError, TypeError, NotImplementedError) as error:
        raise ConfigError(
            f"auth.private_key: it cannot sign with auth.algorithm = {auth.algorithm!r}: {type(error).__name__}"
        ) from None


def _data(answer: httpx.Response) -> dict[str, Any]:
    try:
        data = answer.json()
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def _reveal(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()
