"""Whole runs: what they write, and what a second one does not write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge_connector.testing.emulation import Fault
from knowledge_connector_sensay.emulator import REPLICA
from plugins.sensay.runs import Pile, Runs
from plugins.sensay.stage import Stage, staged

PAGE = "https://www.example.com/page"
FIRST: Pile = {"keep": "stays", "edit": "the old text", "drop": "goes", "page": (PAGE, "a page")}
LATER: Pile = {"keep": "stays", "edit": "the new text", "named anew": "goes", "page": (PAGE, "a page")}


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged(deletion="delayed") as stage:
        stage.emulator.add_text(REPLICA, "By hand", "Written by a person.")
        yield stage


def counts(stage: Stage) -> dict[str, int]:
    found = stage.server.log.counts("sensay")
    stage.server.log.clear()
    return {name: count for name, count in found.items() if name != "GET entry"}


def test_minimal_calls(stage: Stage, tmp_path: Path) -> None:
    runs = Runs(tmp_path, stage)
    runs.put(FIRST)
    assert runs.planned() == ["create"] * 4
    assert counts(stage) == {"GET entries": 1}
    assert runs.run().created == 4
    assert counts(stage) == {"GET entries": 1, "POST entry": 4}

    assert runs.run().kept == 4
    assert counts(stage) == {"GET entries": 1}

    runs.put(LATER)
    report = runs.run()
    assert (report.kept, report.updated, report.created, report.deleted) == (2, 1, 1, 1)
    assert counts(stage) == {"GET entries": 1, "POST entry": 1, "PATCH entry": 2, "DELETE entry": 1}
    assert report.calls["PATCH entry"] == 2

    assert runs.run().kept == 4  # though the entry that was deleted is listed still
    assert counts(stage) == {"GET entries": 1}
    assert stage.answers() == {
        "About keep": "stays",
        "About edit": "the new text",
        "About named anew": "goes",
        "About page": f"What can be read at {PAGE}",
        "By hand": "Written by a person.",
    }


def test_lost_state_costs_one_listing(stage: Stage, tmp_path: Path) -> None:
    runs = Runs(tmp_path, stage)
    runs.put(FIRST)
    runs.run()
    counts(stage)
    runs.forget()
    assert runs.planned() == []
    assert runs.run().kept == 4
    assert counts(stage) == {"GET entries": 2}


def test_what_somebody_deleted_at_sensay_is_written_again(stage: Stage, tmp_path: Path) -> None:
    runs = Runs(tmp_path, stage)
    runs.put({"a": "text", "b": "text"})
    runs.run()
    before = stage.answers()
    with stage.api() as api:
        api.patch(f"/knowledge-base/{stage.entries()[-1]['id']}", json={"title": "Mine now"})
    assert runs.run().created == 1
    assert stage.answers() == before | {"Mine now": "text"}


def test_one_failed_document_is_one_failure(stage: Stage, tmp_path: Path) -> None:
    runs = Runs(tmp_path, stage)
    runs.put({"a": "one", "b": "two"})
    runs.run()
    runs.put({"a": "changed", "b": "changed"})
    stage.server.services.faults.add(Fault("failed_ingestion"))
    report = runs.run()
    assert (report.failed, report.updated, report.status) == (1, 1, "partial")
    assert sorted(stage.answers().values()) == ["Written by a person.", "changed", "one"]
    assert runs.run().updated == 1
    assert sorted(stage.answers().values()) == ["Written by a person.", "changed", "changed"]


def test_several_documents_are_on_their_way_at_a_time(stage: Stage, tmp_path: Path) -> None:
    runs = Runs(tmp_path, stage, entries="file", concurrency=8)
    runs.put({f"d{number}": f"text {number}" for number in range(60)})
    assert runs.run().created == 60
    assert len(stage.answers()) == 61
    counts(stage)
    assert runs.run().kept == 60
    assert counts(stage) == {"GET entries": 1}
