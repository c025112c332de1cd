"""run, plan, apply, retry, undo and release, as people and scripts read them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scenarios.world import World

from .conftest import Connector


@pytest.fixture
def shelf(world: World) -> World:
    """Three documents."""
    for number in range(3):
        world.put(f"d{number}", f"one {number}", f"two {number}", title=f"Document {number}")
    return world


@pytest.mark.usefixtures("shelf")
def test_a_first_run_ends_with_a_table(connector: Connector) -> None:
    ran = connector("run", "shelf")
    assert ran.out == (
        "connector → target  listed  created  updated  retagged  deleted  kept  skipped  failed  chunks    time  status\n"
        "shelf → local            3        3        0         0        0     0        0       0       6  0.00 s  ok\n"
        "\n"
        "What changed: connector diff 1 · take it back: connector undo 1\n"
    )
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.usefixtures("shelf")
def test_an_unchanged_run_says_so(connector: Connector) -> None:
    connector("run", "shelf")
    ran = connector("run", "shelf")
    assert ran.out == (
        "shelf → local: everything is unchanged; nothing was written\n  looked at 3 documents in 0.00 s\n"
    )
    assert ran.code == 0


def test_a_run_that_finds_nothing_says_so_loudly(connector: Connector) -> None:
    ran = connector("run", "shelf")
    assert ran.out.endswith("\n! shelf → local: The origin listed nothing at all. Is that right?\n")


def test_failures_are_named_with_what_to_do_about_them(world: World, connector: Connector) -> None:
    world.put("good", "text")
    for number in range(12):
        world.put(f"bad {number:02}", text="", body="fail")
        world.put(f"good {number:02}", "text")
    ran = connector("run", "shelf")
    assert ran.code == 1
    table, failures = ran.out.split("\n\n")[:2]
    assert table.splitlines()[1] == (
        "shelf → local           25       13        0         0        0     0        0      12      13  0.00 s  partial"
    )
    lines = failures.splitlines()
    assert lines[0] == "shelf → local: 12 documents failed; the next run tries again."
    assert lines[1] == "  fetch  bad 00  it would not open"
    assert lines[11:] == [
        "  … and more",
        "More about one: connector explain shelf 'bad 00'",
        "Try only these again: connector retry shelf",
    ]


def test_a_document_that_fails_for_two_targets_is_named_once(world: World, connector: Connector) -> None:
    file = world.folder / "connectors.toml"
    text = file.read_text(encoding="utf-8").replace(
        'path = "shelf.json"', 'path = "shelf.json"\ntargets = ["local", "second"]'
    )
    file.write_text(text + '[targets.second]\ntype = "sqlite"\npath = "second.db"\n', encoding="utf-8")
    world.put("bad", text="", body="fail")
    out = connector("run", "shelf").out
    both = "shelf → local: 1 document failed; shelf → second: 1 document failed; the next run tries again.\n"
    assert f"{both}  fetch  bad  it would not open\nMore about one" in out


def test_retry_looks_at_what_failed(world: World, connector: Connector) -> None:
    world.put("bad", text="", body="fail")
    world.put("good", "text")
    connector("run", "shelf")
    world.put("bad", "it opens again")
    retried = connector("retry", "shelf")
    assert retried.code == 0
    assert retried.out.splitlines()[1].split()[:5] == ["shelf", "→", "local", "1", "1"]


def test_retry_has_nothing_to_do_where_nothing_failed(connector: Connector) -> None:
    assert connector("retry", "shelf").out == "No document of shelf has failed; there is nothing to retry.\n"


def test_skips_are_counted_by_reason(world: World, connector: Connector) -> None:
    world.put("kept", "text")
    world.put("left out", kind="excluded")
    assert "\nshelf → local skipped 1 (excluded 1)\n" in connector("run", "shelf").out
    assert connector("run", "shelf").out.endswith("looked at 2 documents in 0.00 s; skipped 1 (excluded 1)\n")


def test_deletes_that_are_withheld_exit_4_and_name_the_command(world: World, connector: Connector) -> None:
    for number in range(40):
        world.put(f"d{number:02}", f"text {number}")
    connector("run", "shelf")
    for number in range(15):
        del world.shelf[f"d{number:02}"]
    ran = connector("run", "shelf")
    assert ran.code == 4
    assert ran.out.endswith("To approve them:\n    connector run shelf --allow-deletes 15\n")
    assert connector("run", "shelf", "--allow-deletes", "15").code == 0


@pytest.mark.usefixtures("shelf")
def test_json_is_one_object_a_line(connector: Connector) -> None:
    ran = connector("run", "shelf", "--json")
    report = json.loads(ran.out)
    assert ran.err == ""
    documented = (
        "run connector target status applied listed created updated retagged deleted kept skipped failed withheld "
        "chunks_written chunks_deleted calls started_at seconds seconds_by_phase"
    )
    assert set(documented.split()) <= set(report)
    assert (report["connector"], report["target"], report["created"], report["applied"]) == ("shelf", "local", 3, True)
    planned = json.loads(connector("plan", "shelf", "--json").out)
    assert (planned["applied"], planned["kept"]) == (False, 3)


def test_quiet_says_nothing_unless_something_is_wrong(world: World, connector: Connector) -> None:
    world.put("d", "text")
    assert connector("run", "shelf", "--quiet").out == ""
    world.put("bad", text="", body="fail")
    ran = connector("run", "shelf", "--quiet")
    assert (ran.code, ran.out, ran.err) == (1, "", "Error: shelf → local: 1 failed\n")


def test_a_plan_reads_like_a_diff(shelf: World, connector: Connector) -> None:
    shelf.put("d0", "one 0", "two 0", title="Document 0", revision="1")
    connector("run", "shelf")
    shelf.put("d0", "one 0", "changed", title="Document 0", revision="2")
    del shelf.shelf["d1"]
    shelf.shelf["e2"] = shelf.shelf.pop("d2") | {"id": "e2"}
    shelf.put("new", "text")
    shelf.put("bad", text="", body="fail")
    ran = connector("plan", "shelf")
    assert ran.out == (
        "shelf → local  a plan; nothing was written (0.00 s)\n"
        "\n"
        "  +  new                  new                              1 chunk\n"
        "\n"
        "  ~  Document 0  d0       revision changed from 1 to 2    2 chunks\n"
        "\n"
        "  ±  Document 2  d2 → e2  renamed from d2\n"
        "\n"
        "  -  Document 1  d1       no longer listed at the origin\n"
        "\n"
        "  !  bad                  fetch: it would not open\n"
        "\n"
        "1 to create, 1 to update, 1 to retag, 1 to delete, 1 failed; 2 chunks to write\n"
        "\n"
        "To do this: connector run shelf\n"
    )
    assert ran.code == 1


def test_a_plan_counts_what_is_kept_and_lists_it_if_asked(shelf: World, connector: Connector) -> None:
    connector("run", "shelf")
    assert "Nothing to do: 3 kept" in connector("plan", "shelf").out
    assert "  =  Document 1  d1  unchanged\n" in connector("plan", "shelf", "--all-changes").out
    for number in range(5):
        shelf.put(f"n{number}", "text")
    assert "… and 3 more; --limit 0 shows all" in connector("plan", "shelf", "--limit", "2").out


def test_a_saved_plan_is_carried_out_and_nothing_else(shelf: World, connector: Connector, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    assert connector("plan", "shelf", "--out", str(plan)).out.endswith(f"To do exactly this: connector apply {plan}\n")
    shelf.put("later", "text")
    ran = connector("apply", str(plan))
    assert ran.out.splitlines()[1].split()[3:5] == ["4", "3"]
    assert "Left as they are:\n    later  not in the plan\n" in ran.out
    assert set(shelf.contents()) == {"d0", "d1", "d2"}


def test_a_plan_that_cannot_be_saved_is_an_error_and_no_traceback(connector: Connector, tmp_path: Path) -> None:
    ran = connector("plan", "shelf", "--out", str(tmp_path / "nowhere" / "plan.json"))
    assert ran.code == 3
    assert ran.err.endswith(f"Error: {tmp_path}/nowhere/plan.json: No such file or directory\n")


def test_undo_brings_back_and_release_lets_go(shelf: World, connector: Connector) -> None:
    connector("run", "shelf")
    shelf.put("d0", "changed", title="Document 0")
    connector("run", "shelf")
    undone = connector("undo", "2")
    assert undone.out.endswith("Held as they are now: 1. To follow the origin again: connector release shelf\n")
    assert shelf.contents()["d0"] == ("Document 0", ("one 0", "two 0"))
    assert "=  Document 0  d0  undone by hand" in connector("plan", "shelf").out
    released = connector("release", "shelf")
    assert released.out == "Released: 1. The next run follows the origin again: connector run shelf\n"
    assert connector("release", "shelf").out == "Nothing of shelf was held.\n"


def test_several_connectors_are_run_though_one_cannot_go_on(world: World, connector: Connector) -> None:
    world.put("d", "text")
    file = world.folder / "connectors.toml"
    more = '\n[connectors.broken]\ntype = "shelf"\npath = "missing.json"\n[connectors.off]\ntype = "none"\nenabled = false\n'
    file.write_text(file.read_text(encoding="utf-8") + more, encoding="utf-8")
    ran = connector("run", "--all")
    assert ran.code in (2, 3)
    assert "shelf → local" in ran.out
    assert "broken" in ran.out + ran.err
    assert "off" not in ran.out


@pytest.mark.parametrize("arguments", [(), ("shelf", "--all")])
def test_run_wants_names_or_all(connector: Connector, arguments: tuple[str, ...]) -> None:
    ran = connector("run", *arguments)
    assert ran.code == 2
    assert ran.err.endswith("Error: Name the connectors to run, or say --all. There are: shelf\n")
