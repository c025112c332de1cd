"""The emulator against the contract, line by line; asked by plain httpx, and by nothing of the adapter."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from knowledge_connector.testing.emulation import Fault
from knowledge_connector_sensay.emulator import QUOTA, REPLICA, SECRET
from knowledge_connector_sensay.emulator_rules import EXTENSIONS
from plugins.sensay.stage import Stage, staged

JSON = {"Content-Type": "application/json"}
PATH = ["NEW", "RAW_TEXT", "PROCESSED_TEXT", "VECTOR_CREATED", "READY"]
REPLICA_BODY = {
    "name": "Helper",
    "shortDescription": "Helps",
    "greeting": "Hello",
    "ownerID": "u1",
    "slug": "helper",
    "llm": {"model": "gpt-4o"},
}


class Api:
    """Sensay, as curl would see it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.http = httpx.Client(base_url=f"{stage.server.url}/v1", headers={"X-ORGANIZATION-SECRET": SECRET})
        self.knowledge = f"/replicas/{REPLICA}/knowledge-base"

    def ask(self, method: str, path: str, code: int, body: object = None, /, **query: object) -> Any:
        response = self.http.request(method, path, json=body, params=query)  # type: ignore[arg-type]  # whatever a test wants to send
        assert response.status_code == code, response.text
        return response.json()

    def add(self, code: int = 207, /, **body: object) -> Any:
        return self.ask("POST", self.knowledge, code, body)

    def add_one(self, **body: object) -> int:
        (result,) = self.add(**body)["results"]
        assert result["enqueued"] is True
        assert isinstance(result["knowledgeBaseID"], int)
        return int(result["knowledgeBaseID"])

    def get(self, entry: int, code: int = 200) -> Any:
        return self.ask("GET", f"{self.knowledge}/{entry}", code)

    def listed(self, code: int = 200, /, **query: object) -> Any:
        return self.ask("GET", self.knowledge, code, **query)

    def patch(self, entry: int, code: int = 200, /, **body: object) -> Any:
        return self.ask("PATCH", f"{self.knowledge}/{entry}", code, body)

    def delete(self, entry: int, code: int = 200) -> Any:
        return self.ask("DELETE", f"{self.knowledge}/{entry}", code)

    def settle(self, seconds: float = 60) -> None:
        self.stage.server.services.clock.advance(seconds)

    def states(self, entry: int) -> list[str]:
        """Where an entry is, second by second, until it rests."""
        found = [self.get(entry)["status"]]
        for _ in range(6):
            self.settle(1)
            found.append(self.get(entry)["status"])
        return list(dict.fromkeys(found))


@pytest.fixture
def api() -> Iterator[Api]:
    with staged() as stage:
        api = Api(stage)
        yield api
        api.http.close()


# --------------------------------------------------------------------------------------------------------------- envelopes


@pytest.mark.parametrize("headers", [{"X-ORGANIZATION-SECRET": "wrong"}, {"X-USER-ID": "nobody"}])
def test_strangers_are_refused(api: Api, headers: dict[str, str]) -> None:
    response = api.http.get(api.knowledge, headers=headers)
    assert response.status_code == 401
    body = response.json()
    assert body["success"] is False
    assert re.fullmatch(r"\w+::\w+:\w+::\w+", body["request_id"])
    assert re.fullmatch(r"[0-9a-f]{32}", body["fingerprint"])


def test_a_known_user_may_act(api: Api) -> None:
    user = api.ask("POST", "/users", 201, {"id": "u1", "email": "u1@example.com"})["id"]
    assert api.http.get("/users/me", headers={"X-USER-ID": user}).json()["email"] == "u1@example.com"
    assert api.http.get(api.knowledge, headers={"X-USER-ID": user}).status_code == 200
    assert api.http.get("/users/me").status_code == 401
    api.ask("POST", "/users", 409, {"id": "u1"})


def test_what_is_not_there_has_no_fingerprint(api: Api) -> None:
    assert set(api.get(1, 404)) == {"success", "error", "request_id"}
    api.ask("GET", "/replicas/nonsense/knowledge-base", 404)


def test_bodies_are_json_and_may_be_compressed(api: Api) -> None:
    content = json.dumps({"text": "x"}).encode()
    assert api.http.post(api.knowledge, content=content, headers={"Content-Type": "text/plain"}).status_code == 415
    assert api.http.post(api.knowledge, content=b"{", headers=JSON).status_code == 400
    assert api.http.post(api.knowledge, content=b"[]", headers=JSON).status_code == 400
    packed = JSON | {"Content-Encoding": "gzip"}
    assert api.http.post(api.knowledge, content=gzip.compress(content), headers=packed).status_code == 207
    assert api.http.post(api.knowledge, content=b"no gzip", headers=packed).status_code == 400


def test_faults_wear_the_envelope(api: Api) -> None:
    faults = api.stage.server.services.faults
    faults.add(Fault("error_before"))
    assert set(api.listed(500)["inner_exception"]) == {"name", "message", "cause", "stack"}
    faults.add(Fault("rate_limit"))
    assert api.listed(429)["error_code"] == QUOTA


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("prefix", ["", f"/replicas/{REPLICA}"])
def test_the_old_api_is_gone(api: Api, method: str, prefix: str) -> None:
    body: object = {} if method == "POST" else None
    api.ask(method, f"{prefix}/training", 404, body)
    api.ask(method, f"{prefix}/training/1", 404, body)


# ---------------------------------------------------------------------------------------------------------------- creation


def test_texts_may_be_twins(api: Api) -> None:
    assert api.add_one(title="A", text="same") != api.add_one(title="A", text="same")


@pytest.mark.parametrize(
    "body",
    [
        {"autoRefresh": False},
        {"title": "alone"},
        {"text": ""},
        {"text": 1},
        {"text": "x" * 1_000_001},
        {"text": "x", "tags": ["a"]},
        {"url": "example.com"},
        {"url": "ftp://example.com"},
        {"url": "https://docs.google.com/document/d/1"},
        {"url": "https://example.com/", "autoRefresh": "no"},
        {"filename": "virus.exe"},
        {"filename": "none"},
        {"text": "x", "usageLimits": 3},
    ],
)
def test_bodies_that_are_refused(api: Api, body: dict[str, object]) -> None:
    assert "fingerprint" in api.add(400, **body)
    assert api.listed()["total"] == 0


def test_an_address_is_taken_once(api: Api) -> None:
    first = api.add_one(url="https://www.example.com/a")
    assert "already" in api.add(409, url="https://www.example.com/a")["error"]
    api.add_one(url="https://www.example.com/b")
    api.delete(first)
    api.add_one(url="https://www.example.com/a")


def test_several_inputs_are_several_results(api: Api) -> None:
    api.add_one(url="https://www.example.com/a")
    body = {"filename": "virus.exe", "url": "https://www.example.com/a", "text": "x"}
    results = api.add(**body)["results"]
    assert [(one["type"], one["enqueued"]) for one in results] == [("file", False), ("website", False), ("text", True)]
    assert [sorted(one) for one in results[:2]] == [["enqueued", "error", "type"]] * 2
    results = api.add(filename="a.MD", url="https://youtu.be/x", text="x")["results"]
    assert [one["type"] for one in results] == ["file", "youtube", "text"]
    assert ["signedURL" in one for one in results] == [True, False, False]


def test_a_playlist_is_one_result_for_each_video(api: Api) -> None:
    results = api.add(title="List", url="https://www.youtube.com/playlist?list=PL1")["results"]
    assert [one["type"] for one in results] == ["youtube"] * 3
    entry = api.get(results[1]["knowledgeBaseID"])
    assert (entry["title"], entry["youtube"]["playlistID"]) == ("List", "PL1")


def test_quotas(api: Api) -> None:
    api.add_one(text="x")
    limits = {"knowledgeBaseEntries": {"totalUserQuota": 1}}
    assert api.add(429, text="x", usageLimits=limits)["error_code"] == QUOTA
    api.stage.server.services.faults.add(Fault("quota"))
    assert api.add(429, text="x")["error_code"] == QUOTA
    assert api.listed()["total"] == 1


def test_file_types(api: Api) -> None:
    groups = api.ask("GET", "/knowledge-base/file-types", 200)["mediaGroups"]
    kinds = [kind for group in groups for kind in group["fileTypes"]]
    assert {extension for kind in kinds for extension in kind["extensions"]} == EXTENSIONS
    assert {kind["supportLevel"] for kind in kinds} == {"production"}


# ----------------------------------------------------------------------------------------------------------------- uploads


def announce(api: Api) -> tuple[int, str]:
    (result,) = api.add(title="A", filename="a.md")["results"]
    return result["knowledgeBaseID"], result["signedURL"]


def test_bytes_go_to_the_signed_url_without_sensays_headers(api: Api) -> None:
    entry, url = announce(api)
    assert api.states(entry) == ["NEW"]  # for ever
    response = httpx.put(url, content=b"# A", headers={"Content-Type": "text/markdown"})
    assert (response.status_code, list(response.json())) == (200, ["Key"])
    assert api.states(entry) == ["NEW", "FILE_UPLOADED", *PATH[1:]]
    file = api.get(entry)["file"]
    assert (file["name"], file["size"], file["mimeType"]) == ("a.md", 3, "text/markdown")
    second = httpx.put(url, content=b"# A")
    assert (second.status_code, second.json()["error"]) == (409, "Duplicate")


@pytest.mark.parametrize("by", ["time", "fault"])
def test_signed_urls_expire(api: Api, by: str) -> None:
    _, url = announce(api)
    if by == "time":
        api.settle(7201)
    else:
        api.stage.server.services.faults.add(Fault("expired_upload_url"))
    response = httpx.put(url, content=b"x")
    assert response.status_code == 400
    assert response.json() | {"message": ""} == {"statusCode": "400", "error": "InvalidJWT", "message": ""}


def test_uploads_have_a_bound_and_a_signature(api: Api) -> None:
    entry, url = announce(api)
    assert httpx.put(url, content=bytes(50_000_001)).status_code == 413
    assert httpx.put(url.partition("?")[0], content=b"x").status_code == 400
    assert api.get(entry)["status"] == "NEW"


# ------------------------------------------------------------------------------------------------------------------ states


@pytest.mark.parametrize("body", [{"text": "x"}, {"url": "https://www.example.com/"}, {"url": "https://youtu.be/x"}])
def test_states_follow_the_clock(api: Api, body: dict[str, object]) -> None:
    assert api.states(api.add_one(**body)) == PATH


def test_processing_may_fail(api: Api) -> None:
    api.stage.server.services.faults.add(Fault("failed_ingestion"))
    entry = api.add_one(text="x")
    assert api.states(entry) == ["NEW", "RAW_TEXT", "UNPROCESSABLE"]
    assert set(api.get(entry)["error"]) == {"fingerprint", "message"}
    assert api.listed(hasError="true")["total"] == 1
    assert api.listed(hasError="false")["total"] == 0


# ----------------------------------------------------------------------------------------------------------------- reading


def test_the_list(api: Api) -> None:
    ids = [api.add_one(title=f"Entry {number}", text="x") for number in range(3)]
    api.settle()
    link = api.add_one(title="Link", url="https://www.example.com/Some/page")
    found = api.listed()
    assert (found["success"], found["total"]) == (True, 4)
    assert [item["id"] for item in found["items"]] == [link, *reversed(ids)]
    assert [item["id"] for item in api.listed(sortBy="createdAt", sortOrder="asc")["items"]] == [*ids, link]
    assert api.listed(pageSize=0) == {"success": True, "items": [], "total": 4}
    assert api.listed(page=9) == {"success": True, "items": [], "total": 4}
    assert [len(api.listed(page=page, pageSize=3)["items"]) for page in (1, 2)] == [3, 1]
    assert api.listed(search="some/PAGE")["total"] == 1
    assert api.listed(type="text")["total"] == 3
    assert api.listed(status="READY,NEW")["total"] == api.listed(status=["READY", "NEW"])["total"] == 4
    assert api.listed(status="NEW", type=["website", "youtube"])["total"] == 1
    assert api.ask("GET", "/knowledge-base", 200)["total"] == 4


@pytest.mark.parametrize(
    "query",
    [
        {"pageSize": 101}, {"pageSize": -1}, {"page": 0}, {"search": "ab"}, {"status": "PROCESSING"}, {"type": "pdf"},
        {"hasError": "maybe"}, {"sortBy": "title"}, {"sortOrder": "up"},
    ],
)  # fmt: skip
def test_queries_that_are_refused(api: Api, query: dict[str, object]) -> None:
    api.listed(400, **query)


def test_the_single_entry_says_more(api: Api) -> None:
    entry = api.add_one(title="A", text="some words")
    api.settle()
    one, (listed,) = api.get(entry), api.listed()["items"]
    assert one["success"] is True
    assert (one["rawText"], one["processedText"], one["generatedFacts"]) == ("some words", "some words", [])
    (chunk,) = one["rawTextChunks"]
    assert chunk == {"content": "some words", "chunkIndex": 0, "chunkTokens": 2, "chunkChars": 10}
    assert {"rawText", "processedText", "generatedFacts", "rawTextChunks", "url"}.isdisjoint(listed)
    assert {"id", "type", "status", "createdAt", "updatedAt", "replicaUUID", "title"} == set(listed)


def test_entries_belong_to_a_replica(api: Api) -> None:
    entry = api.add_one(text="x")
    api.ask("GET", f"/replicas/{uuid4()}/knowledge-base/{entry}", 404)
    assert api.ask("GET", f"/knowledge-base/{entry}", 200)["id"] == entry


# ---------------------------------------------------------------------------------------------------------------- changing


def test_a_new_text_is_processed_while_the_old_one_answers(api: Api) -> None:
    entry = api.add_one(title="A", text="old")
    api.settle()
    assert api.patch(entry, title="B", rawText="new") == {"success": True}
    assert [text for _, _, text in api.stage.emulator.answering(REPLICA)] == ["old"]
    assert api.get(entry)["title"] == "B"
    assert api.states(entry) == PATH[1:]
    assert [text for _, _, text in api.stage.emulator.answering(REPLICA)] == ["new"]


def test_a_title_alone_is_not_processed(api: Api) -> None:
    entry = api.add_one(title="A", text="x")
    api.settle()
    api.patch(entry, title="B")
    assert api.get(entry)["status"] == "READY"


def test_the_status_new_trains_again(api: Api) -> None:
    entry = api.add_one(text="x")
    api.settle()
    api.patch(entry, status="NEW")
    assert api.states(entry) == PATH


@pytest.mark.parametrize("body", [{"text": "x"}, {"rawText": ""}, {"status": "DONE"}, {"tags": []}, {"website": 1}])
def test_changes_that_are_refused(api: Api, body: dict[str, object]) -> None:
    api.patch(api.add_one(text="x"), 400, **body)


def test_what_is_not_there_cannot_change(api: Api) -> None:
    api.patch(1, 404, title="x")


# ---------------------------------------------------------------------------------------------------------------- removing


def test_removed_is_gone(api: Api) -> None:
    entry = api.add_one(text="x")
    assert api.delete(entry) == {"success": True}
    api.delete(entry, 404)
    api.get(entry, 404)
    assert api.listed()["total"] == 0


def test_removal_may_take_a_day() -> None:
    with staged(deletion="delayed") as stage:
        api = Api(stage)
        entry = api.add_one(text="x")
        api.settle()
        assert set(api.delete(entry, 202)) == {"success", "message"}
        assert [item["status"] for item in api.listed()["items"]] == ["READY"]
        api.get(entry, 404)
        api.patch(entry, 404, title="x")
        api.delete(entry, 404)
        assert stage.emulator.answering(REPLICA) == []
        api.settle(86_401)
        assert api.listed()["total"] == 0
        api.http.close()


# ---------------------------------------------------------------------------------------------------------------- replicas


def test_replicas(api: Api) -> None:
    uuid = api.ask("POST", "/replicas", 201, REPLICA_BODY)["uuid"]
    api.ask("POST", "/replicas", 409, REPLICA_BODY)
    api.ask("POST", "/replicas", 400, REPLICA_BODY | {"name": "n" * 51})
    api.ask("POST", "/replicas", 400, {})
    assert api.ask("GET", f"/replicas/{uuid}", 200)["name"] == "Helper"
    assert api.ask("GET", "/replicas", 200, slug="helper")["total"] == 1
    assert api.ask("GET", "/replicas", 200, search="nobody")["items"] == []
    api.ask("PUT", f"/replicas/{uuid}", 200, REPLICA_BODY | {"name": "Other"})
    assert api.ask("GET", f"/replicas/{uuid}", 200)["name"] == "Other"
    api.ask("DELETE", f"/replicas/{uuid}", 200)
    api.ask("GET", f"/replicas/{uuid}/knowledge-base", 404)


def test_replicas_have_to_be_made_if_asked() -> None:
    with staged(replicas="made") as stage:
        api = Api(stage)
        api.listed(404)
        uuid = api.ask("POST", "/replicas", 201, REPLICA_BODY)["uuid"]
        api.ask("GET", f"/replicas/{uuid}/knowledge-base", 200)
        api.http.close()


# ------------------------------------------------------------------------------------------------------------------- frame


def test_names_of_operations(api: Api) -> None:
    _, url = announce(api)
    httpx.put(url, content=b"x")
    entry = api.add_one(text="x")
    api.get(entry)
    api.patch(entry, title="x")
    api.delete(entry)
    api.listed()
    api.ask("GET", f"/replicas/{REPLICA}", 200)
    assert api.stage.server.log.counts("sensay") == {
        "POST entry": 2, "PUT upload": 1, "GET entry": 1, "PATCH entry": 1, "DELETE entry": 1, "GET entries": 1,
        "GET replica": 1,
    }  # fmt: skip


def test_seed_table_and_start_page(api: Api) -> None:
    emulator = api.stage.emulator
    emulator.seed(2)
    assert api.listed()["total"] == 2
    assert emulator.target_table("http://x")["replica"] == REPLICA
    assert SECRET in emulator.credentials()
    assert [len(table.rows) for table in emulator.overview()] == [1, 2]
    assert httpx.get(api.stage.server.url).status_code == 200
    assert httpx.get(f"{api.stage.server.url}/sensay/v1/replicas", headers={"X-ORGANIZATION-SECRET": SECRET}).is_success
