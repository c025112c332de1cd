"""Intellia's Knowledge Bases API, emulated: documented paths, limits and rights, and files that take their time.

    upload-url ─▶ WAITING-UPLOAD ─▶ PUT ─▶ (lag) ENQUEUED ─▶ PROCESSING ─▶ READY, or ERROR

States follow the virtual clock. Options (`intellia.NAME`) and faults are listed in the README.

rules.py       what it goes by: types, states, pages, search; pure
records.py     what it holds
endpoints.py   the API
storage.py     where upload and download URLs lead
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, compile_path

from knowledge_connector.testing.emulation import Secret, Services, Store, Table, VendorEmulator
from knowledge_connector_intellia.emulator import storage
from knowledge_connector_intellia.emulator.endpoints import ENDPOINTS, Work, admit
from knowledge_connector_intellia.emulator.records import STORAGE, VENDOR, Records
from knowledge_connector_intellia.emulator.rules import Refusal, Row

TOKEN = "emu-token"  # noqa: S105  # printed at start; it opens nothing but the emulator
READ_ONLY = "emu-token-read"
ORGANIZATION = "org-emulated"
BASE = "Knowledge"
MINUTE_SECONDS = 60
SHOWN = 50

_STORED = STORAGE + "/{key:path}"
_WORDS = [(compile_path(path)[0], word) for path, word in [*((e[1], e[2]) for e in ENDPOINTS), (_STORED, "upload")]]
_READING = {"POST search", "POST download-link"}
_BASE_COLUMNS = ("organizationId", "knowledgeBaseId", "title", "type", "llmDescription")
_FILE_COLUMNS = ("knowledgeBaseId", "fileId", "fileName", "status", "statusMessage")

Endpoint = Callable[[Request], Awaitable[Response]]


class IntelliaEmulator(VendorEmulator):
    """The emulator `intellia`.

    Attributes:
        records: What it holds, for tests that look or fill in past the API.
    """

    name = VENDOR

    def __init__(self, services: Services, store: Store) -> None:
        super().__init__(services, store)
        self.records = Records(services, store)
        self._minute = (datetime.min.replace(tzinfo=UTC), 0)

    def routes(self) -> Sequence[BaseRoute]:
        """See the frame."""
        return [
            *(Route(path, self._guarded(work), methods=[method]) for method, path, _, work in ENDPOINTS),
            Route(_STORED, partial(storage.take_bytes, self.records), methods=["PUT"]),
            Route(_STORED, partial(storage.give_bytes, self.records), methods=["GET"]),
        ]

    def problem(self, status: int, headers: Mapping[str, str]) -> Response:
        """The error answer; its form is a guess."""
        return _problem(status, HTTPStatus(status).phrase, headers)

    def exception_handlers(self) -> Mapping[type[Exception], Callable[[Request, Any], Response]]:
        """Refusals become error answers with their message."""
        return {Refusal: lambda _, refusal: _problem(refusal.status, refusal.message, refusal.headers)}

    def seed(self, documents: int) -> None:
        """One knowledge base with so many files that people uploaded."""
        if documents:
            base = self.records.make_base(ORGANIZATION, "Company handbook", "What people wrote by hand")
            for number in range(1, documents + 1):
                content = f"# Chapter {number}\n\nWritten by hand.\n".encode()
                self.records.make_file(base, f"Chapter {number}.md", content)

    def target_table(self, base_url: str) -> dict[str, object]:
        """See the frame."""
        if not any(row["title"] == BASE for row in self.records.bases.values()):
            self.records.make_base(ORGANIZATION, BASE, "What the connectors keep in step")
        where = {"base_url": base_url, "organization_id": ORGANIZATION, "knowledge_base": BASE}
        return {**where, "api_key": Secret(TOKEN)}

    def credentials(self) -> str:
        """See the frame."""
        rights = f"any organisation id; {TOKEN}:ORG is for one alone, {READ_ONLY} may not write"
        return f"Authorization: Bearer {TOKEN} ({rights})"

    def overview(self) -> Sequence[Table]:
        """Knowledge bases, and the newest files."""
        bases = list(self.records.bases.values())
        rows = [row for base in bases for row in self.records.files(base["knowledgeBaseId"]).values()]
        newest = sorted(rows, key=lambda row: str(row["createdAt"]), reverse=True)[:SHOWN]
        files = [self.records.shown(row) for row in newest]
        return [
            Table("Knowledge bases", _BASE_COLUMNS, [[row[key] for key in _BASE_COLUMNS] for row in bases]),
            Table(
                f"Newest of {len(rows)} files", _FILE_COLUMNS, [[row[key] for key in _FILE_COLUMNS] for row in files]
            ),
        ]

    def is_write(self, method: str, path: str) -> bool:
        """A search and a download link are asked for by POST and change nothing."""
        return method not in {"GET", "HEAD"} and self.operation(method, path) not in _READING

    def operation(self, method: str, path: str) -> str:
        """As `IntelliaClient.calls` names them: `POST upload-url`, `PUT upload`, `GET files`."""
        word = next((word for pattern, word in _WORDS if pattern.match(path)), path)
        return f"{method} {word}"

    def _guarded(self, work: Work) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            self._authorise(request)
            self._spend()
            return work(self.records, request, await _body_of(request))

        return endpoint

    def _authorise(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        name, _, request.state.organization = token.strip().partition(":")
        if scheme.lower() != "bearer" or name not in (TOKEN, READ_ONLY):
            raise Refusal(401, "No valid API key")
        admit(request, request.path_params["org"])
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        if name == READ_ONLY and self.is_write(request.method, path):
            raise Refusal(403, "The API key may not write knowledge_bases")

    def _spend(self) -> None:
        """Count a request of this minute."""
        most, now = int(self.records.option("rate_per_minute")), self.services.clock.now()
        began, count = self._minute
        left = MINUTE_SECONDS - (now - began).total_seconds()
        if left <= 0:
            began, count = now, 0
        if most and count >= most:
            raise Refusal(429, "Too many requests", {"Retry-After": str(math.ceil(left))})
        self._minute = began, count + 1


async def _body_of(request: Request) -> Row:
    content = await request.body()
    if not content:
        return {}
    try:
        body = json.loads(content)
    except ValueError:
        raise Refusal(400, "The body is not JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "The body is not an object")
    return body


def _problem(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    body = {"statusCode": status, "error": HTTPStatus(status).phrase, "message": message}
    return JSONResponse(body, status, headers=headers)
