"""The emulator against the contract, line by line: access, ids and sources."""

from __future__ import annotations

import httpx
import pytest

from knowledge_connector.testing.emulation import Fault, RunningServer
from knowledge_connector_totoy.emulator import MAX_FILE_BYTES, TOKEN
from plugins.totoy.wire import STRANGER, Api, kind


@pytest.mark.parametrize("header", [None, "Bearer wrong", TOKEN])
def test_without_the_key_nothing_is_told(api: Api, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = httpx.get(f"{api.http.base_url}sources/{STRANGER['src']}", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert kind(answer.json()) == "unauthorized"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/projects/{pj}"),
        ("PATCH", "/projects/{pj}"),
        ("DELETE", "/projects/{pj}"),
        ("GET", "/knowledge-bases/{kb}"),
        ("PATCH", "/knowledge-bases/{kb}"),
        ("DELETE", "/knowledge-bases/{kb}"),
        ("GET", "/knowledge-bases/{kb}/sources"),
        ("GET", "/knowledge-bases/{kb}/sources/{src}"),
        ("DELETE", "/knowledge-bases/{kb}/sources/{src}"),
        ("GET", "/sources/{src}"),
        ("PATCH", "/sources/{src}"),
        ("DELETE", "/sources/{src}"),
        ("GET", "/sources/{src}/content"),
    ],
)
def test_unknown_and_malformed_ids(api: Api, method: str, path: str) -> None:
    body: dict[str, str] | None = {} if method == "PATCH" else None
    unknown = api.http.request(method, path.format(**STRANGER), json=body)
    assert (unknown.status_code, kind(unknown.json())) == (404, "not-found")
    malformed = api.http.request(method, path.format(kb="kb_1", src="src_1", pj="pj_1"), json=body)
    assert (malformed.status_code, kind(malformed.json())) == (400, "invalid-request")


def test_ids_look_like_the_vendors(api: Api) -> None:
    assert [len(api.base()), len(api.text()), len(api.project())] == [28, 29, 28]
    assert len(api.get("/organization")["organization_id"]) == 29


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"text_content": "x" * 1_000_001},
        {"text_content": 1},
        {"text_content": "x", "unknown": 1},
        {"text_content": "x", "title": "x" * 513},
        {"text_content": "x", "backlink": "x" * 513},
        {"text_content": "x", "backlink": None},
        {"text_content": "x", "valid_from": "tomorrow"},
        {"text_content": "x", "valid_until": "2026-01-01T00:00:00"},
        {"text_content": "x", "custom_metadata": {str(number): "" for number in range(11)}},
        {"text_content": "x", "custom_metadata": []},
        {"text_content": "x", "project_id": "pj_1"},
    ],
)
def test_wrong_fields_of_a_source(api: Api, fields: dict[str, object]) -> None:
    assert kind(api.post("/sources", fields, 400)) == "invalid-request"
    assert api.get("/sources") == {"data": []}


def test_the_limits_themselves_are_taken(api: Api) -> None:
    pairs = {str(number): "" for number in range(10)}
    api.text("\U0001d11e" * 1_000_000, title="x" * 512, backlink="x" * 512, custom_metadata=pairs)


def test_names_have_the_lengths_that_the_description_gives(api: Api) -> None:
    base = api.base(name="x" * 256, instructions="x" * 4096)
    api.post("/knowledge-bases", {"name": "x" * 257}, 400)
    api.post("/knowledge-bases", {"instructions": "x" * 4097}, 400)
    api.patch(f"/knowledge-bases/{base}", {"name": "x" * 256}, 400)
    assert api.patch(f"/knowledge-bases/{base}", {"name": "x" * 255})["instructions"] == "x" * 4096
    api.post("/projects", {"name": "x" * 257}, 400)
    api.post("/projects", {}, 400)


def test_a_base_needs_nothing_and_names_may_repeat(api: Api) -> None:
    assert api.post("/knowledge-bases", {})["name"]
    assert api.base(name="Twin") != api.base(name="Twin")


def test_a_text_source_is_shown_without_status_and_text(api: Api) -> None:
    source = api.get(f"/sources/{api.text('größe', title=None)}")
    assert not {"status", "pages", "text", "text_content"} & set(source)
    assert {"source_id", "source_type", "bytes", "created_at", "updated_at", "project_id"} <= set(source)
    assert (source["source_type"], source["bytes"], source["document_file_name"]) == ("text", 7, None)
    assert source["created_at"].endswith("Z")


def test_a_document_is_read_after_a_while(api: Api, server: RunningServer) -> None:
    server.services.options["totoy.parsing_seconds"] = "60"
    source = api.upload({"title": "Manual", "custom_metadata": '{"a": "b"}', "valid_from": "2026-01-01T00:00:00Z"})
    assert (source["status"], source["pages"], source["document_file_name"]) == ("in_progress", 2, "a.pdf")
    assert source["custom_metadata"] == {"a": "b"}
    server.services.clock.advance(60)
    assert api.get(f"/sources/{source['source_id']}")["status"] == "completed"


def test_a_document_that_cannot_be_read_fails_and_so_does_its_link(api: Api, server: RunningServer) -> None:
    server.services.faults.add(Fault("failed_parsing", operation="bad*"))
    base = api.base()
    ids = [api.upload({}, name)["source_id"] for name in ("good.pdf", "bad.pdf")]
    api.post(f"/knowledge-bases/{base}/sources", {"source_ids": ids})
    server.services.clock.advance(60)
    assert [api.get(f"/sources/{one}")["status"] for one in ids] == ["completed", "failed"]
    assert [link["status"] for link in api.get(f"/knowledge-bases/{base}/sources")["data"]] == ["completed", "failed"]


@pytest.mark.parametrize("name", ["a.docx", "a.jpeg", "a", "x" * 252 + ".pdf"])
def test_other_files_are_refused(api: Api, name: str) -> None:
    api.upload({}, name, status=400)


@pytest.mark.parametrize(
    "fields", [{"custom_metadata": "{"}, {"custom_metadata": "[]"}, {"x": "1"}, {"title": "x" * 513}]
)
def test_wrong_fields_of_a_form(api: Api, fields: dict[str, str]) -> None:
    api.upload(fields, status=400)


def test_a_form_needs_a_file(api: Api) -> None:
    answer = api.http.post("/sources", files={"title": (None, "x")})
    assert answer.status_code == 400


def test_a_file_that_is_too_large(api: Api, server: RunningServer) -> None:
    assert MAX_FILE_BYTES == "100000000"
    server.services.options["totoy.max_file_bytes"] = "1000"
    api.upload({}, content=b"x" * 1000)
    assert kind(api.upload({}, content=b"x" * 1001, status=413)) == "payload-too-large"


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_other_media_types(api: Api, method: str) -> None:
    path = "/sources" if method == "POST" else f"/sources/{api.text()}"
    answer = api.http.request(method, path, content=b"x", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, kind(answer.json())) == (415, "unsupported-media-type")
