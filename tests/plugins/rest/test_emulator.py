"""The emulated services themselves: as large as one likes, changed on demand, and a configuration that works as it stands."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from knowledge_connector import Host
from knowledge_connector.config import load
from knowledge_connector.testing.emulation import RunningServer, running
from knowledge_connector.testing.emulation.configuring import write_config
from knowledge_connector_rest.emulator import STYLES, RestEmulator
from knowledge_connector_rest.emulator_access import BEARER, PASSWORD, USER
from plugins.rest.world import emulator_of

AUTH = {"Authorization": f"Bearer {BEARER}"}


def test_its_configuration_works_as_it_stands(tmp_path: Path, server: RunningServer) -> None:
    file = tmp_path / "connectors.toml"
    assert write_config(file, server.vendors, server.url) == ["connectors.rest"]
    with Host(load(file, {})) as host:
        assert (host.run("rest").created, host.warnings()) == (40, [])
        assert server.log.counts() == {"POST token": 1, "GET tickets": 1}


@pytest.mark.parametrize("documents", [10, 1_000_000])
def test_it_is_as_large_as_one_likes(documents: int) -> None:
    with (
        running([RestEmulator], options={"rest.documents": str(documents)}) as server,
        httpx.Client(headers=AUTH) as client,
    ):
        emulator_of(server).change("delete", {"service": "handbook", "id": "3"})
        began = time.process_time()
        tickets = client.get(f"{server.url}/rest/desk/v1/tickets", params={"page_size": 10}).json()
        assert [one["id"] for one in tickets["data"]] == list(range(1001, 1011))
        last = {"offset": documents - 5, "limit": 10}
        pages = client.get(f"{server.url}/rest/handbook/v1/pages", params=last, auth=(USER, PASSWORD)).json()
        assert (pages["totalSize"], [one["id"] for one in pages["results"]][-1]) == (documents - 1, documents)
        since = {"updated_since": "2025-11-24T00:00:00Z"} if documents > 10 else {}
        assert client.get(f"{server.url}/rest/desk/v1/tickets", params=since).is_success
        assert time.process_time() - began < 1  # a listing costs its page, not the whole


def test_the_number_of_the_command_line_counts_too() -> None:
    with running([RestEmulator], seed=25) as server:
        assert emulator_of(server).shelves["desk"].total == 25


@pytest.mark.parametrize("kind", RestEmulator.change_kinds)
def test_it_changes_something_by_itself(server: RunningServer, kind: str) -> None:
    emulator = emulator_of(server)
    before = emulator.shelves["desk"].after(-1, 50)
    assert httpx.post(f"{server.url}/__emulator__/change/rest/{kind}").json()["changed"].startswith("desk: document ")
    assert emulator.shelves["desk"].after(-1, 50) != before
    server.reset()
    assert emulator.shelves["desk"].after(-1, 50) == before


@pytest.mark.parametrize(
    ("kind", "arguments", "told"),
    [
        ("paint", {}, "there is no change 'paint'"),
        ("edit", {"service": "shop"}, "there is no service 'shop'"),
        ("edit", {"id": "x"}, "should be a number"),
        ("delete", {"id": "99"}, "there is no document 99"),
    ],
)
def test_a_change_that_cannot_be_is_told(
    server: RunningServer, kind: str, arguments: dict[str, str], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        emulator_of(server).change(kind, arguments)


@pytest.mark.parametrize("path", ["/desk/v1/tickets", "/cms/v1/categories", "/handbook/v1/pages"])
def test_nobody_gets_in_without_saying_who(server: RunningServer, path: str) -> None:
    assert httpx.get(f"{server.url}/rest{path}").status_code == 401


def test_the_store_of_files_knows_who_loses_a_secret(server: RunningServer) -> None:
    url = f"{server.services.elsewhere_url}/rest/cms/v1/store/a-0"
    assert httpx.get(url).status_code == 200
    assert httpx.get(url, headers={"Range": "bytes=10-"}).content == httpx.get(url).content[10:]
    for headers in ({"X-Api-Key": "x"}, {"Cookie": "a=b"}, AUTH):
        assert httpx.get(url, headers=headers).status_code == 403
    assert len(emulator_of(server).cms.leaks) == 3


def test_every_style_answers(server: RunningServer) -> None:
    for style in STYLES:
        method = "POST" if style == "search" else "GET"
        answer = httpx.request(method, f"{server.url}/rest/styles/{style}", json={} if method == "POST" else None)
        assert answer.status_code == 200, style
    assert set(server.log.counts("rest")) == {f"GET {style}" for style in STYLES}


def test_the_start_page_shows_the_services(server: RunningServer) -> None:
    page = httpx.get(server.url).text
    assert "handbook" in page
    assert "emulated-api-key" in page
