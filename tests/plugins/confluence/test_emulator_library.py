"""atlassian-python-api at the emulator, as somebody else's client: what the contract measured of it shows here, too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from atlassian import Confluence
from atlassian.confluence import ConfluenceServer
from atlassian.confluence_v2 import ConfluenceV2
from requests import HTTPError

from knowledge_connector.testing.emulation import Fault
from knowledge_connector_confluence.emulator import ACCESS_TOKEN, CLOUD_TOKEN, EMAIL, GATEWAY, SCOPED_TOKEN
from plugins.confluence.emulated import Wiki, wiki

Server: Any = ConfluenceServer  # the library's constructors have no types
Dispatcher: Any = Confluence
Version2: Any = ConfluenceV2


@pytest.fixture
def site() -> Iterator[Wiki]:
    with wiki(documents="400", showcase="off") as opened:
        yield opened


@pytest.fixture
def cloud(site: Wiki) -> Iterator[Any]:
    with Server(f"{site.server.url}/wiki", cloud=True, username=EMAIL, password=CLOUD_TOKEN) as client:
        yield client


@pytest.fixture
def datacenter(site: Wiki) -> Iterator[Any]:
    with Server(f"{site.server.url}/confluence", token=ACCESS_TOKEN) as client:
        yield client


@pytest.fixture
def version2(site: Wiki) -> Iterator[Any]:
    with pytest.warns(DeprecationWarning, match="V1 methods"):
        client = Version2(f"{site.server.url}{GATEWAY}/wiki", username=EMAIL, password=SCOPED_TOKEN)
    with client:
        yield client


def test_the_recommended_way_reaches_both_versions(cloud: Any) -> None:
    pages = cloud.get("api/v2/pages", params={"space-id": ["1000", "1001"], "limit": 3}, advanced_mode=True).json()
    assert [one["id"] for one in pages["results"]] == ["10000000", "10000001", "10000002"]
    found = cloud.get(
        "rest/api/content/search", params={"cql": "id = 10000024", "expand": "version"}, advanced_mode=True
    )
    assert found.json()["results"][0]["version"]["number"] == 1
    assert cloud.get("api/v2/pages/1", advanced_mode=True).status_code == 404, "it never raises"
    restrictions = cloud.get_all_restrictions_for_content("10000024")
    assert restrictions["read"]["restrictions"]["group"]["results"][0]["name"] == "hr/people team"


def test_the_class_of_version_2_reads_behind_the_gateway(version2: Any) -> None:
    assert [one["key"] for one in version2.get_spaces(limit=2)] == ["ENG", "HR", "42", "AND"]
    assert len(version2.get_pages(space_id="1000", limit=30, body_format="storage")) == 100
    assert "<h1>" in version2.get_page_by_id("10000003", body_format="storage")["body"]["storage"]["value"]
    assert len(list(version2.get_child_pages("10000000"))) == 8
    assert [one["name"] for one in version2.get_page_labels("10000000")] == ["backups", "how-to"]


def test_the_class_of_data_center_reads_data_center(datacenter: Any) -> None:
    assert [one["key"] for one in datacenter.get_all_spaces()["results"]] == ["ENG", "HR", "42", "AND"]
    assert datacenter.get_page_by_id("10000001", expand="version")["version"]["number"] == 2
    assert [one["title"] for one in datacenter.get_attachments_from_content("10000000")["results"]] == [
        "figures-0000000.csv"
    ]
    assert len(datacenter.cql("type = page", limit=5)["results"]) == 5
    assert datacenter.get_all_space_permissions("42")["results"][1]["subject"]["type"] == "anonymous"
    assert len(datacenter.get_group_members("confluence-users")["results"]) == 5


def test_the_class_for_cloud_asks_for_paths_that_there_are_none_of(site: Wiki) -> None:
    with (
        Dispatcher(f"{site.server.url}/wiki", username=EMAIL, password=CLOUD_TOKEN, cloud=True) as client,
        pytest.raises(HTTPError),
    ):
        client.cql("type = page")
    assert site.server.log.entries("confluence")[-1].status == 404


def test_removed_endpoints_raise(cloud: Any) -> None:
    with pytest.raises(HTTPError, match="GoneException"):
        cloud.get_all_spaces()


def test_its_own_paging_loses_the_path_of_the_base(site: Wiki, cloud: Any) -> None:
    with pytest.raises(HTTPError):
        list(cloud.iter_cql("type = page"))
    assert [one.path for one in site.server.log.entries("confluence")] == ["/wiki/rest/api/search", "/rest/api/search"]


def test_its_own_paging_stops_where_the_server_clamps(datacenter: Any) -> None:
    pages = datacenter.get_all_pages_from_space_as_generator("ENG", limit=100, expand="body.storage")
    assert len(list(pages)) == 50, "of a hundred"


def test_a_page_to_log_in_looks_like_nothing_at_all(site: Wiki, cloud: Any, version2: Any) -> None:
    site.server.services.faults.add(Fault("login_page", times=0))
    assert version2.get_spaces() == []
    answer = cloud.get("api/v2/spaces", advanced_mode=True)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
