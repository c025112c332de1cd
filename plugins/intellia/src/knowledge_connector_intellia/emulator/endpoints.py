"""The endpoints: functions of what is held, a request that was let in, and its body."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from knowledge_connector.testing.emulation import Rows
from knowledge_connector_intellia.emulator import rules
from knowledge_connector_intellia.emulator.records import VENDOR, Records, new_id, without
from knowledge_connector_intellia.emulator.rules import Refusal, Row

BASES = "/orgs/{org}/knowledgebases"
DOWNLOAD_SECONDS = 7 * 24 * 3600

Work = Callable[[Records, Request, Row], Response]


def admit(request: Request, organization: str) -> None:
    """Refuse a key that is for another organisation alone."""
    if request.state.organization not in ("", organization):
        raise Refusal(403, "The API key belongs to another organisation")


def list_bases(records: Records, request: Request, _: Row) -> Response:
    """Those of the organisation; those of single users only if asked for."""
    params, organization = request.query_params, request.path_params["org"]
    if params.get("forAgentId"):
        rows = [_base_of_agent(records, organization, params["forAgentId"])]
    else:
        types = rules.BASE_TYPES if params.get("includePersonalKBs") == "true" else ("ORGANIZATION",)
        rows = [row for row in records.bases.values() if row["organizationId"] == organization and row["type"] in types]
    return JSONResponse(rules.page_of([_shown_base(row) for row in rows], params))


def _base_of_agent(records: Records, organization: str, agent: str) -> Row:
    """Reading makes it: so the vendor has it."""
    held = (row for row in records.bases.values() if (row["organizationId"], row["agentId"]) == (organization, agent))
    found = next(held, None)
    return found or records.bases[records.make_base(organization, f"Knowledge of {agent}", "", "PERSONAL", agent)]


def create_base(records: Records, request: Request, body: Row) -> Response:
    """Titles need not be unique."""
    title, description = _described(body)
    kind = rules.one_of(body.get("type"), "type", rules.BASE_TYPES)
    organization = request.path_params["org"]
    records.refuse_twin(
        row["title"] == title and row["organizationId"] == organization for row in records.bases.values()
    )
    base = records.make_base(organization, title, description, kind)
    return JSONResponse(_shown_base(records.bases[base]), 201)


def get_base(records: Records, request: Request, _: Row) -> Response:
    """One knowledge base."""
    return JSONResponse(_shown_base(_base(records, request)))


def update_base(records: Records, request: Request, body: Row) -> Response:
    """Title and description."""
    row = _base(records, request)
    row["title"], row["llmDescription"] = _described(body)
    row["updatedAt"] = records.now()
    records.bases[row["knowledgeBaseId"]] = row
    return JSONResponse(_shown_base(row))


def delete_base(records: Records, request: Request, _: Row) -> Response:
    """With all that is in it."""
    base = _base(records, request)["knowledgeBaseId"]
    for file in records.files(base):
        records.drop_file(base, file)
    records.etls(base).clear()
    del records.bases[base]
    return JSONResponse({"message": "File deleted", "knowledgeBaseId": base})  # the vendor's own words


def copy_base(records: Records, request: Request, body: Row) -> Response:
    """The body is a guess."""
    row = _base(records, request)
    organization = rules.text_of(body, "targetOrganizationId")
    admit(request, organization)
    base = records.make_base(organization, row["title"], row["llmDescription"], row["type"])
    for file in records.files(row["knowledgeBaseId"]).values():
        records.copy(file, base)
    return JSONResponse(_shown_base(records.bases[base]), 201)


def search(records: Records, request: Request, body: Row) -> Response:
    """Over what is READY."""
    base, query = _base(records, request)["knowledgeBaseId"], rules.text_of(body, "query")
    limit = rules.number_of({"limit": str(body.get("limit", 10))}, "limit", 10, least=1)
    found = [
        _hit(file, number, text, similar)
        for file in map(records.shown, records.files(base).values())
        if file["status"] == "READY"
        for number, text in enumerate(records.pieces(file["fileId"]))
        if (similar := rules.similarity(query, text)) > 0
    ]
    found.sort(key=lambda hit: -hit["similarity"])
    return JSONResponse({"results": found[:limit]})


# -- files ----------------------------------------------------------------------------------------------------


def list_files(records: Records, request: Request, _: Row) -> Response:
    """`query` is looked for in the name, whatever its case."""
    base, params = _base(records, request)["knowledgeBaseId"], request.query_params
    query, status = params.get("query", "").lower(), params.get("status", "")
    if status and status not in rules.STATUSES:
        raise Refusal(400, f"status must be one of {', '.join(rules.STATUSES)}")
    rows = [row for row in records.files(base).values() if query in row["fileName"].lower()]
    if status or params.get("orderBy"):
        rows = [row for row in map(records.shown, rows) if status in ("", row["status"])]
        return JSONResponse(rules.page_of(rows, params))
    page = rules.page_of(rows, params)
    return JSONResponse({**page, "items": [records.shown(row) for row in page["items"]]})


def create_file(records: Records, request: Request, body: Row) -> Response:
    """Another one each time."""
    base = _base(records, request)["knowledgeBaseId"]
    name, kind = rules.text_of(body, "fileName", longest=rules.MAX_TITLE), rules.text_of(body, "contentType")
    if not rules.is_supported(name, kind):
        raise Refusal(422, f"{kind} is not supported")
    files = records.files(base)
    records.refuse_twin(row["fileName"] == name for row in files.values())
    if len(files) >= int(records.option("max_files")) or records.services.faults.take(VENDOR, "quota", name):
        raise Refusal(422, "The knowledge base is full")
    row = records.announce(base, name, kind)
    shown = without(records.shown(row), "customInstructions", "statusMessage", "externalFileUrl")
    shown["uploadUrl"] = records.signed(row, int(records.option("upload_seconds")))
    if body.get("createDownloadLink"):
        shown["downloadLink"] = records.signed(row, DOWNLOAD_SECONDS)
    return JSONResponse(shown, 201)


def get_file(records: Records, request: Request, _: Row) -> Response:  # noqa: ARG001  # there is nothing to look at
    """Not documented, so that nobody comes to rely on it."""
    raise Refusal(404, f"Cannot {request.method} a single file")


def delete_file(records: Records, request: Request, _: Row) -> Response:
    """Gone at once."""
    row = _file(records, request)
    records.drop_file(row["knowledgeBaseId"], row["fileId"])
    return JSONResponse({"message": "File deleted", "fileId": row["fileId"]})


def ingest(records: Records, request: Request, _: Row) -> Response:
    """For development only, says the vendor."""
    row = _file(records, request)
    if row["since"] is None:
        raise Refusal(409, "The file has no bytes yet")
    return _begin_again(records, row)


def reindex(records: Records, request: Request, _: Row) -> Response:
    """The stored bytes once more."""
    row = _file(records, request)
    if records.shown(row)["status"] == "WAITING-UPLOAD":
        raise Refusal(409, "The file waits for its upload")
    return _begin_again(records, row)


def _begin_again(records: Records, row: Row) -> Response:
    content = records.content(row["fileId"])
    records.take_in(row, content, lag_seconds=0)
    return JSONResponse(records.shown(row))


def download_link(records: Records, request: Request, _: Row) -> Response:
    """As long as the one of `upload-url`."""
    return JSONResponse({"downloadLink": records.signed(_file(records, request), DOWNLOAD_SECONDS)})


def copy_file(records: Records, request: Request, body: Row) -> Response:
    """The path has `file` in the singular."""
    row = _file(records, request)
    base, organization = rules.text_of(body, "targetKnowledgeBaseId"), rules.text_of(body, "targetOrganizationId")
    admit(request, organization)
    if base not in records.bases or records.bases[base]["organizationId"] != organization:
        raise Refusal(404, f"There is no knowledge base {base}")
    return JSONResponse(records.shown(records.copy(row, base)), 201)


# -- ETLs -----------------------------------------------------------------------------------------------------


def list_etls(records: Records, request: Request, _: Row) -> Response:
    """A bare array."""
    return JSONResponse(list(records.etls(_base(records, request)["knowledgeBaseId"]).values()))


def create_etl(records: Records, request: Request, body: Row) -> Response:
    """Kept, and never run."""
    base, etl, now = _base(records, request), new_id("etl"), records.now()
    marks = {"etlId": etl, "knowledgeBaseId": base["knowledgeBaseId"], "organizationId": base["organizationId"]}
    row = {**marks, **rules.etl_of(body), "createdAt": now, "updatedAt": now}
    records.etls(base["knowledgeBaseId"])[etl] = row
    return JSONResponse(row, 201)


def get_etl(records: Records, request: Request, _: Row) -> Response:
    """One ETL."""
    return JSONResponse(_etl(records, request))


def update_etl(records: Records, request: Request, body: Row) -> Response:
    """All of it."""
    row = {**_etl(records, request), **rules.etl_of(body), "updatedAt": records.now()}
    records.etls(row["knowledgeBaseId"])[row["etlId"]] = row
    return JSONResponse(row)


def delete_etl(records: Records, request: Request, _: Row) -> Response:
    """Gone at once."""
    row = _etl(records, request)
    del records.etls(row["knowledgeBaseId"])[row["etlId"]]
    return JSONResponse({"message": "ETL deleted", "etlId": row["etlId"]})


# -- below ----------------------------------------------------------------------------------------------------


def _base(records: Records, request: Request) -> Row:
    row = records.bases.get(request.path_params["base"])
    if row is None or row["organizationId"] != request.path_params["org"]:
        raise Refusal(404, f"There is no knowledge base {request.path_params['base']}")
    return row


def _shown_base(row: Row) -> Row:
    return without(row, "agentId")


def _file(records: Records, request: Request) -> Row:
    return _found(records.files(_base(records, request)["knowledgeBaseId"]), request.path_params["file"], "file")


def _etl(records: Records, request: Request) -> Row:
    return _found(records.etls(_base(records, request)["knowledgeBaseId"]), request.path_params["etl"], "ETL")


def _described(body: Row) -> tuple[str, str]:
    return rules.text_of(body, "title", longest=rules.MAX_TITLE), rules.text_of(body, "llmDescription")


def _found(rows: Rows, key: str, what: str) -> Row:
    if key not in rows:
        raise Refusal(404, f"There is no {what} {key}")
    return rows[key]


def _hit(file: Row, number: int, text: str, similar: float) -> Row:
    shown = {key: file[key] for key in ("fileId", "fileName", "key", "externalFileUrl")}
    return {"vectorId": f"{file['fileId']}-{number}", **shown, "pages": None, "text": text, "similarity": similar}


_FILE = BASES + "/{base}/files/{file}"
ENDPOINTS: tuple[tuple[str, str, str, Work], ...] = (
    ("GET", BASES, "bases", list_bases),
    ("POST", BASES, "bases", create_base),
    ("GET", BASES + "/{base}", "base", get_base),
    ("PUT", BASES + "/{base}", "base", update_base),
    ("DELETE", BASES + "/{base}", "base", delete_base),
    ("POST", BASES + "/{base}/copy-to", "copy base", copy_base),
    ("POST", BASES + "/{base}/search", "search", search),
    ("GET", BASES + "/{base}/files", "files", list_files),
    ("POST", BASES + "/{base}/files/upload-url", "upload-url", create_file),
    ("GET", _FILE, "file", get_file),
    ("DELETE", _FILE, "file", delete_file),
    ("POST", _FILE + "/s3-ingest", "s3-ingest", ingest),
    ("POST", _FILE + "/reindex", "reindex", reindex),
    ("POST", _FILE + "/download-link", "download-link", download_link),
    ("POST", BASES + "/{base}/file/{file}/copy-to", "copy file", copy_file),
    ("GET", BASES + "/{base}/etls", "etls", list_etls),
    ("POST", BASES + "/{base}/etls", "etls", create_etl),
    ("GET", BASES + "/{base}/etls/{etl}", "etl", get_etl),
    ("PUT", BASES + "/{base}/etls/{etl}", "etl", update_etl),
    ("DELETE", BASES + "/{base}/etls/{etl}", "etl", delete_etl),
)
"""Method, path, the word for faults and logs, and what is done."""
