"""Whole runs: what they write, what a second one does not write, and how they survive faults and kills at every writing call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from knowledge_connector.model import digest
from knowledge_connector.testing.emulation import Fault, running
from knowledge_connector_intellia.names import label_of
from plugins.intellia.runs import LethalIntellia, Runs
from plugins.intellia.stage import BASE, CALM, Stage
from plugins.vendor_runs import KILLS

WRITES_OF_A_FIRST_RUN = 5
WRITES_OF_A_LATER_RUN = 7
TROUBLE = (
    *("error_before", "error_after", "lost_answer", "cut_before", "rate_limit", "unauthorized"),
    *KILLS,
)


@pytest.fixture(scope="module")
def server_stage() -> Iterator[Stage]:
    with running([LethalIntellia], options=CALM) as server:
        yield Stage(server)


@pytest.fixture
def stage(server_stage: Stage) -> Stage:
    server_stage.server.reset()
    return server_stage


def furnish(stage: Stage) -> str:
    """A knowledge base with another description than ours, and a file that a person put there."""
    base = stage.emulator.records.make_base("org-emulated", BASE, "As it was")
    stage.emulator.records.make_file(base, "By hand.md", b"by hand")
    return base


def first(runs: Runs) -> None:
    runs.shelf = {"keep": "stays as it is", "edit": "the old text"}


def later(runs: Runs) -> None:
    runs.shelf = {"edit": "the new text", "new": "came later"}


def held(stage: Stage) -> dict[str, Any]:
    """All that matters of our files: which upload they came by does not."""
    return {id_: (replace(label, attempt=""), *rest) for id_, (label, *rest) in stage.held().items()}


def held_loosely(stage: Stage) -> dict[str, list[str]]:
    """The statuses of our files by external digest, twins included."""
    found: dict[str, list[str]] = {}
    for file in stage.files():
        label = label_of(file["fileName"])
        if label is not None:
            found.setdefault(label.external_digest, []).append(file["status"])
    return found


def foreign(stage: Stage) -> list[tuple[str, str]]:
    return [(file["fileName"], file["status"]) for file in stage.files() if ".kc-" not in file["fileName"]]


def writes(stage: Stage) -> list[str]:
    return [entry.operation for entry in stage.server.log.writes("intellia")]


def test_minimal_calls(stage: Stage, tmp_path: Path) -> None:
    runs = Runs(tmp_path, stage)
    first(runs)
    assert runs.run().created == 2
    assert writes(stage) == ["POST bases", *["POST upload-url", "PUT upload"] * 2]
    assert stage.server.log.counts("intellia")["POST search"] == 1

    stage.server.log.clear()
    report = runs.run()
    assert (report.kept, report.status) == (2, "ok")
    assert stage.server.log.counts("intellia") == {"GET bases": 1, "GET files": 1}

    later(runs)
    report = runs.run()
    assert (report.kept, report.updated, report.created, report.deleted) == (0, 1, 1, 1)
    replacing, creating = ["POST upload-url", "PUT upload", "DELETE file"], ["POST upload-url", "PUT upload"]
    assert writes(stage) == [*replacing, *creating, "DELETE file"]
    assert (report.calls["POST upload-url"], report.calls["DELETE file"]) == (2, 2)


def test_lost_state_costs_one_listing(stage: Stage, tmp_path: Path) -> None:
    runs = Runs(tmp_path, stage)
    first(runs)
    runs.run()
    before = held(stage)
    for file in (tmp_path / ".connector").iterdir():
        file.unlink()
    stage.server.log.clear()
    report = runs.run()
    assert (report.kept, report.created, writes(stage)) == (2, 0, [])
    assert held(stage) == before


def test_what_somebody_deleted_at_intellia_is_written_again(stage: Stage, tmp_path: Path) -> None:
    runs = Runs(tmp_path, stage)
    first(runs)
    runs.run()
    before = held(stage)
    base = stage.base()
    stage.emulator.records.drop_file(base, stage.files()[0]["fileId"])
    assert runs.run().created == 1
    assert held(stage) == before


def test_one_failed_ingestion_is_one_failure(stage: Stage, tmp_path: Path) -> None:
    runs = Runs(tmp_path, stage)
    first(runs)
    runs.run()
    before = held(stage)
    later(runs)
    stage.server.services.faults.add(Fault("failed_ingestion", operation="About edit*"))
    report = runs.run()
    assert (report.failed, report.created, report.status) == (1, 1, "partial")
    assert held(stage)[digest("edit")] == before[digest("edit")]
    assert runs.run().updated == 1
    assert len(stage.files()) == 2


def assert_made_good(stage: Stage, runs: Runs, expected: dict[str, Any], others: list[tuple[str, str]]) -> None:
    """After the next run everything is as after calm ones, and the one after that has nothing to do."""
    assert runs.run().status == "ok"
    assert held(stage) == expected
    assert len(stage.files()) == len(expected) + len(others)
    assert foreign(stage) == others
    stage.server.log.clear()
    runs.run()
    assert writes(stage) == []


@pytest.fixture(scope="module")
def after_first(server_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a calm first run leaves."""
    server_stage.server.reset()
    runs = Runs(tmp_path_factory.mktemp("first"), server_stage)
    first(runs)
    runs.run()
    assert len(writes(server_stage)) == WRITES_OF_A_FIRST_RUN
    return held(server_stage)


@pytest.fixture(scope="module")
def after_later(server_stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a calm later run leaves."""
    server_stage.server.reset()
    runs = Runs(tmp_path_factory.mktemp("later"), server_stage)
    begin_later(server_stage, runs)
    runs.run()
    assert len(writes(server_stage)) == WRITES_OF_A_LATER_RUN
    return held(server_stage)


@pytest.mark.matrix
@pytest.mark.parametrize("call", range(WRITES_OF_A_FIRST_RUN))
@pytest.mark.parametrize("kind", TROUBLE)
def test_a_first_run_is_made_good(
    after_first: dict[str, Any], stage: Stage, tmp_path: Path, kind: str, call: int
) -> None:
    runs = Runs(tmp_path, stage)
    first(runs)
    runs.break_run(stage.server, stage.emulator, kind, call)
    assert_made_good(stage, runs, after_first, [])


@pytest.mark.matrix
@pytest.mark.parametrize("call", range(WRITES_OF_A_LATER_RUN))
@pytest.mark.parametrize("kind", TROUBLE)
def test_a_later_run_is_made_good(
    after_later: dict[str, Any], stage: Stage, tmp_path: Path, kind: str, call: int
) -> None:
    runs = Runs(tmp_path, stage)
    begin_later(stage, runs)
    before = held(stage)
    runs.break_run(stage.server, stage.emulator, kind, call)
    answering = {id_: entry for id_, entry in held_loosely(stage).items() if any(status == "READY" for status in entry)}
    assert {digest("edit")} <= answering.keys() <= {*before, *after_later}
    assert_made_good(stage, runs, after_later, [("By hand.md", "READY")])


def begin_later(stage: Stage, runs: Runs) -> None:
    """A run that has a description to bring up to date, a document to replace, one to create and one to delete."""
    base = furnish(stage)
    first(runs)
    runs.run()
    bases = stage.emulator.records.bases
    bases[base] = {**bases[base], "llmDescription": "Changed by hand"}
    later(runs)
    stage.server.log.clear()


@pytest.mark.parametrize("call", [1, 7, 13, 19])
def test_many_documents_at_a_time_are_made_good(stage: Stage, tmp_path: Path, call: int) -> None:
    runs = Runs(tmp_path, stage, concurrency=8)
    runs.shelf = {f"d{number}": f"text {number}" for number in range(10)}
    runs.break_run(stage.server, stage.emulator, "kill_after", call)
    assert runs.run().status == "ok"
    assert {status for _, status, _ in held(stage).values()} == {"READY"}
    assert len(stage.files()) == len(runs.shelf)
