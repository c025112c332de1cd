"""What Graph bears: resource units, pauses, batches; answers that are none; and the doors of the frame."""

from __future__ import annotations

import base64
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from knowledge_connector import ConfigError
from knowledge_connector.testing.emulation import RunningServer, running
from knowledge_connector.testing.emulation.configuring import write_config
from knowledge_connector_sharepoint.emulator import SharePointEmulator
from knowledge_connector_sharepoint.emulator.changes import KINDS
from plugins.sharepoint.graph_caller import Graph, Row, drive, emulator, site

DELTA = f"{drive('documents')}/root/delta"


# ------------------------------------------------------------------------------------------------------------------- units


def test_what_requests_cost(graph: Graph) -> None:
    folder = graph.item("Section 001")["id"]
    link = graph.get(f"{DELTA}?$top=5")["@odata.nextLink"]
    costs = {
        f"{drive('documents')}": 1,
        f"{drive('documents')}/items/{folder}": 1,
        f"{drive('documents')}/items/{folder}/children": 2,
        DELTA: 2,
        link: 1,
        f"{drive('documents')}/items/{folder}/permissions": 5,
        f"{drive('documents')}/items/{folder}?$expand=permissions": 5,
        f"{site('handbook')}/drives": 2,
    }
    for path, cost in costs.items():
        before = graph.emulator.graph.throttle.units
        graph.get(path)
        assert graph.emulator.graph.throttle.units - before == cost, path


def test_units_of_a_minute(graph: Graph) -> None:
    graph.begin_anew(units_per_minute="10")
    answers = [graph.http.get(drive("documents")) for _ in range(12)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 2
    noticed = [answer.headers.get("ratelimit-remaining") for answer in answers]
    assert noticed == [None] * 7 + ["2", "1", "0", "0", "0"]
    assert answers[8].headers["ratelimit-limit"] == "10"
    wait = int(answers[-1].headers["retry-after"])
    assert 0 < wait <= 60
    assert answers[-1].json()["error"]["code"] == "activityLimitReached"
    graph.server.services.clock.advance(wait)
    assert graph.get(drive("documents"))


def test_units_of_a_day(graph: Graph) -> None:
    graph.begin_anew(units_per_day="3")
    assert [graph.http.get(drive("documents")).status_code for _ in range(4)] == [200, 200, 200, 429]
    graph.server.services.clock.advance(120)
    answer = graph.http.get(drive("documents"))
    assert int(answer.headers["retry-after"]) > 80_000


@pytest.mark.parametrize(("form", "expected"), [(None, "30"), ("7", "7"), ("0", "0"), ("date", "date"), ("none", None)])
def test_503_in_every_form(graph: Graph, form: str | None, expected: str | None) -> None:
    graph.let("unavailable", seconds=30, retry_after=form, operation="GET drive")
    answer = graph.http.get(drive("documents"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "serviceNotAvailable")
    told = answer.headers.get("retry-after")
    if expected == "date":
        assert told
        assert 28 <= (parsedate_to_datetime(told) - graph.server.services.clock.now()).total_seconds() <= 32
    else:
        assert told == expected


def test_requests_during_a_pause_are_counted(graph: Graph) -> None:
    graph.let("unavailable", seconds=30)
    assert [graph.http.get(drive("documents")).status_code for _ in range(3)] == [503] * 3
    assert graph.emulator.graph.throttle.during_pause == 2
    graph.server.services.clock.advance(30)
    assert graph.get(drive("documents"))
    assert graph.emulator.graph.throttle.during_pause == 2


@pytest.mark.parametrize("form", ["date", "none", "0", "9"])
def test_429_of_the_frame(graph: Graph, form: str) -> None:
    graph.let("rate_limit", seconds=5, retry_after=form, operation="GET delta")
    answer = graph.http.get(DELTA)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "activityLimitReached")
    assert ("retry-after" in answer.headers) == (form != "none")
    assert graph.http.get(DELTA).status_code == 429
    assert len(graph.server.log.during_pause("sharepoint")) == 1


@pytest.mark.parametrize(
    ("status", "code"), [(500, "generalException"), (504, "GatewayTimeout"), (509, "bandwidthLimitExceeded")]
)
def test_other_errors_of_the_frame(graph: Graph, status: int, code: str) -> None:
    graph.let("error_before", status=status, operation="GET delta", after=1)
    link = graph.get(f"{DELTA}?$top=5")["@odata.nextLink"]
    assert graph.refusal(link) == (status, code)
    assert graph.get(link)["value"]


def test_an_error_has_what_a_ticket_needs(graph: Graph) -> None:
    error = graph.http.get("drives/none").json()["error"]
    assert {"code", "message", "innerError"} == error.keys()
    assert {"request-id", "client-request-id"} <= error["innerError"].keys()


@pytest.mark.parametrize("kind", ["empty_answer", "html_answer"])
def test_200_and_no_json(graph: Graph, kind: str) -> None:
    graph.let(kind, operation="GET delta")
    answer = graph.http.get(DELTA)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()


# ------------------------------------------------------------------------------------------------------------------- batch


def batch(graph: Graph, *urls: str, status: int = 200, **more: object) -> dict[str, Row]:
    parts = [{"id": str(number), "method": "GET", "url": url, **more} for number, url in enumerate(urls, 1)]
    answer = graph.http.post("$batch", json={"requests": parts})
    assert answer.status_code == status, answer.text
    assert len({row["id"] for row in answer.json().get("responses", [])}) == (len(urls) if status == 200 else 0)
    return {row["id"]: row for row in answer.json().get("responses", [])}


def permissions_of(graph: Graph, count: int) -> list[str]:
    rows = [row for row in graph.rows(DELTA) if "file" in row][:count]
    return [f"/{drive('documents')}/items/{row['id']}/permissions" for row in rows]


def test_a_batch(graph: Graph) -> None:
    urls = permissions_of(graph, 20)
    before = graph.emulator.graph.throttle.units
    parts = batch(graph, *urls)
    assert graph.emulator.graph.throttle.units - before == 20 * 5
    assert [parts[str(number)]["body"]["value"] for number in range(1, 21)] == [graph.get(url)["value"] for url in urls]


def test_answers_come_in_another_order(graph: Graph) -> None:
    parts = [{"id": str(number), "method": "GET", "url": f"/{drive('documents')}"} for number in range(1, 8)]
    answer = graph.http.post("$batch", json={"requests": parts}).json()["responses"]
    order = [row["id"] for row in answer]
    assert sorted(order) == [str(number) for number in range(1, 8)] != order


def test_more_than_twenty_are_refused(graph: Graph) -> None:
    batch(graph, *[f"/{drive('documents')}"] * 21, status=400)


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [{"id": "a", "method": "GET", "url": "/sites/root"}, {"id": "A", "method": "GET", "url": "/sites/root"}],
        [{"method": "GET", "url": "/sites/root"}],
        "none",
    ],
)
def test_batches_that_make_no_sense(graph: Graph, requests: object) -> None:
    assert graph.http.post("$batch", json={"requests": requests}).status_code == 400


@pytest.mark.parametrize("url", ["sites/root", "/v1.0/sites/root", "https://graph.microsoft.com/v1.0/sites/root"])
def test_addresses_of_parts_are_relative_and_without_a_version(graph: Graph, url: str) -> None:
    assert batch(graph, url)["1"]["status"] == 400


def test_parts_fail_by_themselves(graph: Graph) -> None:
    one, two, three = permissions_of(graph, 3)
    graph.let("batch_throttled", operation="GET permissions", after=1, seconds=12)
    parts = batch(graph, one, two, three, "/drives/none", f"/{drive('secret')}")
    assert {number: parts[number]["status"] for number in parts} == {"1": 200, "2": 429, "3": 200, "4": 404, "5": 403}
    assert parts["2"]["headers"]["Retry-After"] == "12"
    assert parts["4"]["body"]["error"]["code"] == "itemNotFound"


@pytest.mark.parametrize(("kind", "status"), [("batch_missing", 404), ("batch_unauthorized", 401)])
def test_parts_can_be_made_to_fail(graph: Graph, kind: str, status: int) -> None:
    graph.let(kind)
    assert batch(graph, f"/{drive('documents')}")["1"]["status"] == status
    assert batch(graph, f"/{drive('documents')}")["1"]["status"] == 200


def test_a_part_that_is_no_json(graph: Graph) -> None:
    graph.let("html_answer", operation="GET drive")
    part = batch(graph, f"/{drive('documents')}")["1"]
    assert part["status"] == 200
    assert b"Sign in" in base64.b64decode(part["body"])


def test_tokens_can_end_between_parts(graph: Graph) -> None:
    graph.let("revoke", operation="GET permissions", after=1)
    parts = batch(graph, *permissions_of(graph, 3))
    assert [parts[number]["status"] for number in "123"] == [200, 401, 401]
    batch(graph, "/sites/root", status=401)


def test_a_content_in_a_batch_is_a_redirect(graph: Graph) -> None:
    item = graph.item("Curiosities/Report.docx")
    part = batch(graph, f"/{drive('documents')}/items/{item['id']}/content")["1"]
    assert part["status"] == 302
    assert graph.fetch(part["headers"]["Location"]).content.startswith(b"PK")


def test_parts_that_depend_on_others(graph: Graph) -> None:
    parts: list[dict[str, Any]] = [
        {"id": "1", "method": "GET", "url": "/drives/none"},
        {"id": "2", "method": "GET", "url": "/sites/root", "dependsOn": ["1"]},
        {"id": "3", "method": "GET", "url": "/sites/root"},
        {"id": "4", "method": "GET", "url": "/sites/root", "dependsOn": ["3"]},
    ]
    answer = graph.http.post("$batch", json={"requests": parts}).json()["responses"]
    assert {row["id"]: row["status"] for row in answer} == {"1": 404, "2": 424, "3": 200, "4": 200}


# ------------------------------------------------------------------------------------------------------------------- doors


def test_requests_are_seen_as_they_came(graph: Graph) -> None:
    graph.emulator.witness.clear()
    graph.get(f"{DELTA}?$select=id", User_Agent="NONISV|Example|Tests/1.0", client_request_id="7")
    (seen,) = graph.emulator.witness
    assert (seen.method, seen.query, seen.elsewhere) == ("GET", "$select=id", False)
    assert (seen.headers["user-agent"], seen.headers["client-request-id"]) == ("NONISV|Example|Tests/1.0", "7")
    assert seen.headers["authorization"] == "Bearer"
    assert not seen.leaks


def test_names_of_operations(graph: Graph) -> None:
    host = "contoso.sharepoint.com"
    expected = {
        "GET site": f"/v1.0/sites/{host}:/sites/Handbook",
        "GET drives": f"/v1.0/sites/{host}:/sites/Handbook:/drives",
        "GET item": "/v1.0/drives/b!x/root:/A/B",
        "GET children": "/v1.0/drives/b!x/root:/A/B:/children",
        "GET delta": "/v1.0/drives/b!x/root/delta",
        "GET content": "/v1.0/drives/b!x/items/01/content",
        "GET getAllSites": "/v1.0/sites/getAllSites",
        "GET list delta": "/v1.0/sites/a,b,c/lists/x/items/delta",
        "GET download": "/_layouts/15/download.aspx",
        "GET unknown": "unknown",
    }
    assert {name: graph.emulator.operation("GET", path) for name, path in expected.items()} == {
        name: name for name in expected
    }
    assert graph.emulator.operation("POST", "/v1.0/$batch") == "POST batch"
    assert not [one for one in graph.server.log.entries("sharepoint") if one.writes]
    assert graph.emulator.is_write("DELETE", "/v1.0/drives/b!x/items/01")
    assert graph.http.delete(f"{drive('documents')}/items/01").status_code == 405


def test_the_frame_leads_to_graph_below_its_name_too(graph: Graph) -> None:
    url = f"{graph.server.services.secure_url}/sharepoint/v1.0/{DELTA}?$top=5"
    link = graph.get(url)["@odata.nextLink"]
    assert link.startswith(f"{graph.server.services.secure_url}/sharepoint/v1.0/")
    assert len(graph.get(link)["value"]) == 5


def control(graph: Graph, kind: str, **arguments: str) -> httpx.Response:
    return httpx.post(f"{graph.server.url}/__emulator__/change/sharepoint/{kind}", json=arguments)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "restore"])
def test_every_change_works_without_arguments(graph: Graph, kind: str) -> None:
    answer = control(graph, kind)
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["changed"]) > 10


def test_one_after_the_other(graph: Graph) -> None:
    told = [control(graph, "delete").json()["changed"] for _ in range(3)]
    assert len(set(told)) == 3
    assert "is back" in control(graph, "restore").json()["changed"]


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("edit", {"item": "None.md"}, "there is no 'None.md'"),
        ("edit", {"library": "none"}, "there is no library 'none'; there are documents"),
        ("edit", {"nonsense": "1"}, "edit knows no nonsense"),
        ("restore", {}, "not in the bin"),
        ("move", {"item": "Curiosities/Report.docx", "to": "Curiosities"}, "it is there already"),
        ("move", {"to": "Curiosities/Report.docx"}, "is no folder"),
        ("move_folder", {"item": "Section 001", "to": "Section 001/Topic 0001"}, "it is that folder"),
        ("move_drive", {"to": "documents"}, "is no other library"),
        ("move_drive", {"to": "pages"}, "is no other library"),
        ("acl", {"acl": "some"}, "there is no acl 'some'; there are user"),
        ("site", {"state": "ajar"}, "no state 'ajar'"),
        ("add", {"name": "Section 001"}, "there is a 'Section 001' already"),
    ],
)
def test_what_makes_no_sense_is_said(graph: Graph, kind: str, arguments: dict[str, str], message: str) -> None:
    answer = control(graph, kind, **arguments)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_when_everything_was_changed_one_has_to_be_named(graph: Graph) -> None:
    graph.begin_anew(documents="10", curiosities="none")
    for _ in range(6):
        graph.change("edit")
    with pytest.raises(ValueError, match="nobody left a file unchanged"):
        graph.change("edit")


def test_the_start_page(graph: Graph) -> None:
    page = httpx.get(graph.server.url).text
    assert "https://contoso.sharepoint.com/sites/Handbook" in page
    assert "move_drive" in page


def test_the_table_for_connectors(graph: Graph, tmp_path: Path) -> None:
    import tomllib

    file = tmp_path / "connectors.toml"
    assert write_config(file, [graph.emulator], graph.server.url) == ["connectors.sharepoint"]
    table = tomllib.loads(file.read_text(encoding="utf-8"))["connectors"]["sharepoint"]
    assert table["graph_url"] == table["login_url"] == graph.server.services.secure_url
    assert Path(table["http"]["ca_file"]).is_file()
    secret = tmp_path / table["auth"]["client_secret"]["file"]
    assert secret.read_text(encoding="utf-8") == "emu-secret"


# -------------------------------------------------------------------------------------------------------------- beginnings


def counts(server: RunningServer) -> dict[str, int]:
    return {place.shelf.key: place.shape.files for place in emulator(server).world.libraries()}


def test_a_seed_goes_before_the_option() -> None:
    with running([SharePointEmulator], seed=100, options={"sharepoint.documents": "8"}) as server:
        found = counts(server)
    assert (found["documents"], found["policies"], found["vertrieb"]) == (50, 25, 25)


def test_a_state_file_outlives_the_server(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with running([SharePointEmulator], seed=12, state=state) as server:
        graph = Graph(server)
        with graph.http:
            _, link = graph.delta(DELTA)
            graph.change("rename", item="Section 001", name="Kept")
    with running([SharePointEmulator], seed=500, state=state) as server:
        graph = Graph(server)
        with graph.http:
            assert counts(server)["documents"] == 6
            token = link.partition("?")[2]
            assert [row["name"] for row in graph.delta(f"{DELTA}?{token}")[0]] == ["root", "Kept"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("sharepoint.curiosities", "many", "sharepoint.curiosities is 'many'; it can be none, mild, all"),
        ("sharepoint.documents", "-1", "sharepoint.documents is '-1'; it should be a number"),
        ("sharepoint.document", "1", "no option 'sharepoint.document'; there are documents, pages"),
    ],
)
def test_switches_that_mean_nothing(name: str, value: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message), running([SharePointEmulator], options={name: value}):
        pass


def test_switches_of_others_are_theirs() -> None:
    with running([SharePointEmulator], options={"cognigy.duplicate_names": "allow"}) as server:
        assert counts(server)["documents"] == 20
