"""The options: what is taken, and what is refused with which words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from knowledge_connector_sharepoint import SharePointConfig

LEAST: dict[str, Any] = {
    "tenant": "contoso.onmicrosoft.com",
    "client_id": "11111111-2222-3333-4444-555555555555",
    "auth": {"type": "secret", "client_secret": "sesame"},
}


def config(**changes: Any) -> SharePointConfig:
    return SharePointConfig.model_validate({**LEAST, **changes})


@pytest.mark.parametrize(
    ("cloud", "graph", "login", "domain"),
    [
        ("global", "https://graph.microsoft.com", "https://login.microsoftonline.com", "sharepoint.com"),
        ("gcc-high", "https://graph.microsoft.us", "https://login.microsoftonline.us", "sharepoint.us"),
        ("dod", "https://dod-graph.microsoft.us", "https://login.microsoftonline.us", "sharepoint-mil.us"),
        ("china", "https://microsoftgraph.chinacloudapi.cn", "https://login.chinacloudapi.cn", "sharepoint.cn"),
    ],
)
def test_each_cloud_has_its_hosts(cloud: str, graph: str, login: str, domain: str) -> None:
    hosts = config(cloud=cloud).hosts
    assert (hosts.graph_url, hosts.login_url, hosts.sharepoint_domain) == (graph, login, domain)


def test_hosts_can_be_given_one_by_one() -> None:
    hosts = config(graph_url="https://graph.example.com/").hosts
    assert hosts.graph_url == "https://graph.example.com"
    assert hosts.login_url == "https://login.microsoftonline.com"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"graph_url": "http://graph.microsoft.com"}, "with https and without a path"),
        ({"login_url": "https://login.microsoftonline.com/common"}, "without a path"),
        ({"sites": ["HR"]}, "should be an address such as"),
        ({"include": ["# nothing"]}, "is blank, a comment"),
        ({"files": False, "pages": False}, "there is nothing to read"),
        ({"auth": {"type": "password"}}, "'secret', 'certificate'"),
        ({"auth": {"type": "secret"}}, "client_secret"),
        ({"tenant": "a/b"}, "tenant"),
        ({"user_agent": "two\nlines"}, "user_agent"),
        ({"site": []}, "Extra inputs"),
        (
            {"sites": ["https://contoso.sharepoint.us/sites/HR"]},
            r"sharepoint\.us.*is no host of.*sharepoint\.com",
        ),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        config(**changes)


def test_the_secret_is_not_shown() -> None:
    assert "sesame" not in f"{config()!r} {config()}"
