"""The Graph host: who is let in, which operation a path means, and many requests in one.

request ─▶ seen ─▶ the right host? ─▶ token ─▶ units ─▶ path of a colon? its id instead ─▶ operation ─▶ answer
                                                └─ `$batch`: each part once more from here
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, unquote, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, compile_path

from knowledge_connector.testing.emulation import Row
from knowledge_connector_sharepoint.emulator import content
from knowledge_connector_sharepoint.emulator.login import Login, challenge
from knowledge_connector_sharepoint.emulator.tenant import NAME
from knowledge_connector_sharepoint.emulator.throttle import Throttle
from knowledge_connector_sharepoint.emulator.wire import VERSION, Call, Refusal, problem
from knowledge_connector_sharepoint.emulator.world import World

MAX_PARTS = 20
PERMISSION_UNITS, LIST_UNITS, SINGLE_UNITS = 5, 2, 1

FAULTS = {
    "revoke": "401, and all tokens are worthless from then on",
    "claims_challenge": "401 with a claims challenge; only a token that was asked for with these claims is taken from then on",
    "empty_answer": "200 with an empty body",
    "html_answer": "200 with a page to log in at",
    "batch_throttled": "a part of a batch gets 429 with Retry-After (`operation`: as of the part)",
    "batch_missing": "a part of a batch gets 404",
    "batch_unauthorized": "a part of a batch gets 401",
}
_PART_FAULTS = {"batch_throttled": 429, "batch_missing": 404, "batch_unauthorized": 401}

Handler = Callable[[Call], "Row | Response"]
Resolver = Callable[[Call], str]


@dataclass(frozen=True)
class Operation:
    """A path, and who answers.

    Attributes:
        name: What faults, logs and counts know it by.
        path: Below the version.
        units: What it costs; a delta with a token costs one in any case.
    """

    name: str
    path: str
    handle: Handler
    units: int = SINGLE_UNITS
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", compile_path(self.path)[0])

    @property
    def method(self) -> str:
        """The method is the first word of the name."""
        return self.name.partition(" ")[0]

    def cost(self, query: Mapping[str, str]) -> int:
        """Resource units of one request."""
        if "permissions" in query.get("$expand", ""):
            return PERMISSION_UNITS
        return SINGLE_UNITS if "token" in query else self.units


class Graph:
    """Answers what is below `/v1.0`.

    Args:
        world: What there is.
        login: Whose tokens count.
        operations: What can be asked for; the first that fits answers.
        resolvers: For addresses by path: the pattern of the path, the id that it stands for, and the path with that id.
    """

    def __init__(
        self,
        world: World,
        login: Login,
        operations: Sequence[Operation],
        resolvers: Sequence[tuple[str, Resolver, str]],
    ) -> None:
        self._world = world
        self._login = login
        self._operations = operations
        self._resolvers = [(compile_path(path)[0], resolve, target) for path, resolve, target in resolvers]
        self._challenged = False
        self.throttle = Throttle(world.services)

    def routes(self) -> list[Route]:
        """Everything below the version is Graph's."""
        return [Route(f"{VERSION}/{{path:path}}", self._endpoint, methods=["GET", "POST", "PATCH", "PUT", "DELETE"])]

    def name_of(self, method: str, path: str) -> str:
        """What a request is called; `path` has the version."""
        if path == f"{VERSION}/$batch":
            return f"{method} batch"
        inner = _plain(path.removeprefix(VERSION))
        found = next((one for one in self._operations if one.method == method and one.pattern.match(inner)), None)
        return found.name if found else f"{method} {inner}"

    def reset(self) -> None:
        """Forget what was spent, and what was asked of tokens."""
        self._challenged = False
        self.throttle = Throttle(self._world.services)

    # ------------------------------------------------------------------------------------------------------------ requests

    async def _endpoint(self, request: Request) -> Response:
        if self._world.services.is_elsewhere(request):
            return problem(Refusal(401, "unauthenticated"))
        path = request.scope["path"].removeprefix(request.scope.get("root_path", "")).removeprefix(VERSION)
        call = Call(
            request.method, path, dict(request.query_params), dict(request.headers), str(request.base_url).rstrip("/"),
            await request.body(),
        )  # fmt: skip
        if path == "/$batch":
            return self._guarded(lambda: self._batch(self._admitted(call, "POST batch")))
        return self._perform(call)

    def _perform(self, call: Call) -> Response:
        """Answer one request, alone or part of a batch."""
        name = self.name_of(call.method, f"{VERSION}{call.path}")
        headers: dict[str, str] = {}

        def work() -> Response:
            admitted = self._admitted(call, name)
            operation, resolved = self._found(admitted)
            headers.update(self.throttle.spend(operation.cost(call.query), name))
            if damaged := self._damaged(name):
                return damaged
            answer = operation.handle(resolved)
            return answer if isinstance(answer, Response) else _json(answer)

        response = self._guarded(work)
        response.headers.update(headers)
        return response

    def _guarded(self, work: Callable[[], Response]) -> Response:
        try:
            return work()
        except Refusal as refusal:
            return problem(refusal)

    def _admitted(self, call: Call, name: str) -> Call:
        """The call with its token.

        Raises:
            Refusal: 401.
        """
        faults = self._world.services.faults
        if faults.take(NAME, "revoke", name):
            self._login.revoke()
        if faults.take(NAME, "claims_challenge", name):
            self._challenged = True
        token = self._login.holder(call.headers.get("authorization", ""))
        if token is None:
            raise Refusal(401)
        if self._challenged and not token["claims"]:
            raise Refusal(401, headers={"WWW-Authenticate": challenge()})
        return replace(call, token=token)

    def _found(self, call: Call) -> tuple[Operation, Call]:
        """The operation, and the call with what the path named; where things are addressed by path, with their ids."""
        for pattern, resolve, target in self._resolvers:
            if match := pattern.match(call.path):
                place, _, rest = match["path"].partition(":")
                ids = {**match.groupdict(), "path": place}
                found = resolve(replace(call, ids=ids))
                return self._found(replace(call, path=target.format(found=found, **ids) + rest))
        for operation in self._operations:
            if operation.method == call.method and (match := operation.pattern.match(call.path)):
                return operation, replace(call, ids=match.groupdict())
        known = any(operation.pattern.match(call.path) for operation in self._operations)
        raise Refusal(405 if known else 404)

    def _damaged(self, name: str) -> Response | None:
        """An answer that is none, though its status is 200."""
        if self._world.services.faults.take(NAME, "empty_answer", name):
            return Response(b"", media_type="application/json")
        if self._world.services.faults.take(NAME, "html_answer", name):
            return Response(content.sign_in_page(), media_type="text/html")
        return None

    # --------------------------------------------------------------------------------------------------------------- batch

    def _batch(self, call: Call) -> Response:
        """Each part by itself, and the answers in another order."""
        parts = call.json().get("requests")
        if not isinstance(parts, list) or not 0 < len(parts) <= MAX_PARTS:
            raise Refusal(400)
        names = [str(part.get("id", "")).lower() for part in parts]
        if "" in names or len(set(names)) < len(names):
            raise Refusal(400)
        answers: dict[str, Row] = {}
        for part in parts:
            answers[str(part["id"])] = self._part(call, part, answers)
        shuffled = sorted(answers.values(), key=lambda one: str(one["id"])[::-1], reverse=True)
        return _json({"responses": shuffled})

    def _part(self, call: Call, part: Row, answers: Mapping[str, Row]) -> Row:
        failed = [one for one in part.get("dependsOn", ()) if answers.get(str(one), {"status": 424})["status"] >= 400]
        response = problem(Refusal(424, "failedDependency")) if failed else self._part_answer(call, part)
        headers = {_PART_HEADERS[name]: value for name, value in response.headers.items() if name in _PART_HEADERS}
        return {
            "id": str(part["id"]), "status": response.status_code, "headers": headers, "body": _part_body(response),
        }  # fmt: skip

    def _part_answer(self, call: Call, part: Row) -> Response:
        url, method = str(part.get("url", "")), str(part.get("method", "")).upper()
        parts = urlsplit(url)
        if not url.startswith("/") or url.startswith(f"{VERSION}/") or parts.netloc:
            return problem(Refusal(400))
        given = {str(name).lower(): str(value) for name, value in part.get("headers", {}).items()}
        inner = Call(
            method, unquote(parts.path), dict(parse_qsl(parts.query)), {**given, "authorization": call.headers["authorization"]},
            call.base, json.dumps(part.get("body")).encode(),
        )  # fmt: skip
        name = self.name_of(method, f"{VERSION}{inner.path}")
        for kind, status in _PART_FAULTS.items():
            if fault := self._world.services.faults.take(NAME, kind, name):
                wait = {"Retry-After": fault.retry_after or str(int(fault.seconds) or 1)} if status == 429 else {}
                return problem(Refusal(status, headers=wait))
        return self._perform(inner)


_PART_HEADERS: Mapping[str, str] = {
    "content-type": "Content-Type", "location": "Location", "retry-after": "Retry-After", "etag": "ETag",
}  # fmt: skip


def _part_body(response: Response) -> object:
    """What a part says: JSON as it is, anything else in base64."""
    body = bytes(response.body)
    if not body:
        return None
    is_json = (response.media_type or "").startswith("application/json")
    return json.loads(body) if is_json else base64.b64encode(body).decode()


def _json(row: Row) -> Response:
    return JSONResponse(row, media_type="application/json;odata.metadata=minimal")


def _plain(path: str) -> str:
    """A path with something instead of what is addressed by a path: `/drives/d/root:/A/B:/children` is `/drives/d/items/_/children`."""
    head, colon, rest = path.partition(":")
    if not colon:
        return path
    tail = rest.partition(":")[2]
    if path.startswith("/sites/"):
        return f"/sites/_{tail}"
    return f"{head.removesuffix('/root')}/items/_{tail}"
