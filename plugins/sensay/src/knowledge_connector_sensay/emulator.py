"""Sensay's knowledge base API, emulated: documented paths, 207 answers, signed uploads, and entries that take their time.

    text, url   NEW ─▶ RAW_TEXT ─▶ PROCESSED_TEXT ─▶ VECTOR_CREATED ─▶ READY, or UNPROCESSABLE
    file        NEW ─▶ (bytes come) ─▶ FILE_UPLOADED ─▶ RAW_TEXT ─▶ …

States follow the virtual clock. Options (`sensay.NAME`) and faults are listed in the README.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from knowledge_connector.testing.emulation import Rows, Secret, Services, Store, Table, VendorEmulator
from knowledge_connector_sensay import emulator_rules as rules
from knowledge_connector_sensay.emulator_http import body_of, done, problem, refused, storage_problem
from knowledge_connector_sensay.emulator_replicas import Replicas
from knowledge_connector_sensay.emulator_rules import Refusal, Row

SECRET = "emu-secret"  # noqa: S105  # printed at start; it opens nothing but the emulator
REPLICA = "00000000-0000-4000-8000-000000005e5a"
QUOTA = "KNOWLEDGE_BASE_CUSTOM_QUOTA_EXCEEDED"

REPLICAS = "/v1/replicas"
KNOWLEDGE = REPLICAS + "/{replica}/knowledge-base"
STORAGE = "/storage/v1/object/upload/sign/replica_files"
CUT_CHARS = 100_000
CHUNK_CHARS = 1000
DAY_SECONDS = 86_400
SHOWN = 50

_PUBLIC = (
    *("id", "type", "replicaUUID", "createdAt", "updatedAt", "url", "title", "generatedTitle", "summary", "language"),
    *("vectorEntryID", "qdrantPoints", "website", "youtube", "file"),
)
_ORDER = {"", "createdAt"}

Endpoint = Callable[[Request], Awaitable[Response]]
Work = Callable[[Request, Row], Response]


class SensayEmulator(VendorEmulator):
    """The emulator `sensay`."""

    name = "sensay"

    def __init__(self, services: Services, store: Store) -> None:
        super().__init__(services, store)
        self._replicas = Replicas(store, lambda: self._option("replicas", "any") == "made")

    # ------------------------------------------------------------------------------------------------------------- frame

    def routes(self) -> Sequence[BaseRoute]:
        """See the frame."""
        replica, entry, wide = REPLICAS + "/{replica}", KNOWLEDGE + "/{entry}", "/v1/knowledge-base/{entry}"
        of_entry: list[tuple[str, Work]] = [
            ("GET", self._get_entry),
            ("PATCH", self._change_entry),
            ("DELETE", self._delete_entry),
        ]
        api: list[tuple[str, str, Work]] = [
            ("GET", REPLICAS, self._replicas.list),
            ("POST", REPLICAS, self._replicas.create),
            ("GET", replica, self._replicas.get),
            ("PUT", replica, self._replicas.update),
            ("DELETE", replica, self._replicas.delete),
            ("POST", "/v1/users", self._replicas.create_user),
            ("GET", "/v1/users/me", self._replicas.get_user),
            ("GET", KNOWLEDGE, self._list_entries),
            ("POST", KNOWLEDGE, self._create_entries),
            ("GET", "/v1/knowledge-base", self._list_entries),
            ("GET", "/v1/knowledge-base/file-types", self._file_types),
            *((method, path, work) for path in (entry, wide) for method, work in of_entry),
            *(
                (method, prefix + "/training{rest:path}", self._removed)
                for prefix in ("/v1", replica)
                for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
            ),
        ]
        return [
            *(Route(path, self._guarded(work), methods=[method]) for method, path, work in api),
            Route(STORAGE + "/{key:path}", self._take_bytes, methods=["PUT"]),
            Route("/__sensay__/replicas/{replica}/answers", self._answers, methods=["GET"]),
        ]

    def problem(self, status: int, headers: Mapping[str, str]) -> Response:
        """The error envelope."""
        code = QUOTA if status == 429 else ""
        return problem(Refusal(status, HTTPStatus(status).phrase, code=code), headers)

    def exception_handlers(self) -> Mapping[type[Exception], Callable[[Request, Any], Response]]:
        """Refusals become error answers with their message."""
        return {Refusal: lambda _, refusal: problem(refusal)}

    def seed(self, documents: int) -> None:
        """Texts that people gave the replica by hand."""
        for number in range(1, documents + 1):
            self.add_text(REPLICA, f"Written by hand {number}", f"Fact number {number}.")

    def target_table(self, base_url: str) -> dict[str, object]:
        """See the frame."""
        return {"base_url": base_url, "replica": REPLICA, "organization_secret": Secret(SECRET)}

    def credentials(self) -> str:
        """See the frame."""
        return f"X-ORGANIZATION-SECRET: {SECRET} (any replica UUID, such as {REPLICA})"

    def overview(self) -> Sequence[Table]:
        """Counts by replica and state, and the newest entries."""
        shown = [self._shown(row) for row in self._rows()]
        replicas = sorted({str(row["replicaUUID"]) for row in shown})
        keys = ("replicaUUID", "id", "type", "title", "status")
        newest = sorted(shown, key=lambda row: -int(row["id"]))[:SHOWN]
        counts = [(uuid, sum(row["replicaUUID"] == uuid for row in shown)) for uuid in replicas]
        return [
            Table("Replicas", ("uuid", "entries"), counts),
            Table(f"Newest entries of {len(shown)}", keys, [[row.get(key, "") for key in keys] for row in newest]),
        ]

    def operation(self, method: str, path: str) -> str:
        """As `SensayClient.calls` names them: `POST entry`, `PUT upload`, `GET entries`."""
        if path.startswith(STORAGE):
            return f"{method} upload"
        kind, _, rest = path.removeprefix("/v1/").partition("/")
        if kind == "replicas":
            rest, _, below = rest.partition("/")
            if not below:
                return f"{method} {'replica' if rest or method == 'POST' else 'replicas'}"
            kind, _, rest = below.partition("/")
        if kind != "knowledge-base":
            return f"{method} {kind}"
        if rest == "file-types":
            return f"{method} file-types"
        return f"{method} {'entry' if rest or method == 'POST' else 'entries'}"

    # ---------------------------------------------------------------------------------------------------------- for tests

    def add_text(self, replica: str, title: str, text: str) -> int:
        """Put in a text that is READY already, as if somebody had; gives its id."""
        row = self._new(replica, "text", title) | {"rawText": text}
        rules.start(row, rules.READY, self.services.clock.now())
        return self._save(row)

    def answering(self, replica: str) -> list[tuple[int, str, str]]:
        """Id, title and text of every entry by which the replica would answer now."""
        rows = (row for row in self._rows() if row["replicaUUID"] == replica and "deleted" not in row)
        answers = ((row, rules.answer_of(row, self._status(row))) for row in rows)
        return [(row["id"], row.get("title", ""), text) for row, text in answers if text is not None]

    # ------------------------------------------------------------------------------------------------------------- entries

    def _list_entries(self, request: Request, body: Row) -> Response:  # noqa: ARG002  # endpoints look alike
        query = request.query_params
        size = rules.number(query.get("pageSize"), rules.PAGE_SIZE, 0, rules.MAX_PAGE_SIZE, "pageSize")
        page = rules.number(query.get("page"), 1, 1, 1_000_000, "page")
        rows = list(self._listed(request))
        start = (page - 1) * size
        return done({"items": [self._shown(row) for row in rows[start : start + size]], "total": len(rows)})

    def _listed(self, request: Request) -> Iterator[Row]:
        """Every entry that the request asks for, in its order."""
        query = request.query_params
        replica = self._replicas.of(request)["uuid"] if "replica" in request.path_params else None
        states = rules.words(query.getlist("status"), rules.STATES, "status")
        types = rules.words(query.getlist("type"), rules.TYPES, "type")
        search, has_error = query.get("search", "").lower(), query.get("hasError")
        order = query.get("sortOrder", "desc")
        if query.get("sortBy", "") not in _ORDER or order not in ("asc", "desc"):
            raise Refusal(400, "Invalid value: sortBy")
        if has_error not in (None, "true", "false") or 0 < len(search) < rules.SEARCH_CHARS:
            raise Refusal(400, "Invalid value: search")
        for row in self._rows() if order == "asc" else reversed(self._rows()):
            fits = replica in (None, row["replicaUUID"]) and (not types or row["type"] in types)
            fits = fits and (not search or search in _searched(row))
            if fits and (states or has_error):
                status = self._status(row)
                fits = not states or status in states
                fits = fits and has_error in (None, str(status == rules.UNPROCESSABLE).lower())
            if fits:
                yield row

    def _create_entries(self, request: Request, body: Row) -> Response:
        replica = str(self._replicas.of(request)["uuid"])
        rules.check(body, rules.CREATE)
        inputs = [name for name in ("filename", "url", "text") if name in body]
        if not inputs:
            raise Refusal(400, "One of text, url and filename is required")
        self._check_quota(replica, body)
        results = [result for name in inputs for result in self._take(name, replica, body, alone=len(inputs) == 1)]
        return done({"results": results}, 207)

    def _check_quota(self, replica: str, body: Row) -> None:
        count = sum(row["replicaUUID"] == replica for row in self._rows())
        limits = [int(self._option("quota", "0"))]
        if "usageLimits" in body:
            limits.append(body["usageLimits"]["knowledgeBaseEntries"]["totalUserQuota"])
        if self.services.faults.take(self.name, "quota") or any(limit and count >= limit for limit in limits):
            raise Refusal(429, "The quota of knowledge base entries is used up", code=QUOTA)

    def _take(self, name: str, replica: str, body: Row, *, alone: bool) -> list[Row]:
        """What becomes of one input; with others beside it, what would refuse the request refuses only the input."""
        title = body.get("title", "")
        if name == "url":
            return self._take_url(replica, title, body, alone=alone)
        kind = "file" if name == "filename" else "text"
        if self.services.faults.take(self.name, "refused_input"):
            return [refused(kind, "The input was refused")]
        row = self._new(replica, kind, title)
        if name == "text":
            return [self._accepted(row | {"rawText": body["text"]})]
        if not rules.has_extension(body["filename"]):
            if alone:
                raise Refusal(400, "Unsupported file extension")
            return [refused(kind, "Unsupported file extension")]
        return [self._announced(row, body["filename"])]

    def _take_url(self, replica: str, title: str, body: Row, *, alone: bool) -> list[Row]:
        url, playlist = body["url"], rules.playlist_of(body["url"])
        videos = [f"https://www.youtube.com/watch?v={playlist}-{number}" for number in range(1, self._videos + 1)]
        results = [self._link(replica, title, one, body, playlist) for one in (videos if playlist else [url])]
        if alone and not playlist and results[0].get("error") == _TAKEN:
            raise Refusal(409, _TAKEN)
        return results

    def _link(self, replica: str, title: str, url: str, body: Row, playlist: str | None) -> Row:
        kind = rules.type_of(url)
        if any(row.get("url") == url and row["replicaUUID"] == replica for row in self._rows()):
            return refused(kind, _TAKEN)
        if self.services.faults.take(self.name, "refused_input"):
            return refused(kind, "The address cannot be read")
        about: Row = {"url": url} | ({"playlistID": playlist} if playlist else {})
        if kind == "website":
            about["autoRefresh"] = body.get("autoRefresh", False)
        row = self._new(replica, kind, title) | {"url": url, kind: about, "rawText": f"What can be read at {url}"}
        return self._accepted(row)

    def _accepted(self, row: Row) -> Row:
        self._begin(row, rules.NEW)
        return {"type": row["type"], "enqueued": True, "knowledgeBaseID": self._save(row)}

    def _announced(self, row: Row, filename: str) -> Row:
        """A file that waits for its bytes, and where to send them."""
        row |= {"file": {"name": filename}, "token": os.urandom(16).hex()}
        row["signed"] = self.services.clock.now().timestamp()
        result = self._accepted(row)
        path = f"{STORAGE}/{row['replicaUUID']}/{row['id']}/{row['token'][:8]}"
        return result | {"signedURL": f"{self.services.base_url}{path}?token={row['token']}"}

    def _get_entry(self, request: Request, body: Row) -> Response:  # noqa: ARG002  # endpoints look alike
        row = self._entry(request)
        text = str(row.get("rawText", ""))
        more: Row = {"rawText": text[:CUT_CHARS]} if text else {}
        if self._status(row) in {rules.PROCESSED, *rules.ANSWERING}:
            more |= {"processedText": row.get("processedText", text[:CUT_CHARS])}
            more |= {"generatedFacts": row.get("generatedFacts", []), "rawTextChunks": _chunks(row, text)}
        return done(self._shown(row) | more)

    def _change_entry(self, request: Request, body: Row) -> Response:
        row = self._entry(request)
        rules.check(body, rules.CHANGE)
        live = rules.answer_of(row, self._status(row))
        row |= {name: value for name, value in body.items() if name != "status"}
        row["updatedAt"] = self._now()
        if "rawText" in body or "status" in body:
            row |= {} if live is None else {"live": live}
            self._begin(row, body.get("status", rules.RAW))
        self._entries()[str(row["id"])] = row
        return done({})

    def _delete_entry(self, request: Request, body: Row) -> Response:  # noqa: ARG002  # endpoints look alike
        row = self._entry(request)
        if self._option("deletion", "at_once") == "at_once":
            del self._entries()[str(row["id"])]
            return done({})
        row["deleted"] = self.services.clock.now().timestamp()
        self._entries()[str(row["id"])] = row
        return done({"message": "The entry will be removed within 24 hours"}, 202)

    def _file_types(self, request: Request, body: Row) -> Response:  # noqa: ARG002  # endpoints look alike
        groups = [
            {
                "label": kind.title(),
                "mediaType": kind,
                "limitation": "90 minutes" if kind == "video" else "50 MB",
                "fileTypes": [{"mimeTypes": [], "extensions": list(extensions), "supportLevel": "production"}],
            }
            for kind, extensions in rules.MEDIA.items()
        ]
        return done({"mediaGroups": groups})

    def _removed(self, request: Request, body: Row) -> Response:  # noqa: ARG002  # endpoints look alike
        """What the API had before October 2025."""
        raise Refusal(404, "Not found")

    # ------------------------------------------------------------------------------------------------------------- storage

    async def _take_bytes(self, request: Request) -> Response:
        """A storage service's signed upload: it knows nothing of Sensay's headers, and has errors of its own."""
        content = await request.body()
        token, now = request.query_params.get("token"), self.services.clock.now().timestamp()
        row = next((row for row in self._rows() if token and row.get("token") == token), None)
        if row is None:
            return storage_problem(400, "InvalidSignature", "The signature does not fit")
        if now - row["signed"] > rules.SIGNED_SECONDS or self.services.faults.take(self.name, "expired_upload_url"):
            return storage_problem(400, "InvalidJWT", '"exp" claim timestamp check failed')
        if "uploaded" in row:
            return storage_problem(409, "Duplicate", "The resource already exists")
        if len(content) > rules.MAX_FILE_BYTES:
            return storage_problem(413, "Payload too large", "The object exceeded the maximum allowed size")
        row["file"] = {**row["file"], "size": len(content), "mimeType": request.headers.get("content-type", "")}
        row |= {"uploaded": now, "rawText": content.decode("utf-8", "replace")}
        rules.start(row, rules.NEW, self.services.clock.now())
        self._entries()[str(row["id"])] = row
        return JSONResponse({"Key": f"replica_files/{request.path_params['key']}"})

    async def _answers(self, request: Request) -> Response:
        """By what the replica would answer. Sensay has nothing of the kind; it is for tests in other processes."""
        found = self.answering(request.path_params["replica"])
        return JSONResponse([{"id": id_, "title": title, "text": text} for id_, title, text in found])

    # --------------------------------------------------------------------------------------------------------------- below

    def _guarded(self, work: Work) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            user = request.headers.get("x-user-id")
            is_known = user is None or self._replicas.knows(user)
            if request.headers.get("x-organization-secret") != SECRET or not is_known:
                raise Refusal(401, "Unauthorized")
            return work(request, await body_of(request))

        return endpoint

    def _entries(self) -> Rows:
        return self.store.table("entries")

    def _rows(self) -> list[Row]:
        """Every entry that a list shows, in the order in which they came; what was deleted long enough ago is not there any more."""
        table, now = self._entries(), self.services.clock.now().timestamp()
        lingering = float(self._option("deletion_seconds", str(DAY_SECONDS)))
        for row in list(table.values()):
            if now - row.get("deleted", now) > lingering:
                del table[str(row["id"])]
        return list(table.values())

    def _entry(self, request: Request) -> Row:
        replica = self._replicas.of(request)["uuid"] if "replica" in request.path_params else None
        row = self._entries().get(request.path_params["entry"])
        if row is None or "deleted" in row or replica not in (None, row["replicaUUID"]):
            raise Refusal(404, "Knowledge base entry not found")
        return row

    def _new(self, replica: str, kind: str, title: str) -> Row:
        now = self._now()
        row = {"type": kind, "replicaUUID": replica, "createdAt": now, "updatedAt": now}
        return row | ({"title": title} if title else {})

    def _begin(self, row: Row, state: str) -> None:
        """Process it (again), well or not."""
        rules.start(row, state, self.services.clock.now())
        failed = self.services.faults.take(self.name, "failed_ingestion")
        row["fate"] = "The content could not be processed" if failed else ""

    def _save(self, row: Row) -> int:
        """Keep a new entry under a new id."""
        counter = self.store.table("counter")
        row["id"] = counter.get("entry", {"last": 1000})["last"] + 1
        counter["entry"] = {"last": row["id"]}
        self._entries()[str(row["id"])] = row
        return int(row["id"])

    def _status(self, row: Row) -> str:
        return rules.status_of(row, self.services.clock.now(), float(self._option("stage_seconds", "1")))

    def _shown(self, row: Row) -> Row:
        status = self._status(row)
        shown = {name: row[name] for name in _PUBLIC if name in row} | {"status": status}
        if status == rules.UNPROCESSABLE:
            message = row.get("fate") or "The content could not be processed"
            shown["error"] = row.get("error") or {"fingerprint": os.urandom(16).hex(), "message": message}
        return shown

    @property
    def _videos(self) -> int:
        return int(self._option("playlist_videos", "3"))

    def _option(self, name: str, default: str) -> str:
        return self.services.options.get(f"{self.name}.{name}", default)

    def _now(self) -> str:
        return self.services.clock.now().isoformat().replace("+00:00", "Z")


_TAKEN = "The URL is already in this knowledge base"


def _searched(row: Row) -> str:
    return " ".join((row.get("title", ""), row.get("file", {}).get("name", ""), row.get("url", ""))).lower()


def _chunks(row: Row, text: str) -> list[Row]:
    given: list[Row] | None = row.get("rawTextChunks")
    if given is not None:
        return given
    pieces = [text[start : start + CHUNK_CHARS] for start in range(0, min(len(text), CUT_CHARS), CHUNK_CHARS)]
    return [
        {"content": piece, "chunkIndex": index, "chunkTokens": len(piece.split()), "chunkChars": len(piece)}
        for index, piece in enumerate(pieces)
    ]
