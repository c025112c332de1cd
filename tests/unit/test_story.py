"""What `explain`, `diff` and `check` find out, where the command line's own tests do not say it already."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge_connector import Host
from knowledge_connector.errors import ConfigError
from knowledge_connector.ports import Lane
from knowledge_connector.story import DocumentDiff, Held, check, diff, explain, text_diff
from scenarios.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def differences(host: Host, run: int, other: int | None = None) -> dict[str, str]:
    return {one.external_id: one.action for one in diff(host.store, run, other)}


def texts(host: Host, *runs: int) -> str:
    with Held(host) as held:
        return "\n".join(line for one in diff(host.store, *runs) for line in text_diff(held, host.store, one))


def test_a_document_renamed_twice_is_found_by_its_first_id(world: World) -> None:
    for name in ("first", "second", "third"):
        world.shelf.clear()
        world.put(name, "a text that moves")
        world.run()
    with world.host() as host:
        (story,) = explain(host, "shelf", "first").stories
    assert (story.external_id, story.runs) == ("third", (3,))
    assert story.known is not None
    assert story.known.source_id is not None


def test_an_exact_match_wins_over_those_that_contain_it(world: World) -> None:
    world.put("page", "one")
    world.put("page 2", "two")
    world.run()
    with world.host() as host:
        assert [story.external_id for story in explain(host, "shelf", "page").stories] == ["page"]
        assert [match.external_id for match in explain(host, "shelf", "pag").matches] == ["page", "page 2"]


def test_explain_goes_on_where_the_target_cannot_be_asked(world: World) -> None:
    world.put("page", "one")
    world.run()
    (world.folder / ".connector" / "knowledge.db").write_bytes(b"this is no database, and never was one")
    with world.host() as host:
        (story,) = explain(host, "shelf", "page").stories
    assert story.known is not None
    assert story.source is None
    assert "knowledge.db" in story.trouble


def test_explain_tells_what_the_last_run_skipped_if_there_is_no_story(world: World) -> None:
    world.put("left out", kind="excluded")
    world.run()
    with world.host() as host:
        explanation = explain(host, "shelf", "left out")
    assert (explanation.stories, explanation.matches, explanation.skipped) == ((), (), {"excluded": 1})


def test_explain_wants_a_connector_that_is_there(world: World) -> None:
    with world.host() as host, pytest.raises(ConfigError, match=r"connectors\.nobody"):
        explain(host, "nobody", "page")


@pytest.mark.parametrize(
    ("steps", "net"),
    [
        ([{"d": "one"}, {"d": "two"}], {"d": "create"}),
        ([{"d": "one"}, {}], {}),
        ([{"d": "one"}, {}, {"d": "two"}], {"d": "create"}),
        ([{"d": "one"}, {"e": "one"}], {"e": "create"}),
    ],
)
def test_what_several_runs_come_to(world: World, steps: list[dict[str, str]], net: dict[str, str]) -> None:
    world.put("other", "is always there")
    world.run()
    for step in steps:
        world.shelf = {"other": world.shelf["other"]}
        for id_, text in step.items():
            world.put(id_, text)
        world.run()
    with world.host() as host:
        assert differences(host, 1, 1 + len(steps)) == net


@pytest.mark.parametrize(
    ("steps", "net"),
    [
        ([{"d": "two"}, {"d": "three"}], {"d": "update"}),
        ([{"d": "two"}, {}], {"d": "delete"}),
        ([{}, {"d": "two"}], {"d": "update"}),
        ([{"e": "one"}, {"f": "one"}], {"f": "retag"}),
        ([{"e": "one"}, {}], {"e": "delete"}),
        ([{"e": "one"}, {"e": "two"}], {"e": "update"}),
    ],
)
def test_what_several_runs_come_to_for_a_document_that_was_there(
    world: World, steps: list[dict[str, str]], net: dict[str, str]
) -> None:
    for step in [{"d": "one"}, *steps]:
        world.shelf.clear()
        world.put("other", "is always there")
        for id_, text in step.items():
            world.put(id_, text)
        world.run()
    with world.host() as host:
        assert differences(host, 1, 1 + len(steps)) == net


def test_the_text_after_a_run_is_what_the_next_one_replaced(world: World) -> None:
    for text in ("one", "two", "three"):
        world.put("d", text)
        world.run()
    with world.host() as host:
        assert texts(host, 2).splitlines()[-2:] == ["-one", "+two"]
        assert texts(host, 3).splitlines()[-2:] == ["-two", "+three"]
        assert texts(host, 1, 3).splitlines()[-2:] == ["-one", "+three"]
        assert texts(host, 1).splitlines()[-1] == "+one"


def test_the_text_after_a_run_is_seen_through_a_later_rename(world: World) -> None:
    world.put("d", "one", title="Old")
    world.run()
    world.put("d", "two", title="Old")
    world.run()
    world.put("d", "two", title="New")
    world.run()
    with world.host() as host:
        assert differences(host, 3) == {"d": "retag"}
        assert texts(host, 2).splitlines()[-2:] == ["-one", "+two"]
        assert texts(host, 3) == ""


def test_runs_of_different_connectors_cannot_be_compared(world: World) -> None:
    file = world.folder / "connectors.toml"
    file.write_text(file.read_text() + '[connectors.other]\ntype = "shelf"\npath = "shelf.json"\n', encoding="utf-8")
    world.put("d", "one")
    with world.host() as host:
        host.run("shelf")
        host.run("other")
        with pytest.raises(ConfigError, match="run 1 is of connector 'shelf' and run 2 of 'other'"):
            diff(host.store, 1, 2)


def test_check_tells_of_origin_target_and_limits(world: World) -> None:
    with world.host() as host:
        findings = list(check(host, "shelf"))
    assert all(finding.ok for finding in findings)
    assert [finding.subject for finding in findings if finding.subject.startswith("origin")] == ["origin · shelf"]
    assert findings[-1].subject == "target local · sqlite · limits"


def test_a_diff_says_what_was_before(world: World) -> None:
    world.put("d", "one", title="Title")
    world.run()
    with world.host() as host:
        (created,) = diff(host.store, 1)
    lane = Lane("shelf", "local")
    assert created == DocumentDiff(lane, "d", "Title", "create", "new", (1,), chunks_written=1)
