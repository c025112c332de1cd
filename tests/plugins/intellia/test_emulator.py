"""The emulator keeps to the documentation, and where that is silent to the guesses its README lists."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from knowledge_connector_intellia.emulator import ORGANIZATION, READ_ONLY, TOKEN
from plugins.intellia.stage import Stage, staged

from knowledge_connector.testing.emulation import Fault

ROOT = f"/orgs/{ORGANIZATION}/knowledgebases"
LONG = 3600


@dataclass(frozen=True)
class Caller:
    """Speaks to the emulator by hand."""

    stage: Stage
    http: httpx.Client

    def __call__(self, method: str, path: str, body: Any = None, **params: Any) -> httpx.Response:
        return self.http.request(method, ROOT + path, json=body, params=params)

    def base(self, title: str = "Support", **fields: Any) -> str:
        body = {"title": title, "llmDescription": "For tests", "type": "ORGANIZATION", **fields}
        return str(self("POST", "", body).json()["knowledgeBaseId"])

    def announce(self, base: str, name: str = "a.md", kind: str = "text/markdown", **fields: Any) -> dict[str, Any]:
        answer = self("POST", f"/{base}/files/upload-url", {"fileName": name, "contentType": kind, **fields})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def put(self, file: dict[str, Any], content: bytes = b"# Text", kind: str = "text/markdown") -> httpx.Response:
        return httpx.put(file["uploadUrl"], content=content, headers={"Content-Type": kind})

    def uploaded(self, base: str, name: str = "a.md", content: bytes = b"# Text", kind: str = "text/markdown") -> str:
        file = self.announce(base, name, kind)
        assert self.put(file, content, kind).status_code == 200
        return str(file["fileId"])

    def files(self, base: str, **params: Any) -> list[dict[str, Any]]:
        return list(self("GET", f"/{base}/files", **params).json()["items"])

    def wait(self, seconds: float = LONG) -> None:
        self.stage.server.services.clock.advance(seconds)

    def statuses(self, base: str) -> list[str]:
        return [file["status"] for file in self.files(base)]


@contextmanager
def calling(stage: Stage, token: str = TOKEN) -> Iterator[Caller]:
    with httpx.Client(base_url=stage.server.url, headers={"Authorization": f"Bearer {token}"}) as http:
        yield Caller(stage, http)


@pytest.fixture(scope="module")
def one_stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


@pytest.fixture
def call(one_stage: Stage) -> Iterator[Caller]:
    one_stage.server.reset()
    with calling(one_stage) as caller:
        yield caller


# -- rights and errors ------------------------------------------------------------------------------------------------------


def test_who_may_not(call: Caller, one_stage: Stage) -> None:
    base = call.base()
    assert httpx.get(one_stage.server.url + ROOT).status_code == 401
    with calling(one_stage, "wrong") as stranger:
        assert stranger("GET", "").status_code == 401
    with calling(one_stage, f"{TOKEN}:another-org") as bound:
        assert bound("GET", "").status_code == 403
    with calling(one_stage, READ_ONLY) as reader:
        assert reader("GET", f"/{base}").status_code == 200
        assert reader("POST", f"/{base}/search", {"query": "x"}).status_code == 200
        assert reader("DELETE", f"/{base}").status_code == 403
    assert call("POST", f"/{base}/copy-to", {"targetOrganizationId": "elsewhere"}).status_code == 201


def test_errors_have_one_form(call: Caller) -> None:
    answer = call("GET", "/kb-nowhere")
    assert answer.status_code == 404
    assert answer.json() == {
        "statusCode": 404,
        "error": "Not Found",
        "message": "There is no knowledge base kb-nowhere",
    }
    assert call.http.get(f"/intellia{ROOT}/nowhere/nothing").json()["statusCode"] == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/kb-x"),
        ("GET", "/kb-x/files"),
        ("POST", "/kb-x/files/upload-url"),
        ("DELETE", "/{base}/files/file-x"),
        ("POST", "/{base}/files/file-x/reindex"),
        ("POST", "/{base}/files/file-x/download-link"),
        ("POST", "/{base}/file/file-x/copy-to"),
        ("GET", "/{base}/etls/etl-x"),
        ("PUT", "/{base}/etls/etl-x"),
        ("DELETE", "/{base}/etls/etl-x"),
    ],
)
def test_what_is_not_there_is_404(call: Caller, method: str, path: str) -> None:
    assert call(method, path.format(base=call.base()), {}).status_code == 404


def test_knowledge_bases_of_another_organisation_are_not_there(call: Caller) -> None:
    base = call.base()
    assert call.http.get(f"/orgs/another/knowledgebases/{base}").status_code == 404
    assert call.http.get("/orgs/another/knowledgebases").json()["totalRows"] == 0


def test_broken_requests(call: Caller) -> None:
    assert call.http.post(ROOT, content=b"{").status_code == 400
    assert call.http.post(ROOT, content=b"[]").status_code == 400
    base = call.base()
    assert call("GET", f"/{base}/files", status="SOON").status_code == 400
    assert call("GET", f"/{base}/files", limit=-1).status_code == 400
    assert call("GET", f"/{base}/files", limit="many").status_code == 400
    call.uploaded(base)
    assert call("GET", f"/{base}/files", orderBy="colour").status_code == 400


@pytest.mark.parametrize(
    "changes", [{"title": ""}, {"title": "x" * 256}, {"llmDescription": None}, {"type": "PUBLIC"}, {"type": None}]
)
def test_knowledge_bases_are_checked(call: Caller, changes: dict[str, Any]) -> None:
    body = {"title": "Support", "llmDescription": "For tests", "type": "ORGANIZATION", **changes}
    assert call("POST", "", body).status_code == 422


def test_rate_limit() -> None:
    with staged(rate_per_minute="3") as stage, calling(stage) as call:
        assert [call("GET", "").status_code for _ in range(4)] == [200, 200, 200, 429]
        refused = call("GET", "")
        assert 0 < int(refused.headers["Retry-After"]) <= 60
        call.wait(int(refused.headers["Retry-After"]))
        assert call("GET", "").status_code == 200


def test_injected_503(call: Caller, one_stage: Stage) -> None:
    one_stage.server.services.faults.add(Fault("error_before", status=503))
    answer = call("GET", "")
    assert (answer.status_code, answer.json()["error"]) == (503, "Service Unavailable")


# -- knowledge bases --------------------------------------------------------------------------------------------------------


def test_knowledge_base_fields(call: Caller) -> None:
    row = call("GET", f"/{call.base()}").json()
    assert set(row) == {
        *("knowledgeBaseId", "organizationId", "type", "title", "llmDescription", "creatorUserId"),
        *("isPublic", "createdAt", "updatedAt"),
    }
    assert row["knowledgeBaseId"].startswith("kb-")
    assert len(row["knowledgeBaseId"]) == len("kb-") + 12


def test_updating_needs_both_fields(call: Caller) -> None:
    base = call.base()
    assert call("PUT", f"/{base}", {"title": "Other"}).status_code == 422
    answer = call("PUT", f"/{base}", {"title": "Other", "llmDescription": "Changed"})
    assert (answer.json()["title"], answer.json()["llmDescription"]) == ("Other", "Changed")


def test_titles_need_not_be_unique_unless_switched(call: Caller) -> None:
    assert call.base() != call.base()
    with staged(unique_names="1") as strict, calling(strict) as caller:
        base = caller.base()
        body = {"title": "Support", "llmDescription": "Again", "type": "ORGANIZATION"}
        assert caller("POST", "", body).status_code == 409
        caller.announce(base)
        again = caller("POST", f"/{base}/files/upload-url", {"fileName": "a.md", "contentType": "text/markdown"})
        assert again.status_code == 409


def test_asking_for_an_agent_makes_its_knowledge_base(call: Caller) -> None:
    (made,) = call("GET", "", forAgentId="agent-1").json()["items"]
    assert made["type"] == "PERSONAL"
    assert call("GET", "", forAgentId="agent-1").json()["items"] == [made]
    assert call("GET", "").json()["totalRows"] == 0
    assert call("GET", "", includePersonalKBs="true").json()["totalRows"] == 1


def test_deleting_a_knowledge_base_takes_its_files_and_says_file(call: Caller) -> None:
    base = call.base()
    file = call.announce(base)
    assert call("DELETE", f"/{base}").json() == {"message": "File deleted", "knowledgeBaseId": base}
    assert call("GET", f"/{base}/files").status_code == 404
    assert call.put(file).status_code == 404


def test_copying_a_knowledge_base(call: Caller) -> None:
    base = call.base()
    call.uploaded(base)
    copy = call("POST", f"/{base}/copy-to", {"targetOrganizationId": "other"}).json()
    there = call.http.get(f"/orgs/other/knowledgebases/{copy['knowledgeBaseId']}/files").json()
    assert [file["fileName"] for file in there["items"]] == ["a.md"]


# -- files ------------------------------------------------------------------------------------------------------------------


def test_a_file_becomes_ready_in_its_own_time(call: Caller) -> None:
    base = call.base()
    file = call.announce(base)
    assert file["status"] == "WAITING-UPLOAD"
    assert "statusMessage" not in file
    call.put(file)
    seen = []
    for _ in range(12):
        seen += [status for status in call.statuses(base) if status not in seen]
        call.wait(0.5)
    assert seen == ["WAITING-UPLOAD", "ENQUEUED", "PROCESSING", "READY"]


def test_file_fields(call: Caller) -> None:
    base = call.base()
    call.uploaded(base)
    (file,) = call.files(base)
    assert set(file) == {
        *("fileId", "knowledgeBaseId", "organizationId", "fileName", "key", "status", "embeddingMode"),
        *("customInstructions", "statusMessage", "externalFileUrl", "creatorUserId", "createdAt", "updatedAt"),
    }
    assert file["key"] == f"orgs/{ORGANIZATION}/kbs/{base}/files/{file['fileId']}"


def test_a_record_without_bytes_waits_for_ever(call: Caller) -> None:
    base = call.base()
    call.announce(base)
    call.announce(base)
    call.wait(30 * 24 * 3600)
    assert call.statuses(base) == ["WAITING-UPLOAD"] * 2


@pytest.mark.parametrize(
    ("name", "kind", "content"),
    [
        ("a.pdf", "application/pdf", b"no pdf"),
        ("a.png", "image/png", b"no image"),
        ("a.json", "application/json", b"{"),
        ("a.md", "text/markdown", b"\xff\xfe"),
        ("a.txt", "text/plain", b"binary\0"),
        ("a.md", "text/markdown", b""),
    ],
)
def test_bytes_that_are_not_what_they_were_said_to_be(call: Caller, name: str, kind: str, content: bytes) -> None:
    base = call.base()
    call.uploaded(base, name, content, kind)
    call.wait()
    (file,) = call.files(base)
    assert file["status"] == "ERROR"
    assert file["statusMessage"]


@pytest.mark.parametrize(
    ("name", "kind", "content"),
    [
        ("a.pdf", "application/pdf", b"%PDF-1.7"),
        ("a.docx", "application/octet-stream", b"PK\x03\x04"),
        ("a.csv", "text/csv", b"a,b\n1,2\n"),
        ("a.unknown", "text/html", b"<p>x</p>"),
    ],
)
def test_supported_types(call: Caller, name: str, kind: str, content: bytes) -> None:
    base = call.base()
    call.uploaded(base, name, content, kind)
    call.wait()
    assert call.statuses(base) == ["READY"]


def test_unsupported_types_and_missing_fields(call: Caller) -> None:
    base = call.base()
    for body in (
        {"fileName": "a.exe", "contentType": "application/x-dosexec"},
        {"fileName": "a.md"},
        {"contentType": "text/markdown"},
        {"fileName": "x" * 256 + ".md", "contentType": "text/markdown"},
    ):
        assert call("POST", f"/{base}/files/upload-url", body).status_code == 422


def test_faults_of_ingestion(call: Caller, one_stage: Stage) -> None:
    base = call.base()
    one_stage.server.services.faults.add(Fault("failed_ingestion", operation="bad*"))
    one_stage.server.services.faults.add(Fault("stuck_processing", operation="stuck*"))
    for name in ("bad.md", "stuck.md", "good.md"):
        call.uploaded(base, name)
    call.wait()
    assert {file["fileName"]: (file["status"], file["statusMessage"]) for file in call.files(base)} == {
        "bad.md": ("ERROR", "Embedding failed"),
        "stuck.md": ("PROCESSING", None),
        "good.md": ("READY", None),
    }


def test_quota(call: Caller, one_stage: Stage) -> None:
    with staged(max_files="1") as small, calling(small) as caller:
        base = caller.base()
        caller.announce(base)
        second = caller("POST", f"/{base}/files/upload-url", {"fileName": "b.md", "contentType": "text/markdown"})
        assert second.status_code == 422
    one_stage.server.services.faults.add(Fault("quota"))
    refused = call("POST", f"/{call.base()}/files/upload-url", {"fileName": "b.md", "contentType": "text/markdown"})
    assert refused.status_code == 422


def test_uploads_are_refused_in_xml(call: Caller, one_stage: Stage) -> None:
    base = call.base()
    file = call.announce(base)
    wrong = call.put(file, kind="text/plain")
    assert (wrong.status_code, "<Code>SignatureDoesNotMatch</Code>" in wrong.text) == (403, True)
    assert httpx.put(file["uploadUrl"] + "x", content=b"x").status_code == 403
    one_stage.server.services.faults.add(Fault("expired_upload_url"))
    assert "Request has expired" in call.put(file).text
    call.wait(901)
    late = call.put(file)
    assert (late.status_code, "Request has expired" in late.text) == (403, True)
    other = call.announce(base, "b.md")
    call("DELETE", f"/{base}/files/{other['fileId']}")
    gone = call.put(other)
    assert (gone.status_code, "<Code>NoSuchKey</Code>" in gone.text) == (404, True)
    assert call.statuses(base) == ["WAITING-UPLOAD"]


def test_an_upload_url_serves_until_the_file_is_on_its_way(call: Caller) -> None:
    base = call.base()
    file = call.announce(base)
    assert [call.put(file).status_code for _ in range(2)] == [200, 200]
    call.wait(2)
    assert call.put(file).status_code == 403


def test_over_size() -> None:
    with staged(max_file_bytes="10") as small, calling(small) as call:
        refused = call.put(call.announce(call.base()), b"x" * 11)
        assert (refused.status_code, "<Code>EntityTooLarge</Code>" in refused.text) == (400, True)


def test_pages(call: Caller) -> None:
    base = call.base()
    for number in range(45):
        call.announce(base, f"{number:02}.md")
    page = call("GET", f"/{base}/files").json()
    assert (len(page["items"]), page["totalRows"], page["offset"]) == (20, 45, 0)
    last = call("GET", f"/{base}/files", cursor=40, limit=100).json()
    assert ([file["fileName"] for file in last["items"]], last["offset"]) == ([f"{n}.md" for n in range(40, 45)], 40)
    assert call("GET", f"/{base}/files", cursor=45).json()["items"] == []
    assert [file["fileName"] for file in call.files(base, query="4.MD")] == [f"{n}4.md" for n in range(5)]
    assert call.files(base, orderBy="-fileName", limit=1)[0]["fileName"] == "44.md"
    assert call.files(base, status="READY") == []
    assert len(call.files(base, status="WAITING-UPLOAD", limit=1000)) == 45


def test_no_single_file(call: Caller) -> None:
    base = call.base()
    file = call.uploaded(base)
    assert call("GET", f"/{base}/files/{file}").status_code == 404


def test_reindex(call: Caller) -> None:
    base = call.base()
    waiting = call.announce(base)
    assert call("POST", f"/{base}/files/{waiting['fileId']}/reindex").status_code == 409
    call.put(waiting)
    call.wait()
    assert call("POST", f"/{base}/files/{waiting['fileId']}/reindex").json()["status"] == "ENQUEUED"
    call.wait()
    assert call.statuses(base) == ["READY"]


def test_s3_ingest(call: Caller) -> None:
    base = call.base()
    file = call.announce(base)
    assert call("POST", f"/{base}/files/{file['fileId']}/s3-ingest").status_code == 409
    call.put(file)
    assert call("POST", f"/{base}/files/{file['fileId']}/s3-ingest").json()["status"] == "ENQUEUED"


def test_download_links(call: Caller) -> None:
    base = call.base()
    file = call.announce(base, createDownloadLink=True)
    assert httpx.get(file["downloadLink"]).status_code == 404
    call.put(file, b"# Mine")
    link = call("POST", f"/{base}/files/{file['fileId']}/download-link").json()["downloadLink"]
    for url in (link, file["downloadLink"]):
        answer = httpx.get(url)
        assert (answer.content, answer.headers["content-type"]) == (b"# Mine", "text/markdown; charset=utf-8")
    call.wait(8 * 24 * 3600)
    assert httpx.get(link).status_code == 403


def test_copying_a_file_has_an_odd_path(call: Caller) -> None:
    base, other = call.base(), call.base("Other")
    file = call.uploaded(base)
    body = {"targetKnowledgeBaseId": other, "targetOrganizationId": ORGANIZATION}
    assert call("POST", f"/{base}/files/{file}/copy-to", body).status_code == 404
    copy = call("POST", f"/{base}/file/{file}/copy-to", body).json()
    assert (copy["knowledgeBaseId"], copy["fileName"]) == (other, "a.md")
    assert copy["fileId"] != file
    body["targetKnowledgeBaseId"] = "kb-x"
    assert call("POST", f"/{base}/file/{file}/copy-to", body).status_code == 404


# -- search and ETLs --------------------------------------------------------------------------------------------------------


def test_search_is_over_what_is_ready(call: Caller) -> None:
    base = call.base()
    one = call.uploaded(base, "one.md", b"The kettle is in the kitchen.")
    search = {"query": "kettle kitchen", "limit": 1}
    assert call("POST", f"/{base}/search", search).json() == {"results": []}
    call.wait()
    call.uploaded(base, "two.md", b"A kettle of fish.")
    call.wait()
    (hit,) = call("POST", f"/{base}/search", search).json()["results"]
    assert set(hit) == {
        *("vectorId", "fileId", "fileName", "key", "pages", "text", "similarity", "externalFileUrl"),
    }
    assert (hit["fileId"], hit["similarity"], hit["pages"]) == (one, 1.0, None)
    call("DELETE", f"/{base}/files/{one}")
    (left,) = call("POST", f"/{base}/search", search).json()["results"]
    assert left["fileName"] == "two.md"
    assert call("POST", f"/{base}/search", {}).status_code == 422


def test_etls_are_kept(call: Caller) -> None:
    base = call.base()
    condition = {"field": "fileName", "comparison": "ENDS_WITH", "value": ".pdf"}
    body = {"etlType": "agent", "agentId": "agent-1", "prompt": "Sum it up", "conditions": [condition]}
    made = call("POST", f"/{base}/etls", body).json()
    assert call("GET", f"/{base}/etls").json() == [made]
    path = f"/{base}/etls/{made['etlId']}"
    assert call("GET", path).json() == made
    assert call("PUT", path, {**body, "etlType": "action-chain"}).json()["etlType"] == "action-chain"
    assert call("DELETE", path).json()["etlId"] == made["etlId"]
    assert call("GET", f"/{base}/etls").json() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"etlType": "magic"},
        {"conditions": "all"},
        {"conditions": [{"field": "fileName", "comparison": "LIKE"}]},
        {"conditions": [{"comparison": "IS_EMPTY"}]},
        {"conditions": [{"field": "fileName", "comparison": "IS_EMPTY"}] * 2},
    ],
)
def test_etls_are_checked(call: Caller, changes: dict[str, Any]) -> None:
    body = {"etlType": "agent", "agentId": "agent-1", "prompt": "Sum it up", "conditions": [], **changes}
    assert call("POST", f"/{call.base()}/etls", body).status_code == 422


# -- the frame --------------------------------------------------------------------------------------------------------------


def test_seed_target_table_and_overview(call: Caller, one_stage: Stage) -> None:
    emulator = one_stage.emulator
    emulator.seed(3)
    table = emulator.target_table(one_stage.server.url)
    assert emulator.target_table(one_stage.server.url) == table
    assert [row["title"] for row in call("GET", "").json()["items"]] == ["Company handbook", "Knowledge"]
    titles = [shown.title for shown in emulator.overview()]
    assert titles == ["Knowledge bases", "Newest of 3 files"]
    assert TOKEN in emulator.credentials()


@pytest.mark.parametrize(
    ("method", "path", "word", "writes"),
    [
        ("GET", ROOT, "GET bases", False),
        ("POST", ROOT, "POST bases", True),
        ("PUT", f"{ROOT}/kb-1", "PUT base", True),
        ("POST", f"{ROOT}/kb-1/search", "POST search", False),
        ("POST", f"{ROOT}/kb-1/files/upload-url", "POST upload-url", True),
        ("DELETE", f"{ROOT}/kb-1/files/file-1", "DELETE file", True),
        ("POST", f"{ROOT}/kb-1/files/file-1/download-link", "POST download-link", False),
        ("POST", f"{ROOT}/kb-1/file/file-1/copy-to", "POST copy file", True),
        ("POST", f"{ROOT}/kb-1/copy-to", "POST copy base", True),
        ("GET", f"{ROOT}/kb-1/etls", "GET etls", False),
        ("PUT", "/intellia-storage/orgs/o/kbs/k/files/f", "PUT upload", True),
        ("GET", "/elsewhere", "GET /elsewhere", False),
    ],
)
def test_operations(one_stage: Stage, method: str, path: str, word: str, writes: bool) -> None:
    assert one_stage.emulator.operation(method, path) == word
    assert one_stage.emulator.is_write(method, path) is writes


def test_it_also_answers_below_its_name(call: Caller, one_stage: Stage) -> None:
    call.base()
    assert call.http.get(f"/intellia{ROOT}").json()["totalRows"] == 1
    reader = {"Authorization": f"Bearer {READ_ONLY}"}
    assert httpx.post(f"{one_stage.server.url}/intellia{ROOT}", headers=reader, json={}).status_code == 403
