"""Who may ask what: three deployments, their credentials, and how fast."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qs
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from knowledge_connector.testing.emulation import Services, Store
from knowledge_connector_confluence.emulator.answers import LOGIN_PAGE
from knowledge_connector_confluence.emulator.model import READER, Refusal, refuse, stamp
from knowledge_connector_confluence.emulator.world import VENDOR

CLOUD_ID = "11111111-2222-4333-8444-555555555555"
EMAIL, CLOUD_TOKEN, SCOPED_TOKEN = READER.email, "emu-api-token", "emu-scoped-token"
SERVICE_TOKEN, ACCESS_TOKEN = "emu-service-token", "emu-pat"  # printed at the start, for everybody
DC_USER, DC_PASSWORD = READER.name, "emu-password"
CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN = "emu-client", "emu-client-secret", "emu-refresh-token"
TOKEN_SECONDS = 3600

Deployment = Literal["cloud", "gateway", "datacenter"]

_GENEROUS = 65_000


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    anonymous: bool
    reason: str = "OK"


class Access:
    """Tells who asks, and turns away who may not."""

    def __init__(self, services: Services, store: Store) -> None:
        self._services = services
        self._store = store

    @property
    def _now(self) -> float:
        return self._services.clock.now().timestamp()

    def _option(self, name: str, otherwise: str = "") -> str:
        return self._services.options.get(f"{VENDOR}.{name}", otherwise)

    # ------------------------------------------------------------------------------------------------------------ log in

    def caller(self, deployment: Deployment, request: Request, operation: str) -> Caller:
        """Give who asks.

        Raises:
            Refusal: Nobody who may.
        """
        if self._services.faults.take(VENDOR, "captcha", operation):
            raise Refusal(403, "CAPTCHA", answer=_captcha())
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if deployment == "datacenter":
            return self._at_datacenter(scheme.lower(), value, operation)
        if not value:
            return self._nobody(deployment)
        if not (self._at_site if deployment == "cloud" else self._at_gateway)(scheme.lower(), value):
            refuse(401, "Client must be authenticated to access this resource.")
        return Caller(anonymous=False)

    def _allows_nobody(self, deployment: Deployment) -> bool:
        return deployment in self._option("anonymous", "datacenter").split(",")

    def _nobody(self, deployment: Deployment) -> Caller:
        if not self._allows_nobody(deployment):
            refuse(401, "Client must be authenticated to access this resource.")
        return Caller(anonymous=True)

    def _at_site(self, scheme: str, value: str) -> bool:
        return scheme == "basic" and _decoded(value) == f"{EMAIL}:{CLOUD_TOKEN}"

    def _at_gateway(self, scheme: str, value: str) -> bool:
        if scheme == "basic":
            tokens = (SCOPED_TOKEN, CLOUD_TOKEN) if self._option("unscoped_at_gateway") == "allow" else (SCOPED_TOKEN,)
            return _decoded(value) in {f"{EMAIL}:{token}" for token in tokens}
        issued = self._store.table("oauth").get(value)
        return scheme == "bearer" and (value == SERVICE_TOKEN or (issued is not None and issued["expires"] > self._now))

    def _at_datacenter(self, scheme: str, value: str, operation: str) -> Caller:
        """A token that is not (any more) valid is no error here: whoever bears it may see what everybody may."""
        if self._services.faults.take(VENDOR, "anonymous", operation):
            return self._nobody_at_datacenter("AUTHENTICATED_FAILED")
        if scheme == "basic":
            if _decoded(value) == f"{DC_USER}:{DC_PASSWORD}":
                return Caller(anonymous=False)
            raise Refusal(401, "Basic authentication failure", {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"})
        if scheme == "bearer" and value == ACCESS_TOKEN:
            return Caller(anonymous=False)
        return self._nobody_at_datacenter("AUTHENTICATED_FAILED" if value else "OK")

    def _nobody_at_datacenter(self, reason: str) -> Caller:
        if not self._allows_nobody("datacenter"):
            raise Refusal(
                401, "Client must be authenticated to access this resource.", {"X-Seraph-LoginReason": reason}
            )
        return Caller(anonymous=True, reason=reason)

    def check_scope(self, deployment: Deployment, scope: str) -> None:
        """Refuse what the token was not made for; only tokens at the gateway have scopes."""
        if deployment == "gateway" and scope in self._option("missing_scopes").split(","):
            refuse(401, "Unauthorized; scope does not match")

    # ------------------------------------------------------------------------------------------------------------- OAuth

    async def token(self, request: Request) -> Response:
        """Give a token by a refresh token, which is good for once, or by the secret of a service account.

        Reference: RFC 6749, sections 4.4 and 6; the body may be JSON, as in Atlassian's own examples.
        """
        form = _form(await request.body())
        if form.get("client_id") != CLIENT_ID or form.get("client_secret") != CLIENT_SECRET:
            return JSONResponse({"error": "invalid_client"}, 401)
        grant = form.get("grant_type")
        if grant == "client_credentials":
            return JSONResponse(self._issue())
        if grant != "refresh_token":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        kept = self._store.table("refresh")
        if form.get("refresh_token") != str(kept.get("token", {"value": REFRESH_TOKEN})["value"]):
            return JSONResponse(
                {"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."}, 403
            )
        kept["token"] = {"value": uuid4().hex}
        return JSONResponse({**self._issue(), "refresh_token": kept["token"]["value"]})

    def _issue(self) -> dict[str, Any]:
        seconds = int(self._option("token_seconds", str(TOKEN_SECONDS)))
        token = uuid4().hex
        self._store.table("oauth")[token] = {"expires": self._now + seconds}
        return {"access_token": token, "expires_in": seconds, "token_type": "Bearer", "scope": "read:page:confluence"}

    def revoke(self) -> int:
        """Let every token of OAuth expire now; gives how many."""
        issued = self._store.table("oauth")
        count = len(issued)
        issued.clear()
        return count

    # -------------------------------------------------------------------------------------------------------------- rate

    def headers(self, deployment: Deployment, caller: Caller | None = None) -> dict[str, str]:
        """What every answer says of rates and, on Data Center, of who asks."""
        said = self._rate_headers(deployment, self._left(deployment), None)
        if deployment == "datacenter" and caller:
            said["X-AUSERNAME"] = "anonymous" if caller.anonymous else DC_USER
            said["X-Seraph-LoginReason"] = caller.reason
        return said

    def admit(self, deployment: Deployment) -> None:
        """Count a request.

        Raises:
            Refusal: There were too many in this minute.
        """
        if not self._allowed:
            return
        left = self._left(deployment)
        self._store.table("rates")[deployment] = {"minute": self._now // 60, "left": left - 1}
        if left <= 0:
            seconds = max(1, math.ceil(60 - self._now % 60))
            raise Refusal(429, "Rate limit exceeded", self._rate_headers(deployment, 0, seconds))

    @property
    def _allowed(self) -> int:
        return int(self._option("requests_per_minute", "0"))

    def _left(self, deployment: Deployment) -> int:
        row = self._store.table("rates").get(deployment)
        allowed = self._allowed or _GENEROUS
        return int(row["left"]) if row and row["minute"] == self._now // 60 else allowed

    def _rate_headers(self, deployment: Deployment, left: int, pause: int | None) -> dict[str, str]:
        """Both families; `Retry-After` can be left out of a 429, so that only the other header tells."""
        allowed = self._allowed or _GENEROUS
        said = {"X-RateLimit-Limit": str(allowed), "X-RateLimit-Remaining": str(max(0, left))}
        retry_after = {} if pause is None or self._option("retry_after") == "none" else {"Retry-After": str(pause)}
        if deployment == "datacenter":
            quiet = {"Retry-After": "0"} if pause is None and left > 0 else retry_after
            return {**said, **quiet, "X-RateLimit-Interval-Seconds": "60", "X-RateLimit-FillRate": str(allowed)}
        reset = stamp((self._now // 60 + 1) * 60)
        near = {"X-RateLimit-NearLimit": "true"} if left < allowed / 5 else {}
        return {**said, **retry_after, **near, **self._cloud_reset(reset, left)}

    def _cloud_reset(self, reset: str, left: int) -> dict[str, str]:
        """When and why, as Cloud tells."""
        seconds = max(0, math.ceil(60 - self._now % 60))
        policy = {"Beta-RateLimit-Policy": '"global-app-quota";q=65000;w=3600'}
        reason = {"RateLimit-Reason": "confluence-burst-based"} if left <= 0 else {}
        return {
            "X-RateLimit-Reset": reset,
            "Beta-RateLimit": f'"global-app-quota";r={max(0, left)};t={seconds}',
            **policy,
            **reason,
        }


def _captcha() -> Response:
    headers = {"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE; login-url=/login.action"}
    return HTMLResponse(LOGIN_PAGE, 403, headers)


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _form(content: bytes) -> Mapping[str, str]:
    try:
        read = json.loads(content)
    except ValueError:
        return {name: values[0] for name, values in parse_qs(content.decode("utf-8", "replace")).items()}
    return {str(key): str(value) for key, value in read.items()} if isinstance(read, dict) else {}
