"""Whole runs into the emulator: what they cost, and that the next one makes good whatever went wrong at any writing request."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from knowledge_connector.testing.emulation import Fault, RunningServer, running
from knowledge_connector_totoy.emulator import TotoyEmulator
from matrices import Sampled
from plugins.totoy.dying import killed, world_in
from scenarios.world import World

FOREIGN = 2
LONG = "word " * 250_000

Held = list[tuple[object, ...]]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running([TotoyEmulator], options={"totoy.indexing_seconds": "3"}, seed=FOREIGN) as server:
        yield server


@pytest.fixture
def emulator(server: RunningServer) -> TotoyEmulator:
    server.reset()
    vendor = server.vendor("totoy")
    assert isinstance(vendor, TotoyEmulator)
    return vendor


def furnish_first(world: World) -> None:
    for number in range(2):
        world.put(f"d{number}", f"text {number}", title=f"Title {number}")


def furnish_before(world: World) -> None:
    world.shelf.clear()
    for number in range(6):
        world.put(f"d{number}", f"text {number}", title=f"Title {number}")


def furnish_after(world: World) -> None:
    """Edited, retitled, renamed, deleted, grown beyond one source, as it was; and a new one."""
    furnish_before(world)
    world.put("d0", "edited", title="Title 0")
    world.shelf["d1"]["title"] = "Retitled"
    world.shelf["renamed"] = world.shelf.pop("d2") | {"id": "renamed"}
    del world.shelf["d3"]
    world.put("d4", LONG, title="Title 4")
    world.put("new", "new", title="New")


def held(emulator: TotoyEmulator) -> Held:
    """What is at Totoy, ours and others': all that a reader can tell."""
    organisation = emulator.organisation
    emulator.services.clock.advance(60)
    names = {id_: base["name"] for id_, base in organisation.bases.items()}
    return sorted(
        (
            source["custom_metadata"].get("external_id", ""),
            source["title"],
            source["text"],
            *(f"{names[one]}: {organisation.link_view(one, id_)['status']}" for one in source["knowledge_base_ids"]),
        )
        for id_, source in organisation.sources.items()
    )


class Snapshot:
    """The emulator and the folder of a run, as they were."""

    def __init__(self, world: World, emulator: TotoyEmulator) -> None:
        self.world, self.emulator = world, emulator
        self.rows = copy.deepcopy(self._tables())
        self.folder = world.folder.with_name("snapshot")
        shutil.copytree(world.folder, self.folder)

    def restore(self) -> None:
        self.emulator.store.clear()
        for name, rows in copy.deepcopy(self.rows).items():
            self._tables()[name] = rows
        self.emulator.services.faults.clear()
        self.emulator.services.log.clear()
        shutil.rmtree(self.world.folder)
        shutil.copytree(self.folder, self.world.folder)

    def forget(self) -> None:
        self.restore()
        shutil.rmtree(self.folder)

    def _tables(self) -> dict[str, dict[str, dict[str, Any]]]:
        return self.emulator.store._tables._rows


def writes(server: RunningServer) -> list[str]:
    return [entry.operation for entry in server.log.writes()]


# ------------------------------------------------------------------------------------------------------------------ what it costs


def test_runs_make_the_calls_that_are_needed_and_no_more(
    tmp_path: Path, server: RunningServer, emulator: TotoyEmulator
) -> None:
    world = world_in(tmp_path, server.url)
    furnish_before(world)
    server.log.clear()
    report = world.run()
    assert (report.status, report.created) == ("ok", 6)
    assert writes(server) == ["POST knowledge-bases", *["POST sources"] * 6, "POST links"]

    server.log.clear()
    report = world.run()
    assert (report.kept, writes(server)) == (6, [])
    assert (
        list(server.log.counts().values()) == [1] * 5
    )  # GET sources is one, because others have sources in this project

    furnish_after(world)
    server.log.clear()
    report = world.run()
    assert (report.created, report.updated, report.retagged, report.deleted) == (1, 2, 2, 1)
    assert sorted(writes(server)) == [
        *["DELETE link"] * 2,
        *["DELETE source"] * 2,
        *["PATCH source"] * 3,
        "POST links",
        *["POST sources"] * 3,
    ]
    assert report.calls["PATCH source"] == 3
    assert world.planned() == {}


def test_a_lost_state_costs_one_listing(tmp_path: Path, server: RunningServer, emulator: TotoyEmulator) -> None:
    world = world_in(tmp_path, server.url)
    furnish_before(world)
    world.run()
    shutil.rmtree(tmp_path / ".connector")
    server.log.clear()
    report = world.run()
    assert (report.kept, report.created, writes(server)) == (6, 0, [])
    del world.shelf["d0"]
    assert world.run().deleted == 1


def test_a_plan_writes_nothing_not_even_a_knowledge_base(
    tmp_path: Path, server: RunningServer, emulator: TotoyEmulator
) -> None:
    world = world_in(tmp_path, server.url)
    furnish_before(world)
    server.log.clear()
    assert set(world.planned().values()) == {"create"}
    assert writes(server) == []


def test_undo_brings_back_what_was_replaced(tmp_path: Path, server: RunningServer, emulator: TotoyEmulator) -> None:
    world = world_in(tmp_path, server.url)
    furnish_before(world)
    world.run()
    before = held(emulator)
    furnish_after(world)
    changed = world.run()
    with world.host() as host:
        host.undo(changed.run)
    assert held(emulator) == before


def test_one_ill_document_is_one_ill_document(tmp_path: Path, server: RunningServer, emulator: TotoyEmulator) -> None:
    server.services.faults.add(Fault("failed_ingestion", operation="Title 3", times=2))
    server.services.faults.add(Fault("error_before", operation="POST sources", status=400, after=1))
    world = world_in(tmp_path, server.url, concurrency=2)
    furnish_before(world)
    report = world.run()
    assert (report.status, report.created, report.failed) == ("partial", 4, 2)
    report = world.run()
    assert (report.status, report.created, report.kept) == ("ok", 2, 4)


def test_a_full_plan_stops_the_run_and_says_so(tmp_path: Path, server: RunningServer, emulator: TotoyEmulator) -> None:
    server.services.faults.add(Fault("quota", operation="text_sources", after=2, times=0))
    world = world_in(tmp_path, server.url)
    furnish_before(world)
    report = world.run()
    assert report.status == "failed"
    assert "out-of-credit" in (report.message or "")
    server.services.faults.clear()
    assert world.run().status == "ok"
    assert len(held(emulator)) == 6 + FOREIGN


@pytest.mark.parametrize("retry_after", [None, "date", "3", "none"])
def test_nobody_calls_while_a_pause_is_on(
    tmp_path: Path, server: RunningServer, emulator: TotoyEmulator, retry_after: str | None
) -> None:
    seconds = 30 if retry_after in (None, "date") else 0
    server.services.faults.add(
        Fault("rate_limit", seconds=seconds, retry_after=retry_after, after=5, times=3, grace_seconds=0.5)
    )
    world = world_in(tmp_path, server.url, concurrency=8)
    world.environ = {**world.environ, "CONNECTOR_TARGETS__LOCAL__BATCH_DOCUMENTS": "1"}
    for number in range(16):
        world.put(f"d{number}", f"text {number}")
    report = world.run()
    assert (report.status, report.created) == ("ok", 16)
    assert server.log.during_pause() == []
    assert len(held(emulator)) == 16 + FOREIGN


# ----------------------------------------------------------------------------------------------------- whatever goes wrong anywhere


@pytest.mark.parametrize("way", ["error_before", "error_after", "lost_answer", "killed before", "killed after"])
def test_any_writing_request_may_go_wrong(
    tmp_path: Path, server: RunningServer, emulator: TotoyEmulator, way: str, sampled: Sampled
) -> None:
    """A first run, and one that edits, renames, deletes and splits: what goes wrong is made good by the run after it."""
    (tmp_path / "world").mkdir()
    world = world_in(tmp_path / "world", server.url)
    cases = 0
    for furnish, earlier in ((furnish_first, None), (furnish_after, furnish_before)):
        if earlier is not None:
            earlier(world)
            world.run()
        furnish(world)
        world.save()
        server.log.clear()
        snapshot = Snapshot(world, emulator)
        world.run()
        calm, number = held(emulator), len(writes(server))
        cases += number
        for at in sampled(number):
            snapshot.restore()
            run_badly(world, server, way, at)
            world.run()
            assert held(emulator) == calm, f"after request {at}"
            server.log.clear()
            assert (world.run().status, writes(server)) == ("ok", []), f"after request {at}"
        snapshot.forget()
        world.run()
    assert cases == 4 + 11


def run_badly(world: World, server: RunningServer, way: str, at: int) -> None:
    if way.startswith("killed"):
        assert killed(world, server.url, at + 1, answered=way == "killed after")
        return
    fault = server.services.faults.add(Fault(way, writes=True, after=at))
    world.run()
    assert fault.hits == 1
