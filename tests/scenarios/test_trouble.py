"""Runs when the machine misbehaves: twice at once, no room, no rights, a clock that jumps."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from knowledge_connector import FatalError, Host, RunOptions
from knowledge_connector.config import load
from knowledge_connector.testing.context import FakeClock
from scenarios.test_crash_matrix import in_child, wait_for
from scenarios.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    for number in range(5):
        world.put(f"d{number}", f"text {number}")
    return world


def blocked(world: World) -> Path:
    """Let the next run wait, in the middle of its reading, until somebody opens the pipe."""
    gate = world.folder / "gate"
    os.mkfifo(gate)
    world.shelf["gate"] = {"id": "gate", "kind": "gate", "path": str(gate)}
    return gate


def run_once(world: World) -> None:
    with Host(load(world.folder / "connectors.toml", {})) as host:
        host.run("shelf")


def held_by_another(world: World) -> str:
    with pytest.raises(FatalError) as caught:
        world.run()
    return caught.value.message


def test_two_runs_of_one_connector_never_overlap(world: World) -> None:
    world.run()
    world.put("d5", "text 5")
    gate = blocked(world)
    world.save()
    first = in_child(partial(run_once, world))
    with gate.open("w"):  # opens when the first run has come so far
        message = held_by_another(world)
    assert f"process {first}" in message or str(first) in message
    assert wait_for(first, lambda: None) == 0
    del world.shelf["gate"]
    assert world.run().changed == 0
    assert world.contents() == world.expected()


def test_a_run_that_was_killed_does_not_lock_out_the_next(world: World) -> None:
    gate = blocked(world)
    world.save()
    first = in_child(partial(run_once, world))
    with gate.open("w"):
        os.kill(first, signal.SIGKILL)
        assert wait_for(first, lambda: None) == signal.SIGKILL
    del world.shelf["gate"]
    assert world.run().created == 5


def test_a_full_disk_stops_the_run_and_the_next_one_makes_it_right(world: World) -> None:
    world.run()
    before = world.contents()
    for number in range(50):
        world.put(f"big{number}", *[f"{number} {word} " * 150 for word in ("one", "two", "three")])
    world.save()

    def cramped() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
        with Host(load(world.folder / "connectors.toml", {})) as host:
            os._exit(host.run("shelf").exit_code)

    ended = wait_for(in_child(cramped), lambda: None)
    assert ended in (-3, -1), "stopped, and said so"
    held = world.contents()
    assert before.items() <= held.items() <= world.expected().items()
    assert world.run().status == "ok"
    assert world.contents() == world.expected()


def test_a_store_that_cannot_be_written_is_named_and_nothing_is_lost(world: World) -> None:
    world.run()
    before = world.contents()
    world.put("d0", "changed")
    world.save()
    folder = world.folder / ".connector"
    for path in folder.iterdir():
        path.chmod(0o400)
    folder.chmod(0o500)
    command = [sys.executable, "-m", "knowledge_connector", "-c", str(world.folder / "connectors.toml"), "run", "shelf"]
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            pytest.skip("running as root, and there is no `setpriv` to drop the right to write everything")
        command = [setpriv, "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", *command]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    folder.chmod(0o700)
    for path in folder.iterdir():
        path.chmod(0o600)
    assert done.returncode == 3
    assert str(folder) in done.stderr
    assert world.contents() == before
    assert world.run().updated == 1


def test_a_clock_that_jumps_back_changes_nothing(world: World) -> None:
    settings = load(world.folder / "connectors.toml", {})
    for year in (2030, 2020, 2040, 1971):
        world.put("d0", f"text of {year}")
        del world.shelf[f"d{len(world.shelf) - 1}"]
        world.save()
        with Host(settings, clock=FakeClock(datetime(year, 1, 1, tzinfo=UTC))) as host:
            report = host.run("shelf")
        assert report.status == "ok"
        assert world.contents() == world.expected()


def test_a_run_that_is_told_to_stop_ends_in_good_order(world: World) -> None:
    for number in range(2000):
        world.put(f"d{number:04}", f"text {number}")
    options = RunOptions()

    class Impatient:
        def started(self, reports: object) -> None:
            pass

        def changed(self, lane: object, change: object) -> None:
            options.stop.set()

    stopped = world.run(RunOptions(stop=options.stop, observer=Impatient()))
    assert (stopped.status, stopped.exit_code, stopped.deleted) == ("interrupted", 130, 0)
    assert 0 < stopped.created < 2000
    assert world.contents().items() <= world.expected().items()
    finished = world.run()
    assert finished.created == len(world.shelf) - stopped.created
    assert world.contents() == world.expected()
