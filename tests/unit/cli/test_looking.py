"""explain, history, diff, check, search, sources, list, describe, schema and completion."""

from __future__ import annotations

import json
import tomllib

import pytest

from scenarios.world import World

from .conftest import Connector


@pytest.fixture
def shelf(world: World, connector: Connector) -> World:
    """After two runs: one document is as it was, one was edited, one renamed, one deleted, and one never opened."""
    world.put("same", "a calm text", title="The same", tags=["calm"])
    world.put("edited", "first line\nsecond line", title="Edited", revision="1", uri="https://wiki.example.com/edited")
    world.put("old-name", "a text that moves", title="Moving")
    world.put("gone", "a text that goes", title="Gone")
    connector("run", "shelf", "-q")
    world.put("edited", "first line\nanother line", title="Edited", revision="2", uri="https://wiki.example.com/edited")
    world.shelf["new-name"] = world.shelf.pop("old-name") | {"id": "new-name"}
    del world.shelf["gone"]
    world.put("locked away", text="", body="fail")
    connector("run", "shelf", "-q")
    return world


@pytest.mark.usefixtures("shelf")
def test_explain_tells_the_story_of_a_document(connector: Connector) -> None:
    by_link = connector("explain", "shelf", "https://wiki.example.com/edited")
    assert by_link.out == (
        "Edited  edited\n"
        "  lane         shelf → local\n"
        "  state        held: 1 chunk, X\n"
        "  listed       yes, by the last run (run 2, DATE)\n"
        "  revision     2\n"
        "  fingerprint  X\n"
        "  link         https://wiki.example.com/edited\n"
        "  last change  updated by run 2, DATE: revision changed from 1 to 2\n"
        "  changed by   runs 1, 2\n"
    )
    assert by_link.code == 0
    assert connector("explain", "shelf", "edited").out == by_link.out
    assert connector("explain", "shelf", "Edi").out == by_link.out
    assert "  tags         calm\n" in connector("explain", "shelf", "same").out


@pytest.mark.usefixtures("shelf")
def test_explain_tells_what_became_of_a_document(connector: Connector) -> None:
    gone = connector("explain", "shelf", "gone").out
    assert "  state        no longer held\n" in gone
    assert "  last change  deleted by run 2, DATE: no longer listed at the origin\n" in gone
    moved = connector("explain", "shelf", "old-name").out
    assert moved.startswith("Moving  new-name\n")
    assert "  last change  retagged by run 2, DATE: renamed from old-name\n" in moved


@pytest.mark.usefixtures("shelf")
def test_explain_tells_why_a_document_is_not_there(connector: Connector) -> None:
    ran = connector("explain", "shelf", "locked away")
    assert "  state        not held\n" in ran.out
    assert "  failed       fetch: it would not open (locked; 1 attempt since DATE)\n" in ran.out
    assert "  tried again  in every run, or now: connector retry shelf\n" in ran.out


@pytest.mark.usefixtures("shelf")
def test_explain_tells_what_undo_holds(connector: Connector) -> None:
    connector("undo", "2", "-q")
    told = connector("explain", "shelf", "edited").out
    assert "  undone       kept so until its origin changes, or until: connector release shelf\n" in told


def test_explain_tells_of_a_document_that_waits_to_be_deleted(world: World, connector: Connector) -> None:
    for number in range(12):
        world.put(f"d{number}", f"text {number}")
    connector("run", "shelf", "-q")
    world.shelf.clear()
    world.put("d0", "text 0")
    connector("run", "shelf", "-q")
    assert "  listed       last by run 1, DATE; not by run 2, DATE\n" in connector("explain", "shelf", "d5").out


def test_explain_lists_what_may_be_meant_and_says_what_was_looked_at(shelf: World, connector: Connector) -> None:
    several = connector("explain", "shelf", "e")
    assert several.code == 0
    assert several.out.startswith("4 documents may be meant by “e”:\n  The same  same\n  Edited  edited\n")
    none = connector("explain", "shelf", "nothing like it")
    assert none.code == 1
    assert none.out.startswith("shelf knows no document “nothing like it”.\nLooked at: ids, links and titles")
    shelf.put("left out", kind="excluded")
    connector("run", "shelf", "-q")
    assert "\nThe last run skipped some: excluded 1\n" in connector("explain", "shelf", "left out").out


@pytest.mark.usefixtures("shelf")
def test_explain_as_json(connector: Connector) -> None:
    story = json.loads(connector("explain", "shelf", "edited", "--json").out)["stories"][0]
    assert (story["external_id"], story["known"]["revision"], story["runs"]) == ("edited", "2", [1, 2])


@pytest.mark.usefixtures("shelf")
def test_history_lists_runs_newest_first(connector: Connector) -> None:
    connector("plan", "shelf")
    assert connector("history").out == (
        "run  connector  kind  started             time  status   what happened\n"
        "  3  shelf      plan  DATE  0.00 s  partial  local: 1 failed\n"
        "  2  shelf      run   DATE  0.00 s  partial  local: 1 updated, 1 retagged, 1 deleted, 1 failed\n"
        "  1  shelf      run   DATE  0.00 s  ok       local: 4 created\n"
    )
    last = json.loads(connector("history", "shelf", "--limit", "1", "--json").out)
    assert (last["run"], last["kind"], last["reports"][0]["failed"]) == (3, "plan", 1)


def test_history_before_the_first_run(connector: Connector) -> None:
    assert connector("history").out == "No run yet. The first: connector run NAME\n"
    assert connector("history", "nobody").code == 2


@pytest.mark.usefixtures("shelf")
def test_diff_shows_what_a_run_changed(connector: Connector) -> None:
    assert sorted(connector("diff", "2").out.splitlines()) == [
        "- Gone  gone  local: no longer listed at the origin  (-1 chunks)",
        "~ Edited  edited  local: revision changed from 1 to 2  (+1 -1 chunks)",
        "± Moving  old-name → new-name  local: renamed from old-name",
    ]


@pytest.mark.usefixtures("shelf")
def test_diff_shows_the_text_line_by_line(connector: Connector) -> None:
    assert (
        "    --- edited before run 2\n"
        "    +++ after run 2\n"
        "    @@ -1,2 +1,2 @@\n"
        "     first line\n"
        "    -second line\n"
        "    +another line\n"
    ) in connector("diff", "2", "--text").out


def test_diff_between_two_runs_tells_what_differs_at_their_ends(shelf: World, connector: Connector) -> None:
    shelf.put("passing", "here for one run", title="Passing")
    shelf.put("edited", "first line\nthird version", title="Edited", revision="3")
    connector("run", "shelf", "-q")
    del shelf.shelf["passing"]
    del shelf.shelf["new-name"]
    connector("run", "shelf", "-q")
    out = connector("diff", "1", "4", "--text").out
    assert "Passing" not in out
    assert "    -second line\n    +third version\n" in out
    assert "- Moving  old-name → new-name" in out
    assert connector("diff", "4", "1", "--text").out == out
    assert json.loads(connector("diff", "3", "4", "--json").out.splitlines()[0])["action"] == "delete"


def test_diff_of_a_run_that_is_not_there(connector: Connector) -> None:
    ran = connector("diff", "7")
    assert (ran.code, ran.err) == (2, "Error: there is no run 7, or it is no longer kept; see: connector history\n")


@pytest.mark.usefixtures("shelf")
def test_check_asks_origin_and_targets(connector: Connector, world: World) -> None:
    ran = connector("check", "shelf")
    assert ran.code == 0
    assert ran.out.startswith("origin\n  ✓ shelf  has nothing to check\ntarget local · sqlite\n  ✓ search  SQLite ")
    assert ran.out.endswith("  ✓ limits  2,000 characters a chunk\n\nAll is well.\n")
    (world.folder / ".connector" / "knowledge.db").write_bytes(b"this is no database, and never was one")
    broken = connector("check", "shelf", "--json")
    assert broken.code == 3
    assert not all(json.loads(line)["ok"] for line in broken.out.splitlines())


@pytest.mark.usefixtures("shelf")
def test_search_shows_what_an_assistant_would_find(connector: Connector) -> None:
    ran = connector("search", "calm")
    assert ran.out == " 1  The same\n    a calm text\n    shelf · same · calm\n"
    assert connector("search", "calm", "--tag", "other").out == "Nothing found for “calm”.\n"
    hit = json.loads(connector("search", "--connector", "shelf", "text moves", "--limit", "1", "--json").out)
    assert list(hit) == ["connector", "source", "external_id", "title", "url", "heading", "text", "score", "tags"]
    assert hit["external_id"] == "new-name"


@pytest.mark.usefixtures("shelf")
def test_sources_lists_what_is_held(connector: Connector) -> None:
    assert connector("sources").out == (
        "shelf\n"
        "  Edited  edited  1 chunk\n"
        "  Moving  new-name  1 chunk\n"
        "  The same  same  1 chunk  calm\n"
        "3 sources, 3 chunks\n"
    )
    lines = [json.loads(line) for line in connector("sources", "--connector", "shelf", "--json").out.splitlines()]
    assert [list(line) for line in lines] == 3 * [
        ["external_id", "name", "tags", "chunk_count", "fingerprint", "committed"]
    ]


@pytest.mark.usefixtures("shelf")
def test_list_shows_connectors_and_their_last_run(connector: Connector) -> None:
    assert connector("list").out == (
        "connector  type   targets  last run             status\nshelf      shelf  local    2, DATE  partial\n"
    )
    row = json.loads(connector("list", "--json").out)
    assert (row["connector"], row["targets"], row["last_run"]["run"]) == ("shelf", ["local"], 2)


def test_list_names_plugins_and_the_broken_ones(world: World, connector: Connector) -> None:
    (world.folder / "broken.py").write_text("import nothing_of_that_name\n", encoding="utf-8")
    file = world.folder / "connectors.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("paths = [", 'paths = ["broken.py", '), encoding="utf-8")
    ran = connector("list", "--plugins")
    assert ran.code == 0
    assert ran.err.startswith("Warning: plugin connector_plugins.broken: cannot be imported: ModuleNotFoundError")
    rows = {row["plugin"]: row for row in map(json.loads, connector("list", "--plugins", "--json").out.splitlines())}
    assert "connector shelf" in rows["connector_plugins.shelf"]["brings"]
    assert rows["knowledge_connector.targets.plugin"]["origin"] == "built-in"


def test_describe_names_every_option(connector: Connector) -> None:
    ran = connector("describe", "shelf")
    assert ran.out.startswith('[connectors.NAME]  type = "shelf"\n')
    assert "  path  required  path\n      The JSON file.\n" in ran.out
    assert "  revisions  = true  true or false\n" in ran.out
    wrong = connector("describe", "shelff")
    assert wrong.code == 2
    assert "shelf" in wrong.err


def test_schema_is_written_beside_the_file_and_names_the_line(world: World, connector: Connector) -> None:
    ran = connector("schema")
    assert ran.out.endswith("\n#:schema .connector/schema.json\n")
    schema = json.loads((world.folder / ".connector" / "schema.json").read_text(encoding="utf-8"))
    assert set(tomllib.loads((world.folder / "connectors.toml").read_text(encoding="utf-8"))) <= set(
        schema["properties"]
    )
    assert json.loads(connector("schema", "--out", "-").out) == schema


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(connector: Connector, shell: str) -> None:
    assert "_CONNECTOR_COMPLETE" in connector("completion", shell).out
