"""Files at the emulator: uploads, their states, pages, links and copies."""

from __future__ import annotations

import httpx
import pytest

from knowledge_connector.testing.emulation import Fault
from knowledge_connector_intellia.emulator import ORGANIZATION
from plugins.intellia.caller import Caller, calling
from plugins.intellia.stage import Stage, staged


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
