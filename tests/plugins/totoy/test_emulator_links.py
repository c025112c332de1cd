"""The emulator against the contract, line by line: links, projects, plans, chat, and the frame it stands in."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from knowledge_connector.testing.emulation import Fault, RunningServer, running
from knowledge_connector_totoy.emulator import TOKEN, TotoyEmulator
from plugins.totoy.wire import PDF, STRANGER, Api, kind


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
