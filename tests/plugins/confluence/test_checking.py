"""What a person may ask: `connector check` and `connector explain`, and what the configuration refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from knowledge_connector import Finding
from knowledge_connector_confluence import ConfluenceConfig
from knowledge_connector_confluence.checking import id_of
from knowledge_connector_confluence.emulator import CLOUD_ID, SCOPED_TOKEN
from plugins.confluence.stage import PERSONALITIES, Stage, staged

API_TOKEN = {"type": "api_token", "email": "reader@example.com", "api_token": "t"}


def check(stage: Stage, **options: object) -> list[Finding]:
    with stage.context() as context:
        return list(stage.connector(**options).check(context))


def bad(findings: list[Finding]) -> dict[str, str]:
    return {finding.subject: finding.message for finding in findings if not finding.ok}


@pytest.mark.parametrize("personality", PERSONALITIES)
def test_all_is_well(tmp_path: Path, personality: str) -> None:
    with staged(tmp_path, personality) as stage:
        found = check(stage, attachments=True, comments=True, acl=True, sweep_hours=24.0, ancestor_ids=["1"])
        assert bad(found) == {}
        wanted = {
            "login",
            "space ENG",
            "bodies",
            "labels",
            "ancestors",
            "attachments",
            "comments",
            "restrictions",
            "search",
        }
        assert wanted <= {finding.subject for finding in found}


def test_a_scoped_token_at_the_site_is_told_its_address(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        found = bad(check(stage, auth={**API_TOKEN, "api_token": SCOPED_TOKEN}))
        assert found["base_url"].endswith(f"https://api.atlassian.com/ex/confluence/{CLOUD_ID}/wiki")


@pytest.mark.parametrize(
    ("scope", "options", "subject"),
    [
        ("read:attachment", {"attachments": True}, "attachments"),
        ("read:comment", {"comments": True}, "comments"),
        ("read:content.restriction", {"acl": True}, "restrictions"),
        ("search", {}, "labels"),
        ("read:space", {}, "spaces"),
        ("read:user", {}, "login"),
    ],
)
def test_a_scope_that_is_missing_is_found(tmp_path: Path, scope: str, options: dict[str, object], subject: str) -> None:
    with staged(tmp_path, "gateway", emulate={"missing_scopes": f"{scope}:confluence"}) as stage:
        found = bad(check(stage, **options))
        assert list(found) == [subject]
        assert "scope" in found[subject]


def test_a_stranger_is_found_out(tmp_path: Path) -> None:
    with staged(tmp_path, "datacenter") as stage:
        found = bad(check(stage, auth={"type": "token", "token": "expired"}))
        assert list(found) == ["login"]
        assert "stranger" in found["login"]


def explain(stage: Stage, needle: str, **options: object) -> str:
    with stage.context() as context:
        return stage.connector(**options).explain(needle, context) or ""


@pytest.mark.parametrize("personality", ["cloud", "datacenter"])
def test_a_page_is_found_by_any_of_its_names(tmp_path: Path, personality: str) -> None:
    with staged(tmp_path, personality) as stage:
        for needle in (
            "10000005",
            "1000/10000005",
            "https://x/wiki/spaces/ENG/pages/10000005/Title",
            "https://x/pages/viewpage.action?pageId=10000005",
            "https://x/display/ENG/Guide+0000005+to+passwords",
        ):
            assert "is read, version" in explain(stage, needle), needle


def test_the_rule_that_leaves_a_page_out_is_named(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        assert "space_keys" in explain(stage, "10000005", space_keys=["HR"])
        assert "exclude_labels" in explain(stage, "10000005", exclude_labels=["passwords"])
        assert "exclude_ancestor_ids" in explain(stage, "10000005", exclude_ancestor_ids=["10000000"])
        assert "not there" in explain(stage, "4711")
        assert explain(stage, "some words") == ""


@pytest.mark.parametrize(
    ("needle", "id_"),
    [
        ("https://x/wiki/spaces/ENG/blog/2026/03/01/123/Title", "123"),
        ("https://x/wiki/spaces/ENG/folder/123", "123"),
        ("7/123/att456", "123"),
        ("https://wiki.example.com/x/AQAB", "65537"),
    ],
)
def test_addresses_of_other_forms(needle: str, id_: str) -> None:
    assert id_of(needle) == id_


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"base_url": "acme.atlassian.net"}, "https://"),
        ({"base_url": "https://acme.atlassian.net"}, "/wiki"),
        ({"base_url": "https://me:pw@wiki.example.com"}, "neither a user"),
        (
            {"auth": {"type": "oauth", "client_id": "c", "client_secret": "s", "token_url": "http://evil.example.com"}},
            "https://",
        ),
        ({"auth": {"type": "none"}}, "api_token"),
        ({"kinds": []}, "at least 1"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        ConfluenceConfig.model_validate({"base_url": "https://acme.atlassian.net/wiki", "auth": API_TOKEN} | options)


@pytest.mark.parametrize(
    ("address", "is_cloud"),
    [
        ("https://acme.atlassian.net/wiki", True),
        ("https://api.atlassian.com/ex/confluence/1-2/wiki/", True),
        ("https://wiki.example.com", False),
        ("https://wiki.example.com/wiki", False),
    ],
)
def test_the_address_tells_the_deployment(address: str, is_cloud: bool) -> None:
    assert ConfluenceConfig.model_validate({"base_url": address, "auth": API_TOKEN}).is_cloud == is_cloud
