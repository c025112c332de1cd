"""How a wiki is listed: resumed, in smaller pages, past entries that are ill, and by ids where a listing is not to be trusted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from knowledge_connector import Checkpoint, Complete, Document, Failure, FatalError, Item
from knowledge_connector.ports import Known
from knowledge_connector.testing.context import FakeContext, FakeHoldings
from knowledge_connector.testing.emulation import Fault
from plugins.confluence.stage import Stage, staged

DEPLOYMENTS = ("cloud", "datacenter")
LISTING = {"cloud": "GET spaces/{id}/pages", "datacenter": "GET content"}
ONE_SPACE = {"space_keys": ["ENG"], "kinds": ["page"], "label_tags": False}


def ids(items: list[Item]) -> list[str]:
    return [item.id for item in items if isinstance(item, Document)]


def cursor(checkpoint: Checkpoint) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(checkpoint.cursor.model_dump_json())  # type: ignore[attr-defined]  # our own model
    return made


@pytest.mark.parametrize("personality", DEPLOYMENTS)
def test_whoever_is_killed_at_a_page_repeats_that_page_at_most(tmp_path: Path, personality: str) -> None:
    emulate = {"documents": "1000"}
    with staged(tmp_path, personality, emulate=emulate) as stage, stage.context() as context:
        connector = stage.connector(kinds=["page"], label_tags=False)
        whole = list(connector.read(context))
        calm = listed(stage, personality)
        for place in [place for place, item in enumerate(whole) if isinstance(item, Checkpoint)]:
            stage.server.log.clear()
            killed = connector.read(context)
            before = [next(killed) for _ in range(place + 1)]
            killed.close()  # type: ignore[attr-defined]  # a generator
            kept = before[-1]
            assert isinstance(kept, Checkpoint)
            rest = list(connector.read(context.at(cursor(kept)))) if cursor(kept)["space"] else []
            assert sorted(ids(before) + ids(rest)) == sorted(ids(whole))
            assert listed(stage, personality) <= calm + 1


def listed(stage: Stage, personality: str) -> int:
    return stage.server.log.counts("confluence").get(LISTING[personality], 0)


@pytest.mark.parametrize("personality", DEPLOYMENTS)
def test_pages_that_are_too_large_for_the_wiki_are_asked_for_in_halves(tmp_path: Path, personality: str) -> None:
    emulate = {"documents": "240", "max_bodies": "12"}
    with staged(tmp_path, personality, emulate=emulate) as stage, stage.context() as context:
        found = list(stage.connector(**ONE_SPACE).read(context))
        assert len(ids(found)) == 60
        assert not [item for item in found if isinstance(item, Failure)]


def test_an_entry_that_cannot_be_listed_is_stepped_over(tmp_path: Path) -> None:
    emulate = {"documents": "120"}
    with staged(tmp_path, "datacenter", emulate=emulate) as stage, stage.context() as context:
        stage.server.services.faults.add(Fault("poison", operation="10000007 storage", times=0))
        found = list(stage.connector(**ONE_SPACE).read(context))
        assert len(ids(found)) == 29
        assert "1000/10000007" not in ids(found)
        failure = next(item for item in found if isinstance(item, Failure))
        assert (failure.id, failure.beneath) == ("1000/", True)  # nobody knows which one it was


def test_on_cloud_the_space_stays_as_it_was_instead(tmp_path: Path) -> None:
    with staged(tmp_path, emulate={"documents": "120"}) as stage, stage.context() as context:
        stage.server.services.faults.add(Fault("poison", operation="10000007 storage", times=0))
        found = list(stage.connector(kinds=["page"]).read(context))
        assert [item.id for item in found if isinstance(item, Failure)] == ["1000/"]
        assert {id_.split("/")[0] for id_ in ids(found)} >= {"1001", "1002", "1003"}
        assert Complete("") in found


def test_a_cursor_that_is_not_understood_lists_everything(tmp_path: Path) -> None:
    with staged(tmp_path) as stage, stage.context() as context:
        connector = stage.connector(**ONE_SPACE)
        assert ids(list(connector.read(context.at({"page": 3})))) == ids(list(connector.read(context)))


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[tuple[Stage, FakeContext]]:
    with staged(tmp_path, "cloud", emulate={"documents": "40"}) as stage, stage.context() as context:
        yield stage, context


SHOWN = [(f"1000/1000000{n}", 7) for n in (0, 1, 3, 4, 5, 6)]


def held(*known: tuple[str, int]) -> FakeHoldings:
    """What the host says it holds, in which listing it was shown last; that of the test is 7."""
    return FakeHoldings([Known(id_, id_, source_id="s", listed=listing) for id_, listing in [*SHOWN, *known]])


def test_what_a_listing_left_out_is_asked_for_by_id(shelf: tuple[Stage, FakeContext]) -> None:
    stage, context = shelf
    context.holdings = held(("1000/10000002", 6), ("1000/10000009/att1", 6), ("1000/77777777", 6))
    found = list(stage.connector(**ONE_SPACE).read(context))
    again = ids(found)[10:]
    assert again == ["1000/10000002", "1000/10000009"]
    assert found.index(Complete("")) > len(again)


def test_a_look_at_what_failed_asks_for_nothing_else(shelf: tuple[Stage, FakeContext]) -> None:
    stage, context = shelf
    context.retry = ["1000/10000001"]
    context.holdings = held(*((f"1001/1000001{n}", 6) for n in range(10)))
    assert len(ids(list(stage.connector(**ONE_SPACE).read(context)))) == 10
    assert "GET pages" not in stage.server.log.counts("confluence")


def test_a_page_that_moved_while_its_spaces_were_listed_is_shown_where_it_is(shelf: tuple[Stage, FakeContext]) -> None:
    stage, context = shelf
    context.holdings = held(("1001/10000003", 6))  # it was in HR, and is in ENG now
    found = ids(list(stage.connector(kinds=["page"], label_tags=False).read(context)))
    assert found[-1] == "1000/10000003"


def test_what_failed_is_looked_at_again_between_two_sweeps(tmp_path: Path) -> None:
    options = {**ONE_SPACE, "sweep_hours": 24.0}
    with staged(tmp_path, emulate={"documents": "40"}) as stage, stage.context() as context:
        connector = stage.connector(**options)
        last = [item for item in connector.read(context) if isinstance(item, Checkpoint)][-1]
        context.retry = ["1000/10000004", "1000/10000005/att5", "1000/", "gone/12"]
        assert ids(list(connector.read(context.at(cursor(last))))) == ["1000/10000004", "1000/10000005"]


def test_a_night_whose_hour_is_missing_is_asked_for_from_an_hour_before(tmp_path: Path) -> None:
    options = {**ONE_SPACE, "sweep_hours": 24.0}
    with staged(tmp_path, emulate={"documents": "40"}) as stage, stage.context() as context:
        connector = stage.connector(**options)
        stage.server.services.faults.add(Fault("error_before", operation="GET content/search", status=400))
        swept = stage.clock.now().isoformat()
        list(connector.read(context.at({"swept_at": swept, "asked_at": swept})))
        assert stage.server.log.counts("confluence")["GET content/search"] == 2


def test_no_space_at_all_is_an_error(tmp_path: Path) -> None:
    with staged(tmp_path) as stage, stage.context() as context, pytest.raises(FatalError, match="space_keys"):
        list(stage.connector(space_keys=["X*"]).read(context))


def test_a_partition_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with staged(tmp_path) as stage, stage.context() as context, pytest.raises(FatalError):
        list(stage.connector().read(context.of("4711")))
