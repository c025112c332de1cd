"""The REST API 2.0: stores, sources, chunks, connectors, tasks. See the package's docstring for what is where."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from knowledge_connector.testing.emulation import Row, Rows, Secret, Services, Store, Table, VendorEmulator
from knowledge_connector_cognigy.emulator.access import Access
from knowledge_connector_cognigy.emulator.holdings import PROJECT, Holdings
from knowledge_connector_cognigy.emulator.inprocess import ConnectorRun, start_run
from knowledge_connector_cognigy.emulator.paging import page
from knowledge_connector_cognigy.emulator.rules import (
    MAX_SEARCH_TAGS,
    ChunkChange,
    ConnectorChange,
    NewChunk,
    NewConnector,
    NewSource,
    NewStore,
    NewTags,
    Refusal,
    SourceChange,
    StoreChange,
    changes_of,
    check_chunk,
    check_id,
    checked,
    envelope,
    read_json,
)
from knowledge_connector_cognigy.emulator.tasks import Tasks, check_file, read_file, task_json

Handler = Callable[[Request], Awaitable[Response]]

PREFIXES = ("/new/v2.0", "/v2.0", "/api-emu/new/v2.0", "/api-emu/v2.0")
"""Some clients want `api-` somewhere in the base URL."""

STORE_NAME = "Emulated"
DESCRIPTOR = {
    "type": "emulatedConnector",
    "label": "Emulated",
    "summary": "Reads nothing",
    "extension": "emulated",
    "fields": [],
}


class CognigyEmulator(VendorEmulator):
    """Cognigy.AI's knowledge, without Cognigy.AI."""

    name: ClassVar[str] = "cognigy"
    fault_kinds: ClassVar[Mapping[str, str]] = {
        "quota": "POST chunks gives 402",
        "failed_ingestion": "a file or a web page ends as a failure; `operation` is a pattern for the source's name",
    }

    def __init__(self, services: Services, store: Store) -> None:
        super().__init__(services, store)
        self.holdings = Holdings(services, store)
        self._tasks = Tasks(services, self.holdings)
        self._access = Access(services, store)

    def routes(self) -> Sequence[BaseRoute]:
        """Give both prefixes, the token endpoint, and a search that Cognigy has in flows only."""
        api = [Route(path, self._guarded(handler), methods=[method]) for method, path, handler in self._endpoints()]
        return [
            *(Mount(prefix, routes=api) for prefix in PREFIXES),
            Route("/auth/oauth2/token", self._access.token, methods=["POST"]),
            Route("/__cognigy__/search", self._guarded(self._search)),
        ]

    def _endpoints(self) -> list[tuple[str, str, Handler]]:
        stores = "/knowledgestores"
        store = stores + "/{store}"
        source = store + "/sources/{source}"
        return [
            ("GET", stores, self._list_stores),
            ("POST", stores, self._add_store),
            ("GET", store, self._show_store),
            ("PATCH", store, self._change_store),
            ("DELETE", store, self._drop_store),
            ("GET", store + "/sources", self._list_sources),
            ("POST", store + "/sources", self._add_source),
            ("POST", store + "/sources/upload", self._upload),
            ("GET", source, self._show_source),
            ("PATCH", source, self._change_source),
            ("DELETE", source, self._drop_source),
            ("GET", source + "/chunks", self._list_chunks),
            ("POST", source + "/chunks", self._add_chunk),
            ("GET", source + "/chunks/{chunk}", self._show_chunk),
            ("PATCH", source + "/chunks/{chunk}", self._change_chunk),
            ("DELETE", source + "/chunks/{chunk}", self._drop_chunk),
            ("GET", store + "/connectors", self._list_connectors),
            ("POST", store + "/connectors", self._add_connector),
            ("GET", store + "/connectors/{connector}", self._show_connector),
            ("PATCH", store + "/connectors/{connector}", self._change_connector),
            ("DELETE", store + "/connectors/{connector}", self._drop_connector),
            ("GET", store + "/descriptors", self._list_descriptors),
            ("GET", "/tasks", self._list_tasks),
            ("GET", "/tasks/{task}", self._show_task),
            ("POST", "/tasks/{task}/cancel", self._cancel_task),
        ]

    # -- what the frame asks

    def problem(self, status: int, headers: Mapping[str, str]) -> Response:
        """Give Cognigy's envelope."""
        refusal = Refusal(status, "injected by the emulator, or no such path or method")
        return JSONResponse(envelope(refusal, ""), status_code=status, headers=dict(headers))

    def exception_handlers(self) -> Mapping[type[Exception], Callable[[Request, Any], Response]]:
        """Turn refusals into answers."""
        return {Refusal: _refuse}

    def seed(self, documents: int) -> None:
        """Fill a store with sources that nobody of ours wrote."""
        store = self.emulated_store()
        for number in range(1, documents + 1):
            source = self.holdings.add_source(store, f"Foreign {number}", metaData={"tags": ["foreign"]})
            for text in ("Written by somebody else.", f"Leave number {number} alone."):
                self.holdings.add_chunk(source, text)

    def emulated_store(self) -> Row:
        """The store that `target_table` names; created if it is not there."""
        known = self.holdings.stores.values()
        named = (row for row in known if (row["name"], row["projectReference"]) == (STORE_NAME, PROJECT))
        return next(named, None) or self.holdings.add_store(PROJECT, STORE_NAME, "Made by the emulator")

    def target_table(self, base_url: str) -> dict[str, object]:
        """Point at the emulated store."""
        store = self.emulated_store()
        return {
            "base_url": base_url,
            "api_key": Secret(self._access.key),
            "knowledge_store": store["name"],
            "project_id": PROJECT,
        }

    def credentials(self) -> str:
        """Say what logs in."""
        return self._access.words()

    def overview(self) -> list[Table]:
        """Show stores, and the sources of each that changed last."""
        self._tasks.settle()
        stores = [self._store_line(row) for row in self.holdings.stores.values()]
        shown = [Table("Knowledge stores", ("store", "id", "status", "sources", "chunks"), stores)]
        filled = [row for row in self.holdings.stores.values() if self.holdings.sources(row["_id"])]
        return [*shown, *map(self._sources_table, filled)]

    def _store_line(self, row: Row) -> Sequence[object]:
        sources = self.holdings.sources(row["_id"])
        chunks = sum(len(self.holdings.chunks(source_id)) for source_id in sources)
        return row["name"], row["_id"], self.holdings.store_json(row)["status"], len(sources), chunks

    def _sources_table(self, store: Row) -> Table:
        sources = list(self.holdings.sources(store["_id"]).values())
        last = sorted(sources, key=lambda row: (row["lastChanged"], row["_id"]), reverse=True)[:20]
        lines = [(row["name"], row["status"], self._counts(row), " ".join(row["metaData"]["tags"])) for row in last]
        return Table(f"Sources in {store['name']}, last changed first", ("source", "status", "chunks", "tags"), lines)

    def _counts(self, row: Row) -> str:
        """Chunks there are, and chunks that a connector inside Cognigy has announced."""
        there = len(self.holdings.chunks(row["_id"]))
        return f"{there} of {row['announced']}" if "announced" in row else f"{there}"

    def operation(self, method: str, path: str) -> str:
        """Name the kind of object, in the plural for lists: `POST chunks`, `PATCH source`."""
        words = path.partition("/v2.0/")[2].strip("/").split("/")
        if words[-1:] in (["upload"], ["cancel"]):
            return f"{method} {words[-1]}"
        if words == [""]:
            return f"{method} {path.rstrip('/').rpartition('/')[2]}"
        kind = words[-1] if len(words) % 2 else words[-2].removesuffix("s")
        return f"{method} {kind.removeprefix('knowledge')}"

    def is_write(self, method: str, path: str) -> bool:
        """Fetching a token changes nothing."""
        return super().is_write(method, path) and not path.startswith("/auth/")

    def start_connector(self, connector_id: str) -> ConnectorRun:
        """Start a run of a connector inside Cognigy: the in-process API, as a context manager.

        Raises:
            Refusal: There is no such connector, or it is running.
        """
        return start_run(self.holdings, connector_id)

    # -- what every endpoint does first

    def _guarded(self, handler: Handler) -> Handler:
        async def endpoint(request: Request) -> Response:
            self._access.admit(request)
            self._tasks.settle()
            return await handler(request)

        return endpoint

    def _store(self, request: Request) -> Row:
        row = _row(self.holdings.stores, request, "store")
        self._access.check_project(request, row["projectReference"])
        return row

    def _source(self, request: Request) -> tuple[Row, Row]:
        store = self._store(request)
        return store, _row(self.holdings.sources(store["_id"]), request, "source")

    def _chunk(self, request: Request) -> tuple[Rows, Row]:
        _, source = self._source(request)
        chunks = self.holdings.chunks(source["_id"])
        return chunks, _row(chunks, request, "chunk")

    # -- stores

    async def _list_stores(self, request: Request) -> Response:
        project = request.query_params.get("projectId")
        if project:
            self._access.check_project(request, check_id(project))
        mine = self._access.projects(request)
        rows = [
            row for row in self.holdings.stores.values() if row["projectReference"] in ([project] if project else mine)
        ]
        return _list(request, rows, self.holdings.store_json)

    async def _add_store(self, request: Request) -> Response:
        body = checked(NewStore, await _json(request))
        self._access.check_project(request, body.project_id)
        row = self.holdings.add_store(body.project_id, body.name, body.description, body.language)
        return JSONResponse(self.holdings.store_json(row), 201)

    async def _show_store(self, request: Request) -> Response:
        return JSONResponse(self.holdings.store_json(self._store(request)))

    async def _change_store(self, request: Request) -> Response:
        changes = changes_of(checked(StoreChange, await _json(request)))
        self.holdings.change(self.holdings.stores, self._store(request), changes)
        return Response(status_code=204)

    async def _drop_store(self, request: Request) -> Response:
        self.holdings.drop_store(self._store(request)["_id"])
        return Response(status_code=204)

    # -- sources

    async def _list_sources(self, request: Request) -> Response:
        rows = list(self.holdings.sources(self._store(request)["_id"]).values())
        return _list(request, rows, self.holdings.source_json)

    async def _add_source(self, request: Request) -> Response:
        body = checked(NewSource, await _json(request))
        store = self._store(request)
        values: dict[str, Any] = {"description": body.description, "metaData": body.meta_data.model_dump()}
        if body.type == "extension":
            values |= self._of_connector(store, body.connector_id)
        if body.type != "url":
            row = self.holdings.add_source(store, body.name, body.type, **values)
            return JSONResponse({"knowledgeSource": self.holdings.source_json(row)}, 201)
        if not body.url:
            raise Refusal(400, "url: a source of type url needs one", code=1000)
        values |= {"status": "ingesting", "metaData": {**values["metaData"], "url": body.url}}
        row = self.holdings.add_source(store, body.name, body.type, **values)
        task = self._tasks.start("processKnowledgeSourceUrl", store, row, [f"Content of {body.url}"])
        return JSONResponse({"knowledgeSource": self.holdings.source_json(row), "taskData": task_json(task)}, 201)

    def _of_connector(self, store: Row, connector_id: str | None) -> dict[str, Any]:
        if connector_id is None:
            raise Refusal(400, "connectorId: a source of type extension needs one", code=1000)
        for row in self.holdings.connectors(store["_id"]).values():
            if connector_id in (row["_id"], row["referenceId"]):
                return {"connectorReference": row["referenceId"]}
        raise Refusal(404, "there is no such connector")

    async def _upload(self, request: Request) -> Response:
        store = self._store(request)
        async with request.form() as form:
            file, tags = form.get("file"), [tag for tag in form.getlist("tags") if isinstance(tag, str)]
            if not isinstance(file, UploadFile) or not file.filename:
                raise Refusal(400, "file: missing", code=1000)
            content = await file.read()
        kind = check_file(file.filename, content)
        data, chunks = read_file(kind, file.filename, content)
        told: dict[str, Any] = {"tags": checked(NewTags, {"tags": tags}).tags, "fileName": file.filename}
        told |= {"size": len(content), "mimeType": file.content_type or "application/octet-stream"}
        row = self.holdings.add_source(store, file.filename, kind, status="ingesting", metaData=told, data=data)
        return JSONResponse(task_json(self._tasks.start("processKnowledgeSourceFile", store, row, chunks)), 201)

    async def _show_source(self, request: Request) -> Response:
        return JSONResponse(self.holdings.source_json(self._source(request)[1]))

    async def _change_source(self, request: Request) -> Response:
        changes = changes_of(checked(SourceChange, await _json(request)))
        store, row = self._source(request)
        self.holdings.change_source(store["_id"], row, changes)
        return Response(status_code=204)

    async def _drop_source(self, request: Request) -> Response:
        store, row = self._source(request)
        self.holdings.drop_source(store["_id"], row)
        return Response(status_code=204)

    # -- chunks

    async def _list_chunks(self, request: Request) -> Response:
        _, source = self._source(request)
        return _list(request, list(self.holdings.chunks(source["_id"]).values()), text="text")

    async def _add_chunk(self, request: Request) -> Response:
        body = checked(NewChunk, await _json(request))
        _, source = self._source(request)
        return JSONResponse(self.holdings.add_chunk(source, body.text, body.order, body.data), 201)

    async def _show_chunk(self, request: Request) -> Response:
        return JSONResponse(self._chunk(request)[1])

    async def _change_chunk(self, request: Request) -> Response:
        changes = changes_of(checked(ChunkChange, await _json(request)))
        chunks, row = self._chunk(request)
        changed = {**row, **changes}
        check_chunk(changed["text"], changed["data"])
        self.holdings.change(chunks, row, changes)
        return Response(status_code=204)

    async def _drop_chunk(self, request: Request) -> Response:
        chunks, row = self._chunk(request)
        del chunks[row["_id"]]
        return Response(status_code=204)

    # -- connectors

    async def _list_connectors(self, request: Request) -> Response:
        return _list(request, list(self.holdings.connectors(self._store(request)["_id"]).values()))

    async def _add_connector(self, request: Request) -> Response:
        body = checked(NewConnector, await _json(request))
        store = self._store(request)
        row = self.holdings.stamped(**body.model_dump(by_alias=True), lastExecution=None, lastExecutionStatus="none")
        self.holdings.connectors(store["_id"])[row["_id"]] = row
        return JSONResponse(row, 201)

    async def _show_connector(self, request: Request) -> Response:
        return JSONResponse(_row(self.holdings.connectors(self._store(request)["_id"]), request, "connector"))

    async def _change_connector(self, request: Request) -> Response:
        changes = changes_of(checked(ConnectorChange, await _json(request)))
        connectors = self.holdings.connectors(self._store(request)["_id"])
        self.holdings.change(connectors, _row(connectors, request, "connector"), changes)
        return Response(status_code=204)

    async def _drop_connector(self, request: Request) -> Response:
        connectors = self.holdings.connectors(self._store(request)["_id"])
        del connectors[_row(connectors, request, "connector")["_id"]]
        return Response(status_code=204)

    async def _list_descriptors(self, request: Request) -> Response:
        self._store(request)
        return JSONResponse({"items": [DESCRIPTOR], "total": 1, "nextCursor": None, "previousCursor": None})

    # -- tasks and search

    async def _list_tasks(self, request: Request) -> Response:
        return _list(request, list(self.holdings.tasks.values()), task_json, text="type")

    async def _show_task(self, request: Request) -> Response:
        return JSONResponse(task_json(_row(self.holdings.tasks, request, "task")))

    async def _cancel_task(self, request: Request) -> Response:
        row = _row(self.holdings.tasks, request, "task")
        self._tasks.cancel(row)
        return JSONResponse(task_json(self.holdings.tasks[row["_id"]]), 201)

    async def _search(self, request: Request) -> Response:
        asked = request.query_params
        tags = asked.getlist("tags")
        if len(tags) > MAX_SEARCH_TAGS:
            raise Refusal(400, f"tags: {len(tags)}; a search takes {MAX_SEARCH_TAGS}")
        store_id = check_id(asked.get("knowledgeStoreId", ""))
        return JSONResponse({"topK": self.holdings.search(store_id, asked.get("query", ""), tags)})


async def _json(request: Request) -> dict[str, Any]:
    return read_json(await request.body())


def _row(table: Rows, request: Request, kind: str) -> Row:
    row_id = check_id(request.path_params[kind])
    if row_id not in table:
        raise Refusal(404, f"there is no such {kind}")
    return table[row_id]


def _as_it_is(row: Row) -> Row:
    return row


def _list(
    request: Request, rows: Sequence[Row], shown: Callable[[Row], Row] = _as_it_is, *, text: str = "name"
) -> Response:
    found = page(rows, request.query_params, text=text)
    return JSONResponse(
        {
            "items": [shown(row) for row in found.items],
            "total": found.total,
            "nextCursor": found.next_cursor,
            "previousCursor": found.previous_cursor,
        }
    )


def _refuse(request: Request, refusal: Refusal) -> Response:
    body = envelope(refusal, request.url.path)
    return JSONResponse(body, status_code=refusal.status, headers=refusal.headers)
