"""Who we are, where we may go, and what is meant by an address."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from knowledge_connector import (
    AuthenticationError,
    Complete,
    ConfigError,
    ConnectorError,
    Document,
    Failure,
    FatalError,
    Item,
    Skip,
)
from knowledge_connector_sharepoint.addresses import share_id
from knowledge_connector_sharepoint.emulator.login import CLIENT_SECRET
from knowledge_connector_sharepoint.emulator.tenant import BY_KEY, SHELVES
from knowledge_connector_sharepoint.graph import Graph
from knowledge_connector_sharepoint.tree import Tree
from plugins.sharepoint.stage import Stage, staged

HEARD = ("knowledge_connector", "msal")
"""Loggers that may speak below WARNING. The host keeps all others silent: httpx tells of requests with their addresses."""

HANDBOOK, VERTRIEB = BY_KEY["handbook"].url, BY_KEY["vertrieb"].url
DOCUMENTS, POLICIES = f"{HANDBOOK}/Shared%20Documents", f"{HANDBOOK}/Policies"


@pytest.fixture(scope="module")
def calm() -> Iterator[Stage]:
    with staged(curiosities="none", documents="40") as stage:
        yield stage


@pytest.fixture
def stage(calm: Stage) -> Iterator[Stage]:
    calm.calm()
    yield calm
    calm.calm()


def drives_in(items: list[Item]) -> set[str]:
    """Keys of the libraries that files come from."""
    ids = {item.id.partition("/")[0] for item in items if isinstance(item, Document)}
    return {key for key, shelf in SHELVES.items() if shelf.drive_id in ids}


def folders_in(items: list[Item]) -> set[str]:
    return {str(item.metadata.get("folder", "")) for item in items if isinstance(item, Document)}


# --------------------------------------------------------------------------------------------------------------- login


def test_one_token_serves_a_whole_reading(stage: Stage) -> None:
    stage.read(stage.connector())
    assert stage.counts()["POST token"] == 1
    assert stage.counts()["GET discovery"] == 1


def test_a_certificate_does_as_well(stage: Stage, tmp_path: Path) -> None:
    made = stage.emulator.login.certificate
    file = tmp_path / "key.pem"
    file.write_text(made.private_key + made.certificate, encoding="ascii")
    items = stage.read(stage.connector(auth={"type": "certificate", "file": file}))
    assert any(isinstance(item, Document) for item in items)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"auth": {"type": "secret", "client_secret": "wrong"}}, "the client secret is wrong.*AADSTS7000215"),
        ({"client_id": "00000000-0000-0000-0000-000000000000"}, "does not know this client_id.*AADSTS700016"),
        ({"tenant": "fabrikam.onmicrosoft.com"}, "does not know the tenant 'fabrikam.onmicrosoft.com'"),
    ],
)
def test_what_is_wrong_with_the_login_is_said(stage: Stage, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        stage.read(stage.connector(**changes))
    assert CLIENT_SECRET not in str(caught.value)
    assert "wrong" not in str(caught.value).replace("is wrong;", "")


def test_a_policy_that_refuses_the_application_is_named(stage: Stage) -> None:
    stage.fail("conditional_access", times=0)
    with pytest.raises(ConfigError, match="conditional access"):
        stage.read(stage.connector())


def test_a_refused_login_is_not_repeated(stage: Stage) -> None:
    with pytest.raises(ConfigError):
        stage.read(stage.connector(auth={"type": "secret", "client_secret": "wrong"}))
    assert stage.counts()["POST token"] == 1


def test_tokens_that_are_never_taken_end_the_run(stage: Stage) -> None:
    stage.fail("unauthorized", operation="GET delta", times=0)
    with pytest.raises(AuthenticationError):
        stage.read(stage.connector())
    assert stage.counts()["GET delta"] == 2, "once, and once with another token"


@pytest.mark.parametrize("after", range(1, 12))
def test_a_token_that_is_revoked_at_any_request_costs_one_more(stage: Stage, after: int) -> None:
    everything = {item.id for item in stage.read(stage.connector()) if isinstance(item, Document)}
    stage.calm()
    stage.fail("revoke", after=after)
    found = {item.id for item in stage.read(stage.connector()) if isinstance(item, Document)}
    assert found == everything
    assert stage.counts()["POST token"] == 2


def test_a_token_that_expires_in_the_middle_is_renewed(stage: Stage) -> None:
    """By the emulator's clock: msal, which looks at the real one, goes on with the old token until it is refused."""
    connector = stage.connector()
    with stage.context(connector) as context:
        found: list[Item] = []
        for item in connector.read(context):
            if isinstance(item, Document) and not found:
                stage.clock.sleep(4000)
            found.append(item)
    assert {item.id for item in found if isinstance(item, Document)} == {
        item.id for item in stage.read(stage.connector()) if isinstance(item, Document)
    }
    assert stage.counts()["POST token"] == 3, "two for the first reading, one for the second"


# ----------------------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("address", "drives"),
    [
        (HANDBOOK, {"documents", "policies", "engineering"}),
        (f"{HANDBOOK}/SitePages/Home.aspx", {"documents", "policies", "engineering"}),
        (f"{HANDBOOK}/engineering", {"engineering"}),
        (HANDBOOK.upper().replace("HTTPS", "https"), {"documents", "policies", "engineering"}),
        (DOCUMENTS, {"documents"}),
        (DOCUMENTS.lower(), {"documents"}),
        (f"{DOCUMENTS}/Forms/AllItems.aspx", {"documents"}),
        (DOCUMENTS.replace("/sites/", "/:f:/r/sites/") + "?csf=1&web=1", {"documents"}),
        (f"{VERTRIEB}/Freigegebene%20Dokumente", {"vertrieb"}),
        (f"{HANDBOOK}/engineering/Shared%20Documents", {"engineering"}),
    ],
)
def test_an_address_means_what_people_mean_by_it(stage: Stage, address: str, drives: set[str]) -> None:
    assert drives_in(stage.read(stage.connector(sites=[address], pages=False))) == drives


def test_a_folder_stands_for_what_lies_beneath_it(stage: Stage) -> None:
    everything = folders_in(stage.read(stage.connector(sites=[DOCUMENTS])))
    inner = min(one for one in everything if "/" in one)
    outer = inner.partition("/")[0]
    for folder in (inner, outer):
        path = "/".join(part.replace(" ", "%20") for part in folder.split("/"))
        query = (
            f"{DOCUMENTS}/Forms/AllItems.aspx?id=%2Fsites%2FHandbook%2FShared%20Documents%2F{path.replace('/', '%2F')}"
        )
        for address in (f"{DOCUMENTS}/{path}", query):
            found = folders_in(stage.read(stage.connector(sites=[address])))
            assert found == {one for one in everything if f"{one}/".startswith(f"{folder}/")}


def test_two_folders_of_one_library_are_read_together(stage: Stage) -> None:
    everything = sorted(
        one for one in folders_in(stage.read(stage.connector(sites=[POLICIES, DOCUMENTS]))) if "/" in one
    )
    chosen = [everything[0], everything[-1]]
    addresses = [f"{DOCUMENTS}/{folder}".replace(" ", "%20") for folder in chosen]
    items = stage.read(stage.connector(sites=addresses))
    if chosen[0] != chosen[1]:
        assert folders_in(items) == set(chosen)
    assert len([item for item in items if isinstance(item, Complete)]) == 1, "one listing for both"


def test_a_library_that_is_not_there_is_named_with_those_that_are(stage: Stage) -> None:
    with pytest.raises(ConfigError, match=r"no library at 'Wishes'; there are: .*shared documents"):
        stage.read(stage.connector(sites=[f"{HANDBOOK}/Wishes"]))


def test_a_file_is_no_site(stage: Stage) -> None:
    file = next(item for item in stage.read(stage.connector(sites=[DOCUMENTS])) if isinstance(item, Document))
    with pytest.raises(ConfigError, match="is a file; name the folder"):
        stage.read(stage.connector(sites=[str(file.uri)]))


def test_only_whole_sites_have_pages(stage: Stage) -> None:
    stage.read(stage.connector(sites=[DOCUMENTS]))
    assert "GET pages" not in stage.counts()


def test_sharing_ids_are_those_of_the_documentation() -> None:
    assert share_id("https://onedrive.live.com/redir?resid=1231244193912!12&authKey=1201919!12921!1") == (
        "u!aHR0cHM6Ly9vbmVkcml2ZS5saXZlLmNvbS9yZWRpcj9yZXNpZD0xMjMxMjQ0MTkzOTEyITEyJmF1dGhLZXk9MTIwMTkxOSExMjkyMSEx"
    )


# ----------------------------------------------------------------------------------------------- subsites, hidden, lists


def test_subsites_may_be_left_out(stage: Stage) -> None:
    items = stage.read(stage.connector(sites=[HANDBOOK], subsites=False))
    assert drives_in(items) == {"documents", "policies"}
    assert "GET subsites" not in stage.counts()


def test_hidden_libraries_are_read_if_asked_for(stage: Stage) -> None:
    items = stage.read(stage.connector(sites=[HANDBOOK], subsites=False, hidden_libraries=True))
    assert drives_in(items) == {"documents", "policies", "styles"}


def test_pages_are_read_once_and_never_as_files(stage: Stage) -> None:
    items = stage.read(stage.connector(sites=[HANDBOOK], subsites=False))
    assert SHELVES["pages"].drive_id not in {item.id.partition("/")[0] for item in items if isinstance(item, Document)}
    assert [item for item in items if isinstance(item, Document) and "/pages/" in item.id]


def test_drafts_are_read_if_asked_for(stage: Stage) -> None:
    drafts = {item.id for item in stage.read(stage.connector()) if isinstance(item, Skip) and item.reason == "draft"}
    assert drafts
    found = {item.id for item in stage.read(stage.connector(drafts=True)) if isinstance(item, Document)}
    assert drafts <= found


@pytest.mark.parametrize("names", [["Questions"], ["questions"], ["*"]])
def test_lists_are_read_by_name(stage: Stage, names: list[str]) -> None:
    items = stage.read(stage.connector(sites=[HANDBOOK], subsites=False, files=False, pages=False, lists=names))
    entries = [item for item in items if isinstance(item, Document)]
    assert entries
    assert {item.metadata["list"] for item in entries} == {"Questions"}
    body = entries[0].body
    assert callable(body)
    assert "**" in str(body())


@pytest.mark.parametrize(
    ("rules", "endings", "reason"),
    [
        ({"include": ["*.csv"]}, {"csv"}, "not-included"),
        ({"include": ["*.csv", "*.html"], "exclude": ["*.html"]}, {"csv"}, "excluded"),
        ({"include": ["Section 001/"]}, {"md", "csv", "html", "txt"}, "not-included"),
    ],
)
def test_patterns_choose_files(stage: Stage, rules: dict[str, Any], endings: set[str], reason: str) -> None:
    items = stage.read(stage.connector(sites=[DOCUMENTS], **rules))
    assert {item.title.rpartition(".")[2] for item in items if isinstance(item, Document)} <= endings
    assert any(isinstance(item, Document) for item in items)
    assert reason in {item.reason for item in items if isinstance(item, Skip)}


def test_names_of_folders_that_are_forgotten_are_asked_for(stage: Stage) -> None:
    connector = stage.connector(sites=[DOCUMENTS], subsites=False)
    with stage.context(connector) as context:
        graph = Graph(connector.config, context)
        items = list(
            graph.items(f"/drives/{SHELVES['documents'].drive_id}/root/delta?$select=id,name,parentReference,root")
        )
        forgetful = Tree(graph, SHELVES["documents"].drive_id, remembered=1)
        paths = {item["id"]: [name for _, name in forgetful.above(item)] for item in items}
    names = {item["id"]: item.get("name") for item in items}
    parents = {item["id"]: item["parentReference"].get("id") for item in items if "root" not in item}
    assert max(map(len, paths.values())) >= 2
    for id_, path in paths.items():
        parent = parents.get(id_)
        for name in reversed(path):
            assert names[parent] == name
            parent = parents[parent]


# ------------------------------------------------------------------------------------------------------------ every site


def test_without_addresses_every_site_is_read_but_those_that_nobody_means(stage: Stage) -> None:
    items = stage.read(stage.connector(sites=[], pages=False))
    assert drives_in(items) == {"documents", "policies", "engineering", "vertrieb"}
    assert drives_in(stage.read(stage.connector(sites=[], pages=False, personal_sites=True))) == {
        "documents", "policies", "engineering", "vertrieb", "ann",
    }  # fmt: skip


def test_sites_that_cannot_be_read_make_a_first_listing_incomplete(stage: Stage) -> None:
    failures = [item for item in stage.read(stage.connector(sites=[])) if isinstance(item, Failure)]
    assert failures
    assert {(failure.id, failure.beneath) for failure in failures} == {("", True)}


def test_selected_sites_are_read_by_address_alone() -> None:
    with staged(curiosities="none", roles="Sites.Selected", granted="handbook") as stage:
        assert drives_in(stage.read(stage.connector(sites=[HANDBOOK], pages=False))) == {
            "documents", "policies", "engineering",
        }  # fmt: skip
        with pytest.raises(ConfigError, match=r"Sites\.Selected name them in `sites`"):
            stage.read(stage.connector(sites=[]))
        with pytest.raises(FatalError, match="403"):
            stage.read(stage.connector(sites=[VERTRIEB]))
        items = stage.read(stage.connector(sites=[HANDBOOK, VERTRIEB], pages=False))
        assert drives_in(items) == {"documents", "policies", "engineering"}
        assert [item.id for item in items if isinstance(item, Failure)] == [""]


# ----------------------------------------------------------------------------------------------------- check and explain


def test_check_finds_everything_in_order(stage: Stage) -> None:
    connector = stage.connector(acl=True)
    with stage.context(connector) as context:
        findings = list(connector.check(context))
    assert [finding for finding in findings if not finding.ok] == []
    assert {"login", "Handbook", "Documents", "Policies", "Vertrieb"} <= {finding.subject for finding in findings}


@pytest.mark.parametrize(
    ("fault", "subject"),
    [("conditional_access", "tenant"), ("pages_forbidden", "Handbook"), ("no_permissions", "Documents")],
)
def test_check_names_what_is_not(stage: Stage, fault: str, subject: str) -> None:
    connector = stage.connector(acl=True)
    stage.fail(fault)
    with stage.context(connector) as context:
        ill = [finding for finding in connector.check(context) if not finding.ok]
    assert [finding.subject for finding in ill] == [subject]
    assert ill[0].message


def test_explain_says_which_rule_leaves_a_file_out(stage: Stage) -> None:
    connector = stage.connector(exclude=["*.md"], sites=[DOCUMENTS])
    with stage.context(connector) as context:
        items = list(connector.read(context))
        out = next(item for item in items if isinstance(item, Skip) and item.reason == "excluded")
        listed = next(item for item in items if isinstance(item, Document))
        assert "is left out: excluded" in str(connector.explain(out.id, context))
        assert f"is listed as {listed.id}" in str(connector.explain(listed.id, context))
        assert f"is listed as {listed.id}" in str(connector.explain(str(listed.uri), context))
        elsewhere = f"{SHELVES['policies'].drive_id}/{'01HBPOLIF000000000'}"
        assert "does not mean" in str(connector.explain(elsewhere, context))
        assert connector.explain("Handbook", context) is None
        assert "404" in str(connector.explain(f"{SHELVES['documents'].drive_id}/01NOTHING", context))


def test_an_old_cursor_is_a_full_listing_and_a_warning(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        items = stage.read(stage.connector(), cursor={"version": 0})
    assert "cannot be understood" in caplog.text
    assert any(isinstance(item, Complete) for item in items)


def test_a_partition_that_is_none_is_refused(stage: Stage) -> None:
    with pytest.raises(ConnectorError, match="is no partition"):
        stage.read(stage.connector(), partition="something|else|x")


def test_nothing_secret_is_logged_at_any_level(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    connector = stage.connector(acl=True)
    with caplog.at_level(logging.DEBUG), stage.context(connector) as context:
        for item in connector.read(context):
            if isinstance(item, Document) and callable(item.body):
                fetched = item.body()
                if not isinstance(fetched, (str, bytes, tuple)):
                    fetched.close()
    heard = [one.getMessage() for one in caplog.records if one.name.startswith(HEARD) or one.levelno >= logging.WARNING]
    tokens = list(stage.emulator.login.tokens)
    assert heard
    assert tokens
    assert [line for line in heard for secret in (CLIENT_SECRET, "tempauth=", *tokens) if secret in line] == []
