"""Who may call, where, and how often."""

from __future__ import annotations

import math
import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from knowledge_connector.testing.emulation import Services, Store
from knowledge_connector_cognigy.emulator.holdings import OTHER_PROJECT, PROJECT
from knowledge_connector_cognigy.emulator.rules import Refusal, envelope

RATE_WINDOW_SECONDS = 300
TOKEN_SECONDS = 3600

_KEYS = {"emu-key": (PROJECT,), "emu-other-key": (OTHER_PROJECT,)}
_CLIENT = ("emu-client", "emu-secret")


class Access:
    """API keys, OAuth2 tokens, projects, and the rate limit of the shared service.

    The limit is off unless `options["cognigy.rate_limit"]` gives the requests that are allowed in five minutes (Cognigy: 1000).
    """

    key = "emu-key"

    def __init__(self, services: Services, store: Store) -> None:
        self._services = services
        self._tokens = store.table("tokens")
        self._window = (0.0, 0)

    def words(self) -> str:
        """Say what logs in."""
        client, secret = _CLIENT
        return (
            f"X-API-Key: {self.key} (project {PROJECT}) · emu-other-key (project {OTHER_PROJECT}) · "
            f"client {client} / {secret} at /auth/oauth2/token"
        )

    def admit(self, request: Request) -> None:
        """Let a request in.

        Raises:
            Refusal: It is one too many (429), or the credentials are missing or wrong (401).
        """
        self._count()
        request.state.projects = self._projects(request)

    def projects(self, request: Request) -> tuple[str, ...]:
        """The projects that an admitted request may see."""
        projects: tuple[str, ...] = request.state.projects
        return projects

    def check_project(self, request: Request, project: str) -> None:
        """Let an admitted request into a project.

        Raises:
            Refusal: There is no such project (404), or the key has no rights there (403).
        """
        if project not in (PROJECT, OTHER_PROJECT):
            raise Refusal(404, "there is no such project")
        if project not in self.projects(request):
            raise Refusal(403, "the key has no rights in this project")

    async def token(self, request: Request) -> Response:
        """Give a bearer token for the client's credentials, by form."""
        async with request.form() as form:
            if (form.get("client_id"), form.get("client_secret")) != _CLIENT:
                return JSONResponse(
                    envelope(Refusal(401, "client_id or client_secret is wrong"), request.url.path), 401
                )
        token = secrets.token_hex(16)
        self._tokens[token] = {"expires": self._now() + TOKEN_SECONDS}
        return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS})

    def _projects(self, request: Request) -> tuple[str, ...]:
        key = request.headers.get("x-api-key") or request.query_params.get("api_key", "")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if key in _KEYS:
            return _KEYS[key]
        if (
            not key
            and scheme.lower() == "bearer"
            and self._tokens.get(token, {"expires": 0.0})["expires"] > self._now()
        ):
            return (PROJECT,)
        raise Refusal(401, "the API key is missing or wrong")

    def _count(self) -> None:
        allowed = self._services.options.get("cognigy.rate_limit")
        if allowed is None:
            return
        began, count = self._window
        if self._now() >= began + RATE_WINDOW_SECONDS:
            began, count = self._now(), 0
        self._window = (began, count + 1)
        if count >= int(allowed):
            pause = math.ceil(began + RATE_WINDOW_SECONDS - self._now())
            raise Refusal(429, f"more than {allowed} requests in five minutes", headers={"Retry-After": str(pause)})

    def _now(self) -> float:
        return self._services.clock.now().timestamp()
