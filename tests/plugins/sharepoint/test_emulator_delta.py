"""Delta of the emulated Graph: everything once, and then what has changed; and what becomes of links that are worth nothing."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote, urlsplit

import pytest

from knowledge_connector_sharepoint.emulator.delta import RESYNC_CODES
from plugins.sharepoint.graph_caller import Graph, Row, drive

DELTA = f"{drive('documents')}/root/delta"
MONTH_SECONDS = 30 * 86_400


def names(rows: list[Row]) -> list[str]:
    """Of what is there; `-` and the last letters of the id of what is not."""
    return [row["name"] if "deleted" not in row else f"-{row['id'][-3:]}" for row in rows]


def files(rows: list[Row]) -> list[Row]:
    return [row for row in rows if "file" in row]


# ------------------------------------------------------------------------------------------------------------- everything


@pytest.mark.parametrize("top", [1, 3, 7, 200, 5000])
def test_everything_comes_once_and_folders_first(graph: Graph, top: int) -> None:
    pages = list(graph.pages(f"{DELTA}?$top={top}"))
    rows = [row for page in pages for row in page["value"]]
    assert "root" in rows[0]
    seen: set[str] = set()
    for row in rows:
        assert row["id"] not in seen
        assert "root" in row or row["parentReference"]["id"] in seen
        seen.add(row["id"])
    assert {len(page["value"]) for page in pages[:-1]} <= {min(top, 200)}
    assert len(files(rows)) == 20 + 17


def test_items_lack_what_the_real_delta_lacks(graph: Graph) -> None:
    rows, _ = graph.delta(DELTA)
    assert not [row for row in rows if "cTag" in row or "path" in row["parentReference"]]
    by_id = {row["id"]: row for row in rows}
    listed = graph.rows(f"{drive('documents')}/root/children")
    for row in listed:
        assert row["eTag"] == by_id[row["id"]]["eTag"]
        assert "path" in row["parentReference"]
    assert all(("cTag" in row) == ("folder" not in row and "package" not in row) for row in listed)


def test_links_are_opaque_and_carry_select_and_top(graph: Graph) -> None:
    page = graph.get(f"{DELTA}?$top=5&$select=id,name,file,folder,parentReference")
    link = page["@odata.nextLink"]
    assert link.startswith(f"{graph.server.services.secure_url}/v1.0/")
    assert "%24top=5" in link
    following = graph.get(link)
    assert len(following["value"]) == 5
    assert set(following["value"][0]) <= {"id", "name", "file", "folder", "parentReference"}


def test_a_subfolder_has_no_delta(graph: Graph) -> None:
    folder = graph.item("Section 001")["id"]
    assert graph.refusal(f"{drive('documents')}/items/{folder}/delta")[0] == 400


def test_nothing_changed(graph: Graph) -> None:
    _, link = graph.delta(DELTA)
    page = graph.get(link)
    assert page["value"] == []
    assert graph.get(page["@odata.deltaLink"])["value"] == []


# ---------------------------------------------------------------------------------------------------------------- changes


def test_an_edit_is_one_item_with_another_etag(graph: Graph) -> None:
    rows, link = graph.delta(DELTA)
    before = files(rows)[5]
    graph.change("edit", id=f"{before['parentReference']['driveId']}/{before['id']}")
    root, after = graph.delta(link)[0]
    assert "root" in root
    assert (after["id"], after["name"]) == (before["id"], before["name"])
    assert after["eTag"] != before["eTag"]
    assert after["file"]["hashes"] != before["file"]["hashes"]


def test_a_rename_leaves_id_and_content(graph: Graph) -> None:
    rows, link = graph.delta(DELTA)
    before = files(rows)[5]
    graph.change("rename", item=before["id"], name="Other name.md")
    after = graph.delta(link)[0][-1]
    assert (after["id"], after["name"], after["size"]) == (before["id"], "Other name.md", before["size"])


def test_a_move_leaves_the_id_and_the_time(graph: Graph) -> None:
    rows, link = graph.delta(DELTA)
    before = files(rows)[0]
    graph.change("move", item=before["id"], to="Section 001/Topic 0002")
    after = graph.delta(link)[0][-1]
    assert (
        after["parentReference"]["id"] == graph.item("Section 001/Topic 0002")["id"] != before["parentReference"]["id"]
    )
    assert after["lastModifiedDateTime"] == before["lastModifiedDateTime"]
    inside = [row["id"] for row in graph.rows(f"{drive('documents')}/root:/Section 001/Topic 0002:/children")]
    at_top = [row["id"] for row in graph.rows(f"{drive('documents')}/root/children")]
    assert before["id"] in inside
    assert before["id"] not in at_top


def test_there_and_back_again(graph: Graph) -> None:
    before = graph.rows(f"{drive('documents')}/root/children")
    moved = files(before)[0]
    count = graph.get(f"{drive('documents')}/root")["folder"]["childCount"]
    graph.change("move", item=moved["id"], to="Section 001")
    assert graph.get(f"{drive('documents')}/root")["folder"]["childCount"] == count - 1
    graph.change("move", item=moved["id"], to="/")
    after = graph.rows(f"{drive('documents')}/root/children")
    assert sorted(row["id"] for row in after) == sorted(row["id"] for row in before)
    assert graph.get(f"{drive('documents')}/root")["folder"]["childCount"] == count == len(after)


@pytest.mark.parametrize(("kind", "shown"), [("rename_folder", "Renamed 1 Section 001"), ("delete_folder", "-000")])
def test_of_a_folder_only_the_folder_is_reported(graph: Graph, kind: str, shown: str) -> None:
    _, link = graph.delta(DELTA)
    graph.change(kind, item="Section 001")
    assert names(graph.delta(link)[0]) == ["root", shown]


def test_what_was_in_a_deleted_folder_is_gone(graph: Graph) -> None:
    inside = graph.rows(f"{drive('documents')}/root:/Section 001/Topic 0001:/children")[0]
    rescued = graph.rows(f"{drive('documents')}/root:/Section 001/Topic 0001:/children")[1]
    graph.change("move", item=rescued["id"], to="Curiosities")
    graph.change("delete_folder", item="Section 001")
    assert graph.refusal(f"{drive('documents')}/items/{inside['id']}") == (404, "itemNotFound")
    assert graph.get(f"{drive('documents')}/items/{rescued['id']}")["name"] == rescued["name"]
    rows, _ = graph.delta(DELTA)
    assert not {"Section 001", "Topic 0001", inside["name"]} & set(names(rows))
    assert rescued["name"] in names(rows)


def test_a_deleted_item_has_no_name_and_no_tags(graph: Graph) -> None:
    rows, link = graph.delta(DELTA)
    doomed = files(rows)[3]
    graph.change("delete", item=doomed["id"])
    row = graph.delta(link)[0][-1]
    assert row["id"] == doomed["id"]
    assert row["deleted"] == {"state": "deleted"}
    assert not {"name", "eTag", "cTag", "file"} & set(row)
    assert graph.refusal(f"{drive('documents')}/items/{doomed['id']}")[0] == 404


def test_a_restored_folder_comes_back_with_what_was_in_it(graph: Graph) -> None:
    rows, _ = graph.delta(DELTA)
    graph.change("delete_folder", item="Section 001/Topic 0001")
    _, link = graph.delta(DELTA)
    graph.change("restore")
    back = graph.delta(link)[0]
    assert names(back)[:2] == ["root", "Topic 0001"]
    assert len(back) == 2 + 8
    assert {row["id"] for row in graph.delta(DELTA)[0]} == {row["id"] for row in rows}


def test_a_move_to_another_library_is_a_deletion_and_an_addition(graph: Graph) -> None:
    rows, here = graph.delta(DELTA)
    _, there = graph.delta(f"{drive('policies')}/root/delta")
    moved = files(rows)[2]
    graph.change("move_drive", item=moved["id"], to="policies")
    gone = graph.delta(here)[0][-1]
    new = graph.delta(there)[0][-1]
    assert (gone["id"], "deleted" in gone) == (moved["id"], True)
    assert new["id"] != moved["id"]
    assert (new["name"], new["file"]) == (moved["name"], moved["file"])
    content = graph.content(new, "policies").content
    assert len(content) == new["size"] == moved["size"]
    assert names(graph.rows(f"{drive('policies')}/root/children")).count(moved["name"]) == 1


def test_an_addition_is_listed_everywhere(graph: Graph) -> None:
    _, link = graph.delta(DELTA)
    graph.change("add", to="Section 001", name="Brand new.md")
    assert names(graph.delta(link)[0]) == ["root", "Brand new.md"]
    assert "Brand new.md" in names(graph.delta(DELTA)[0])
    assert "Brand new.md" in names(graph.rows(f"{drive('documents')}/root:/Section 001:/children"))


def test_many_changes_of_one_item_are_its_latest_state(graph: Graph) -> None:
    rows, link = graph.delta(DELTA)
    item = files(rows)[4]["id"]
    graph.change("edit", item=item)
    graph.change("rename", item=item, name="Second.md")
    graph.change("rename", item=item, name="Third.md")
    assert names(graph.delta(link)[0]) == ["root", "Third.md"]


def test_it_is_no_log_of_events_but_may_say_things_twice(graph: Graph) -> None:
    rows, link = graph.delta(f"{DELTA}?$top=2")
    item = files(rows)[4]["id"]
    for number in range(3):
        graph.change("rename", item=item, name=f"Name {number}.md")
    pages = [names(page["value"]) for page in graph.pages(link)]
    assert pages == [["root", "Name 2.md"], ["Name 2.md"]]


def test_what_changes_during_a_listing_comes_with_its_delta_link(graph: Graph) -> None:
    first = graph.get(f"{DELTA}?$top=30")
    already_listed = first["value"][-1]["id"]
    graph.change("rename", item=already_listed, name="Late.md")
    rest, link = graph.delta(first["@odata.nextLink"])
    assert "Late.md" not in names(rest)
    assert names(graph.delta(link)[0]) == ["root", "Late.md"]


def test_sharing_is_reported_with_a_mark_for_who_asks(graph: Graph) -> None:
    _, link = graph.delta(DELTA)
    graph.change("acl", item="Section 001/Topic 0001", acl="group")
    folder, *inherited = graph.delta(link)[0][1:]
    assert folder["name"] == "Topic 0001"
    assert inherited
    assert "@microsoft.graph.sharedChanged" not in folder
    assert names(graph.delta(link, Prefer="hierarchicalsharing")[0]) == ["root", "Topic 0001"]
    marked = graph.delta(
        link, Prefer="deltashowremovedasdeleted, deltatraversepermissiongaps, deltashowsharingchanges"
    )[0]
    assert {row.get("@microsoft.graph.sharedChanged") for row in marked[1:]} == {"True"}


# ----------------------------------------------------------------------------------------------------------------- tokens


def test_latest_starts_from_now(graph: Graph) -> None:
    graph.change("edit")
    page = graph.get(f"{DELTA}?token=latest")
    assert page["value"] == []
    graph.change("rename", item="Section 001", name="Renamed")
    assert names(graph.delta(page["@odata.deltaLink"])[0]) == ["root", "Renamed"]


def test_a_time_is_a_token_as_far_as_it_reaches(graph: Graph) -> None:
    graph.change("edit")
    graph.server.services.clock.advance(60)
    now = graph.server.services.clock.now()
    graph.change("rename", item="Section 001", name="Renamed")
    token = quote(now.isoformat())
    assert names(graph.delta(f"{DELTA}?token={token}")[0]) == ["root", "Renamed"]
    long_ago = quote((now - timedelta(days=200)).isoformat())
    assert graph.refusal(f"{DELTA}?token={long_ago}")[0] == 410


@pytest.mark.parametrize("token", ["nonsense", "AAAA", "eyJhIjogMX0"])
def test_a_damaged_token_is_refused(graph: Graph, token: str) -> None:
    assert graph.refusal(f"{DELTA}?token={token}") == (400, "invalidRequest")


def test_a_token_with_one_letter_changed_is_refused(graph: Graph) -> None:
    link = graph.get(f"{DELTA}?$top=3")["@odata.nextLink"]
    head, _, token = link.partition("token=")
    middle = len(token) // 2
    other = "A" if token[middle] != "A" else "B"
    assert graph.refusal(f"{head}token={token[:middle]}{other}{token[middle + 1 :]}")[0] == 400


def test_a_token_of_another_library_is_refused(graph: Graph) -> None:
    _, link = graph.delta(DELTA)
    token = link.partition("token=")[2]
    assert graph.refusal(f"{drive('policies')}/root/delta?token={token}")[0] == 400


def test_links_grow_old(graph: Graph) -> None:
    rows, link = graph.delta(DELTA)
    graph.server.services.clock.advance(2 * MONTH_SECONDS)
    graph.log_in()
    assert graph.get(link)["value"] == []
    graph.server.services.clock.advance(2 * MONTH_SECONDS)
    graph.log_in()
    answer = graph.http.get(link)
    assert answer.status_code == 410
    again, _ = graph.delta(answer.headers["location"])
    assert [row["id"] for row in again] == [row["id"] for row in rows]


def test_links_can_be_made_worthless(graph: Graph) -> None:
    _, link = graph.delta(DELTA)
    half_way = graph.get(f"{DELTA}?$top=5")["@odata.nextLink"]
    _, other = graph.delta(f"{drive('policies')}/root/delta")
    graph.change("expire_delta", library="documents")
    assert graph.refusal(link)[0] == graph.refusal(half_way)[0] == 410
    assert graph.get(other)["value"] == []
    fresh = graph.http.get(link).headers["location"]
    assert graph.get(graph.delta(fresh)[1])["value"] == []


@pytest.mark.parametrize("code", RESYNC_CODES)
def test_every_way_of_saying_410(graph: Graph, code: str) -> None:
    rows, link = graph.delta(f"{DELTA}?$select=id,name")
    graph.let(code)
    answer = graph.http.get(link)
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, code)
    again, _ = graph.delta(answer.headers["location"])
    assert again == rows
    assert graph.get(link)["value"] == [], "a fault is spent"


def test_the_code_can_be_nested(graph: Graph) -> None:
    _, link = graph.delta(DELTA)
    graph.let("nested_resync")
    error = graph.http.get(link).json()["error"]
    assert error["code"] == "generalException"
    assert error["innerError"]["innererror"] == {"code": "resyncChangesUploadDifferences"}


def test_the_location_can_be_missing_or_foreign(graph: Graph) -> None:
    _, link = graph.delta(DELTA)
    graph.let("resync_without_location")
    assert "location" not in graph.http.get(link).headers
    graph.let("foreign_location")
    foreign = graph.http.get(link).headers["location"]
    assert foreign.startswith(graph.server.services.secure_elsewhere_url)
    assert graph.http.get(foreign).status_code == 401
    assert [one.path for one in graph.emulator.witness.leaks] == [urlsplit(foreign).path.replace("%21", "!")]


def test_sync_state_not_found(graph: Graph) -> None:
    _, link = graph.delta(DELTA)
    graph.let("sync_state_not_found")
    assert graph.refusal(link) == (400, "syncStateNotFound")


# ------------------------------------------------------------------------------------------------------------ odd listings


def test_an_empty_page_in_the_middle(graph: Graph) -> None:
    plain = graph.rows(f"{DELTA}?$top=10")
    graph.let("empty_page", operation="GET delta", after=1)
    pages = list(graph.pages(f"{DELTA}?$top=10"))
    assert [len(page["value"]) for page in pages][:3] == [10, 0, 10]
    assert [row["id"] for page in pages for row in page["value"]] == [row["id"] for row in plain]


def test_an_empty_page_at_the_end_still_has_the_delta_link(graph: Graph) -> None:
    graph.let("empty_last_page", operation="GET delta")
    pages = list(graph.pages(DELTA))
    assert [bool(page["value"]) for page in pages] == [True, False]
    graph.change("edit")
    assert len(graph.delta(pages[-1]["@odata.deltaLink"])[0]) == 2


def test_an_empty_last_page_of_changes_loses_none(graph: Graph) -> None:
    _, link = graph.delta(DELTA)
    graph.change("edit")
    graph.let("empty_last_page", operation="GET delta")
    first = graph.get(link)
    graph.change("rename", item="Section 001", name="Between")
    last = graph.get(first["@odata.nextLink"])
    assert last["value"] == []
    assert names(graph.delta(last["@odata.deltaLink"])[0]) == ["root", "Between"]


def test_a_page_that_links_to_itself(graph: Graph) -> None:
    graph.let("same_link", operation="GET delta", times=0)
    link = graph.get(f"{DELTA}?$top=5")["@odata.nextLink"]
    assert graph.get(link)["@odata.nextLink"] == link


def test_two_pages_that_link_to_each_other(graph: Graph) -> None:
    graph.let("alternating_links", operation="GET delta", times=0)
    one = graph.get(f"{DELTA}?$top=5")["@odata.nextLink"]
    other = graph.get(one)["@odata.nextLink"]
    assert other != one
    assert graph.get(other)["@odata.nextLink"] == one


def test_pages_without_end(graph: Graph) -> None:
    graph.let("endless_pages", operation="GET delta", times=0)
    page, links, ids = graph.get(f"{DELTA}?$top=5"), set(), set()
    for _ in range(10):
        links.add(page["@odata.nextLink"])
        ids.add(tuple(row["id"] for row in page["value"]))
        page = graph.get(page["@odata.nextLink"])
    assert (len(links), len(ids)) == (10, 1)


def test_a_link_to_another_host(graph: Graph) -> None:
    graph.let("foreign_link", operation="GET delta")
    link = graph.get(f"{DELTA}?$top=5")["@odata.nextLink"]
    assert link.startswith(f"{graph.server.services.secure_elsewhere_url}/v1.0/")


@pytest.mark.parametrize("top", [3, 200])
def test_an_item_that_comes_twice_counts_as_it_came_last(graph: Graph, top: int) -> None:
    plain = {row["id"]: row["name"] for row in graph.rows(DELTA)}
    graph.let("stale_duplicate", operation="GET delta")
    rows = graph.rows(f"{DELTA}?$top={top}")
    assert len(rows) == len(plain) + 1
    assert len([row for row in rows if row["name"].startswith("Former ")]) == 1
    assert {row["id"]: row["name"] for row in rows} == plain


def test_of_changes_too(graph: Graph) -> None:
    rows, link = graph.delta(DELTA)
    graph.change("rename", item=files(rows)[0]["id"], name="New.md")
    graph.let("stale_duplicate", operation="GET delta")
    assert names(graph.delta(link)[0]) == ["root", "Former New.md", "New.md"]


# ------------------------------------------------------------------------------------------------------------------- size


def test_a_page_of_a_million_costs_no_more_than_one_of_forty(graph: Graph) -> None:
    graph.begin_anew(documents="1000000", curiosities="none")
    pages = graph.pages(f"{DELTA}?$top=50")
    assert len({row["id"] for _ in range(3) for row in next(pages)["value"]}) == 150
    library = graph.emulator.world.library("documents")
    shape = library.shape
    assert shape.files == 500_000
    last, following = library.everything(sum(count for _, count in shape.segments) - 1, 10)
    assert (len(last), following) == (1, None)
    assert len(library.changed) == 0


def test_every_document_is_in_one_library(graph: Graph) -> None:
    graph.begin_anew(documents="1003", curiosities="none", pages="0")
    found = [row for key in ("documents", "policies", "vertrieb") for row in graph.rows(f"{drive(key)}/root/delta")]
    assert len(files(found)) == len({row["name"] for row in files(found)}) == 1003
