"""Sites, libraries and lists of the emulated tenant: how they are found, and which cannot be read."""

from __future__ import annotations

import base64

import pytest

from knowledge_connector_sharepoint.emulator.tenant import BY_KEY, SHELVES
from plugins.sharepoint.graph_caller import Graph, drive, site

HOST = "contoso.sharepoint.com"


def titles(rows: list[dict[str, str]]) -> list[str]:
    return [row["displayName"] for row in rows]


@pytest.mark.parametrize(
    ("path", "title"),
    [
        (f"sites/{HOST}:/sites/Handbook", "Handbook"),
        (f"sites/{HOST}:/SITES/handbook", "Handbook"),
        (f"sites/{HOST}:/sites/Handbook/engineering", "Engineering"),
        (f"sites/{HOST}:/sites/Vertrieb:", "Vertrieb"),
        ("sites/contoso-my.sharepoint.com:/personal/ann_contoso_com", "Ann"),
        (f"sites/{HOST}", "Contoso"),
        ("sites/root", "Contoso"),
        (site("handbook"), "Handbook"),
    ],
)
def test_a_site_by_its_address(graph: Graph, path: str, title: str) -> None:
    found = graph.get(path)
    assert found["displayName"] == title
    assert {"id", "name", "webUrl", "siteCollection", "isPersonalSite"} <= found.keys()


@pytest.mark.parametrize("path", ["sites/Handbook/Shared Documents", "sites/Handbook/Policies", "sites/None", "sites"])
def test_what_is_no_site(graph: Graph, path: str) -> None:
    assert graph.refusal(f"sites/{HOST}:/{path}") == (404, "itemNotFound")


def test_from_an_address_on(graph: Graph) -> None:
    assert graph.rows(f"sites/{HOST}:/sites/Handbook:/drives") == graph.rows(f"{site('handbook')}/drives")
    assert graph.server.log.counts()["GET drives"] == 2


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [("archive", 423, "notAllowed"), ("secret", 403, "accessDenied"), ("gone", 404, "itemNotFound")],
)
def test_sites_that_cannot_be_read(graph: Graph, key: str, status: int, code: str) -> None:
    assert graph.refusal(site(key)) == (status, code)
    assert graph.refusal(f"{site(key)}/drives") == (status, code)


@pytest.mark.parametrize(("state", "status"), [("locked", 423), ("forbidden", 403), ("missing", 404)])
def test_a_site_can_close_later(graph: Graph, state: str, status: int) -> None:
    _, link = graph.delta(f"{drive('vertrieb')}/root/delta")
    graph.change("site", site="vertrieb", state=state)
    assert graph.refusal(site("vertrieb"))[0] == graph.refusal(link)[0] == status
    graph.change("site", site="vertrieb")
    assert graph.get(link)["value"] == []


def test_all_sites_and_what_search_knows(graph: Graph) -> None:
    everything = graph.rows("sites/getAllSites?$top=2")
    assert len(everything) == len(BY_KEY)
    assert [row for row in everything if row["isPersonalSite"]]
    assert [row for row in everything if "/contentstorage/" in row["webUrl"]]
    found = graph.rows("sites?search=*")
    assert set(titles(found)) < set(titles(everything))
    assert titles(graph.rows("sites?search=hand")) == ["Handbook"]


def test_subsites(graph: Graph) -> None:
    assert titles(graph.rows(f"{site('handbook')}/sites")) == ["Engineering"]
    assert graph.rows(f"{site('vertrieb')}/sites") == []


def test_changes_of_sites(graph: Graph) -> None:
    rows, link = graph.delta("sites/delta")
    assert len(rows) == len(BY_KEY)
    assert graph.get(link)["value"] == []
    graph.change("site", site="vertrieb", state="missing")
    assert graph.get(link)["value"] == [{"id": BY_KEY["vertrieb"].id, "deleted": {}}]


def test_libraries(graph: Graph) -> None:
    drives = graph.rows(f"{site('handbook')}/drives")
    assert [one["name"] for one in drives] == ["Documents", "Policies", "Site Pages"]
    assert drives[0]["webUrl"].endswith("/sites/Handbook/Shared%20Documents")
    hidden = graph.rows(f"{site('handbook')}/drives?$select=id,name,webUrl,system")
    assert [one["name"] for one in hidden if "system" in one] == ["Style Library"]
    localised = graph.rows(f"{site('vertrieb')}/drives")[0]
    assert localised["name"] == "Dokumente"
    assert localised["webUrl"].endswith("/sites/Vertrieb/Freigegebene%20Dokumente")
    assert graph.get(f"{site('ann')}/drive")["driveType"] == "business"


def test_ids_of_drives_differ_by_case(graph: Graph) -> None:
    documents, policies = SHELVES["documents"].drive_id, SHELVES["policies"].drive_id
    assert documents != policies
    assert documents[2:].swapcase() == policies[2:]
    assert graph.get(f"drives/{documents}")["name"] != graph.get(f"drives/{policies}")["name"]
    assert graph.refusal(f"drives/{documents.lower()}")[0] == 404


def test_ids_of_items_too(graph: Graph) -> None:
    item = graph.item("Section 001")["id"]
    assert graph.refusal(f"{drive('documents')}/items/{item.lower()}")[0] == 404


def test_some_sites_have_no_library(graph: Graph) -> None:
    assert graph.refusal(f"{site('root')}/drive")[0] == 404
    assert graph.rows(f"{site('root')}/drives") == []


def test_items_by_path(graph: Graph) -> None:
    folder = graph.item("SECTION 001/topic 0002")
    assert (folder["name"], "folder" in folder) == ("Topic 0002", True)
    odd = graph.item("Curiosities/50% #1 + A&B's draft; ~final (new).md")
    assert odd["name"] == "50% #1 + A&B's draft; ~final (new).md"
    assert odd["webUrl"].endswith("/50%25%20%231%20%2B%20A%26B%27s%20draft%3B%20~final%20%28new%29.md")
    assert graph.refusal(f"{drive('documents')}/root:/Section 009")[0] == 404


def test_a_folder_is_listed_in_pages(graph: Graph) -> None:
    path = f"{drive('documents')}/root:/Section 001/Topic 0001:/children"
    pages = list(graph.pages(f"{path}?$top=3"))
    assert [len(page["value"]) for page in pages] == [3, 3, 2]
    assert [row["id"] for page in pages for row in page["value"]] == [row["id"] for row in graph.rows(path)]
    assert "skiptoken" in pages[0]["@odata.nextLink"]
    other = pages[0]["@odata.nextLink"].partition("?")[2]
    assert graph.refusal(f"{drive('documents')}/root/children?{other}")[0] == 400


@pytest.mark.parametrize("top", ["0", "many", "-1"])
def test_a_senseless_page_size(graph: Graph, top: str) -> None:
    assert graph.refusal(f"{drive('documents')}/root/children?$top={top}")[0] == 400


def share(url: str) -> str:
    return "shares/u!" + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=") + "/driveItem"


def test_sharing_links(graph: Graph) -> None:
    folder = graph.item("Section 001")
    assert graph.get(share(f"https://{HOST}/:f:/s/Handbook/E{folder['id']}"))["id"] == folder["id"]
    by_path = graph.get(share(f"https://{HOST}/sites/Handbook/Shared%20Documents/Section%20001?csf=1"))
    assert by_path["id"] == folder["id"]
    assert graph.refusal(share(f"https://{HOST}/:f:/s/Handbook/Enonsense"))[0] == 404
    assert graph.refusal("shares/u!*/driveItem")[0] == 400


# ------------------------------------------------------------------------------------------------------- Sites.Selected


def test_only_selected_sites(graph: Graph) -> None:
    graph.begin_anew(roles="Sites.Selected", granted="handbook")
    assert graph.rows("sites?search=*") == []
    assert graph.refusal("sites/getAllSites")[0] == 403
    assert graph.get(f"sites/{HOST}:/sites/Handbook")["displayName"] == "Handbook"
    assert graph.get(site("engineering"))["displayName"] == "Engineering"
    assert graph.get(drive("documents"))
    assert graph.refusal(f"sites/{HOST}:/sites/Vertrieb")[0] == 403
    assert graph.refusal(drive("vertrieb"))[0] == 403
    assert graph.rows(f"{site('handbook')}/permissions")[0]["roles"] == ["read"]


# ----------------------------------------------------------------------------------------------------------------- lists


def test_lists(graph: Graph) -> None:
    lists = graph.rows(f"{site('handbook')}/lists")
    assert [one["list"]["template"] for one in lists] == [
        "documentLibrary",
        "documentLibrary",
        "webPageLibrary",
        "genericList",
    ]
    hidden = graph.rows(f"{site('handbook')}/lists?$select=displayName,list,system")
    assert [one["displayName"] for one in hidden if one["list"]["hidden"]] == ["Style Library", "User Information List"]
    assert graph.get(f"{site('handbook')}/lists/Questions")["id"] == SHELVES["faq"].list_id


def test_entries(graph: Graph) -> None:
    path = f"{site('handbook')}/lists/{SHELVES['faq'].list_id}/items"
    assert "fields" not in graph.rows(path)[0]
    rows = graph.rows(f"{path}?expand=fields&$top=5")
    assert [row["id"] for row in rows] == [str(number) for number in range(1, 13)]
    fields = rows[0]["fields"]
    assert isinstance(fields["Order"], float)
    assert fields["Answer"].startswith("<div")
    assert {"OwnerLookupId", "Tags", "Title"} <= fields.keys()
    chosen = graph.rows(f"{path}?$expand=fields($select=Title,Category)")[0]["fields"]
    assert set(chosen) == {"@odata.etag", "Title", "Category"}
    assert graph.get(f"{path}/3?$expand=fields")["fields"]["id"] == "3"
    assert graph.refusal(f"{path}/99")[0] == graph.refusal(f"{path}/0")[0] == 404


def test_entries_change(graph: Graph) -> None:
    path = f"{site('handbook')}/lists/Questions/items/delta"
    rows, link = graph.delta(path)
    assert len(rows) == 1 + 12
    graph.change("entry_edit", item="Entry 4")
    graph.change("entry_delete", item="Entry 5")
    changed = graph.delta(link)[0][1:]
    assert [(row["id"], "deleted" in row) for row in changed] == [("4", False), ("5", True)]
    assert changed[0]["eTag"] != rows[4]["eTag"]
    assert graph.refusal(f"{site('handbook')}/lists/Questions/items/5")[0] == 404


def test_unindexed_columns(graph: Graph) -> None:
    path = f"{site('handbook')}/lists/Questions/items?$filter=fields/Category eq 'x'"
    assert graph.refusal(path)[0] == 400
    assert graph.get(path, Prefer="HonorNonIndexedQueriesWarningMayFailRandomly")["value"]
