"""An emulator of the Genesys Cloud knowledge API: log in, sources, rounds, uploads, deletions, search.

It enforces what is documented, and where nothing is documented what clients report. Switches: `genesys.ingestion_seconds`,
`genesys.processing_status` (instead of `PostProcessing`), `genesys.token_seconds`, `genesys.requests_per_minute`,
`genesys.max_file_bytes`, `genesys.missing_permissions` (as `synchronization:add,source:edit`). Faults of its own:
`expired_upload_url`, `failed_round`, `failed_ingestion`, `failed_item`, `quota` (of sources), `wrong_state` (409 in an open round).
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from knowledge_connector.testing.emulation import Row, Rows, Secret, Services, Store, Table, VendorEmulator
from knowledge_connector_genesys.emulator_http import (
    KNOWLEDGE,
    USER,
    WORDS,
    Call,
    Handler,
    Operation,
    basic_credentials,
    error_answer,
    error_body,
    json_of,
    known,
    page_of,
    xml_answer,
)
from knowledge_connector_genesys.emulator_search import Searching
from knowledge_connector_genesys.emulator_world import Refusal, World, stamp

CLIENT_ID, CLIENT_SECRET = "emu-client", "emu-secret"  # printed at the start, for everybody
TOKEN_SECONDS = 86_400
REQUESTS_PER_MINUTE = 300

S = f"{KNOWLEDGE}/sources"
Y = f"{S}/{{source}}/synchronizations/{{round}}"
STORAGE = "/genesys-storage"

_PLURALS = ("sources", "synchronizations", "uploads", "deletions", "settings")


class GenesysEmulator(VendorEmulator):
    """Knowledge sources of one organisation."""

    name = "genesys"

    def __init__(self, services: Services, store: Store) -> None:
        super().__init__(services, store)
        self.world = World(services, store)

    # -------------------------------------------------------------------------------------------------------------- frame

    def routes(self) -> Sequence[BaseRoute]:
        """The documented paths, and where contents are put."""
        api: list[Operation] = [
            ("POST", S, "source:add", lambda call: self._source_body(self.world.create_source(call.body))),
            ("GET", S, "source:view", self._list_sources),
            ("GET", f"{S}/synchronizations", "synchronization:view", self._list_rounds),
            ("GET", f"{S}/{{source}}", "source:view", self._get_source),
            ("PUT", f"{S}/{{source}}", "source:edit", self._put_source),
            ("DELETE", f"{S}/{{source}}", "source:delete", self._delete_source),
            ("POST", f"{S}/{{source}}/synchronizations", "synchronization:add", self._start),
            ("GET", f"{S}/{{source}}/synchronizations", "synchronization:view", self._list_rounds),
            ("GET", Y, "synchronization:view", lambda call: self._round_body(self._round(call))),
            ("PATCH", Y, "synchronization:edit", self._end),
            ("POST", f"{Y}/uploads", "synchronization:upload", self._announce),
            ("GET", f"{Y}/uploads", "synchronizationFileUpload:view", self._list_files),
            ("GET", f"{Y}/uploads/{{file}}", "synchronizationFileUpload:view", self._get_file),
            ("DELETE", f"{Y}/uploads/{{file}}", "synchronizationFileUpload:delete", self._delete_file),
            ("POST", f"{Y}/deletions", "synchronization:deleteFile", self._doom),
            ("GET", f"{Y}/deletions", "synchronizationFileDeletion:view", self._list_files),
            ("GET", f"{Y}/deletions/{{file}}", "synchronizationFileDeletion:view", self._get_file),
            ("DELETE", f"{Y}/deletions/{{file}}", "synchronizationFileDeletion:delete", self._delete_file),
            *Searching(self.services, self.store, self.world).operations(),
        ]
        return [
            Route("/oauth/token", self._log_in, methods=["POST"]),
            Route(f"{STORAGE}/{{ticket}}", self._store_content, methods=["PUT"]),
            *(Route(path, self._guarded(right, handler), methods=[method]) for method, path, right, handler in api),
        ]

    def problem(self, status: int, headers: Mapping[str, str]) -> Response:
        """The body that every error of the API has."""
        code, message = WORDS.get(status, ("bad.request", "The request was refused."))
        return error_answer(status, code, message, headers)

    def seed(self, documents: int) -> None:
        """A source that somebody filled by hand."""
        if not documents:
            return
        source = self.world.create_source({"name": "Somebody's own files", "type": "FileUpload"})
        round_ = self.world.start_round(source, "Full")
        for number in range(documents):
            _, ticket = self.world.announce(round_, {"fileName": f"own/page-{number}.html"})
            self.world.take(ticket, f"<p>Page {number} was here before.</p>".encode())
        self.world.end_round(round_, "Completed")

    def credentials(self) -> str:
        """How to log in."""
        return f"OAuth client {CLIENT_ID} with the secret {CLIENT_SECRET}, grant type client_credentials"

    def target_table(self, base_url: str) -> dict[str, object]:
        """A target that writes here; its sources are made by the first run."""
        return {
            "base_url": base_url,
            "client_id": CLIENT_ID,
            "client_secret": Secret(CLIENT_SECRET),
            "source": "Emulated",
        }

    def overview(self) -> Sequence[Table]:
        """Sources and the last rounds."""
        sources = [
            (row["name"], row["type"], len(self.world.files(row["id"])), len(self.world.rounds_of(row["id"])))
            for row in self.world.sources.values()
        ]
        rounds = [
            (row["started"], self.world.sources[row["source"]]["name"], row["type"], *self.world.status(row))
            for row in self.world.rounds_of(None)[:20]
        ]
        return [
            Table("Knowledge sources", ("name", "type", "files", "rounds"), sources),
            Table("Synchronizations", ("started", "source", "type", "status", "ingestion"), rounds),
        ]

    def is_write(self, method: str, path: str) -> bool:
        """Logging in and searching change nothing."""
        return super().is_write(method, path) and path != "/oauth/token" and not path.startswith(f"{KNOWLEDGE}/search")

    def operation(self, method: str, path: str) -> str:
        """The last word of the path; in the singular where one thing is meant."""
        if path == f"{S}/synchronizations":
            return f"{method} all synchronizations"
        before, last = ("/" + path.strip("/")).split("/")[-2:]
        if f"/{before}" == STORAGE:
            return f"{method} content"
        return f"{method} {before.removesuffix('s') if before in _PLURALS and last not in _PLURALS else last}"

    # ------------------------------------------------------------------------------------------------------------- log in

    async def _log_in(self, request: Request) -> Response:
        """OAuth 2.0, client credentials; errors have the shape of OAuth (RFC 6749, section 5.2)."""
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        if form.get("grant_type") != ["client_credentials"]:
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        if basic_credentials(request) != f"{CLIENT_ID}:{CLIENT_SECRET}":
            return JSONResponse({"error": "invalid_client", "description": "authentication failed"}, 401)
        seconds = int(self.services.options.get("genesys.token_seconds", TOKEN_SECONDS))
        token = uuid4().hex
        now = self._now
        self.store.table("tokens")[token] = {"expires": now + seconds, "window": now, "count": 0}
        return JSONResponse({"access_token": token, "token_type": "bearer", "expires_in": seconds})

    def _guarded(self, right: str, handle: Handler) -> Callable[[Request], Any]:
        """An endpoint of the API: who asks, how often, with which right."""

        async def endpoint(request: Request) -> Response:
            content = await request.body()
            token: Row = {}
            try:
                token = self._token(request)
                self._admit(token, right)
                path = request.url.path.removeprefix(request.scope.get("root_path", ""))
                answer = handle(Call(path, request.path_params, request.query_params, json_of(content)))
            except Refusal as refusal:
                headers = {**self._rate_headers(token), **refusal.headers}
                return error_answer(refusal.status, refusal.code, refusal.message, headers)
            headers = self._rate_headers(token)
            return (
                Response(status_code=204, headers=headers) if answer is None else JSONResponse(answer, headers=headers)
            )

        return endpoint

    def _token(self, request: Request) -> Row:
        """The token that a request bears, with the request counted."""
        scheme, _, name = request.headers.get("authorization", "").partition(" ")
        tokens, now = self.store.table("tokens"), self._now
        token = tokens.get(name)
        if scheme.lower() != "bearer" or token is None or token["expires"] <= now:
            raise Refusal(401, *WORDS[401])
        if now >= token["window"] + 60:
            token |= {"window": now, "count": 0}
        token["count"] += 1
        tokens[name] = token
        return token

    def _admit(self, token: Row, right: str) -> None:
        if token["count"] > self._allowed:
            pause = self._rate_headers(token)["inin-ratelimit-reset"]
            raise Refusal(429, *WORDS[429], headers={"Retry-After": pause})
        if right and right in self.services.options.get("genesys.missing_permissions", "").split(","):
            raise Refusal(403, "missing.permissions", f"Unable to perform the requested action: knowledge:{right}.")

    @property
    def _now(self) -> float:
        return self.services.clock.now().timestamp()

    @property
    def _allowed(self) -> int:
        return int(self.services.options.get("genesys.requests_per_minute", REQUESTS_PER_MINUTE))

    def _rate_headers(self, token: Row) -> dict[str, str]:
        now = self._now
        return {
            "inin-ratelimit-allowed": str(self._allowed),
            "inin-ratelimit-count": str(token.get("count", 0)),
            "inin-ratelimit-reset": str(max(1, math.ceil(token.get("window", now) + 60 - now))),
            "ININ-Correlation-Id": str(uuid4()),
        }

    # ------------------------------------------------------------------------------------------------------------ sources

    def _source(self, call: Call) -> Row:
        return known(self.world.sources, call.ids["source"], "source")

    def _list_sources(self, call: Call) -> Row:
        """All of them at once: this listing has no pages."""
        rows = [self._source_body(row, expand=call.query.get("expand", "")) for row in self.world.sources.values()]
        return {"entities": [{key: row[key] for key in row.keys() - _ONLY_ALONE} for row in rows]}

    def _get_source(self, call: Call) -> Row:
        return self._source_body(self._source(call), expand=call.query.get("expand", ""))

    def _put_source(self, call: Call) -> Row:
        return self._source_body(self.world.update_source(self._source(call), call.body))

    def _delete_source(self, call: Call) -> None:
        self.world.delete_source(self._source(call))

    def _source_body(self, source: Row, *, expand: str = "") -> Row:
        body = {key: value for key, value in source.items() if value is not None}
        body |= {"createdBy": USER, "modifiedBy": USER, "selfUri": f"{S}/{source['id']}"}
        if "lastSync" in expand.split(","):
            rounds = self.world.rounds_of(source["id"])
            body["lastSync"] = self._round_body(rounds[0]) if rounds else None
        if "filterDetails" in expand.split(",") and source["filters"]:
            body["filterDetails"] = source["filters"]
        return body

    # ------------------------------------------------------------------------------------------------------------- rounds

    def _round(self, call: Call) -> Row:
        self.world.settle()
        source = self._source(call)
        round_ = known(self.world.rounds, call.ids["round"], "synchronization")
        if round_["source"] != source["id"]:
            raise Refusal(404, "not.found", "There is no such synchronization of this source.")
        return round_

    def _start(self, call: Call) -> Row:
        return self._round_body(self.world.start_round(self._source(call), call.body.get("type")))

    def _end(self, call: Call) -> Row:
        return self._round_body(self.world.end_round(self._round(call), call.body.get("status")))

    def _list_rounds(self, call: Call) -> Row:
        source = self._source(call)["id"] if "source" in call.ids else None
        return page_of(call, [self._round_body(row) for row in self.world.rounds_of(source)], key="id")

    def _round_body(self, round_: Row) -> Row:
        status, ingestion = self.world.status(round_)
        body = {
            "id": round_["id"],
            "source": {"id": round_["source"], "selfUri": f"{S}/{round_['source']}"},
            "type": round_["type"],
            "triggerType": "Manual",
            "status": status,
            "ingestionStatus": ingestion,
            "statistics": {"synchronizedItemCount": round_["synchronized"], "failedItemCount": len(round_["lost"])},
            "dateStart": round_["started"],
            "createdBy": USER,
            "selfUri": f"{S}/{round_['source']}/synchronizations/{round_['id']}",
        }
        if status in ("Completed", "Failed"):
            body["dateEnd"] = stamp(datetime.fromtimestamp(round_["completed"], UTC))
        if "Failed" in (status, ingestion):
            body["error"] = error_body(500, "synchronization.failed", "The synchronization failed.")
        return body

    # -------------------------------------------------------------------------------------------------------------- files

    def _announce(self, call: Call) -> Row:
        round_ = self._round(call)
        upload, ticket = self.world.announce(round_, call.body)
        url = f"{self.services.base_url}{STORAGE}/{ticket['id']}?X-Amz-Signature={uuid4().hex}"
        return {**self._file_body(round_, upload, "uploads"), "url": url, "headers": ticket["headers"]}

    def _doom(self, call: Call) -> Row:
        round_ = self._round(call)
        return self._file_body(round_, self.world.doom(round_, call.body), "deletions")

    def _table(self, call: Call) -> tuple[str, Rows]:
        """Uploads or deletions, as the path says."""
        round_ = self._round(call)["id"]
        is_upload = f"/{round_}/uploads" in call.path
        return ("uploads", self.world.uploads(round_)) if is_upload else ("deletions", self.world.deletions(round_))

    def _list_files(self, call: Call) -> Row:
        kind, rows = self._table(call)
        bodies = [self._file_body(self._round(call), row, kind) for row in reversed(list(rows.values()))]
        return page_of(call, bodies, key="fileId")

    def _get_file(self, call: Call) -> Row:
        kind, rows = self._table(call)
        return self._file_body(self._round(call), known(rows, call.ids["file"], "file"), kind)

    def _delete_file(self, call: Call) -> None:
        _, rows = self._table(call)
        known(rows, call.ids["file"], "file")
        self.world.check_open(self._round(call))
        del rows[call.ids["file"]]

    def _file_body(self, round_: Row, row: Row, kind: str) -> Row:
        uri = f"{S}/{round_['source']}/synchronizations/{round_['id']}"
        synchronization = {"id": round_["id"], "source": {"id": round_["source"]}, "selfUri": uri}
        known: Row = {key: row[key] for key in ("fileId", "fileName", "metadata") if key in row}
        return {**known, "synchronization": synchronization, "selfUri": f"{uri}/{kind}/{row['fileId']}"}

    async def _store_content(self, request: Request) -> Response:
        """What the vendor's object storage does with an address that was signed for one upload."""
        content = await request.body()
        ticket = self.world.tickets.get(request.path_params["ticket"])
        refused = self._why_not(request, ticket, content)
        if ticket is None or refused:
            status, code = refused or (403, "AccessDenied")
            return xml_answer(status, code)
        if not self.world.take(ticket, content):
            return xml_answer(403, "AccessDenied")
        return Response(status_code=200)

    def _why_not(self, request: Request, ticket: Row | None, content: bytes) -> tuple[int, str] | None:
        """Status and code of S3, as far as it tells (S3 API reference, error responses)."""
        if "authorization" in request.headers:
            return 400, "InvalidArgument"
        if ticket is None or ticket["used"] or ticket["expires"] <= self._now:
            return 403, "AccessDenied"
        if self.services.faults.take(self.name, "expired_upload_url"):
            return 403, "AccessDenied"
        if any(request.headers.get(name) != value for name, value in ticket["headers"].items()):
            return 403, "SignatureDoesNotMatch"
        if len(content) > self.world.max_file_bytes:
            return 413, "EntityTooLarge"
        digest = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
        return (400, "BadDigest") if ticket["headers"].get("Content-MD5", digest) != digest else None


_ONLY_ALONE = frozenset({"scheduleSettings", "filters", "filterDetails", "error"})
"""What a source says of itself when it is asked for alone."""
