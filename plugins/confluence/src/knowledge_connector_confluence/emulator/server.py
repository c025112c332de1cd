"""The emulator: three deployments of one wiki, and who answers which path."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from knowledge_connector.testing.emulation import Secret, Services, Store, Table, VendorEmulator
from knowledge_connector_confluence.emulator import access, paging
from knowledge_connector_confluence.emulator.access import Access, Caller, Deployment
from knowledge_connector_confluence.emulator.answers import LOGIN_PAGE, Problem, error_of
from knowledge_connector_confluence.emulator.call import CONTEXT, Call, Desk, Endpoint, Operation
from knowledge_connector_confluence.emulator.changes import KINDS, Changes
from knowledge_connector_confluence.emulator.downloads import MEDIA, Downloads
from knowledge_connector_confluence.emulator.model import Refusal
from knowledge_connector_confluence.emulator.showcase import SPACES, contents
from knowledge_connector_confluence.emulator.version1 import Version1
from knowledge_connector_confluence.emulator.version2 import Version2
from knowledge_connector_confluence.emulator.world import VENDOR, World

GATEWAY = f"/ex/confluence/{access.CLOUD_ID}"
TOKEN_PATH = "/oauth/token"  # noqa: S105  # a path
VISITS_KEPT = 100_000

PREFIXES: Mapping[Deployment, str] = {"cloud": "/wiki", "gateway": f"{GATEWAY}/wiki", "datacenter": ""}
"""Where each deployment is; `/confluence`, below which Data Center lies, is the emulator's own name already."""


class _TokenRoute(Route):
    """Takes requests that bear their secret in the body, as Atlassian's do; other vendors of this path have it in a header."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if any(name == b"authorization" for name, _ in scope["headers"]):
            return Match.NONE, {}
        return super().matches(scope)


@dataclass(frozen=True, slots=True)
class Visit:
    """What the log of requests does not tell.

    Attributes:
        scheme: How the request said who asks: `Basic`, `Bearer`, or nothing.
        elsewhere: Whether it came to the other host, where no credential should go.
    """

    method: str
    path: str
    scheme: str
    user_agent: str
    elsewhere: bool
    with_cookie: bool


class ConfluenceEmulator(VendorEmulator):
    """One wiki, seen as Cloud, behind Cloud's gateway, and as Data Center."""

    name = VENDOR
    change_kinds: ClassVar[Mapping[str, str]] = {**KINDS, "revoke_tokens": "every token of OAuth expires at once"}
    fault_kinds: ClassVar[Mapping[str, str]] = {
        **paging.FAULTS,
        "login_page": "200 with a page to log in, instead of JSON",
        "login_redirect": "302 to that page",
        "empty_body": "200 without a body",
        "captcha": "403 with `X-Authentication-Denied-Reason`",
        "anonymous": "Data Center takes a valid token for none, and answers with what everybody may see",
        "poison": "500 for every answer with the body of a content; `operation` is `ID FORMAT`, such as `10000003 storage`",
        "deleted_attachment": "404 for an attachment that was listed; `operation` is its id",
        "short_download": "the media store gives half of the bytes, and says that this is all; `operation` is the attachment's id",
        "expired_signature": "403 from the media store; `operation` is the id of the attachment",
    }

    def __init__(self, services: Services, store: Store) -> None:
        super().__init__(services, store)
        self.world = World(services, store)
        self.visits: deque[Visit] = deque(maxlen=VISITS_KEPT)
        self._access = Access(services, store)
        self._desk = Desk(self.world, services)
        self._changes = Changes(self.world)

    # -------------------------------------------------------------------------------------------------------------- frame

    def routes(self) -> Sequence[BaseRoute]:
        """The documented paths of all three."""
        version1, version2 = Version1(self._desk), Version2(self._desk)
        downloads = Downloads(self._desk, self.services)
        by_name: Operation = ("GET", "/download/attachments/{id}/{name:path}", "read:attachment", downloads.by_name)
        by_id = ("GET", "/content/{id}/child/attachment/{attachment}/download", "read:attachment", downloads.by_id)
        both = list(version1.on_both())
        cloud = [
            *_below("/rest/api", [*both, by_id, *version1.on_cloud()]),
            *_below("/api/v2", version2.endpoints()),
            by_name,
        ]
        own = [*_below("/rest/api", [*version1.on_datacenter(), *both]), by_name]
        own.sort(key=lambda one: "{" in one[1])  # /content/search before /content/{id}
        return [
            Route("/_edge/tenant_info", self._tenant),
            _TokenRoute(TOKEN_PATH, self._noted(self._access.token), methods=["POST"]),
            Route(f"{MEDIA}/{{attachment}}/{{version}}", self._noted(downloads.media)),
            Route("/login.action", self._log_in),
            *self._routes("cloud", cloud),
            *self._routes("gateway", cloud),
            *(Route(path, self._nowhere) for path in ("/wiki/{path:path}", "/ex/confluence/{path:path}")),
            *self._routes("datacenter", own),
        ]

    def _routes(self, deployment: Deployment, operations: Iterable[Operation]) -> list[BaseRoute]:
        prefix = PREFIXES[deployment]
        return [
            Route(f"{prefix}{path}", self._endpoint(deployment, scope, endpoint), methods=[method])
            for method, path, scope, endpoint in operations
        ]

    def problem(self, status: int, headers: Mapping[str, str]) -> Response:
        """An error in the form of the API that was asked; a 429 tells its limits, too."""
        return Problem(status, headers, self._rate_of if status == 429 else None)

    def _rate_of(self, path: str) -> Mapping[str, str]:
        """What a 429 says besides `Retry-After`."""
        said = self._access.headers(_deployment_of(path))
        spent = {"X-RateLimit-Remaining": "0", "RateLimit-Reason": "confluence-burst-based"}
        dropped = ("Retry-After", "X-RateLimit-Reset", "Beta-RateLimit")
        return {name: value for name, value in said.items() if name not in dropped} | spent

    def exception_handlers(self) -> Mapping[type[Exception], Callable[[Request, Any], Response]]:
        """Refusals become errors in the form of the API."""
        return {Refusal: self._refuse}

    def _refuse(self, request: Request, refusal: Refusal) -> Response:
        return refusal.answer or error_of(request.url.path, refusal.status, refusal.message, refusal.headers)

    def seed(self, documents: int) -> None:
        """The showcase, as far as it is wanted; with a number, so many generated pages."""
        self.visits.clear()
        self.world.load()
        if documents:
            self.world.resize(documents)
        wanted = self.services.options.get(f"{VENDOR}.showcase", "on")
        if wanted != "off":
            for space in SPACES:
                self.world.put_space(space)
            self.world.plant(one for one in contents() if wanted == "on" or one.body != "huge")

    def credentials(self) -> str:
        """How to log in."""
        return (
            f"Cloud at /wiki: {access.EMAIL} with the API token {access.CLOUD_TOKEN}; gateway at {GATEWAY}/wiki: the same with "
            f"{access.SCOPED_TOKEN}, or Bearer {access.SERVICE_TOKEN}; Data Center at {CONTEXT}: Bearer {access.ACCESS_TOKEN}, "
            f"or {access.DC_USER} with {access.DC_PASSWORD}"
        )

    def connector_table(self, base_url: str) -> dict[str, object]:
        """A connector that reads the deployment of `confluence.personality`: cloud, gateway or datacenter."""
        api_token = {"type": "api_token", "email": access.EMAIL}
        match self.services.options.get(f"{VENDOR}.personality", "cloud"):
            case "gateway":
                auth: dict[str, object] = {**api_token, "api_token": Secret(access.SCOPED_TOKEN)}
                return {"base_url": f"{base_url}{GATEWAY}/wiki", "deployment": "cloud", "auth": auth}
            case "datacenter":
                auth = {"type": "token", "token": Secret(access.ACCESS_TOKEN)}
                return {"base_url": f"{base_url}{CONTEXT}", "deployment": "data_center", "auth": auth}
            case _:
                auth = {**api_token, "api_token": Secret(access.CLOUD_TOKEN)}
                return {"base_url": f"{base_url}/wiki", "deployment": "cloud", "auth": auth}

    def change(self, kind: str, arguments: Mapping[str, str]) -> str:
        """Let one of `change_kinds` happen."""
        if kind == "revoke_tokens":
            return f"{self._access.revoke()} tokens expired"
        return self._changes.change(kind, arguments)

    def overview(self) -> Sequence[Table]:
        """Spaces, and what was changed last."""
        spaces = [
            (one.key, one.name, one.type, one.status, len(self.world.generated.run_of_key(one.key)))
            for one in self.world.spaces.values()
        ]
        changed = sorted((one for one in self.world.rows.values() if one.changed), key=lambda one: -one.changed)[:20]
        rows = [(one.id, one.title, one.kind, one.space, one.status, one.version) for one in changed]
        return [
            Table("Spaces", ("key", "name", "type", "status", "generated pages"), spaces),
            Table("Changed", ("id", "title", "kind", "space", "status", "version"), rows),
        ]

    def is_write(self, method: str, path: str) -> bool:
        """What is posted here asks for something, too."""
        reads = path.endswith(("/users-bulk", "/convert-ids-to-types", "/permission/check", TOKEN_PATH))
        return super().is_write(method, path) and not reads

    def operation(self, method: str, path: str) -> str:
        """The path below the API, with `{id}` and `{name}` for what stands in it: `GET pages/{id}/attachments`."""
        inner = path.removeprefix(GATEWAY).removeprefix("/wiki")
        for api in ("/api/v2/", "/rest/api/"):
            inner = inner.removeprefix(api)
        if inner.startswith(MEDIA):
            return f"{method} media"
        if inner.startswith("/download/"):
            return f"{method} download"
        parts = inner.strip("/").split("/")
        if parts[0] in ("group", "space") and len(parts) > 1:
            return f"{method} {'/'.join([parts[0], '{name}', *(parts[-1:] if len(parts) > 2 else [])])}"
        return f"{method} {'/'.join('{id}' if part.removeprefix('att').isdecimal() else part for part in parts)}"

    # ---------------------------------------------------------------------------------------------------------- endpoints

    def _endpoint(self, deployment: Deployment, scope: str, endpoint: Endpoint) -> Callable[[Request], Any]:
        """An endpoint with all that stands before it."""

        async def answer(request: Request) -> Response:
            self._note(request)
            content = await request.body()
            self._check_context(deployment, request)
            operation = self.operation(request.method, _inner(request))
            self._access.admit(deployment)
            caller = self._access.caller(deployment, request, operation)
            self._access.check_scope(deployment, f"{scope}:confluence")
            try:
                call = _call(deployment, caller, request, content, operation)
                response = self._ill_answer(operation) or _response(endpoint(call))
            except Refusal as refusal:
                response = self._refuse(request, refusal)
            return self._with_headers(response, deployment, caller)

        return answer

    def _check_context(self, deployment: Deployment, request: Request) -> None:
        """Data Center without its context path is a page that is not there."""
        if deployment == "datacenter" and not request.url.path.startswith(f"{CONTEXT}/"):
            raise Refusal(404, "", answer=HTMLResponse("<html><body><h1>404</h1></body></html>", 404))

    def _ill_answer(self, operation: str) -> Response | None:
        if self.services.faults.take(VENDOR, "login_page", operation):
            return HTMLResponse(LOGIN_PAGE)
        if self.services.faults.take(VENDOR, "login_redirect", operation):
            return RedirectResponse(f"{CONTEXT}/login.action", 302)
        if self.services.faults.take(VENDOR, "empty_body", operation):
            return Response(b"", media_type="application/json")
        return None

    def _with_headers(self, response: Response, deployment: Deployment, caller: Caller) -> Response:
        for name, value in self._access.headers(deployment, caller).items():
            response.headers.setdefault(name, value)
        return response

    def _noted(self, endpoint: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            self._note(request)
            return cast(Response, await endpoint(request))

        return answer

    def _note(self, request: Request) -> None:
        said = request.headers
        scheme = said.get("authorization", "").partition(" ")[0]
        elsewhere = self.services.is_elsewhere(request)
        path, agent = request.url.path, said.get("user-agent", "")
        self.visits.append(Visit(request.method, path, scheme, agent, elsewhere, "cookie" in said))

    async def _nowhere(self, request: Request) -> Response:
        """Any other path of Cloud, and the gateway of a site that is not ours."""
        self._note(request)
        raise Refusal(404, "Not Found")

    async def _tenant(self, _: Request) -> Response:
        return JSONResponse({"cloudId": access.CLOUD_ID})

    async def _log_in(self, _: Request) -> Response:
        return HTMLResponse(LOGIN_PAGE)


def _below(prefix: str, operations: Iterable[Operation]) -> list[Operation]:
    return [(method, f"{prefix}{path}", scope, endpoint) for method, path, scope, endpoint in operations]


def _deployment_of(path: str) -> Deployment:
    if "/ex/confluence/" in path:
        return "gateway"
    return "cloud" if "/wiki/" in path else "datacenter"


def _inner(request: Request) -> str:
    """The path without the emulator's own name."""
    return request.url.path.removeprefix(request.scope.get("root_path", ""))


def _call(deployment: Deployment, caller: Caller, request: Request, content: bytes, operation: str) -> Call:
    path = _inner(request).removeprefix(PREFIXES[deployment])
    body = _object(content)
    return Call(deployment, caller, path, request.path_params, request.query_params.multi_items(), body, operation)


def _object(content: bytes) -> Mapping[str, Any]:
    try:
        read = json.loads(content) if content else {}
    except ValueError:
        raise Refusal(400, "The body is no JSON.") from None
    return read if isinstance(read, dict) else {}


def _response(told: Mapping[str, Any] | Response) -> Response:
    """An answer; version 2 tells the next page in a header, too."""
    if isinstance(told, Response):
        return told
    response = JSONResponse(told)
    links = told.get("_links", {})
    following = links.get("next", "")
    if following.startswith("/wiki/api/v2/"):
        response.headers["Link"] = f'<{following}>; rel="next", <{links["base"]}>; rel="base"'
    return response
