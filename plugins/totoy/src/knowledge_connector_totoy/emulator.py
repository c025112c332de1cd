"""Totoy as one can run it: its documented paths over what `emulator_state` holds.

`connector emulate totoy` · bearer `emu-token` · paths below `/v1`
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from knowledge_connector.testing.emulation import Secret, Services, Store, Table, VendorEmulator
from knowledge_connector_totoy import emulator_schema as schema
from knowledge_connector_totoy.emulator_schema import Problem, problem_response, read_form, read_json
from knowledge_connector_totoy.emulator_state import NAME, Organisation, Row

TOKEN = "emu-token"  # noqa: S105  # a development credential, printed at the start
KNOWLEDGE_BASE = "Support"
MAX_FILE_BYTES = "100000000"

Handler = Callable[[Request], Awaitable[Row | Response]]

_OPERATIONS = (
    (r"/v1/knowledge-bases/[^/]+/sources/[^/]+", "link"),
    (r"/v1/knowledge-bases/[^/]+/sources", "links"),
    (r"/v1/knowledge-bases/[^/]+/chat", "chat"),
    (r"/v1/knowledge-bases/[^/]+", "knowledge-base"),
    (r"/v1/projects/[^/]+", "project"),
    (r"/v1/sources/[^/]+/content", "content"),
    (r"/v1/sources/[^/]+", "source"),
    (r"/v1/([a-z-]+)", r"\1"),
)


class TotoyEmulator(VendorEmulator):
    """One organisation."""

    name = NAME

    def __init__(self, services: Services, store: Store) -> None:
        super().__init__(services, store)
        self.organisation = Organisation(services, store)

    def routes(self) -> Sequence[BaseRoute]:
        """All documented paths."""
        return [
            self._route("/organization", GET=self._organization),
            self._route("/projects", GET=self._projects, POST=self._add_project),
            self._route("/projects/{id}", GET=self._project, PATCH=self._change_project, DELETE=self._remove_project),
            self._route("/knowledge-bases", GET=self._bases, POST=self._add_base),
            self._route("/knowledge-bases/{id}", GET=self._base, PATCH=self._change_base, DELETE=self._remove_base),
            self._route("/knowledge-bases/{id}/chat", POST=self._chat),
            self._route("/knowledge-bases/{id}/sources", GET=self._links, POST=self._link),
            self._route("/knowledge-bases/{id}/sources/{source_id}", GET=self._linked, DELETE=self._unlink),
            self._route("/sources", GET=self._sources, POST=self._add_source),
            self._route("/sources/{id}", GET=self._source, PATCH=self._change_source, DELETE=self._remove_source),
            self._route("/sources/{id}/content", GET=self._content),
        ]

    def problem(self, status: int, headers: Mapping[str, str]) -> Response:
        """As `application/problem+json`."""
        return problem_response(status, "on demand, or no such path", self._instance(), headers)

    def exception_handlers(self) -> Mapping[type[Exception], Callable[[Request, Any], Response]]:
        """Refusals of our own."""
        return {Problem: lambda _, error: problem_response(error.status, error.detail, self._instance())}

    def seed(self, documents: int) -> None:
        """Make a knowledge base with texts that nobody of ours wrote."""
        if not documents:
            return
        base = self.organisation.add_base({"name": "Written by hand", "instructions": "", "project_id": None})
        for number in range(documents):
            fields = schema.NewText(text_content=f"Written by hand, number {number}.", title=f"By hand {number}")
            row = self.organisation.add_text(fields.model_dump(mode="json"))
            self.organisation.link(base["knowledge_base_id"], [row["source_id"]])

    def target_table(self, base_url: str) -> dict[str, object]:
        """A knowledge base in the default project, polled quickly because it is indexed quickly."""
        if not any(base["name"] == KNOWLEDGE_BASE for base in self.organisation.bases.values()):
            self.organisation.add_base({"name": KNOWLEDGE_BASE, "instructions": "", "project_id": None})
        return {
            "type": NAME,
            "base_url": f"{base_url}/v1",
            "knowledge_base": KNOWLEDGE_BASE,
            "poll_seconds": 0.2,
            "api_key": Secret(TOKEN),
        }

    def credentials(self) -> str:
        """For people."""
        return f"Authorization: Bearer {TOKEN}"

    def overview(self) -> Sequence[Table]:
        """Knowledge bases, and the last sources."""
        bases = [(id_, row["name"], len(self.organisation.links(id_))) for id_, row in self.organisation.bases.items()]
        sources = [
            (id_, row["source_type"], row["title"], row["bytes"], row["custom_metadata"].get("managed_by", ""))
            for id_, row in list(self.organisation.sources.items())[-50:]
        ]
        return [
            Table("Knowledge bases", ("id", "name", "sources"), bases),
            Table("Last sources", ("id", "type", "title", "bytes", "managed_by"), sources),
        ]

    def operation(self, method: str, path: str) -> str:
        """Method, and what it is about: `POST links`, `PATCH source`."""
        found = ((match, name) for pattern, name in _OPERATIONS if (match := re.fullmatch(pattern, path)))
        match, name = next(found, (None, ""))
        return f"{method} {match.expand(name)}" if match else f"{method} {path}"

    # ---------------------------------------------------------------------------------------------------- requests

    def _route(self, path: str, **handlers: Handler) -> Route:
        """One path; whoever has no key learns nothing about it."""

        async def endpoint(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                raise Problem(401, "an API key, as Bearer")
            answer = await handlers["GET" if request.method == "HEAD" else request.method](request)
            return answer if isinstance(answer, Response) else JSONResponse(answer)

        return Route(f"/v1{path}", endpoint, methods=list(handlers))

    def _instance(self) -> str:
        return f"{self.services.base_url}/v1/problems/{len(self.services.log)}"

    async def _organization(self, _: Request) -> Row:
        return self.organisation.organization_view()

    async def _projects(self, _: Request) -> Row:
        return {"data": [self.organisation.project_view(id_) for id_ in self.organisation.projects]}

    async def _add_project(self, request: Request) -> Row:
        fields = read_json(await _json(request), schema.NewProject)
        return self.organisation.project_view(self.organisation.add_project(fields.name)["project_id"])

    async def _project(self, request: Request) -> Row:
        return self.organisation.project_view(request.path_params["id"])

    async def _change_project(self, request: Request) -> Row:
        fields = read_json(await _json(request), schema.ChangedProject)
        row = self.organisation.found(self.organisation.projects, request.path_params["id"], "pj")
        self.organisation.projects[row["project_id"]] = {**row, "name": fields.name or row["name"]}
        return self.organisation.project_view(row["project_id"])

    async def _remove_project(self, request: Request) -> Row:
        return self.organisation.remove_project(request.path_params["id"])

    async def _bases(self, _: Request) -> Row:
        return {"data": list(self.organisation.bases.values())}

    async def _add_base(self, request: Request) -> Row:
        return self.organisation.add_base(read_json(await _json(request), schema.NewBase).model_dump())

    async def _base(self, request: Request) -> Row:
        return self.organisation.found(self.organisation.bases, request.path_params["id"], "kb")

    async def _change_base(self, request: Request) -> Row:
        fields = read_json(await _json(request), schema.ChangedBase).model_dump(exclude_unset=True)
        return self.organisation.change_base(request.path_params["id"], fields)

    async def _remove_base(self, request: Request) -> Row:
        return self.organisation.remove_base(request.path_params["id"])

    # ----------------------------------------------------------------------------------------------------- sources

    async def _sources(self, _: Request) -> Row:
        return {"data": [self.organisation.source_view(row) for row in self.organisation.sources.values()]}

    async def _add_source(self, request: Request) -> Row:
        if _is_form(request):
            form = await read_form(request, self._max_file_bytes())
            if form.file_name is None:
                raise Problem(400, "document_file: required")
            return self.organisation.source_view(
                self.organisation.add_document(form.fields, form.content, form.file_name)
            )
        fields = read_json(await _json(request), schema.NewText)
        return self.organisation.source_view(self.organisation.add_text(fields.model_dump(mode="json")))

    async def _source(self, request: Request) -> Row:
        return self.organisation.source_view(self._sought(request))

    async def _change_source(self, request: Request) -> Row:
        row = self._sought(request)
        if _is_form(request):
            form = await read_form(request, self._max_file_bytes())
            fields: schema.DocumentFields = form.fields
            content, file_name = (form.content, form.file_name) if form.file_name else (None, None)
        else:
            fields = read_json(await _json(request), schema.ChangedText)
            content, file_name = _new_text(fields), None
        if (row["source_type"] == "document") != _is_form(request):
            raise Problem(400, f"this source is a {row['source_type']}, and its kind stays")
        given = fields.model_dump(mode="json", exclude_unset=True)
        return self.organisation.source_view(self.organisation.change(row["source_id"], given, content, file_name))

    async def _remove_source(self, request: Request) -> Row:
        return self.organisation.remove_source(request.path_params["id"])

    async def _content(self, request: Request) -> Response:
        content, media_type, name = self.organisation.content(request.path_params["id"])
        quoted = name.encode("ascii", "replace").decode().replace('"', "'")
        return Response(
            content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{quoted}"'}
        )

    def _sought(self, request: Request) -> Row:
        return self.organisation.found(self.organisation.sources, request.path_params["id"], "src")

    def _max_file_bytes(self) -> int:
        return int(self.organisation.option("max_file_bytes", MAX_FILE_BYTES))

    # ------------------------------------------------------------------------------------------------------- links

    async def _links(self, request: Request) -> Row:
        base = await self._base(request)
        base_id = base["knowledge_base_id"]
        return {"data": [self.organisation.link_view(base_id, id_) for id_ in self.organisation.links(base_id)]}

    async def _link(self, request: Request) -> Row:
        asked = read_json(await _json(request), schema.Links)
        links = self.organisation.link(request.path_params["id"], asked.source_ids or [asked.source_id or ""])
        return links[0] if asked.source_ids is None else {"data": links}

    async def _linked(self, request: Request) -> Row:
        return self.organisation.link_view(request.path_params["id"], request.path_params["source_id"])

    async def _unlink(self, request: Request) -> Row:
        return self.organisation.unlink(request.path_params["id"], request.path_params["source_id"])

    async def _chat(self, request: Request) -> Row:
        """Quote the source that has most words of the question."""
        asked = read_json(await _json(request), schema.Chat)
        base = await self._base(request)
        question = _words(asked.messages[-1].content)
        self.organisation.count_chat()
        candidates = list(self.organisation.answering(base["knowledge_base_id"]))
        best = max(candidates, key=lambda row: len(question & _words(_text_of(row))), default=None)
        if best is not None and not question & _words(_text_of(best)):
            best = None
        return {
            "project_id": base["project_id"],
            "knowledge_base_id": base["knowledge_base_id"],
            **asked.model_dump(include={"output_language", "language_level", "markdown_response"}),
            "answer": _answer(best),
        }


def _answer(source: Row | None) -> Row:
    if source is None:
        return {"role": "assistant", "content": "None of the sources says anything about it.", "references": []}
    reference = {
        "text": "[R1]",
        "source_id": source["source_id"],
        "page_number": 1,
        "backlink": source["backlink"],
        "custom_metadata": source["custom_metadata"],
    }
    return {"role": "assistant", "content": f"{_text_of(source)[:2000]} [R1]", "references": [reference]}


def _text_of(source: Row) -> str:
    return str(source.get("text") or source["document_file_name"] or "")


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def _new_text(fields: schema.ChangedText) -> bytes | None:
    return fields.text_content.encode() if "text_content" in fields.model_fields_set else None


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("multipart/form-data")


async def _json(request: Request) -> bytes:
    """The body, if it says it is JSON."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise Problem(415, "application/json, or for documents multipart/form-data")
    return await request.body()
