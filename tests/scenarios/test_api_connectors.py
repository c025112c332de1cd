"""Connectors in Cognigy's style: the same promises as for all others."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, type_="api-shelf")
    for number in range(4):
        world.put(f"d{number}", f"one {number}", f"two {number}", title=f"Document {number}")
    return world


def test_a_first_run_brings_everything_and_a_second_one_nothing(world: World) -> None:
    first = world.run()
    assert (first.status, first.created) == ("ok", 4)
    assert world.contents() == world.expected()
    second = world.run()
    assert (second.kept, second.changed) == (4, 0)


def test_an_edit_a_new_title_and_a_delete_are_just_that(world: World) -> None:
    world.run()
    world.put("d0", "one 0", "two changed", title="Document 0")
    world.shelf["d1"]["title"] = "Another title"
    del world.shelf["d2"]
    assert world.planned() == {"d0": "update", "d1": "retag", "d2": "delete"}
    report = world.run()
    assert (report.updated, report.retagged, report.deleted, report.kept) == (1, 1, 1, 1)
    assert world.contents() == world.expected()


def test_without_its_state_nothing_is_imported_again(world: World) -> None:
    world.run()
    for file in (world.folder / ".connector").glob("state.db*"):
        file.unlink()
    assert world.run().changed == 0


def test_a_source_that_does_not_get_its_chunks_is_a_failure_and_the_old_one_answers(world: World) -> None:
    world.run()
    before = world.contents()
    world.put("d0", "one 0", "half", title="Document 0", announces=3)
    report = world.run()
    assert (report.status, report.failed, report.updated) == ("partial", 1, 0)
    assert world.contents() == before
    with world.host() as host:
        ((_, failure),) = host.store.failures("shelf")
    assert failure.message == "3 chunks were announced and 2 arrived"


def test_more_chunks_than_announced_stop_the_run(world: World) -> None:
    world.put("d0", "one", "two", announces=1)
    report = world.run()
    assert report.status == "failed"
    assert "takes no more chunks" in report.message


def test_a_fault_in_the_function_is_named_and_deletes_nothing(world: World) -> None:
    world.run()
    world.shelf = {"!": {"id": "!", "kind": "raise"}}
    report = world.run()
    assert report.status == "failed"
    assert "raised KeyError" in report.message
    assert len(world.contents()) == 4


def test_many_deletes_wait_for_a_person(world: World) -> None:
    for number in range(20):
        world.put(f"d{number}", f"one {number}")
    world.run()
    world.shelf = {"d0": world.shelf["d0"]}
    assert world.run().withheld == 19
