"""The same runs with the state on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.world import World


@pytest.fixture
def world(tmp_path: Path, postgresql_url: str) -> World:
    world = World(tmp_path)
    file = tmp_path / "connectors.toml"
    file.write_text(file.read_text(encoding="utf-8") + f'\n[state]\nurl = "{postgresql_url}"\n', encoding="utf-8")
    for number in range(5):
        world.put(f"d{number}", f"text {number}", title=f"T{number}")
    return world


def test_runs_edits_renames_deletes_and_undo(world: World) -> None:
    assert world.run().created == 5
    assert world.run().changed == 0
    before = world.contents()
    world.put("d0", "changed", title="T0")
    del world.shelf["d1"]
    world.shelf["d2"]["title"] = "Another title"
    world.shelf["e3"] = world.shelf.pop("d3") | {"id": "e3"}
    world.put("bad", "text", body="fail")
    assert world.planned() == {"d0": "update", "d1": "delete", "d2": "retag", "e3": "retag"}
    report = world.run()
    assert (report.status, report.changed, report.failed) == ("partial", 4, 1)
    assert world.contents() == {id_: held for id_, held in world.expected().items() if id_ != "bad"}
    with world.host() as host:
        (undone,) = host.undo(report.run)
    assert (undone.changed, world.contents()) == (4, before)
    assert world.run().changed == 0


def test_what_somebody_took_from_the_target_comes_back(world: World) -> None:
    world.run()
    for file in (world.folder / ".connector").glob("knowledge.db*"):
        file.unlink()
    assert world.run().created == 5
    assert world.contents() == world.expected()
