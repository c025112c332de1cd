"""Whole runs: the first one, one without news, and each kind of change, of which exactly the right documents hear."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plugins.sharepoint.stage import Held, Runs, Stage, staged

DOCUMENTS = 40
IN_SUBSITE = 3
LIBRARIES = 4
BY_SITE = ("site-group:3", "site-group:4", "site-group:5")
"""Owners, visitors and members: what a file says that has no rights of its own."""

HANDBOOK = "/sites/Handbook/Shared%20Documents/"


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged(curiosities="none", documents=str(DOCUMENTS)) as stage:
        yield stage


@pytest.fixture
def runs(tmp_path: Path, stage: Stage) -> Runs:
    return Runs(tmp_path, stage)


def files(runs: Runs) -> dict[str, Held]:
    return {id_: held for id_, held in runs.held().items() if "/pages/" not in id_}


def is_bare(page: Held) -> bool:
    """Whether nothing is told of a page but its description."""
    return page.text.startswith("About ")


def test_the_first_run_brings_everything(runs: Runs) -> None:
    report = runs.run()
    assert report.status == "ok", report.message
    held = runs.held()
    assert len(files(runs)) == DOCUMENTS + IN_SUBSITE
    assert len(held) == report.created
    assert all(one.text for one in held.values())
    some = next(one for one in held.values() if one.metadata.get("folder"))
    assert {"site", "library", "folder", "author"} <= set(some.metadata)


def test_without_news_a_library_costs_one_request_and_nothing_is_written(runs: Runs, stage: Stage) -> None:
    runs.run()
    stage.calm()
    report = runs.run()
    assert runs.changed == {}
    assert report.status == "ok"
    sites = 3
    assert stage.counts() == {
        "GET discovery": 1,
        "POST token": 1,
        "GET site": 2,
        "GET subsites": sites,
        "GET drives": sites,
        "GET delta": LIBRARIES,
        "GET pages": sites,
    }


Changing = Callable[[Stage], object]


@pytest.mark.parametrize(
    ("kind", "actions"),
    [
        ("edit", ["update"]),
        ("rename", ["retag"]),
        ("move", ["retag"]),
        ("move_drive", ["create", "delete"]),
        ("add", ["create"]),
        ("delete", ["delete"]),
        ("page_edit", ["update"]),
        ("page_delete", ["delete"]),
    ],
)
def test_a_change_reaches_exactly_its_document(runs: Runs, stage: Stage, kind: str, actions: list[str]) -> None:
    runs.run()
    before = runs.held()
    told = stage.change(kind)
    report = runs.run()
    assert report.status == "ok", report.message
    assert sorted(runs.changed.values()) == actions, told
    after = runs.held()
    differing = {id_ for id_ in before.keys() | after.keys() if before.get(id_) != after.get(id_)}
    assert differing == set(runs.changed)


def test_a_rename_needs_no_download(runs: Runs, stage: Stage) -> None:
    runs.run()
    stage.calm()
    stage.change("rename")
    runs.run()
    assert "GET content" not in stage.counts()


def test_a_renamed_folder_is_told_to_everything_beneath_it(runs: Runs, stage: Stage) -> None:
    runs.run()
    before = files(runs)
    stage.calm()
    stage.change("rename_folder", name="Another name")
    report = runs.run()
    assert report.status == "ok"
    after = files(runs)
    moved = {id_ for id_, held in after.items() if held.metadata.get("folder", "").partition("/")[0] == "Another name"}
    assert moved
    assert runs.changed == dict.fromkeys(moved, "retag")
    assert before.keys() == after.keys()
    assert "GET content" not in stage.counts()


def test_a_moved_folder_is_told_to_everything_beneath_it(runs: Runs, stage: Stage) -> None:
    runs.run()
    before = files(runs)
    inner = next(one.metadata["folder"] for one in before.values() if "/" in str(one.metadata.get("folder")))
    stage.change("move_folder", item=inner)
    runs.run()
    after = files(runs)
    assert runs.changed
    assert set(runs.changed.values()) == {"retag"}
    assert {id_ for id_ in after if after[id_] != before[id_]} == set(runs.changed)


def test_a_deleted_folder_takes_everything_beneath_it_along(runs: Runs, stage: Stage) -> None:
    runs.run()
    before = files(runs)
    folder = next(one.metadata["folder"] for one in before.values() if one.metadata.get("folder"))
    gone = {
        id_ for id_, one in before.items() if str(one.metadata.get("folder", "")).startswith(folder.partition("/")[0])
    }
    stage.change("delete_folder")
    report = runs.run(allow_deletes=DOCUMENTS)
    assert report.status == "ok"
    assert set(runs.changed.values()) == {"delete"}
    assert before.keys() - files(runs).keys() == set(runs.changed) <= gone


def test_what_is_taken_out_of_the_bin_comes_back(runs: Runs, stage: Stage) -> None:
    runs.run()
    before = files(runs)
    for kind in ("delete", "delete_folder"):
        stage.change(kind)
        runs.run(allow_deletes=DOCUMENTS)
        assert before.keys() - files(runs).keys()
        stage.change("restore")
        runs.run()
        assert files(runs).keys() == before.keys(), kind


def test_lost_tokens_change_nothing(runs: Runs, stage: Stage) -> None:
    runs.run()
    before = runs.held()
    stage.change("expire_delta")
    stage.change("delete")
    report = runs.run()
    assert report.status == "ok"
    assert list(runs.changed.values()) == ["delete"]
    assert before.keys() - runs.held().keys() == set(runs.changed)


def test_who_may_read_a_file_travels_with_it(tmp_path: Path, stage: Stage) -> None:
    runs = Runs(tmp_path, stage, "acl = true\n")
    runs.run()
    before = files(runs)
    assert all(one.acl is not None for one in before.values())
    stage.change("acl", acl="nobody")
    runs.run()
    assert list(runs.changed.values()) == ["retag"]
    assert [one.acl for id_, one in runs.held().items() if id_ in runs.changed] == [()]


def test_the_cursor_holds_no_secret(runs: Runs, stage: Stage) -> None:
    runs.run()
    cursor = runs.cursor()
    assert set(json.loads(cursor)) == {"version", "sites", "drives"}
    assert not [word for word in ("Bearer", "tempauth", "secret", "eyJ0") if word in cursor]


def test_what_is_shared_by_its_folder_hears_of_it(tmp_path: Path, stage: Stage) -> None:
    runs = Runs(tmp_path, stage, "acl = true\n")
    runs.run()
    before = files(runs)
    inherited = [one for one in before.values() if one.acl == BY_SITE and HANDBOOK in str(one.uri)]
    folder = min(str(one.metadata["folder"]) for one in inherited if one.metadata.get("folder"))
    stage.change("acl", item=folder, acl="anonymous")
    runs.run()
    beneath = {id_ for id_, one in before.items() if f"{one.metadata.get('folder')}/".startswith(f"{folder}/")}
    inheriting = {id_ for id_ in beneath if before[id_].acl == BY_SITE and HANDBOOK in str(before[id_].uri)}
    assert inheriting
    assert runs.changed == dict.fromkeys(inheriting, "retag")
    assert {files(runs)[id_].acl for id_ in inheriting} == {("anyone-with-link", "site-group:3")}


def test_a_file_that_leaves_the_folder_goes_and_comes_back_with_it(runs: Runs, stage: Stage) -> None:
    runs.run()
    one = next(held for held in files(runs).values() if held.metadata.get("folder") and HANDBOOK in str(held.uri))
    folder, name = str(one.metadata["folder"]), one.name
    address = f"https://contoso.sharepoint.com/sites/Handbook/Shared Documents/{folder}"
    runs.configure(f"sites = [{json.dumps(address)}]", without="sites")
    runs.run(allow_deletes=2 * DOCUMENTS)
    within = files(runs)
    assert {held.metadata["folder"] for held in within.values()} == {folder}
    stage.change("move", item=f"{folder}/{name}", to="")
    runs.run()
    assert list(runs.changed.values()) == ["delete"]
    stage.change("move", item=name, to=folder)
    runs.run()
    assert list(runs.changed.values()) == ["create"]
    assert files(runs) == within


def test_items_of_lists_are_followed(tmp_path: Path, stage: Stage) -> None:
    runs = Runs(tmp_path, stage, 'lists = ["Questions"]\n')
    runs.run()
    entries = {id_ for id_ in runs.held() if "/lists/" in id_}
    assert entries
    for kind, action in (("entry_edit", "update"), ("entry_delete", "delete")):
        stage.change(kind)
        runs.run()
        assert list(runs.changed.values()) == [action]
        assert set(runs.changed) <= entries


def test_a_page_with_a_damaged_canvas_keeps_the_others_and_its_description(tmp_path: Path, stage: Stage) -> None:
    stage.change("page_damage", item="Page-0000.aspx")
    runs = Runs(tmp_path, stage)
    report = runs.run()
    assert report.status == "ok"
    pages = {id_: held for id_, held in runs.held().items() if "/pages/" in id_}
    assert stage.counts()["GET page"] >= len(pages) - 2, "each by itself, since the list with canvases is refused"
    assert len([held for held in pages.values() if is_bare(held)]) == 2, "this one, and one whose canvas is empty"
    stage.change("page_repair", item="Page-0000.aspx")
    runs.run()
    assert set(runs.changed.values()) == {"update"}
    assert len([held for held in runs.held().values() if is_bare(held)]) == 1


def test_a_crawl_that_breaks_off_among_folders_goes_on_there(tmp_path: Path, stage: Stage) -> None:
    stage.server.services.options["sharepoint.page_size"] = "1"  # so that folders have pages of their own
    calm = Runs(tmp_path / "calm", stage)
    calm.run()
    expected, pages, broken_at = calm.held(), stage.counts()["GET delta"], 3
    stage.calm()
    runs = Runs(tmp_path / "broken", stage)
    stage.fail("cut_before", operation="GET delta", after=broken_at, times=0)
    assert (runs.run().status, runs.held()) == ("failed", {})
    stage.calm()
    assert runs.run().status == "ok"
    assert stage.counts()["GET delta"] == pages - broken_at
    assert runs.held() == expected


def test_a_crawl_that_breaks_off_at_any_page_repeats_one_at_most(tmp_path: Path, stage: Stage) -> None:
    stage.server.services.options["sharepoint.page_size"] = "6"
    calm = Runs(tmp_path / "calm", stage)
    calm.run()
    expected, pages = calm.held(), stage.counts()["GET delta"]
    for page in range(1, pages):
        stage.calm()
        runs = Runs(tmp_path / str(page), stage)
        stage.fail("cut_before", operation="GET delta", after=page, times=0)
        assert runs.run().status == "failed"
        stage.calm()
        assert runs.run().status == "ok"
        assert stage.counts()["GET delta"] <= pages - page + 1 + LIBRARIES
        assert runs.held() == expected
