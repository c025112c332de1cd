"""Who may ask the emulated services: one way of saying so for each of them, and tokens that end."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from knowledge_connector.testing.emulation import Services

CLIENT_ID = "emulated-client"
CLIENT_SECRET = "emulated-client-secret"  # noqa: S105  # development credentials, printed at the start, as all of these
API_KEY = "emulated-api-key"
USER, PASSWORD = "reader", "emulated-password"
BEARER = "emulated-bearer"
FIRST_REFRESH_TOKEN = "emulated-refresh-1"  # noqa: S105
ALL_SECRETS = (CLIENT_SECRET, API_KEY, PASSWORD, BEARER, FIRST_REFRESH_TOKEN)


@dataclass(slots=True)
class _Issued:
    calls_left: int
    good_until: datetime


class Access:
    """Tokens that are out, and what each door wants to see.

    Args:
        services: For the clock and for the options `rest.token_calls` (0 for no bound) and `rest.token_seconds`.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._tokens: dict[str, _Issued] = {}
        self._refresh = FIRST_REFRESH_TOKEN

    def token_is_good(self, request: Request) -> bool:
        """Whether a request bears a token of ours; counts it as used."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ") or request.headers.get("x-session", "")
        issued = self._tokens.get(token)
        if issued is None or issued.calls_left == 0 or self._services.clock.now() >= issued.good_until:
            return token == BEARER
        issued.calls_left -= 1
        return True

    def revoke_all(self) -> None:
        """Let every token end."""
        self._tokens.clear()

    def begin_anew(self) -> None:
        """As at the start: no token is out, and the first refresh token is good again."""
        self.revoke_all()
        self._refresh = FIRST_REFRESH_TOKEN

    async def token(self, request: Request) -> Response:
        """OAuth 2: client credentials, refresh token (each use gives another), password, signed assertion."""
        form = dict(parse_qsl((await request.body()).decode()))
        grant = form.get("grant_type", "")
        if grant == "refresh_token":
            return self._refreshed(form)
        good: Mapping[str, Callable[[], bool]] = {
            "client_credentials": lambda: _client(request, form) == (CLIENT_ID, CLIENT_SECRET),
            "password": lambda: (form.get("username"), form.get("password")) == (USER, PASSWORD),
            "urn:ietf:params:oauth:grant-type:jwt-bearer": lambda: form.get("assertion", "").count(".") == 2,
        }
        if grant not in good:
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        if not good[grant]():
            return JSONResponse({"error": "invalid_client"}, 401)
        return JSONResponse(self._issue())

    async def login(self, request: Request) -> Response:
        """A log-in of the service's own: JSON in, a session out."""
        given = await request.json()
        if (given.get("user"), given.get("password")) != (USER, PASSWORD):
            return JSONResponse({"error": "wrong_password"}, 403)
        token = str(self._issue()["access_token"])
        return JSONResponse({"session": {"id": token}}, headers={"X-Session": token})

    def _refreshed(self, form: Mapping[str, str]) -> Response:
        if form.get("refresh_token") != self._refresh:
            return JSONResponse({"error": "invalid_grant"}, 400)
        self._refresh = f"emulated-refresh-{secrets.token_hex(8)}"
        return JSONResponse(self._issue() | {"refresh_token": self._refresh})

    def _issue(self) -> dict[str, object]:
        seconds = int(self._services.options.get("rest.token_seconds", "3600"))
        calls = int(self._services.options.get("rest.token_calls", "0"))
        token = f"emulated-token-{secrets.token_hex(8)}"
        until = self._services.clock.now() + timedelta(seconds=seconds)
        self._tokens[token] = _Issued(calls or -1, until)
        return {"access_token": token, "token_type": "Bearer", "expires_in": seconds}


def has_key(request: Request) -> bool:
    """Whether a request bears the key: in a header, a parameter or a cookie."""
    return API_KEY in (
        request.headers.get("x-api-key"),
        request.query_params.get("api_key"),
        request.cookies.get("api_key"),
    )


def is_user(request: Request) -> bool:
    """Whether a request bears user and password."""
    return request.headers.get("authorization") == "Basic " + _encoded(USER, PASSWORD)


def demand(good: bool) -> None:  # what is demanded
    """Refuse with a 401.

    Raises:
        HTTPException: It is not good.
    """
    if not good:
        raise HTTPException(401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


def bears_a_secret(request: Request) -> bool:
    """Whether anything that may be a credential came along, to a place where none should."""
    headers = {"authorization", "cookie", "x-api-key", "x-session", "x-tenant-secret"}
    return bool(headers & set(request.headers)) or any(secret in str(request.url) for secret in ALL_SECRETS)


def _client(request: Request, form: Mapping[str, str]) -> tuple[str, str]:
    basic = request.headers.get("authorization", "")
    if basic.startswith("Basic "):
        name, _, secret = base64.b64decode(basic[6:]).decode().partition(":")
        return name, secret
    return form.get("client_id", ""), form.get("client_secret", "")


def _encoded(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()
