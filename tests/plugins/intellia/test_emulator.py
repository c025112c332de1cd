"""The emulator keeps to the documentation, and where that is silent to the guesses its README lists. Files: test_emulator_files.py."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from knowledge_connector.testing.emulation import Fault
from knowledge_connector_intellia.emulator import READ_ONLY, TOKEN
from plugins.intellia.caller import ROOT, Caller, calling
from plugins.intellia.stage import Stage, staged

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
