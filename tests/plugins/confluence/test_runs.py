"""Whole runs of the host: what a first sync, a calm one, and one after each kind of change do at the target, and what they cost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from knowledge_connector import RunOptions
from knowledge_connector_confluence.emulator import ELEMENTS
from knowledge_connector_confluence.emulator.model import Content
from plugins.confluence.stage import PERSONALITIES, Stage, differences, staged

DEPLOYMENTS = ("cloud", "datacenter")


def calls(stage: Stage) -> dict[str, int]:
    return {name.removeprefix("GET "): count for name, count in stage.server.log.counts("confluence").items()}


@pytest.mark.parametrize("personality", PERSONALITIES)
def test_the_first_sync_takes_bodies_from_the_listing(tmp_path: Path, personality: str) -> None:
    with staged(tmp_path, personality, mentions=False, showcase=True) as stage:
        report = stage.run()
        assert (report.status, report.failed) == ("ok", 0)
        assert report.created == report.listed - sum(report.skipped.values())
        bodies = {name: count for name, count in calls(stage).items() if name in ("pages/{id}", "content/{id}")}
        assert sum(bodies.values()) == 1  # the one page that is too long to be carried along
        text = stage.held()[f"2001/{ELEMENTS}"][1]
        assert "```" in text


def test_a_calm_run_on_cloud_is_one_sweep(tmp_path: Path) -> None:
    with staged(tmp_path, emulate={"documents": "1200"}, kinds=["page"]) as stage:
        stage.run()
        report = stage.run()
        assert (report.status, report.kept) == ("ok", 1200)
        assert calls(stage) == {"spaces": 1, "spaces/{id}/pages": 8, "content/search": 8}  # 4 spaces of 300 pages
        stage.configure(kinds=["page"], label_tags=False)
        stage.run()
        stage.run()
        assert calls(stage) == {"spaces": 1, "spaces/{id}/pages": 8}


def test_a_calm_run_on_data_center_is_one_sweep(tmp_path: Path) -> None:
    with staged(tmp_path, "datacenter", emulate={"documents": "1200"}, kinds=["page"]) as stage:
        stage.run()
        report = stage.run()
        assert (report.status, report.kept) == ("ok", 1200)
        assert calls(stage) == {"user/current": 2, "space": 1, "content": 8}  # 300 pages are two times at most 200


CHANGES: list[tuple[str, dict[str, str], dict[str, str]]] = [
    ("create", {"space": "ENG"}, {"1000/900000001": "created"}),
    ("edit", {"id": "10000002"}, {"1000/10000002": "text"}),
    ("minor_edit", {"id": "10000003"}, {"1000/10000003": "text"}),
    ("rename", {"id": "10000004", "title": "Another title"}, {"1000/10000004": "name"}),
    ("move_parent", {"id": "10000005", "parent": "10000001"}, {"1000/10000005": "metadata"}),
    ("move_space", {"id": "10000006", "space": "HR"}, {"1000/10000006": "deleted", "1001/10000006": "created"}),
    ("label", {"id": "10000007", "label": "fresh"}, {"1000/10000007": "tags"}),
    ("label", {"id": "10000007", "label": "fresh", "remove": "yes"}, {"1000/10000007": "tags"}),
    ("restrict", {"id": "10000008", "to": "user:author-1"}, {"1000/10000008": "acl"}),
    ("restrict", {"id": "10000008", "to": "nobody"}, {"1000/10000008": "acl"}),
    ("restrict", {"id": "100051"}, {"2001/100052": "acl", "2001/100054": "acl"}),  # a folder, with what is beneath
    ("archive", {"id": "10000009"}, {"1000/10000009": "deleted"}),
    ("trash", {"id": "10000012"}, {"1001/10000012": "deleted"}),
    ("restore", {"id": "10000012"}, {"1001/10000012": "created"}),
    ("purge", {"id": "10000013"}, {"1001/10000013": "deleted"}),
    ("hide", {"id": "10000014"}, {"1001/10000014": "deleted"}),
    ("show", {"id": "10000014"}, {"1001/10000014": "created"}),
    ("attach", {"id": "10000015", "title": "new.csv"}, {"1001/10000015/att900000002": "created"}),
    ("attachment_version", {"id": "att50000000"}, {"1000/10000000/att50000000": "text"}),
    ("trash_attachment", {"id": "att50000000"}, {"1000/10000000/att50000000": "deleted"}),
    ("share_space", {"space": "ENG", "to": "anonymous"}, {}),
]
CLOUD_ONLY = {"archive", "100051"}


@pytest.mark.parametrize("personality", DEPLOYMENTS)
def test_each_change_reaches_exactly_its_documents(tmp_path: Path, personality: str) -> None:
    with staged(tmp_path, personality, attachments=True, acl=True, showcase=True) as stage:
        stage.run()
        before = stage.held()
        for number, (kind, arguments, wanted) in enumerate(CHANGES):
            if personality == "datacenter" and CLOUD_ONLY & {kind, arguments.get("id", "")}:
                continue
            stage.change(kind, **arguments)
            report = stage.run()
            after = stage.held()
            assert report.status == "ok", report.message
            assert differences(before, after) == wanted, f"change {number}: {kind} {arguments}"
            before = after


def test_what_was_thrown_away_comes_back(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.run()
        before = stage.held()
        stage.change("trash", id="10000005")
        stage.run()
        stage.change("restore", id="10000005")
        stage.run()
        assert differences(before, stage.held()) == {}


def test_a_space_that_is_archived_goes_with_all_its_pages(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.run()
        before = stage.held()
        stage.change("archive_space", space="HR")
        assert stage.run().status == "ok"
        after = stage.held()
        assert {id_.split("/")[0] for id_ in before.keys() - after.keys()} == {"1001"}
        assert not [id_ for id_ in after if id_.startswith("1001/")]


def test_many_deletions_are_withheld(tmp_path: Path) -> None:
    with staged(tmp_path, emulate={"documents": "240"}) as stage:
        stage.run()
        stage.change("archive_space", space="HR")
        report = stage.run()
        assert (report.status, report.withheld, report.deleted) == ("withheld", 60, 0)
        assert stage.run(RunOptions(allow_deletes=60)).deleted == 60


def test_a_space_that_is_named_and_missing_stops_the_run(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        stage.run()
        held = stage.held()
        stage.configure(space_keys=["ENG", "NOPE"])
        report = stage.run()
        assert report.status == "failed"
        assert "NOPE" in report.message
        assert stage.held() == held


def test_restrictions_of_everything_above_count(tmp_path: Path) -> None:
    with staged(tmp_path, acl=True, showcase=True) as stage:
        stage.run()
        acl = {name: acl for name, _, _, acl, _ in stage.held().values()}
        assert acl["Plain page"] == ("space:SHOW",)
        assert acl["For the people team"] == ("group:hr/people team",)
        assert acl["Salaries"] == ()  # nobody is named by both restrictions
        assert acl["Inherits both"] == ()
        assert acl["Edited by few"] == ("space:SHOW",)  # who may edit says nothing of who may read


def test_nothing_restricted_is_borrowed(tmp_path: Path) -> None:
    with staged(tmp_path, includes="text", showcase=True) as stage:
        stage.run()
        by_name = {name: text for name, text, *_ in stage.held().values()}
        salary = by_name["Salaries"].strip().splitlines()[0]
        assert salary not in by_name["Borrows from salaries"]
        assert "[Salaries](" in by_name["Borrows from salaries"]


def test_an_included_page_that_changes_changes_the_page_that_shows_it(tmp_path: Path) -> None:
    with staged(tmp_path, includes="text", showcase=True) as stage:
        stage.run()
        before = stage.held()
        stage.wiki.world.put(replace(_content(stage, "100004"), body="plain", version=2))  # the excerpt goes
        stage.run()
        changed = {before[id_][0] for id_ in differences(before, stage.held())}
        assert "Page with an excerpt" in changed
        assert "Every element" in changed


def _content(stage: Stage, id_: str) -> Content:
    found = stage.wiki.world.find(id_)
    assert found is not None
    return found


def test_filters_leave_out_and_say_so(tmp_path: Path) -> None:
    with staged(tmp_path, showcase=True) as stage:
        stage.run()
        everything = stage.held()
        stage.configure(space_keys=["SHOW"], ancestor_ids=["100061"], kinds=["page"])
        report = stage.run(RunOptions(allow_deletes=500))
        names = {name for name, *_ in stage.held().values()}
        assert names == {f"Level {n}" for n in range(1, 13)}
        assert report.skipped["ancestor_ids"] > 0
        stage.configure(labels=["backups"], exclude_labels=["how-to"])
        stage.run(RunOptions(allow_deletes=500))
        kept = stage.held()
        wanted = {id_ for id_, (_, _, tags, _, _) in everything.items() if "backups" in tags and "how-to" not in tags}
        assert set(kept) == wanted != set()


def test_archived_pages_and_spaces_and_personal_ones_are_read_if_wanted(tmp_path: Path) -> None:
    with staged(tmp_path, archived=True, personal_spaces=True, showcase=True) as stage:
        stage.run()
        names = {name for name, *_ in stage.held().values()}
        assert {"A page that is archived", "Old rules", "Overview of Reader Bot"} <= names
        assert not names & {"A page that is trashed", "A page that is draft"}


@pytest.mark.parametrize("personality", DEPLOYMENTS)
def test_comments_stand_beneath_their_page(tmp_path: Path, personality: str) -> None:
    with staged(tmp_path, personality, comments=True, showcase=True) as stage:
        stage.run()
        text = stage.held()["2001/100002"][1]
        assert text.index("## Comments") < text.index("Who wrote this?") < text.index("This is wrong.")
        stage.wiki.world.put(replace(_content(stage, "100031"), body="Who really?", version=2))
        before = stage.held()
        stage.run()
        assert differences(before, stage.held()) == {"2001/100002": "text"}


@pytest.mark.parametrize("personality", PERSONALITIES)
def test_attachments_arrive_whole(tmp_path: Path, personality: str) -> None:
    with staged(tmp_path, personality, attachments=True, showcase=True) as stage:
        report = stage.run()
        held = stage.held()
        texts = {name: text for name, text, *_ in held.values()}
        assert texts["notes.txt"].strip()
        assert len(texts["größe & maß #1.txt"]) > 10_000
        assert "thrown away.txt" not in texts
        assert report.skipped["exclude_attachments"] == 3
        assert not report.failed


@pytest.mark.parametrize("personality", DEPLOYMENTS)
def test_the_page_of_every_element_of_the_emulator_leaves_no_markup(tmp_path: Path, personality: str) -> None:
    with staged(tmp_path, personality, showcase=True) as stage:
        stage.run()
        text = stage.held()[f"2001/{ELEMENTS}"][1]
        assert not [leftover for leftover in ("ac:", "ri:", "CDATA", "<p>", "&nbsp;</") if leftover in text]


def test_between_two_sweeps_only_edited_pages_are_asked_for(tmp_path: Path) -> None:
    with staged(tmp_path, sweep_hours=24.0, label_tags=False, emulate={"documents": "40"}) as stage:
        stage.run()
        stage.clock.sleep(48 * 3600)  # everything that was generated is older than the overlap
        stage.run()
        before = stage.held()
        stage.change("edit", id="10000005")
        stage.change("trash", id="10000006")
        stage.clock.sleep(3600)
        report = stage.run()
        assert calls(stage) == {"spaces": 1, "content/search": 1, "pages": 1, "pages/{id}": 1}
        assert differences(before, stage.held()) == {"1000/10000005": "text"}
        assert report.deleted == 0
        stage.clock.sleep(24 * 3600)
        assert stage.run().deleted == 1


def test_a_live_document_is_read_once_nobody_types(tmp_path: Path) -> None:
    with staged(tmp_path, showcase=True) as stage:
        stage.run()
        live = next(id_ for id_, row in stage.held().items() if row[0] == "Live document")
        stage.change("edit", id=live.split("/")[1])
        before = stage.held()
        report = stage.run()
        assert report.skipped["live-document-in-use"] == 1
        assert differences(before, stage.held()) == {}
        stage.clock.sleep(700)
        stage.run()
        assert differences(before, stage.held()) == {live: "text"}


def test_labels_that_search_does_not_know_yet_are_asked_for(tmp_path: Path) -> None:
    with staged(tmp_path, emulate={"index_delay_seconds": "600"}) as stage:
        stage.run()
        stage.change("create", space="ENG", title="Brand new")
        stage.run()
        assert "Brand new" in {name for name, *_ in stage.held().values()}
        assert calls(stage)["pages/{id}/labels"] == 1


def test_the_skips_are_counted(tmp_path: Path) -> None:
    with staged(tmp_path, showcase=True) as stage:
        assert dict(stage.run().skipped) == {"empty": 2}
