"""The emulator answers as the vendor does: what is documented, and where nothing is, what clients report."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import httpx
import pytest

from knowledge_connector.testing.emulation import Fault, RunningServer, running
from knowledge_connector_genesys.emulator import GenesysEmulator
from plugins.genesys.wire import token

S = "/api/v2/knowledge/sources"
NOWHERE = "00000000-0000-4000-8000-000000000000"


class Api:
    """Plain requests with a token."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.http = httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {token(server)}"})

    def call(self, method: str, path: str, body: object = None, status: int = 200) -> Any:
        answer = self.http.request(method, path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def code(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        answer = self.http.request(method, path, json=body)
        error = answer.json()
        assert error["status"] == answer.status_code
        assert {"message", "code", "contextId", "details", "errors", "messageParams"} <= error.keys()
        return answer.status_code, error["code"]

    def source(self, name: str = "Files") -> str:
        return str(self.call("POST", S, {"name": name, "type": "FileUpload"})["id"])

    def start(self, source: str, body: object = None) -> str:
        return f"{S}/{source}/synchronizations/{self.call('POST', f'{S}/{source}/synchronizations', body)['id']}"

    def ticket(self, round_: str, name: str, content: bytes = b"hello", **more: object) -> dict[str, Any]:
        md5 = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
        body = {
            "fileName": name,
            "contentMd5": md5,
            "contentType": "text/markdown",
            "contentLength": len(content),
            **more,
        }
        answer: dict[str, Any] = self.call("POST", f"{round_}/uploads", body)
        return answer

    def upload(self, round_: str, name: str, content: bytes = b"hello", **more: object) -> str:
        ticket = self.ticket(round_, name, content, **more)
        assert httpx.put(ticket["url"], content=content, headers=ticket["headers"]).status_code == 200
        return str(ticket["fileId"])

    def complete(self, round_: str) -> dict[str, Any]:
        self.call("PATCH", round_, {"status": "Completed"})
        self.server.services.clock.advance(60)
        answer: dict[str, Any] = self.call("GET", round_)
        return answer

    def found(self, source: str, query: str = "hello", **more: object) -> list[str]:
        body = {"query": query, "sources": [{"id": source}], **more}
        result = self.call("POST", "/api/v2/knowledge/search/preview", body)["result"]
        return sorted(hit["fileName"] for hit in result["retrievedReferences"])


@pytest.fixture
def api(server: RunningServer) -> Iterator[Api]:
    api = Api(server)
    with api.http:
        yield api


def log_in(server: RunningServer, user: str, secret: str, grant: str = "client_credentials") -> httpx.Response:
    return httpx.post(f"{server.url}/oauth/token", data={"grant_type": grant}, auth=(user, secret))


def test_tokens(server: RunningServer) -> None:
    answer = log_in(server, "emu-client", "emu-secret")
    assert answer.json().keys() == {"access_token", "token_type", "expires_in"}
    assert log_in(server, "emu-client", "wrong").status_code == 401
    assert log_in(server, "emu-client", "wrong").json()["error"] == "invalid_client"
    assert log_in(server, "emu-client", "emu-secret", "password").status_code == 400


def test_tokens_expire(api: Api) -> None:
    api.call("GET", S)
    api.server.services.clock.advance(86_400)
    assert api.code("GET", S) == (401, "bad.credentials")
    api.http.headers["Authorization"] = "Bearer nonsense"
    assert api.code("GET", S) == (401, "bad.credentials")


SOURCE = f"{S}/{NOWHERE}"
ROUND = f"{SOURCE}/synchronizations/{NOWHERE}"


@pytest.mark.parametrize(
    ("right", "method", "path"),
    [
        ("source:add", "POST", S),
        ("source:view", "GET", S),
        ("source:view", "GET", SOURCE),
        ("source:edit", "PUT", SOURCE),
        ("source:delete", "DELETE", SOURCE),
        ("synchronization:add", "POST", f"{SOURCE}/synchronizations"),
        ("synchronization:view", "GET", f"{SOURCE}/synchronizations"),
        ("synchronization:view", "GET", f"{S}/synchronizations"),
        ("synchronization:view", "GET", ROUND),
        ("synchronization:edit", "PATCH", ROUND),
        ("synchronization:upload", "POST", f"{ROUND}/uploads"),
        ("synchronizationFileUpload:view", "GET", f"{ROUND}/uploads"),
        ("synchronizationFileUpload:view", "GET", f"{ROUND}/uploads/{NOWHERE}"),
        ("synchronizationFileUpload:delete", "DELETE", f"{ROUND}/uploads/{NOWHERE}"),
        ("synchronization:deleteFile", "POST", f"{ROUND}/deletions"),
        ("synchronizationFileDeletion:view", "GET", f"{ROUND}/deletions"),
        ("synchronizationFileDeletion:view", "GET", f"{ROUND}/deletions/{NOWHERE}"),
        ("synchronizationFileDeletion:delete", "DELETE", f"{ROUND}/deletions/{NOWHERE}"),
    ],
)
def test_every_operation_needs_its_right(right: str, method: str, path: str) -> None:
    with running([GenesysEmulator], options={"genesys.missing_permissions": right}) as server:
        api = Api(server)
        with api.http:
            assert api.code(method, path) == (403, "missing.permissions")


def test_unknown_ids(api: Api) -> None:
    source = api.source()
    other = api.start(api.source())
    for path in (
        f"{S}/{NOWHERE}",
        f"{S}/{NOWHERE}/synchronizations",
        f"{S}/{source}/synchronizations/{NOWHERE}",
        f"{S}/{source}/synchronizations/{other.rpartition('/')[2]}",
        f"{other}/uploads/{NOWHERE}",
        f"{other}/deletions/{NOWHERE}",
        "/api/v2/knowledge/settings/none",
    ):
        assert api.code("GET", path) == (404, "not.found")


def test_sources(api: Api) -> None:
    source = api.source("One")
    assert api.source("One") != source
    listed = api.call("GET", S)
    assert listed.keys() == {"entities"}
    assert len(listed["entities"]) == 3
    assert "lastSync" not in listed["entities"][1]
    api.complete(api.start(source))
    synced = api.call("GET", f"{S}?expand=lastSync")["entities"][1]
    assert (synced["id"], synced["lastSync"]["status"]) == (source, "Completed")
    assert api.code("PUT", f"{S}/{source}", {}) == (400, "invalid.property")
    assert api.call("PUT", f"{S}/{source}", {"name": "Two"})["name"] == "Two"
    assert api.code("POST", S, {"name": "x"}) == (400, "invalid.property")
    assert api.code("POST", S, {"type": "FileUpload"}) == (400, "invalid.property")
    api.call("DELETE", f"{S}/{source}", status=204)
    assert api.code("GET", f"{S}/{source}") == (404, "not.found")


@pytest.mark.parametrize(
    ("content", "type_"),
    [(b"", "Incremental"), (b"{}", "Incremental"), (b"null", "Incremental"), (b'{"type":"Full"}', "Full")],
)
def test_a_round_starts_with_any_body(api: Api, content: bytes, type_: str) -> None:
    source = api.source()
    answer = api.http.post(f"{S}/{source}/synchronizations", content=content)
    assert (answer.json()["type"], answer.json()["status"], answer.json()["ingestionStatus"]) == (
        type_,
        "InProgress",
        "Unknown",
    )
    assert api.code("POST", f"{S}/{source}/synchronizations") == (409, "conflict")
    assert api.http.post(f"{S}/{api.source()}/synchronizations", content=b"{").status_code == 400


def test_rounds_are_listed_in_pages(api: Api) -> None:
    source = api.source()
    started = [api.complete(api.start(source))["id"] for _ in range(30)]
    path, seen = f"{S}/{source}/synchronizations", []
    first = api.call("GET", path)
    assert "previousUri" not in first
    page = first
    while True:
        seen += [row["id"] for row in page["entities"]]
        if "nextUri" not in page:
            break
        page = api.call("GET", page["nextUri"])
    assert seen == started[::-1]
    assert api.call("GET", page["previousUri"])["entities"][-1]["id"] == first["entities"][-1]["id"]
    assert api.code("GET", f"{path}?pageSize=201") == (400, "invalid.property")
    assert api.code("GET", f"{path}?after=nonsense") == (400, "invalid.property")
    assert len(api.call("GET", f"{S}/synchronizations?pageSize=200")["entities"]) == 31


@pytest.mark.parametrize(
    "name", [".hidden.md", "folder/", "a b.md", "a\tb.md", "a.exe", "", *(f"a{bad}.md" for bad in '\\{^}%`]">[~<#|')]
)
def test_file_names(api: Api, name: str) -> None:
    assert api.code("POST", f"{api.start(api.source())}/uploads", {"fileName": name}) == (400, "invalid.property")


def test_a_file_name_alone_is_enough(api: Api) -> None:
    round_ = api.start(api.source())
    ticket = api.call("POST", f"{round_}/uploads", {"fileName": "a.md"})
    assert httpx.put(ticket["url"], content=b"x", headers=ticket["headers"]).status_code == 200


def test_uploads(api: Api) -> None:
    source = api.source()
    round_ = api.start(source)
    metadata = {"originUri": "https://example.com", "tags": [{"name": "t"}]}
    file_id = api.upload(round_, "a.md", metadata=metadata)
    upload = api.call("GET", f"{round_}/uploads/{file_id}")
    assert upload["metadata"] == metadata
    assert upload.keys() == {"fileId", "fileName", "metadata", "synchronization", "selfUri"}
    assert api.call("GET", f"{round_}/uploads")["entities"] == [upload]
    assert api.found(source) == []
    assert api.complete(round_)["statistics"] == {"synchronizedItemCount": 1, "failedItemCount": 0}
    assert api.found(source) == ["a.md"]
    assert api.found(source, filter={"allOf": ["t"], "anyOfGroups": [["t", "u"]]}) == ["a.md"]
    assert api.found(source, filter={"noneOf": ["t"]}) == []
    again = api.start(source)
    assert api.upload(again, "a.md", b"hello again") == file_id


def storage(
    ticket: dict[str, Any], content: bytes = b"hello", changes: Mapping[str, str] = MappingProxyType({})
) -> tuple[int, str]:
    answer = httpx.put(ticket["url"], content=content, headers={**ticket["headers"], **changes})
    return answer.status_code, answer.text.partition("<Code>")[2].partition("</Code>")[0]


def test_addresses_for_uploads(api: Api) -> None:
    round_ = api.start(api.source())
    ticket = api.ticket(round_, "a.md")
    assert storage(ticket, b"other") == (400, "BadDigest")
    assert storage(ticket, changes={"Authorization": "Bearer x"}) == (400, "InvalidArgument")
    assert storage(ticket, changes={"x-amz-meta-file-id": "other"}) == (403, "SignatureDoesNotMatch")
    without = {name: value for name, value in ticket["headers"].items() if name != "Content-Type"}
    assert storage({**ticket, "headers": without}) == (403, "SignatureDoesNotMatch")
    assert storage(ticket) == (200, "")
    assert storage(ticket) == (403, "AccessDenied")
    assert storage({**ticket, "url": f"{api.server.url}/genesys-storage/none"}) == (403, "AccessDenied")
    late = api.ticket(round_, "b.md")
    api.server.services.clock.advance(600)
    assert storage(late) == (403, "AccessDenied")
    api.server.services.faults.add(Fault("expired_upload_url"))
    assert storage(api.ticket(round_, "c.md")) == (403, "AccessDenied")


def test_files_that_are_too_large() -> None:
    with running([GenesysEmulator], options={"genesys.max_file_bytes": "10"}) as server:
        api = Api(server)
        with api.http:
            round_ = api.start(api.source())
            body = {"fileName": "a.md", "contentLength": 11}
            assert api.code("POST", f"{round_}/uploads", body) == (413, "request.entity.too.large")
            assert storage(api.ticket(round_, "a.md", b"12345678901", contentLength=1), b"12345678901")[0] == 413


def test_a_round_that_has_ended_takes_nothing(api: Api) -> None:
    for status in ("Completed", "Cancelled"):
        source = api.source()
        round_ = api.start(source)
        file_id = api.upload(round_, "a.md")
        assert api.code("PATCH", round_, {"status": "InProgress"}) == (400, "invalid.property")
        assert api.code("PATCH", round_) == (400, "invalid.property")
        api.call("PATCH", round_, {"status": status})
        api.call("PATCH", round_, {"status": status})
        api.server.services.clock.advance(60)
        other = "Cancelled" if status == "Completed" else "Completed"
        assert api.code("PATCH", round_, {"status": other}) == (409, "conflict")
        assert api.code("POST", f"{round_}/uploads", {"fileName": "a.md"}) == (409, "conflict")
        assert api.code("POST", f"{round_}/deletions", {"fileName": "a.md"}) == (409, "conflict")
        assert api.code("DELETE", f"{round_}/uploads/{file_id}") == (409, "conflict")
        assert api.found(source) == (["a.md"] if status == "Completed" else [])


def test_states_come_one_after_another(api: Api) -> None:
    round_ = api.start(api.source())
    api.call("PATCH", round_, {"status": "Completed"})
    seen = []
    for _ in range(12):
        row = api.call("GET", round_)
        seen.append((row["status"], row["ingestionStatus"]))
        api.server.services.clock.advance(0.5)
    assert list(dict.fromkeys(seen)) == [
        ("PostProcessing", "Unknown"), ("Completed", "InQueue"), ("Completed", "Starting"), ("Completed", "InProgress"),
        ("Completed", "Complete"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "status", "ingestion"),
    [("failed_round", "Failed", "Unknown"), ("failed_ingestion", "Completed", "Failed")],
)
def test_failures_on_demand(api: Api, fault: str, status: str, ingestion: str) -> None:
    source = api.source()
    api.server.services.faults.add(Fault(fault, "genesys"))
    round_ = api.start(source)
    api.upload(round_, "a.md")
    row = api.complete(round_)
    assert (row["status"], row["ingestionStatus"], "error" in row) == (status, ingestion, True)
    assert api.found(source) == []


def test_files_that_never_came_or_are_ill_are_counted(api: Api) -> None:
    source = api.source()
    api.server.services.faults.add(Fault("failed_item", "genesys", "ill*"))
    round_ = api.start(source)
    api.ticket(round_, "announced.md")
    api.upload(round_, "ill.md")
    api.upload(round_, "well.md")
    row = api.complete(round_)
    assert (row["status"], row["statistics"]) == ("Completed", {"synchronizedItemCount": 1, "failedItemCount": 2})
    assert api.found(source) == ["well.md"]


def fill(api: Api, source: str, *names: str, body: object = None) -> dict[str, Any]:
    round_ = api.start(source, body)
    for name in names:
        api.upload(round_, name)
    return api.complete(round_)


def test_full_and_incremental(api: Api) -> None:
    source = api.source()
    fill(api, source, "a.md", "b.md")
    fill(api, source, "c.md")
    assert api.found(source) == ["a.md", "b.md", "c.md"]
    fill(api, source, "b.md", "d.md", body={"type": "Full"})
    assert api.found(source) == ["b.md", "d.md"]
    assert fill(api, source)["statistics"]["synchronizedItemCount"] == 0
    assert fill(api, source, body={"type": "Full"})["statistics"]["synchronizedItemCount"] == 2
    assert api.found(source) == []


def test_deletions(api: Api) -> None:
    source = api.source()
    fill(api, source, "a.md", "b.md")
    round_ = api.start(source)
    api.upload(round_, "new.md")
    assert api.code("POST", f"{round_}/deletions", {"fileName": "new.md"}) == (404, "not.found")
    assert api.code("POST", f"{round_}/deletions", {}) == (400, "bad.request")
    assert api.code("POST", f"{round_}/deletions", {"fileName": "a.md", "fileId": "x"}) == (400, "bad.request")
    deletion = api.call("POST", f"{round_}/deletions", {"fileName": "a.md"})
    assert deletion.keys() == {"fileId", "fileName", "synchronization", "selfUri"}
    path = f"{round_}/deletions/{deletion['fileId']}"
    assert api.call("GET", path) == deletion
    api.call("DELETE", path, status=204)
    api.call("POST", f"{round_}/deletions", {"fileId": deletion["fileId"]})
    assert api.call("GET", f"{round_}/deletions")["entities"] == [deletion]
    api.complete(round_)
    assert api.found(source) == ["b.md", "new.md"]


def test_the_last_call_for_a_name_wins(api: Api) -> None:
    source = api.source()
    fill(api, source, "a.md", "b.md")
    round_ = api.start(source)
    api.upload(round_, "a.md")
    api.call("POST", f"{round_}/deletions", {"fileName": "a.md"})
    api.call("POST", f"{round_}/deletions", {"fileName": "b.md"})
    api.upload(round_, "b.md")
    api.complete(round_)
    assert api.found(source) == ["b.md"]


def test_an_upload_can_be_taken_out(api: Api) -> None:
    source = api.source()
    round_ = api.start(source)
    file_id = api.upload(round_, "a.md")
    api.call("DELETE", f"{round_}/uploads/{file_id}", status=204)
    api.complete(round_)
    assert api.found(source) == []


def test_rate_limit(server: RunningServer) -> None:
    api = Api(server)
    with api.http:
        answers = [api.http.get(S) for _ in range(301)]
        assert [answer.status_code for answer in answers] == [200] * 300 + [429]
        assert answers[-1].json()["code"] == "too.many.requests"
        assert answers[99].headers["inin-ratelimit-allowed"] == "300"
        assert answers[99].headers["inin-ratelimit-count"] == "100"
        assert 1 <= int(answers[99].headers["inin-ratelimit-reset"]) <= 60
        assert answers[99].headers["inin-correlation-id"]
        server.services.clock.advance(float(answers[-1].headers["retry-after"]))
        assert api.http.get(S).status_code == 200


def test_injected_errors_have_the_vendors_shape(api: Api) -> None:
    api.server.services.faults.add(Fault("error_before", status=503))
    assert api.code("GET", S) == (503, "service.unavailable")


def test_search_by_settings(api: Api) -> None:
    source = api.source()
    fill(api, source, "a.md")
    settings = "/api/v2/knowledge/settings"
    assert api.code("POST", settings, {}) == (400, "invalid.property")
    id_ = api.call("POST", settings, {"name": "Bot", "sources": [{"id": source}]})["id"]
    assert [row["id"] for row in api.call("GET", settings)["entities"]] == [id_]
    answer = api.call("POST", "/api/v2/knowledge/search", {"query": "hello", "knowledgeSettingId": id_})
    assert [hit["fileName"] for hit in answer["result"]["retrievedReferences"]] == ["a.md"]
    api.call("PATCH", f"{settings}/{id_}", {"sources": []})
    answer = api.call("POST", "/api/v2/knowledge/search", {"query": "hello", "knowledgeSettingId": id_})
    assert answer["result"]["retrievedReferences"] == []
    assert api.call("GET", f"{settings}/{id_}")["name"] == "Bot"
    api.call("DELETE", f"{settings}/{id_}", status=204)
    assert api.code("POST", "/api/v2/knowledge/search", {"query": "x", "knowledgeSettingId": id_}) == (404, "not.found")


def test_nothing_lists_the_files_of_a_source(api: Api) -> None:
    source = api.source()
    for word in ("files", "documents", "uploads"):
        assert api.http.get(f"{S}/{source}/{word}").status_code == 404


def test_it_shows_what_it_holds(server: RunningServer) -> None:
    server.services.clock.advance(60)
    sources, rounds = server.vendor("genesys").overview()
    assert list(sources.rows) == [("Somebody's own files", "FileUpload", 3, 1)]
    assert [row[1:] for row in rounds.rows] == [("Somebody's own files", "Full", "Completed", "Complete")]
    assert "emu-secret" in server.vendor("genesys").credentials()


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/oauth/token", "POST token"),
        ("GET", S, "GET sources"),
        ("GET", f"{S}/1", "GET source"),
        ("GET", f"{S}/synchronizations", "GET all synchronizations"),
        ("PATCH", f"{S}/1/synchronizations/2", "PATCH synchronization"),
        ("POST", f"{S}/1/synchronizations/2/uploads", "POST uploads"),
        ("DELETE", f"{S}/1/synchronizations/2/deletions/3", "DELETE deletion"),
        ("PUT", "/genesys-storage/1", "PUT content"),
        ("POST", "/api/v2/knowledge/search/preview", "POST preview"),
    ],
)
def test_operations_have_names(server: RunningServer, method: str, path: str, name: str) -> None:
    assert server.vendor("genesys").operation(method, path) == name
