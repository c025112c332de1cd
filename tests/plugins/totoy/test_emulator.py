"""The emulator against the contract, line by line; asked by plain httpx, and by nothing of the adapter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from knowledge_connector.testing.emulation import Fault, RunningServer, running
from knowledge_connector_totoy.emulator import MAX_FILE_BYTES, TOKEN, TotoyEmulator

PDF = b"%PDF-1.4 /Type /Page /Type /Pages /Type /Page"
STRANGER = {"kb": "kb_" + "a" * 25, "src": "src_" + "a" * 25, "pj": "pj_" + "a" * 25}


class Api:
    """Totoy, as curl would see it."""

    def __init__(self, server: RunningServer) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        self.http = httpx.Client(base_url=f"{server.url}/v1", headers=headers)

    def post(self, path: str, body: object, status: int = 200) -> Any:
        return self._checked(self.http.post(path, json=body), status)

    def patch(self, path: str, body: object, status: int = 200) -> Any:
        return self._checked(self.http.patch(path, json=body), status)

    def get(self, path: str, status: int = 200) -> Any:
        return self._checked(self.http.get(path), status)

    def delete(self, path: str, status: int = 200) -> Any:
        return self._checked(self.http.delete(path), status)

    def upload(self, fields: dict[str, str], name: str = "a.pdf", content: bytes = PDF, status: int = 200) -> Any:
        return self._checked(self.http.post("/sources", data=fields, files={"document_file": (name, content)}), status)

    def base(self, **fields: object) -> str:
        return str(self.post("/knowledge-bases", fields)["knowledge_base_id"])

    def text(self, text: str = "text", **fields: object) -> str:
        return str(self.post("/sources", {"text_content": text, **fields})["source_id"])

    def project(self, name: str = "Other") -> str:
        return str(self.post("/projects", {"name": name})["project_id"])

    @staticmethod
    def _checked(answer: httpx.Response, status: int) -> Any:
        assert answer.status_code == status, answer.text
        if answer.is_error:
            assert answer.headers["content-type"] == "application/problem+json"
            assert set(answer.json()) == {"type", "title", "status", "detail", "instance"}
            assert answer.json()["status"] == status
        return answer.json()


@pytest.fixture
def api(server: RunningServer) -> Iterator[Api]:
    api = Api(server)
    with api.http:
        yield api


def kind(problem: dict[str, Any]) -> str:
    return str(problem["type"]).rpartition("/")[2]


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


def test_one_link_and_many_links_look_different(api: Api) -> None:
    base, sources = api.base(), [api.text(), api.text(), api.text()]
    one = api.post(f"/knowledge-bases/{base}/sources", {"source_id": sources[0]})
    assert (one["source_id"], one["knowledge_base_id"], one["status"]) == (sources[0], base, "in_progress")
    many = api.post(f"/knowledge-bases/{base}/sources", {"source_ids": sources[1:]})
    assert [link["source_id"] for link in many["data"]] == sources[1:]
    assert api.get(f"/sources/{sources[1]}")["knowledge_base_ids"] == [base]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"source_id": STRANGER["src"], "source_ids": [STRANGER["src"]]},
        {"source_ids": []},
        {"source_ids": [STRANGER["src"]] * 1501},
        {"source_id": "src_1"},
    ],
)
def test_wrong_links(api: Api, body: dict[str, object]) -> None:
    api.post(f"/knowledge-bases/{api.base()}/sources", body, 400)


def test_one_unknown_source_and_nothing_is_linked(api: Api) -> None:
    base = api.base()
    api.post(f"/knowledge-bases/{base}/sources", {"source_ids": [api.text(), STRANGER["src"]]}, 404)
    assert api.get(f"/knowledge-bases/{base}/sources") == {"data": []}


def test_source_and_base_have_to_share_a_project(api: Api) -> None:
    stranger = api.text(project_id=api.project())
    api.post(f"/knowledge-bases/{api.base()}/sources", {"source_id": stranger}, 400)


def test_to_link_twice(api: Api, server: RunningServer) -> None:
    base, source = api.base(), api.text()
    path = f"/knowledge-bases/{base}/sources"
    first = api.post(path, {"source_id": source})
    assert api.post(path, {"source_id": source}) == first
    server.services.options["totoy.link_twice"] = "409"
    assert kind(api.post(path, {"source_id": source}, 409)) == "conflict"


def test_a_link_is_indexed_after_a_while_or_fails(api: Api, server: RunningServer) -> None:
    server.services.faults.add(Fault("failed_ingestion", operation="ill"))
    base = api.base()
    ids = [api.text(title=title) for title in ("well", "ill")]
    links = api.post(f"/knowledge-bases/{base}/sources", {"source_ids": ids})["data"]
    assert [link["status"] for link in links] == ["in_progress", "in_progress"]
    server.services.clock.advance(5)
    assert [api.get(f"/knowledge-bases/{base}/sources/{one}")["status"] for one in ids] == ["completed", "failed"]


def test_patch_keeps_id_and_links_and_starts_the_index_again(api: Api, server: RunningServer) -> None:
    base, source = api.base(), api.text("old", title="Title", custom_metadata={"a": "1"})
    link = f"/knowledge-bases/{base}/sources/{source}"
    api.post(f"/knowledge-bases/{base}/sources", {"source_id": source})
    server.services.clock.advance(5)
    before = api.get(link)
    server.services.clock.advance(1)
    after = api.patch(f"/sources/{source}", {"text_content": "newer", "custom_metadata": {"b": "2"}})
    assert (after["source_id"], after["knowledge_base_ids"], after["title"]) == (source, [base], "Title")
    assert (after["bytes"], after["custom_metadata"]) == (5, {"b": "2"})
    assert after["updated_at"] > before["updated_at"]
    assert api.get(link)["status"] == "in_progress"
    assert api.http.get(f"/sources/{source}/content").content == b"newer"


def test_patch_of_fields_alone_leaves_the_index(api: Api, server: RunningServer) -> None:
    base, source = api.base(), api.text("text", valid_from="2026-01-01T00:00:00Z", project_id=None)
    api.post(f"/knowledge-bases/{base}/sources", {"source_id": source})
    server.services.clock.advance(5)
    patched = api.patch(f"/sources/{source}", {"title": "New", "valid_from": None})
    assert (patched["title"], patched["valid_from"]) == ("New", None)
    assert api.get(f"/knowledge-bases/{base}/sources/{source}")["status"] == "completed"
    assert api.http.get(f"/sources/{source}/content").content == b"text"


def test_metadata_may_be_merged_instead(api: Api, server: RunningServer) -> None:
    server.services.options["totoy.metadata"] = "merge"
    source = api.text(custom_metadata={"a": "1", "b": "1"})
    assert api.patch(f"/sources/{source}", {"custom_metadata": {"b": "2"}})["custom_metadata"] == {"a": "1", "b": "2"}


def test_the_kind_of_a_source_stays(api: Api) -> None:
    document = api.upload({})["source_id"]
    api.patch(f"/sources/{document}", {"text_content": "x"}, 400)
    answer = api.http.patch(f"/sources/{api.text()}", files={"document_file": ("a.pdf", PDF)})
    assert answer.status_code == 400


def test_a_document_is_replaced_by_another_file(api: Api, server: RunningServer) -> None:
    document = api.upload({"title": "Title", "backlink": "https://example.com"})["source_id"]
    server.services.clock.advance(5)
    files: list[tuple[str, tuple[str | None, bytes]]]
    files = [("document_file", ("b.png", b"png")), ("backlink", (None, b""))]
    answer = api.http.patch(f"/sources/{document}", files=files).json()
    assert (answer["status"], answer["title"], answer["backlink"]) == ("in_progress", "Title", "")
    content = api.http.get(f"/sources/{document}/content")
    assert (content.content, content.headers["content-type"]) == (b"png", "image/png")
    assert "b.png" in content.headers["content-disposition"]


@pytest.mark.parametrize(("name", "media_type"), [("a.pdf", "application/pdf"), ("a.JPG", "image/jpeg")])
def test_content_of_a_document(api: Api, name: str, media_type: str) -> None:
    content = api.http.get(f"/sources/{api.upload({}, name)['source_id']}/content")
    assert (content.content, content.headers["content-type"]) == (PDF, media_type)


def test_unlink_keeps_the_source(api: Api) -> None:
    base, source = api.base(), api.text()
    api.post(f"/knowledge-bases/{base}/sources", {"source_id": source})
    path = f"/knowledge-bases/{base}/sources/{source}"
    assert api.delete(path) == {"knowledge_base_id": base, "source_id": source, "deleted": True}
    assert api.get(f"/sources/{source}")["knowledge_base_ids"] == []
    api.delete(path, 404)
    api.get(path, 404)


def test_deleting_a_base_keeps_its_sources(api: Api) -> None:
    base, source = api.base(), api.text()
    api.post(f"/knowledge-bases/{base}/sources", {"source_id": source})
    assert api.delete(f"/knowledge-bases/{base}") == {"knowledge_base_id": base, "deleted": True}
    assert api.get(f"/sources/{source}")["knowledge_base_ids"] == []


def test_deleting_a_source_that_is_linked(api: Api) -> None:
    base, source = api.base(), api.text()
    api.post(f"/knowledge-bases/{base}/sources", {"source_id": source})
    assert api.delete(f"/sources/{source}") == {"source_id": source, "deleted": True}
    assert api.get(f"/knowledge-bases/{base}/sources") == {"data": []}
    api.delete(f"/sources/{source}", 404)


def test_lists_come_whole_and_twins_are_two(api: Api) -> None:
    ids = [api.text("same", title="same") for _ in range(60)]
    assert [source["source_id"] for source in api.get("/sources?limit=5")["data"]] == ids
    assert [base["knowledge_base_id"] for base in api.get("/knowledge-bases")["data"]] == []


def test_a_hard_limit_blocks_and_a_soft_one_does_not(api: Api, server: RunningServer) -> None:
    options = server.services.options
    options |= {"totoy.limit_text_sources": "1", "totoy.limit_document_sources_pages": "3", "totoy.limit_type": "hard"}
    options |= {"totoy.limit_projects": "1", "totoy.limit_knowledge_bases": "0"}
    api.text()
    assert kind(api.post("/sources", {"text_content": "x"}, 403)) == "out-of-credit"
    api.upload({})
    api.upload({}, status=403)
    api.post("/projects", {"name": "x"}, 403)
    api.post("/knowledge-bases", {}, 403)
    options["totoy.limit_type"] = "soft"
    api.text()
    usage = api.get("/organization")["usage"]
    assert (usage["text_sources"], usage["document_sources_pages"], usage["projects"]) == (2, 2, 1)
    assert usage["assistant_messages"]["total"] == 0


def test_a_suspended_organisation_makes_nothing(api: Api, server: RunningServer) -> None:
    server.services.options["totoy.status"] = "suspended"
    assert api.get("/organization")["status"] == "suspended"
    api.post("/sources", {"text_content": "x"}, 403)


def test_quota_and_other_faults_on_demand(api: Api, server: RunningServer) -> None:
    faults = server.services.faults
    faults.add(Fault("quota", operation="text_sources"))
    api.post("/sources", {"text_content": "x"}, 403)
    faults.add(Fault("error_before", status=503))
    assert kind(api.get("/sources", 503)) == "unavailable"
    faults.add(Fault("rate_limit", retry_after="3"))
    answer = api.http.get("/sources")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    assert kind(answer.json()) == "too-many-requests"


def test_a_source_in_use_keeps_its_project(api: Api) -> None:
    base, source, other = api.base(), api.text(), api.project()
    assert api.patch(f"/sources/{source}", {"project_id": other})["project_id"] == other
    mine = api.patch(f"/sources/{source}", {"project_id": api.get(f"/knowledge-bases/{base}")["project_id"]})
    api.post(f"/knowledge-bases/{base}/sources", {"source_id": source})
    assert kind(api.patch(f"/sources/{source}", {"project_id": other}, 409)) == "conflict"
    api.patch(f"/sources/{source}", {"project_id": mine["project_id"], "title": "same project"})


def test_a_base_takes_its_sources_into_another_project(api: Api) -> None:
    base, second, source, other = api.base(), api.base(), api.text(), api.project()
    api.post(f"/knowledge-bases/{base}/sources", {"source_id": source})
    api.post(f"/knowledge-bases/{second}/sources", {"source_id": source})
    api.patch(f"/knowledge-bases/{base}", {"project_id": other}, 409)
    api.delete(f"/knowledge-bases/{second}/sources/{source}")
    assert api.patch(f"/knowledge-bases/{base}", {"project_id": other})["project_id"] == other
    assert api.get(f"/sources/{source}")["project_id"] == other


def test_a_project_takes_everything_along_and_the_default_one_stays(api: Api) -> None:
    other = api.project()
    base, source = api.base(project_id=other), api.text(project_id=other)
    api.post(f"/knowledge-bases/{base}/sources", {"source_id": source})
    shown = api.get(f"/projects/{other}")
    assert (shown["knowledge_base_ids"], shown["source_ids"]) == ([base], [source])
    gone = api.delete(f"/projects/{other}")
    assert gone == {"project_id": other, "knowledge_base_ids": [base], "source_ids": [source], "deleted": True}
    assert api.get("/sources") == {"data": []}
    (default,) = api.get("/projects")["data"]
    assert default["is_default"]
    assert kind(api.delete(f"/projects/{default['project_id']}", 409)) == "conflict"
    assert api.patch(f"/projects/{default['project_id']}", {"name": "Mine"})["name"] == "Mine"


def ask(api: Api, base: str, question: str, status: int = 200, **changes: object) -> Any:
    messages = [{"role": "user", "content": question}]
    body = {"output_language": "en", "language_level": "plain", "messages": messages, **changes}
    return api.post(f"/knowledge-bases/{base}/chat", body, status)


def test_chat_quotes_the_best_source_that_is_linked_indexed_and_valid(api: Api, server: RunningServer) -> None:
    base = api.base()
    right = api.text("Holidays are thirty days.", backlink="https://example.com", custom_metadata={"a": "b"})
    outdated = api.text("Holidays are twenty days, ask for holidays.", valid_until="2020-01-01T00:00:00Z")
    early = api.text("Holidays are forty days, ask for holidays.", valid_from="2999-01-01T00:00:00Z")
    api.text("Holidays: not linked.")
    api.post(f"/knowledge-bases/{base}/sources", {"source_ids": [right, outdated, early]})
    assert ask(api, base, "holidays")["answer"]["references"] == []
    server.services.clock.advance(5)
    reply = ask(api, base, "how many days of holidays?", markdown_response=False)
    (reference,) = reply["answer"]["references"]
    assert (reference["source_id"], reference["text"], reference["page_number"]) == (right, "[R1]", 1)
    assert (reference["backlink"], reference["custom_metadata"]) == ("https://example.com", {"a": "b"})
    assert reply["answer"]["content"].endswith("[R1]")
    assert (reply["knowledge_base_id"], reply["markdown_response"]) == (base, False)
    assert api.get("/organization")["usage"]["assistant_messages"]["total"] == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"output_language": "xx"},
        {"language_level": "hard"},
        {"messages": []},
        {"messages": [{"role": "user", "content": "x"}] * 51},
        {"messages": [{"role": "system", "content": "x"}]},
        {"messages": [{"role": "user", "content": "x" * 16_001}]},
        {"unknown": 1},
    ],
)
def test_wrong_chats(api: Api, changes: dict[str, object]) -> None:
    ask(api, api.base(), "x", 400, **changes)


def test_it_begins_with_what_people_wrote_and_with_a_table_for_the_configuration() -> None:
    with running([TotoyEmulator], seed=2) as server:
        vendor = server.vendor("totoy")
        table = vendor.target_table(server.url)
        assert table is not None
        assert vendor.target_table(server.url) == table
        tables = {one.title: one.rows for one in vendor.overview()}
        assert [name for _, name, _ in tables["Knowledge bases"]] == ["Written by hand", table["knowledge_base"]]
        assert len(tables["Last sources"]) == 2
        below = httpx.get(
            f"{server.url}/totoy/v1/sources", headers={"Authorization": vendor.credentials().partition(": ")[2]}
        )
        assert len(below.json()["data"]) == 2


def test_operations_have_names(emulator: TotoyEmulator) -> None:
    names = {
        ("GET", "/v1/organization"): "GET organization",
        ("POST", "/v1/projects"): "POST projects",
        ("GET", "/v1/projects/pj_1"): "GET project",
        ("POST", "/v1/knowledge-bases"): "POST knowledge-bases",
        ("DELETE", "/v1/knowledge-bases/kb_1"): "DELETE knowledge-base",
        ("POST", "/v1/knowledge-bases/kb_1/sources"): "POST links",
        ("DELETE", "/v1/knowledge-bases/kb_1/sources/src_1"): "DELETE link",
        ("POST", "/v1/knowledge-bases/kb_1/chat"): "POST chat",
        ("PATCH", "/v1/sources/src_1"): "PATCH source",
        ("GET", "/v1/sources/src_1/content"): "GET content",
        ("GET", "/elsewhere"): "GET /elsewhere",
    }
    assert {asked: emulator.operation(*asked) for asked in names} == names


def test_state_outlives_the_server(tmp_path: Any) -> None:
    file = tmp_path / "state.db"
    with running([TotoyEmulator], state=file) as server, httpx.Client() as http:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        source = http.post(f"{server.url}/v1/sources", json={"text_content": "x"}, headers=headers).json()["source_id"]
    with running([TotoyEmulator], state=file) as server:
        found = httpx.get(f"{server.url}/v1/sources/{source}/content", headers=headers)
        assert found.content == b"x"
        assert json.loads(httpx.get(f"{server.url}/v1/sources", headers=headers).text)["data"][0]["bytes"] == 1
