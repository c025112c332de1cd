"""Runs of the whole engine: what they cost, what they leave, and that every broken one is made good by the next."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from knowledge_connector.testing.emulation import Fault, LeapingClock, RunningServer
from plugins.genesys.runs import OWNER, put, run, write_config
from plugins.genesys.wire import emulator, files, rounds, texts

OLD = {"a": "first a", "b/one": "first b", "c": "first c", "d": "first d"}
NEW = {"a": "second a", "b/one": "Other title|first b", "moved": "first c", "d": "first d", "e": "new e"}


@pytest.fixture
def world(tmp_path: Path, server: RunningServer) -> Path:
    write_config(tmp_path, server)
    put(tmp_path, OLD)
    return tmp_path


def writes(server: RunningServer) -> Counter[str]:
    counts = Counter(entry.operation for entry in server.log.writes("genesys"))
    server.log.clear()
    return counts


def expected(documents: dict[str, str]) -> dict[str, str]:
    return {f"{OWNER}/{id_}.md": text.rpartition("|")[2] for id_, text in documents.items()}


def test_first_run_unchanged_run_and_changes(world: Path, server: RunningServer) -> None:
    clock = LeapingClock(server.services.clock)
    assert run(world, clock).created == 4
    assert texts(server, OWNER) == expected(OLD)
    assert writes(server) == {
        "POST sources": 1, "POST synchronizations": 1, "POST uploads": 4, "PUT content": 4, "PATCH synchronization": 1,
    }  # fmt: skip

    report = run(world, clock)
    assert (report.kept, report.status) == (4, "ok")
    assert not writes(server)
    assert report.calls == {"POST token": 1, "GET sources": 1, "GET synchronizations": 1}

    put(world, OLD | {"a": "second a"})
    assert run(world, clock).updated == 1
    assert writes(server) == {
        "POST synchronizations": 1,
        "POST uploads": 1,
        "PUT content": 1,
        "PATCH synchronization": 1,
    }

    renamed = OLD | {"a": "second a", "moved": OLD["c"]}
    del renamed["c"]
    put(world, renamed)
    assert run(world, clock).deleted == 1
    assert texts(server, OWNER) == expected(renamed)
    assert writes(server) == {
        "POST synchronizations": 2, "POST uploads": 1, "PUT content": 1, "POST deletions": 1, "PATCH synchronization": 2,
    }  # fmt: skip

    del renamed["d"]
    put(world, renamed)
    assert run(world, clock).deleted == 1
    assert writes(server) == {"POST synchronizations": 1, "POST deletions": 1, "PATCH synchronization": 1}
    assert texts(server, OWNER) == expected(renamed)


def test_lost_state_costs_a_listing_of_the_rounds_and_no_upload(world: Path, server: RunningServer) -> None:
    clock = LeapingClock(server.services.clock)
    run(world, clock)
    put(world, NEW)
    run(world, clock)
    server.log.clear()
    shutil.rmtree(world / ".connector")
    report = run(world, clock)
    assert (report.kept, report.created, report.updated) == (5, 0, 0)
    assert not writes(server)
    assert texts(server, OWNER) == expected(NEW)


def test_lost_state_and_a_forgetful_vendor_are_healed_by_a_full_round(world: Path, server: RunningServer) -> None:
    clock = LeapingClock(server.services.clock)
    run(world, clock)
    put(world, NEW)
    run(world, clock)
    files(server, OWNER)
    held = emulator(server).world
    for row in rounds(server, OWNER)[:-1]:
        del held.rounds[row["id"]]
    shutil.rmtree(world / ".connector")
    without_d = {id_: text for id_, text in NEW.items() if id_ != "d"}
    put(world, without_d)
    assert run(world, clock).created == len(without_d)
    assert rounds(server, OWNER)[-1]["type"] == "Full"
    assert texts(server, OWNER) == expected(without_d)


def test_a_forgetful_vendor_is_believed_while_there_is_memory(world: Path, server: RunningServer) -> None:
    clock = LeapingClock(server.services.clock)
    run(world, clock)
    put(world, OLD | {"a": "second a"})
    run(world, clock)
    files(server, OWNER)
    del emulator(server).world.rounds[rounds(server, OWNER)[0]["id"]]
    put(world, OLD | {"a": "third a"})
    report = run(world, clock)
    assert (report.updated, report.kept, report.created) == (1, 3, 0)
    assert rounds(server, OWNER)[-1]["type"] == "Incremental"
    assert texts(server, OWNER) == expected(OLD | {"a": "third a"})


def test_one_ill_file_fails_alone(world: Path, server: RunningServer) -> None:
    clock = LeapingClock(server.services.clock)
    fault = server.services.faults.add(Fault("failed_item", "genesys", f"{OWNER}/b/one.md", times=0))
    report = run(world, clock)
    assert (report.created, report.failed, report.status) == (3, 1, "partial")
    assert texts(server, OWNER) == {name: text for name, text in expected(OLD).items() if "one" not in name}
    server.services.faults.remove(fault.number)
    report = run(world, clock)
    assert (report.created, report.kept) == (1, 3)
    assert texts(server, OWNER) == expected(OLD)


@pytest.mark.parametrize("kind", ["failed_round", "failed_ingestion"])
def test_a_failed_round_is_written_again(world: Path, server: RunningServer, kind: str) -> None:
    clock = LeapingClock(server.services.clock)
    run(world, clock)
    put(world, NEW)
    server.services.faults.add(Fault(kind, "genesys"))
    assert run(world, clock).failed == 4
    assert run(world, clock).failed == 0
    assert texts(server, OWNER) == expected(NEW)
