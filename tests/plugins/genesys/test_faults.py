"""For every writing call: an error before and after its effect, a lost answer, a cut connection, and a killed process."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Event

import pytest

from knowledge_connector.testing.emulation import DistantClock, Fault, LeapingClock, Row, RunningServer, running
from knowledge_connector_genesys.emulator import GenesysEmulator
from plugins.genesys.runs import OWNER, put, run, write_config
from plugins.genesys.wire import emulator, rounds, texts

OLD = {"kept": "as it is", "edited": "before", "deleted": "gone soon"}
NEW = {"kept": "as it is", "edited": "after", "added": "new"}
STORIES = {"first run": {"edited": "after"}, "changes": NEW}

BEFORE, AFTER = "cut_before", "lost_answer"
STATE = "vendor.db"


class Killer(GenesysEmulator):
    """Kills a process when writing request number `last` of it arrives."""

    last = -1
    victim: int = 0
    ready = Event()
    seen = 0

    def is_write(self, method: str, path: str) -> bool:
        found = super().is_write(method, path)
        if found and self.last >= 0:
            if self.seen == self.last:
                self.ready.wait(10)
                os.kill(self.victim, signal.SIGKILL)
            self.seen += 1
        return found


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was there before the story: nothing, or what a calm run left."""
    folder = tmp_path_factory.mktemp("before")
    for story in STORIES:
        (folder / story).mkdir()
        with running([GenesysEmulator], seed=2, state=folder / story / STATE) as server:
            write_config(folder / story, server)
            if story == "changes":
                put(folder / story, OLD)
                assert run(folder / story, LeapingClock(server.services.clock)).created == len(OLD)
    return folder


@contextmanager
def copied(before: Path, folder: Path, story: str) -> Iterator[RunningServer]:
    """The same world again, with an emulator of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(before / story, folder)
    with running([Killer], state=folder / STATE) as server:
        write_config(folder, server)
        put(folder, STORIES[story])
        yield server


def foreign(server: RunningServer) -> dict[str, Row]:
    world = emulator(server).world
    (source,) = [row["id"] for row in world.sources.values() if "kc-by" not in row["name"]]
    return dict(world.files(source))


def assert_healed(folder: Path, server: RunningServer, story: str) -> None:
    """The next run makes it right, and the one after it finds nothing to do."""
    clock = LeapingClock(server.services.clock)
    assert run(folder, clock).status == "ok"
    assert texts(server, OWNER) == {f"{OWNER}/{id_}.md": text for id_, text in STORIES[story].items()}
    assert all(row["state"] != "open" for row in rounds(server, OWNER))
    assert len(foreign(server)) == 2
    server.log.clear()
    assert run(folder, clock).status == "ok"
    assert server.log.writes("genesys") == []


@pytest.mark.matrix
@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("kind", ["error_before", "error_after", BEFORE, AFTER])
def test_every_writing_call_may_fail(before: Path, tmp_path: Path, story: str, kind: str) -> None:
    for number in count():
        with copied(before, tmp_path / "world", story) as server:
            fault = server.services.faults.add(Fault(kind, "genesys", writes=True, after=number, status=503))
            assert run(tmp_path / "world", LeapingClock(server.services.clock)).status == "ok"
            assert_healed(tmp_path / "world", server, story)
        if not fault.hits:
            break
    assert number >= 5


@pytest.mark.matrix
@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("kind", ["error_before", AFTER])
def test_a_call_may_fail_for_good(before: Path, tmp_path: Path, story: str, kind: str) -> None:
    """From some writing call on nothing is answered well; the next run finds what was left open."""
    for number in count():
        with copied(before, tmp_path / "world", story) as server:
            fault = server.services.faults.add(Fault(kind, "genesys", writes=True, after=number, times=0, status=503))
            run(tmp_path / "world", LeapingClock(server.services.clock))
            server.services.faults.clear()
            assert_healed(tmp_path / "world", server, story)
        if not fault.hits:
            break
    assert number >= 5


@pytest.mark.matrix
@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("kind", [BEFORE, AFTER])
def test_killed_at_every_writing_call(before: Path, tmp_path: Path, story: str, kind: str) -> None:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["plugins.genesys.runs"])
    for number in count():
        with copied(before, tmp_path / "world", story) as server:
            killer = emulator(server)
            assert isinstance(killer, Killer)
            killer.last, killer.ready = number, Event()
            server.services.faults.add(Fault(kind, "genesys", writes=True, after=number))
            child = processes.Process(target=run, args=(tmp_path / "world", DistantClock(server.url)))
            child.start()
            killer.victim = child.pid or 0
            killer.ready.set()
            child.join()
            killer.last = -1
            server.services.faults.clear()
            assert_healed(tmp_path / "world", server, story)
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
    assert number >= 5
