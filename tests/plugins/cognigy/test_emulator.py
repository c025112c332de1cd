"""The emulated Cognigy over HTTP: what its documentation promises, what it refuses, and how."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from knowledge_connector.testing.emulation import Fault, RunningServer, running
from knowledge_connector_cognigy.emulator import OTHER_PROJECT, PROJECT, CognigyEmulator

API = "/new/v2.0"
STORES = f"{API}/knowledgestores"
UNKNOWN = "0" * 24

Json = dict[str, Any]


@pytest.fixture(scope="module")
def served() -> Iterator[RunningServer]:
    with running([CognigyEmulator]) as server:
        yield server


@pytest.fixture
def server(served: RunningServer) -> RunningServer:
    served.services.options.clear()
    served.reset()
    return served


@pytest.fixture
def emulator(server: RunningServer) -> CognigyEmulator:
    vendor = server.vendor("cognigy")
    assert isinstance(vendor, CognigyEmulator)
    return vendor


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={"X-API-Key": "emu-key"}, trust_env=False) as client:
        yield client


@pytest.fixture
def sources(http: httpx.Client) -> str:
    """The path of the sources of an empty store."""
    made = http.post(STORES, json={"name": "Handbook", "projectId": PROJECT})
    assert made.status_code == 201
    return f"{STORES}/{made.json()['_id']}/sources"


@pytest.fixture
def source(http: httpx.Client, sources: str) -> str:
    """The path of an empty source."""
    return f"{sources}/{add(http, sources, 'One')['_id']}"


def add(http: httpx.Client, sources: str, name: str, **fields: object) -> Json:
    answer = http.post(sources, json={"name": name, **fields})
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()["knowledgeSource"]
    return found


def refused(answer: httpx.Response, status: int, code: int) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert set(problem) == {"type", "title", "status", "detail", "instance", "code", "traceId", "details"}
    assert re.fullmatch(r"api--[0-9a-f-]{36}", problem["traceId"])


class TestAccess:
    @pytest.mark.parametrize("prefix", ["/new/v2.0", "/v2.0", "/api-emu/v2.0", "/cognigy/new/v2.0"])
    def test_both_prefixes_also_below_a_base_with_api_in_it(self, http: httpx.Client, prefix: str) -> None:
        assert http.get(f"{prefix}/knowledgestores").json()["total"] == 1

    @pytest.mark.parametrize(
        "credentials",
        [{"headers": {"X-API-Key": "emu-key"}}, {"params": {"api_key": "emu-key"}}],
        ids=["header", "query"],
    )
    def test_a_key_in_the_header_or_in_the_query(self, server: RunningServer, credentials: Any) -> None:
        assert httpx.get(server.url + STORES, trust_env=False, **credentials).status_code == 200

    @pytest.mark.parametrize("headers", [{}, {"X-API-Key": "wrong"}, {"Authorization": "Bearer wrong"}])
    def test_without_credentials_nothing(self, server: RunningServer, headers: dict[str, str]) -> None:
        refused(httpx.get(server.url + STORES, headers=headers, trust_env=False), 401, 401)
        assert [entry.authorised for entry in server.log] == [False]

    def test_a_bearer_token_lasts_an_hour(self, server: RunningServer) -> None:
        form = {"grant_type": "client_credentials", "client_id": "emu-client", "client_secret": "emu-secret"}
        token = httpx.post(f"{server.url}/auth/oauth2/token", data=form, trust_env=False).json()
        headers = {"Authorization": f"Bearer {token['access_token']}"}
        assert httpx.get(server.url + STORES, headers=headers, trust_env=False).status_code == 200
        server.services.clock.advance(token["expires_in"])
        refused(httpx.get(server.url + STORES, headers=headers, trust_env=False), 401, 401)
        wrong = {**form, "client_id": "wrong"}
        refused(httpx.post(f"{server.url}/auth/oauth2/token", data=wrong, trust_env=False), 401, 401)

    def test_another_project_is_closed(self, http: httpx.Client, sources: str) -> None:
        refused(http.post(STORES, json={"name": "A", "projectId": OTHER_PROJECT}), 403, 403)
        refused(http.get(STORES, params={"projectId": OTHER_PROJECT}), 403, 403)
        refused(http.get(STORES, params={"projectId": UNKNOWN}), 404, 1002)
        refused(http.get(sources, headers={"X-API-Key": "emu-other-key"}), 403, 403)
        assert http.get(STORES, headers={"X-API-Key": "emu-other-key"}).json()["items"] == []

    def test_wrong_paths_and_methods(self, http: httpx.Client) -> None:
        refused(http.put(STORES), 405, 1013)
        refused(http.get("/cognigy/new/v2.0/nothing"), 404, 1002)

    def test_the_limit_of_the_shared_service(self, server: RunningServer, http: httpx.Client) -> None:
        server.services.options["cognigy.rate_limit"] = "3"
        server.services.clock.advance(300)
        statuses = [http.get(STORES).status_code for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        asked = int(http.get(STORES).headers["retry-after"])
        assert 290 < asked <= 300
        server.services.clock.advance(asked)
        assert http.get(STORES).status_code == 200

    @pytest.mark.parametrize("status", [429, 500, 501, 502, 503, 504])
    def test_injected_refusals_are_in_its_words(self, server: RunningServer, http: httpx.Client, status: int) -> None:
        server.services.faults.add(Fault("error_before", status=status))
        refused(http.get(STORES), status, {500: 1008, 501: 1009}.get(status, status))


class TestStores:
    def test_a_store_lives(self, http: httpx.Client) -> None:
        made = http.post(STORES, json={"name": " Support ", "projectId": PROJECT, "language": "de-DE"}).json()
        path = f"{STORES}/{made['_id']}"
        assert (made["name"], made["language"], made["status"]) == ("Support", "de-DE", "empty")
        assert re.fullmatch("[a-f0-9]{24}", made["_id"])
        changed = http.patch(path, json={"description": "Answers"})
        assert (changed.status_code, changed.content) == (204, b"")
        add(http, f"{path}/sources", "One")
        assert (http.get(path).json()["description"], http.get(path).json()["status"]) == ("Answers", "ready")
        assert http.delete(path).status_code == 204
        refused(http.get(path), 404, 1002)
        refused(http.delete(path), 404, 1002)

    def test_deleting_one_takes_everything_in_it(
        self, emulator: CognigyEmulator, http: httpx.Client, source: str
    ) -> None:
        http.post(f"{source}/chunks", json={"text": "a"})
        assert emulator.holdings.count_chunks() == 1
        http.delete(source.partition("/sources")[0])
        refused(http.get(source), 404, 1002)
        assert emulator.holdings.count_chunks() == 0

    @pytest.mark.parametrize(
        ("body", "code"),
        [({"projectId": PROJECT}, 1000), ({"name": "A"}, 1000), ({"name": "", "projectId": PROJECT}, 1005),
         ({"name": "A", "projectId": "x"}, 1005), ({"name": "A", "projectId": PROJECT, "color": "red"}, 1005)],
    )  # fmt: skip
    def test_what_is_refused(self, http: httpx.Client, body: Json, code: int) -> None:
        refused(http.post(STORES, json=body), 400, code)


class TestSources:
    def test_the_reply_is_wrapped(self, http: httpx.Client, sources: str) -> None:
        answer = http.post(sources, json={"name": "One", "type": "manual", "metaData": {"tags": ["a-b_1"]}})
        assert (answer.status_code, list(answer.json())) == (201, ["knowledgeSource"])
        made = answer.json()["knowledgeSource"]
        assert (made["status"], made["chunkCount"], made["metaData"], made["data"]) == (
            "ready",
            0,
            {"tags": ["a-b_1"]},
            {},
        )
        assert http.get(f"{sources}/{made['_id']}").json() == made

    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({}, 1000),
            ({"name": "  "}, 1005),
            ({"name": "n" * 201}, 1005),
            ({"name": 3}, 1005),
            ({"name": "One", "data": {"a": "b"}}, 1005),
            ({"name": "One", "type": "docx"}, 1005),
            ({"name": "One", "type": "url"}, 1000),
            ({"name": "One", "type": "url", "url": "ftp://x"}, 1005),
            ({"name": "One", "type": "extension"}, 1000),
            ({"name": "One", "metaData": {"tags": [f"t{number}" for number in range(11)]}}, 1005),
            *(({"name": "One", "metaData": {"tags": [tag]}}, 1005) for tag in ("Upper", "sp ace", "ü", "")),
        ],
    )
    def test_what_is_refused(self, http: httpx.Client, sources: str, fields: Json, code: int) -> None:
        refused(http.post(sources, json=fields), 400, code)

    @pytest.mark.parametrize("content", [b"{", b"[1]", b'"x"', b'{"name": NaN}', b"\xff"])
    def test_what_is_no_json_object(self, http: httpx.Client, sources: str, content: bytes) -> None:
        refused(http.post(sources, content=content), 400, 1005)

    def test_names_are_unique_within_a_store(self, http: httpx.Client, sources: str) -> None:
        first = add(http, sources, "One")
        second = add(http, sources, "Two")
        refused(http.post(sources, json={"name": " One "}), 409, 1004)
        refused(http.patch(f"{sources}/{second['_id']}", json={"name": "One"}), 409, 1004)
        assert http.patch(f"{sources}/{first['_id']}", json={"name": "One"}).status_code == 204
        assert http.patch(f"{sources}/{first['_id']}", json={"name": "Three"}).status_code == 204
        assert http.patch(f"{sources}/{second['_id']}", json={"name": "One"}).status_code == 204
        http.delete(f"{sources}/{second['_id']}")
        add(http, sources, "One")

    @pytest.mark.parametrize(("ways", "second"), [("allow", "One"), ("suffix", "One (2)")])
    def test_unless_it_is_switched(
        self, server: RunningServer, http: httpx.Client, sources: str, ways: str, second: str
    ) -> None:
        server.services.options["cognigy.duplicate_names"] = ways
        add(http, sources, "One")
        assert add(http, sources, "One")["name"] == second

    def test_a_patch_names_what_it_changes(self, http: httpx.Client, source: str) -> None:
        changes = {"description": "d", "data": {"a": "b", "n": 1, "f": 1.5, "t": True}, "metaData": {"tags": ["x"]}}
        answer = http.patch(source, json=changes)
        assert (answer.status_code, answer.content) == (204, b"")
        assert http.patch(source, json={}).status_code == 204
        assert http.patch(source).status_code == 204
        found = http.get(source).json()
        assert {key: found[key] for key in changes} == changes
        http.patch(source, json={"data": {}, "metaData": {"tags": []}})
        found = http.get(source).json()
        assert (found["data"], found["metaData"], found["description"]) == ({}, {"tags": []}, "d")

    @pytest.mark.parametrize(
        "changes",
        [
            {"data": {"a": {}}},
            {"data": {"a": []}},
            {"data": {"a": None}},
            {"data": []},
            {"data": None},
            {"data": {f"k{number}": 1 for number in range(21)}},
            {"data": {"1a": "x"}},
            {"data": {"a-b": "x"}},
            {"data": {"k" * 201: "x"}},
            {"data": {"a": "x" * 1001}},
            {"status": "failure"},
            {"status": "gone"},
            {"type": "manual"},
            {"chunkCount": 3},
        ],
    )
    def test_what_a_patch_may_not_say(self, http: httpx.Client, source: str, changes: Json) -> None:
        before = http.get(source).json()
        refused(http.patch(source, json=changes), 400, 1005)
        assert http.get(source).json() == before

    def test_the_largest_data_is_taken(self, http: httpx.Client, source: str) -> None:
        data = {f"k{'x' * 197}{number:02}": "v" * 1000 for number in range(20)}
        assert http.patch(source, json={"data": data}).status_code == 204
        assert http.get(source).json()["data"] == data

    def test_ids(self, http: httpx.Client, sources: str) -> None:
        refused(http.get(f"{sources}/{UNKNOWN}"), 404, 1002)
        for malformed in ("x", "A" * 24, "0" * 23 + "_"):
            refused(http.get(f"{sources}/{malformed}"), 400, 1005)

    def test_deleting_twice(self, emulator: CognigyEmulator, http: httpx.Client, source: str) -> None:
        http.post(f"{source}/chunks", json={"text": "a"})
        assert (http.delete(source).status_code, http.delete(source).status_code) == (204, 404)
        assert emulator.holdings.count_chunks() == 0

    def test_a_body_may_have_60_kilobytes(self, http: httpx.Client, sources: str) -> None:
        fill = 60_000 - len('{"name":"A","description":""}')
        assert http.post(sources, content=b'{"name":"A","description":"%s"}' % (b"x" * fill)).status_code == 201
        refused(http.post(sources, content=b'{"name":"B","description":"%s"}' % (b"x" * (fill + 1))), 413, 413)


class TestChunks:
    def test_the_reply_is_bare(self, http: httpx.Client, source: str) -> None:
        answer = http.post(f"{source}/chunks", json={"text": " a ", "order": 1.0, "data": {"heading": "H"}})
        made = answer.json()
        assert (answer.status_code, made["text"], made["order"], made["data"]) == (201, " a ", 1, {"heading": "H"})
        assert made["disabled"] is False
        assert http.get(f"{source}/chunks/{made['_id']}").json() == made

    def test_the_same_twice_is_a_twin(self, http: httpx.Client, source: str) -> None:
        for _ in range(2):
            http.post(f"{source}/chunks", json={"text": "a", "order": 0})
        listed = http.get(f"{source}/chunks").json()
        assert [chunk["order"] for chunk in listed["items"]] == [0, 0]
        assert http.get(source).json()["chunkCount"] == 2

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({}, 1000),
            ({"text": ""}, 1005),
            ({"text": " \n\t\u00a0"}, 1005),
            ({"text": "x" * 2001}, 1005),
            ({"text": "x" * 1990, "data": {"heading": "four"}}, 1005),
            ({"text": 1}, 1005),
            ({"text": "x", "order": 1.5}, 1005),
            ({"text": "x", "order": "1"}, 1005),
            ({"text": "x", "order": True}, 1005),
            ({"text": "x", "data": {"a": []}}, 1005),
            ({"text": "x", "data": {f"k{number}": 1 for number in range(21)}}, 1005),
            ({"text": "x", "disabled": True}, 1005),
        ],
    )
    def test_what_is_refused(self, http: httpx.Client, source: str, body: Json, code: int) -> None:
        refused(http.post(f"{source}/chunks", json=body), 400, code)
        assert http.get(source).json()["chunkCount"] == 0

    @pytest.mark.parametrize("body", [{"text": "\U0001d11e" * 2000}, {"text": "x" * 1989, "data": {"heading": "four"}}])
    def test_the_longest_is_taken_counted_in_characters(self, http: httpx.Client, source: str, body: Json) -> None:
        assert http.post(f"{source}/chunks", json=body).json()["text"] == body["text"]

    def test_a_thousand_and_no_more(self, emulator: CognigyEmulator, http: httpx.Client, source: str) -> None:
        row = http.get(source).json()
        for number in range(1000):
            emulator.holdings.add_chunk(row, f"chunk {number}")
        refused(http.post(f"{source}/chunks", json={"text": "one more"}), 400, 1005)

    def test_a_patch(self, http: httpx.Client, source: str) -> None:
        made = http.post(f"{source}/chunks", json={"text": "a", "data": {"heading": "H"}}).json()
        path = f"{source}/chunks/{made['_id']}"
        answer = http.patch(path, json={"text": "b", "order": 7.0, "disabled": True})
        assert (answer.status_code, answer.content) == (204, b"")
        found = http.get(path).json()
        assert (found["text"], found["order"], found["disabled"], found["data"]) == ("b", 7, True, {"heading": "H"})
        refused(http.patch(path, json={"text": "x" * 1993}), 400, 1005)
        refused(http.patch(path, json={"text": " "}), 400, 1005)
        assert http.delete(path).status_code == 204
        refused(http.delete(path), 404, 1002)
        assert http.get(source).json()["chunkCount"] == 0

    def test_a_quota(self, server: RunningServer, http: httpx.Client, source: str) -> None:
        server.services.options["cognigy.chunk_quota"] = "1"
        assert http.post(f"{source}/chunks", json={"text": "a"}).status_code == 201
        refused(http.post(f"{source}/chunks", json={"text": "b"}), 402, 402)
        server.services.options.clear()
        server.services.faults.add(Fault("quota", vendor="cognigy"))
        refused(http.post(f"{source}/chunks", json={"text": "b"}), 402, 402)
        assert http.post(f"{source}/chunks", json={"text": "b"}).status_code == 201

    def test_the_list_can_be_filtered_by_text(self, http: httpx.Client, source: str) -> None:
        for text in ("red apple", "green pear"):
            http.post(f"{source}/chunks", json={"text": text})
        found = http.get(f"{source}/chunks", params={"filter": "APPLE"}).json()
        assert ([chunk["text"] for chunk in found["items"]], found["total"]) == (["red apple"], 1)


class TestPaging:
    @pytest.fixture
    def shelf(self, emulator: CognigyEmulator, http: httpx.Client, sources: str) -> str:
        store = emulator.holdings.stores[sources.split("/")[-2]]
        for number in range(230):
            emulator.holdings.add_source(store, f"S{number:03}")
        return sources

    def names(self, answer: httpx.Response) -> list[str]:
        return [source["name"] for source in answer.json()["items"]]

    def test_by_cursor_forth_and_back(self, http: httpx.Client, shelf: str) -> None:
        pages = [http.get(shelf, params={"limit": "100"}).json()]
        while pages[-1]["nextCursor"]:
            pages.append(http.get(shelf, params={"limit": "100", "next": pages[-1]["nextCursor"]}).json())
        names = [source["name"] for page in pages for source in page["items"]]
        assert names == [f"S{number:03}" for number in range(230)]
        assert [len(page["items"]) for page in pages] == [100, 100, 30]
        assert {page["total"] for page in pages} == {230}
        assert pages[0]["previousCursor"] is None
        back = http.get(shelf, params={"limit": "100", "previous": pages[2]["previousCursor"]})
        assert back.json()["items"] == pages[1]["items"]

    def test_by_skip(self, http: httpx.Client, shelf: str) -> None:
        assert self.names(http.get(shelf, params={"limit": "2", "skip": "228"})) == ["S228", "S229"]
        assert self.names(http.get(shelf, params={"skip": "1000"})) == []
        assert len(self.names(http.get(shelf))) == 25

    def test_a_cursor_survives_that_its_source_is_deleted(self, http: httpx.Client, shelf: str) -> None:
        first = http.get(shelf, params={"limit": "10"}).json()
        for source in first["items"]:
            http.delete(f"{shelf}/{source['_id']}")
        assert self.names(http.get(shelf, params={"limit": "2", "next": first["nextCursor"]})) == ["S010", "S011"]

    def test_sorted_and_filtered(self, http: httpx.Client, shelf: str) -> None:
        found = http.get(shelf, params={"filter": "s22", "sort": "name:desc", "limit": "3"})
        assert (self.names(found), found.json()["total"]) == (["S229", "S228", "S227"], 10)
        more = http.get(
            shelf, params={"filter": "s22", "sort": "name:desc", "limit": "3", "next": found.json()["nextCursor"]}
        )
        assert self.names(more) == ["S226", "S225", "S224"]

    @pytest.mark.parametrize(
        "query",
        [
            {"limit": "101"},
            {"limit": "0"},
            {"limit": "x"},
            {"skip": "-1"},
            {"sort": "color"},
            {"sort": "name:up"},
            {"next": "x"},
        ],
    )
    def test_what_is_refused(self, http: httpx.Client, sources: str, query: dict[str, str]) -> None:
        refused(http.get(sources, params=query), 400, 1005)


class TestSearch:
    @pytest.fixture
    def found(self, http: httpx.Client, sources: str) -> Callable[[], list[str]]:
        def search() -> list[str]:
            query = {"knowledgeStoreId": sources.split("/")[-2], "query": "blue whale"}
            return [hit["text"] for hit in http.get("/__cognigy__/search", params=query).json()["topK"]]

        return search

    def test_only_what_is_enabled_is_found(
        self, http: httpx.Client, source: str, found: Callable[[], list[str]]
    ) -> None:
        chunks = [http.post(f"{source}/chunks", json={"text": text}).json() for text in ("blue", "blue whale", "red")]
        assert found() == ["blue whale", "blue"]
        http.patch(f"{source}/chunks/{chunks[1]['_id']}", json={"disabled": True})
        assert found() == ["blue"]
        http.patch(source, json={"status": "disabled"})
        assert found() == []
        http.patch(source, json={"status": "ready"})
        assert found() == ["blue"]
        http.delete(source)
        assert found() == []

    def test_at_most_five_tags(self, http: httpx.Client, sources: str) -> None:
        query = {"knowledgeStoreId": sources.split("/")[-2], "query": "a", "tags": list("abcdef")}
        refused(http.get("/__cognigy__/search", params=query), 400, 1005)


class TestTasks:
    def upload(self, http: httpx.Client, sources: str, name: str, content: bytes, **data: Any) -> httpx.Response:
        return http.post(f"{sources}/upload", files={"file": (name, content)}, data=data)

    def the_source(self, http: httpx.Client, sources: str) -> Json:
        (found,) = http.get(sources).json()["items"]
        assert isinstance(found, dict)
        return found

    def test_a_file_becomes_a_task_and_then_a_source(
        self, server: RunningServer, http: httpx.Client, sources: str
    ) -> None:
        answer = self.upload(http, sources, "a.txt", b"One.\n\nTwo.", tags=["a", "b"], fileName="a.txt")
        task = answer.json()
        assert (answer.status_code, task["type"], task["status"]) == (201, "processKnowledgeSourceFile", "queued")
        source = self.the_source(http, sources)
        assert (source["status"], source["type"], source["chunkCount"]) == ("ingesting", "txt", 0)
        assert source["metaData"]["tags"] == ["a", "b"]
        seen = [task["status"]]
        for _ in range(3):
            server.services.clock.advance(1)
            seen.append(http.get(f"{API}/tasks/{task['_id']}").json()["status"])
        assert seen == ["queued", "active", "active", "done"]
        assert http.get(f"{API}/tasks").json()["total"] == 1
        source = self.the_source(http, sources)
        assert (source["status"], source["chunkCount"], source["metaData"]["extractedChunks"]) == ("ready", 2, 2)

    def test_it_may_fail(self, server: RunningServer, http: httpx.Client, sources: str) -> None:
        server.services.faults.add(Fault("failed_ingestion", vendor="cognigy", operation="*.pdf"))
        task = self.upload(http, sources, "a.pdf", b"%PDF").json()
        server.services.clock.advance(10)
        assert http.get(f"{API}/tasks/{task['_id']}").json()["status"] == "error"
        source = self.the_source(http, sources)
        assert (source["status"], source["metaData"]["failReason"]) == ("failure", "the content could not be extracted")
        assert http.get(sources.removesuffix("/sources")).json()["status"] == "warning"

    def test_it_may_be_cancelled_once(self, server: RunningServer, http: httpx.Client, sources: str) -> None:
        path = f"{API}/tasks/{self.upload(http, sources, 'a.txt', b'One.').json()['_id']}"
        assert http.post(f"{path}/cancel").json()["status"] == "cancelling"
        refused(http.post(f"{path}/cancel"), 400, 1005)
        server.services.clock.advance(10)
        assert http.get(path).json()["status"] == "cancelled"
        assert self.the_source(http, sources)["status"] == "failure"

    def test_its_source_may_be_deleted_meanwhile(self, server: RunningServer, http: httpx.Client, sources: str) -> None:
        path = f"{API}/tasks/{self.upload(http, sources, 'a.txt', b'One.').json()['_id']}"
        http.delete(f"{sources}/{self.the_source(http, sources)['_id']}")
        server.services.clock.advance(10)
        assert http.get(path).json()["status"] == "done"

    def test_a_web_page(self, server: RunningServer, http: httpx.Client, sources: str) -> None:
        answer = http.post(sources, json={"name": "Page", "type": "url", "url": "https://example.com/"}).json()
        assert (answer["knowledgeSource"]["status"], answer["taskData"]["type"]) == (
            "ingesting",
            "processKnowledgeSourceUrl",
        )
        server.services.clock.advance(10)
        assert (self.the_source(http, sources)["status"], self.the_source(http, sources)["chunkCount"]) == ("ready", 1)

    def test_a_ctxt_file(self, server: RunningServer, http: httpx.Client, sources: str) -> None:
        content = "`url: https://example.com/a`\n`title: A`\nOne.\nStill one.\n\n\nTwo.\n"
        self.upload(http, sources, "a.ctxt", content.encode())
        server.services.clock.advance(10)
        source = self.the_source(http, sources)
        assert source["data"] == {"url": "https://example.com/a", "title": "A"}
        chunks = http.get(f"{sources}/{source['_id']}/chunks").json()["items"]
        assert [chunk["text"] for chunk in chunks] == ["One.\nStill one.", "Two."]

    def test_a_chunk_that_is_too_long_fails_the_file(
        self, server: RunningServer, http: httpx.Client, sources: str
    ) -> None:
        self.upload(http, sources, "a.ctxt", b"x" * 2001)
        server.services.clock.advance(10)
        assert "2001 characters" in self.the_source(http, sources)["metaData"]["failReason"]

    @pytest.mark.parametrize(
        ("name", "content", "status"),
        [
            ("a.exe", b"x", 400),
            ("a", b"x", 400),
            ("a.txt", b"\xff\xfe", 400),
            ("a.pdf", b"x" * 10_000_001, 413),
            ("a:b.ctxt", b"x", 400),
            ("n" * 196 + ".ctxt", b"x", 400),
            ("a.ctxt", b"`1bad key: x`\ntext", 400),
        ],
    )
    def test_files_that_are_refused(
        self, http: httpx.Client, sources: str, name: str, content: bytes, status: int
    ) -> None:
        refused(self.upload(http, sources, name, content), status, 413 if status == 413 else 1005)

    def test_an_upload_without_a_file(self, http: httpx.Client, sources: str) -> None:
        refused(http.post(f"{sources}/upload", data={"tags": "a"}), 400, 1000)


class TestConnectors:
    @pytest.fixture
    def connectors(self, sources: str) -> str:
        return sources.removesuffix("sources") + "connectors"

    @pytest.fixture
    def connector(self, http: httpx.Client, connectors: str) -> Json:
        made: Json = http.post(connectors, json={"name": "C", "extension": "e", "type": "emulatedConnector"}).json()
        return made

    def test_one_lives(self, http: httpx.Client, connectors: str, connector: Json) -> None:
        path = f"{connectors}/{connector['_id']}"
        schedule = {"enabled": True, "hour": 23, "minute": 59, "weekDays": [0, 6]}
        assert http.patch(path, json={"schedule": schedule, "config": {"tags": ["a"]}}).status_code == 204
        found = http.get(path).json()
        assert (found["schedule"]["weekDays"], found["config"], found["lastExecutionStatus"]) == (
            [0, 6],
            {"tags": ["a"]},
            "none",
        )
        assert http.get(connectors).json()["total"] == 1
        for hour, days in ((24, [0]), (0, [7])):
            refused(http.patch(path, json={"schedule": {"hour": hour, "weekDays": days}}), 400, 1005)
        assert http.delete(path).status_code == 204
        refused(http.get(path), 404, 1002)

    def test_descriptors(self, http: httpx.Client, sources: str) -> None:
        assert http.get(sources.removesuffix("sources") + "descriptors").json()["total"] == 1

    def test_a_source_of_one(self, http: httpx.Client, sources: str, connector: Json) -> None:
        for connector_id in (connector["_id"], connector["referenceId"]):
            made = add(http, sources, connector_id, type="extension", connectorId=connector_id)
            assert made["connectorReference"] == connector["referenceId"]
        refused(http.post(sources, json={"name": "X", "type": "extension", "connectorId": UNKNOWN}), 404, 1002)


def test_operations_have_short_names(emulator: CognigyEmulator) -> None:
    ids = {"K": f"{API}/knowledgestores", "s": UNKNOWN}
    names = {
        path: emulator.operation("POST", path.format(**ids))
        for path in ("{K}", "{K}/{s}", "{K}/{s}/sources", "{K}/{s}/sources/{s}", "{K}/{s}/sources/upload",
                     "{K}/{s}/sources/{s}/chunks", "{K}/{s}/sources/{s}/chunks/{s}", "{K}/{s}/connectors/{s}",
                     "{K}/{s}/descriptors", "/v2.0/tasks", "/v2.0/tasks/{s}/cancel", "/auth/oauth2/token")
    }  # fmt: skip
    assert [name.removeprefix("POST ") for name in names.values()] == [
        "stores", "store", "sources", "source", "upload", "chunks", "chunk", "connector", "descriptors", "tasks", "cancel", "token"
    ]  # fmt: skip


def test_a_seed_fills_in_what_is_nobodys() -> None:
    with running([CognigyEmulator], seed=3) as server:
        (store,) = httpx.get(server.url + STORES, headers={"X-API-Key": "emu-key"}, trust_env=False).json()["items"]
        table = server.vendor("cognigy").overview()[0]
        assert table.rows[0] == ("Emulated", store["_id"], "ready", 3, 6)
        wanted = server.vendor("cognigy").target_table(server.url)
        assert wanted is not None
        assert wanted["knowledge_store"] == store["name"]
