"""Whole runs: connectors.toml in, report and target contents out."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge_connector import RunOptions
from knowledge_connector.sync.planfile import PlanFile
from scenarios.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_first_run_brings_everything_and_a_second_one_nothing(world: World) -> None:
    for number in range(3):
        world.put(f"d{number}", f"one {number}", f"two {number}", title=f"Document {number}")
    first = world.run()
    assert (first.status, first.listed, first.created, first.chunks_written) == ("ok", 3, 3, 6)
    assert world.contents() == world.expected()
    second = world.run()
    assert (second.status, second.listed, second.kept, second.changed, second.chunks_written) == ("ok", 3, 3, 0, 0)


def test_an_edit_a_delete_and_a_rename_are_just_that(world: World) -> None:
    for number in range(4):
        world.put(f"d{number}", f"one {number}", f"two {number}", title=f"Document {number}")
    world.run()
    world.put("d0", "one 0", "two changed", title="Document 0")
    del world.shelf["d1"]
    world.shelf["e2"] = world.shelf.pop("d2") | {"id": "e2"}
    assert world.planned() == {"d0": "update", "d1": "delete", "e2": "retag"}
    report = world.run()
    assert (report.updated, report.deleted, report.retagged, report.kept) == (1, 1, 1, 1)
    assert (report.chunks_written, report.chunks_deleted) == (1, 1 + 2)
    assert world.contents() == world.expected()
    assert world.planned() == {}


def test_a_mass_delete_waits_for_a_person(world: World) -> None:
    for number in range(40):
        world.put(f"d{number:02}", f"text {number}")
    world.run()
    for number in range(15):
        del world.shelf[f"d{number:02}"]
    world.put("new", "news")
    report = world.run()
    assert (report.status, report.withheld, report.deleted, report.created) == ("withheld", 15, 0, 1)
    assert report.exit_code == 4
    assert "connector run shelf --allow-deletes 15" in report.message
    assert world.run(RunOptions(allow_deletes=14)).withheld == 15
    approved = world.run(RunOptions(allow_deletes=15))
    assert (approved.status, approved.deleted) == ("ok", 15)
    assert world.contents() == world.expected()


def test_an_empty_listing_is_not_believed(world: World) -> None:
    world.put("d1", "text")
    world.run()
    world.shelf.clear()
    assert world.run().withheld == 1
    assert len(world.contents()) == 1


def test_what_cannot_be_looked_at_is_kept(world: World) -> None:
    for id_ in ("open/a", "closed/a", "closed/b"):
        world.put(id_, f"text of {id_}")
    world.run()
    world.shelf.clear()
    world.put("open/a", "text of open/a")
    world.shelf["closed/"] = {"id": "closed/", "kind": "locked"}
    report = world.run()
    assert (report.status, report.failed, report.deleted) == ("partial", 1, 0)
    assert set(world.contents()) == {"open/a", "closed/a", "closed/b"}


def test_a_listing_that_breaks_off_deletes_nothing_and_keeps_what_it_did(world: World) -> None:
    world.put("d1", "text")
    world.put("d2", "text two")
    world.run()
    world.shelf = {"d0": {"id": "d0", "chunks": ["new"]}, "!": {"id": "!", "kind": "die"}}
    report = world.run()
    assert (report.status, report.exit_code, report.message) == ("failed", 3, "the origin went away")
    assert set(world.contents()) == {"d0", "d1", "d2"} - ({"d0"} if not report.created else set())


def test_a_fault_in_a_plugin_names_the_plugin(world: World) -> None:
    world.shelf["!"] = {"id": "!", "kind": "raise"}
    report = world.run()
    assert report.status == "failed"
    assert "connector type 'shelf' raised KeyError while reading" in report.message


def test_rules_that_leave_a_document_out_delete_it_and_say_so(world: World) -> None:
    world.put("d1", "text")
    world.put("d2", "text two")
    world.run()
    world.shelf["d1"] = {"id": "d1", "kind": "excluded"}
    _, plan = world.plan()
    assert [(c["action"], c["external_id"], c["reason"]) for c in plan.lanes[0].changes] == [
        ("delete", "d1", "left out by the rules: excluded")
    ]
    report = world.run()
    assert (report.deleted, report.skipped) == (1, {"excluded": 1})
    assert set(world.contents()) == {"d2"}


def test_a_tombstone_deletes_and_a_document_that_comes_back_stays(world: World) -> None:
    world.put("d1", "text")
    world.put("d2", "text two")
    world.run()
    world.shelf = {"t": {"id": "d1", "kind": "tombstone"}, "d2": world.shelf["d2"]}
    assert world.run().deleted == 1
    world.shelf = {"t": {"id": "d2", "kind": "tombstone"}, "d2": world.shelf["d2"]}
    assert world.run().deleted == 0


def test_one_bad_document_is_one_bad_document_and_is_tried_again(world: World) -> None:
    world.put("good", "text")
    world.put("bad", "text two", body="fail")
    report = world.run()
    assert (report.status, report.exit_code, report.created, report.failed) == ("partial", 1, 1, 1)
    with world.host() as host:
        ((_, failure),) = host.store.failures("shelf")
    assert (failure.external_id, failure.stage, failure.code, failure.message, failure.attempts) == (
        *("bad", "fetch", "locked", "it would not open"),
        1,
    )
    assert world.run().failed == 1
    world.shelf["bad"]["body"] = ""
    with world.host() as host:
        (retried,) = host.retry("shelf")
        assert (retried.listed, retried.created, retried.deleted) == (1, 1, 0)
        assert host.store.failures("shelf") == []
    assert world.contents() == world.expected()


def test_a_failure_of_a_document_that_is_gone_is_forgotten(world: World) -> None:
    world.put("good", "text")
    world.put("bad", "text two", body="fail")
    world.run()
    del world.shelf["bad"]
    assert world.run().status == "ok"
    with world.host() as host:
        assert host.store.failures("shelf") == []


def test_many_failures_in_a_row_stop_the_run(world: World) -> None:
    for number in range(30):
        world.put(f"d{number:02}", f"text {number}", body="fail" if number > 3 else "")
    report = world.run()
    assert report.status == "failed"
    assert report.exit_code == 3
    assert "documents in a row failed" in report.message


def test_a_document_whose_text_is_gone_loses_its_knowledge(world: World) -> None:
    world.put("d1", "text")
    world.put("d2", "text two")
    world.run()
    world.shelf["d1"] = {"id": "d1", "chunks": []}
    report = world.run()
    assert (report.deleted, report.skipped) == (1, {"empty": 1})
    assert world.run().skipped == {"empty": 1}
    assert set(world.contents()) == {"d2"}


def test_the_same_id_twice_is_reported_and_the_first_one_counts(world: World) -> None:
    world.put("d1", "text")
    world.shelf["again"] = {"id": "d1", "chunks": ["another"]}
    report = world.run()
    assert (report.created, report.skipped) == (1, {"duplicate-id": 1})
    assert world.run().changed == 0


def test_without_revisions_every_body_is_read_and_compared_by_its_text(tmp_path: Path) -> None:
    world = World(tmp_path, options="revisions = false")
    world.put("d1", "text")
    world.run()
    assert (report := world.run()).kept == 1
    assert report.changed == 0
    world.put("d1", "another text")
    assert world.run().updated == 1


def test_a_copy_is_not_taken_for_a_rename(world: World) -> None:
    world.put("d1", "text", title="T")
    world.run()
    world.shelf = {"a": {**world.shelf["d1"], "id": "a"}, "d1": world.shelf["d1"]}
    report = world.run()
    assert (report.created, report.retagged, report.deleted) == (1, 0, 0)
    assert world.contents() == world.expected()


def test_without_its_state_nothing_is_imported_again(world: World) -> None:
    for number in range(5):
        world.put(f"d{number}", f"text {number}")
    world.run()
    for file in (world.folder / ".connector").glob("state.db*"):
        file.unlink()
    report = world.run()
    assert (report.kept, report.changed) == (5, 0)


def test_what_somebody_took_from_the_target_comes_back(world: World) -> None:
    for number in range(5):
        world.put(f"d{number}", f"text {number}")
    world.run()
    for file in (world.folder / ".connector").glob("knowledge.db*"):
        file.unlink()
    report = world.run()
    assert (report.created, report.kept) == (5, 0)
    assert world.contents() == world.expected()


def test_tags_of_the_configuration_are_a_retag(world: World) -> None:
    world.put("d1", "text")
    world.run()
    file = world.folder / "connectors.toml"
    file.write_text(file.read_text(encoding="utf-8") + 'tags = ["handbook"]\n', encoding="utf-8")
    report = world.run()
    assert (report.retagged, report.chunks_written) == (1, 0)
    with world.host() as host:
        ((_, source),) = host.sources()
    assert source.tags == ("handbook",)


def test_a_plan_is_carried_out_as_it_stands(world: World, tmp_path: Path) -> None:
    for number in range(4):
        world.put(f"d{number}", f"text {number}")
    world.run()
    world.put("d0", "changed")
    del world.shelf["d1"]
    _, plan = world.plan()
    plan.write(tmp_path / "plan.json")
    world.put("d2", "changed too")
    world.put("d0", "changed once more")
    with world.host() as host:
        (report,) = host.apply(PlanFile.read(tmp_path / "plan.json"))
    assert (report.status, report.updated, report.deleted, report.skipped) == ("partial", 0, 1, {"not-planned": 2})
    assert "d0" in report.message
    with world.host() as host:
        (again,) = host.apply(PlanFile.read(tmp_path / "plan.json"))
    assert again.status == "failed"
    assert "has changed since the plan was made" in again.message


def test_undo_brings_back_what_a_run_did_and_holds_it(world: World) -> None:
    for number in range(5):
        world.put(f"d{number}", f"text {number}", title=f"T{number}")
    world.run()
    before = world.contents()
    world.put("d0", "changed", title="T0")
    del world.shelf["d1"]
    world.shelf["d2"]["title"] = "Another title"
    world.shelf["e3"] = world.shelf.pop("d3") | {"id": "e3"}
    world.put("new", "news", title="News")
    report = world.run()
    after = world.contents()
    with world.host() as host:
        (undone,) = host.undo(report.run)
    assert undone.changed == 5
    assert world.contents() == before
    held = world.run()
    assert (held.changed, world.contents()) == (0, before)
    assert held.held == 4  # the deleted one is not listed
    world.put("d0", "changed again", title="T0")
    assert world.run().updated == 1
    with world.host() as host:
        host.release("shelf")
    world.run()
    assert world.contents() == world.expected()
    assert set(after) == set(world.contents())


def test_an_undone_run_can_be_undone_in_turn(world: World) -> None:
    world.put("d1", "text", title="T")
    world.run()
    world.put("d1", "changed", title="T")
    report = world.run()
    after = world.contents()
    with world.host() as host:
        (undone,) = host.undo(report.run)
        host.undo(undone.run)
    assert world.contents() == after


def test_only_the_last_change_of_a_document_can_be_undone(world: World) -> None:
    world.put("d1", "text")
    world.run()
    world.put("d1", "changed")
    first = world.run()
    world.put("d1", "changed again")
    second = world.run()
    with world.host() as host:
        (undone,) = host.undo(first.run)
    assert (undone.changed, undone.skipped) == (0, {"not-undone": 1})
    assert second.updated == 1


def test_a_crawl_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    world = World(tmp_path, type_="drip")
    for number in range(6):
        world.put(f"d{number}", f"text {number}")
    whole = dict(world.shelf)
    world.shelf = dict(list(whole.items())[:4]) | {"!": {"id": "!", "kind": "die"}}
    first = world.run()
    assert (first.status, first.created) == ("failed", 4)
    world.shelf = whole
    second = world.run()
    assert (second.listed, second.created, second.deleted) == (2, 2, 0)
    assert world.contents() == world.expected()


def test_a_resumed_listing_still_finds_what_is_gone(tmp_path: Path) -> None:
    world = World(tmp_path, type_="drip")
    for number in range(6):
        world.put(f"d{number}", f"text {number}")
    world.run()
    with world.host() as host:
        host.store.drop_cursor("shelf")
    whole = dict(world.shelf)
    del whole["d5"]
    world.shelf = dict(list(whole.items())[:3]) | {"!": {"id": "!", "kind": "die"}}
    assert world.run().status == "failed"
    world.shelf = whole
    report = world.run()
    assert (report.listed, report.deleted) == (2, 1)
    assert world.contents() == world.expected()


def test_a_delta_deletes_nothing_but_what_is_said_to_be_gone(tmp_path: Path) -> None:
    world = World(tmp_path, type_="drip")
    for number in range(3):
        world.put(f"d{number}", f"text {number}")
    world.run()
    world.shelf["t"] = {"id": "t", "kind": "tombstone"} | {"id": "d1"}
    report = world.run()
    assert (report.listed, report.deleted) == (0, 1)
    assert set(world.contents()) == {"d0", "d2"}


def drip_of_two_parts(tmp_path: Path) -> World:
    """An origin with a cursor, read to its end: parts `a/` and `b/` of three documents each."""
    world = World(tmp_path, type_="drip")
    for id_ in ("a/0", "a/1", "a/2", "b/0", "b/1", "b/2"):
        world.put(id_, f"text {id_}")
    world.run()
    return world


def test_a_part_that_was_listed_whole_has_shown_what_is_gone(tmp_path: Path) -> None:
    world = drip_of_two_parts(tmp_path)
    for entry in ({"id": "a/0 again"}, {"id": "a/"}):
        world.shelf[entry["id"] + "!"] = entry | {"kind": "complete"}
    world.shelf["again"] = world.shelf["a/1"]
    world.shelf = {key: world.shelf[key] for key in [*list(world.shelf)[:6], "again", "a/0 again!", "a/!"]}
    assert world.planned() == {"a/0": "delete", "a/2": "delete"}
    report = world.run()
    assert (report.status, report.listed, report.deleted) == ("ok", 1, 2)
    assert set(world.contents()) == {"a/1", "b/0", "b/1", "b/2"}


def test_a_part_that_is_unknown_keeps_everything_though_it_is_called_complete(tmp_path: Path) -> None:
    world = drip_of_two_parts(tmp_path)
    world.shelf["a/!"] = {"id": "a/", "kind": "locked"}
    world.shelf["a/!!"] = {"id": "a/", "kind": "complete"}
    assert (world.run().deleted, len(world.contents())) == (0, 6)


def test_a_part_remembers_what_it_showed_before_a_crash(tmp_path: Path) -> None:
    world = drip_of_two_parts(tmp_path)
    whole = {f"again {key}": dict(world.shelf[key]) for key in ("a/0", "a/1")}
    base = dict(world.shelf)
    world.shelf = base | whole | {"!": {"id": "!", "kind": "die"}}
    assert world.run().status == "failed"
    world.shelf = base | whole | {"a/!": {"id": "a/", "kind": "complete"}}
    report = world.run()
    assert (report.status, report.listed, report.deleted) == ("ok", 0, 1)
    assert set(world.contents()) == {"a/0", "a/1", "b/0", "b/1", "b/2"}


def test_many_deletes_of_a_part_wait_for_a_person(tmp_path: Path) -> None:
    world = World(tmp_path, type_="drip")
    for number in range(30):
        world.put(f"a/{number:02}", f"text {number}")
    world.run()
    world.shelf["a/!"] = {"id": "a/", "kind": "complete"}
    report = world.run()
    assert (report.status, report.withheld, report.deleted) == ("withheld", 30, 0)
    approved = world.run(RunOptions(allow_deletes=30))
    assert (approved.status, approved.deleted) == ("ok", 30)


def test_changes_that_would_leave_nothing_wait_for_a_person(tmp_path: Path) -> None:
    world = drip_of_two_parts(tmp_path)
    world.shelf["!"] = {"id": "", "kind": "complete"}
    report = world.run()
    assert (report.status, report.withheld) == ("withheld", 6)
    assert "all 6 documents that are held would be deleted" in report.message
    del world.shelf["!"]
    assert world.run().withheld == 6
    assert world.run(RunOptions(allow_deletes=6)).deleted == 6


def test_a_part_that_could_not_be_looked_at_is_forgiven_once_it_can(tmp_path: Path) -> None:
    world = drip_of_two_parts(tmp_path)
    world.shelf["a/!"] = {"id": "a/", "kind": "locked"}
    assert world.run().failed == 1
    world.shelf["a/!"] = {"id": "a/3", "chunks": ["open again"]}
    world.shelf["more"] = {"id": "b/3", "chunks": ["more"]}
    assert world.run().status == "ok"
    with world.host() as host:
        assert host.store.failures("shelf") == []


def test_the_last_state_of_a_document_wins_where_the_origin_tells_of_changes(tmp_path: Path) -> None:
    world = World(tmp_path, type_="drip")
    world.put("d0", "old text")
    world.shelf["d0 again"] = {"id": "d0", "chunks": ["new text"]}
    assert world.run().status == "ok"
    assert world.contents() == {"d0": ("d0", ("new text",))}


def test_a_failed_document_is_tried_again_though_the_cursor_has_passed_it(tmp_path: Path) -> None:
    world = World(tmp_path, type_="drip")
    world.put("d0", "text", body="fail")
    world.put("d1", "text 1")
    assert world.run().failed == 1
    world.shelf["d0"]["body"] = ""
    report = world.run()
    assert (report.listed, report.created) == (1, 1)


def test_a_cursor_is_void_when_knowledge_was_lost(tmp_path: Path) -> None:
    world = World(tmp_path, type_="drip")
    for number in range(3):
        world.put(f"d{number}", f"text {number}")
    world.run()
    for file in (world.folder / ".connector").glob("knowledge.db*"):
        file.unlink()
    assert world.run().created == 3


def test_several_targets_share_one_reading_and_fail_apart(tmp_path: Path) -> None:
    world = World(tmp_path, options='targets = ["local", "second"]')
    file = world.folder / "connectors.toml"
    second = '\n[targets.second]\ntype = "sqlite"\npath = "second/knowledge.db"\nmax_chars = 5\n'
    file.write_text(file.read_text(encoding="utf-8") + second, encoding="utf-8")
    world.put("d1", "short")
    world.put("d2", "longer than five")
    with world.host() as host:
        local, other = host.sync("shelf")
    assert (local.status, local.created) == ("partial", 1)
    assert (other.status, other.created, other.failed) == ("partial", 1, 1)


def test_many_equal_documents_that_move_are_all_renamed(world: World) -> None:
    for number in range(30):
        world.put(f"old/d{number:02}", "the same text")
    world.run()
    world.shelf = {f"new/{id_[4:]}": entry | {"id": f"new/{id_[4:]}"} for id_, entry in world.shelf.items()}
    planned, _ = world.plan()
    report = world.run()
    for seen in (planned, report):
        assert (seen.retagged, seen.created, seen.deleted, seen.chunks_written) == (30, 0, 0, 0)
    assert world.contents() == world.expected()
