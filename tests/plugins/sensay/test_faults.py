"""Every writing call of every kind of change goes wrong, in every way; after the next run all is as after calm ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from knowledge_connector_sensay.emulator import REPLICA
from knowledge_connector_sensay.titles import retired_of
from plugins.sensay.runs import LethalSensay, Pile, Runs
from plugins.sensay.stage import Stage, staged
from plugins.vendor_runs import KILLS

PAGE, OTHER_PAGE = "https://www.example.com/page", "https://www.example.com/other"
PLAYLIST = "https://www.youtube.com/playlist?list=PL1"

TROUBLE = ("error_before", "error_after", "lost_answer", *KILLS)
MORE_TROUBLE = ("cut_before", "rate_limit", "unauthorized")
"""What is the same for every request, so that the stories of texts tell enough of it."""


@dataclass(frozen=True)
class Story:
    """What was there, and what shall be there, by so many writing calls."""

    name: str
    before: Pile
    after: Pile
    writes: int
    entries: str = "text"


STORIES = (
    Story("first texts", {}, {"keep": "stays", "edit": "the old text"}, 2),
    Story("texts", {"keep": "stays", "edit": "the old text", "drop": "x"}, {"keep": "stays", "edit": "new", "more": "y"}, 4),
    Story("first files", {}, {"keep": "stays", "edit": "the old text"}, 4, "file"),
    Story("files", {"edit": "the old text", "drop": "x"}, {"edit": "the new text"}, 6, "file"),
    Story("first links", {}, {"page": (PAGE, "x"), "list": (PLAYLIST, "x")}, 5),
    Story("links",
          {"page": (PAGE, "x"), "moved": ("https://www.example.com/old", "x"), "list": (PLAYLIST, "x")},
          {"page": (PAGE, "y"), "moved": (OTHER_PAGE, "x")}, 10),
    Story("a playlist again", {"list": (PLAYLIST, "x")}, {"list": (PLAYLIST, "y")}, 6),
    Story("a text becomes a link", {"page": "x"}, {"page": (PAGE, "x")}, 3),
)  # fmt: skip

Entries = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def server_stage() -> Iterator[Stage]:
    with staged(LethalSensay, deletion="delayed") as stage:
        yield stage


@pytest.fixture
def stage(server_stage: Stage) -> Stage:
    server_stage.server.reset()
    server_stage.emulator.add_text(REPLICA, "By hand", "Written by a person.")
    return server_stage


@pytest.fixture(scope="module")
def calm_endings() -> dict[str, Entries]:
    return {}


def held(stage: Stage) -> Entries:
    """All that matters of what the replica's list shows, but what was retired and deleted."""
    rows = stage.emulator.store.table("entries")
    shown = [
        entry for entry in stage.entries() if not (retired_of(entry["title"]) and "deleted" in rows[str(entry["id"])])
    ]
    keys = ("title", "type", "status", "url")
    found = [(*(entry.get(key) for key in keys), rows[str(entry["id"])].get("rawText")) for entry in shown]
    return sorted(found, key=str)


def settle(stage: Stage) -> None:
    stage.server.services.clock.advance(60)


def begin(story: Story, stage: Stage, folder: Path) -> Runs:
    runs = Runs(folder, stage, entries=story.entries)
    runs.put(story.before)
    assert runs.run().status == "ok"
    runs.put(story.after)
    stage.server.log.clear()
    return runs


def end_calmly(story: Story, stage: Stage, folder: Path) -> Entries:
    runs = begin(story, stage, folder)
    assert runs.run().status == "ok"
    assert len(stage.server.log.writes("sensay")) == story.writes
    settle(stage)
    return held(stage)


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("story", "call", "kind"),
    [
        pytest.param(story, call, kind, id=f"{story.name}, {call}, {kind}")
        for story in STORIES
        for call in range(story.writes)
        for kind in (TROUBLE + MORE_TROUBLE if "texts" in story.name else TROUBLE)
    ],
)
def test_what_went_wrong_is_made_good(
    stage: Stage, calm_endings: dict[str, Entries], tmp_path: Path, story: Story, call: int, kind: str
) -> None:
    if story.name not in calm_endings:
        (tmp_path / "calm").mkdir()
        calm_endings[story.name] = end_calmly(story, stage, tmp_path / "calm")
        stage.server.reset()
        stage.emulator.add_text(REPLICA, "By hand", "Written by a person.")
    runs = begin(story, stage, tmp_path)
    runs.break_run(stage.server, stage.emulator, kind, call)
    assert runs.run().status == "ok"
    settle(stage)
    assert held(stage) == calm_endings[story.name]
    stage.server.log.clear()
    assert runs.run().status == "ok"
    assert stage.server.log.writes("sensay") == []
