"""Kill a run at every step that it takes, run again, and compare with a calm run."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from knowledge_connector import ConfigError, Host
from knowledge_connector.clock import SystemClock
from knowledge_connector.config import load
from knowledge_connector.state import open_state
from matrices import Sampled
from scenarios import dying
from scenarios.fate import FATE
from scenarios.world import Contents, World, contents_of

DYING = Path(__file__).with_name("dying.py")
OLD = "old"
NEW = "new"


def furnish(world: World, version: str) -> None:
    """Before: documents 0 to 19. After: some edited, renamed, retitled, deleted, new; one fails."""
    world.shelf.clear()
    for number in range(40):
        world.put(f"d{number}", f"first {number}", f"second {number} {OLD}", title=f"Title {number}")
    if version == OLD:
        return
    for number in (*range(4), *range(20, 32)):
        world.put(f"d{number}", f"first {number}", f"second {number} {NEW}", "third", title=f"Title {number}")
    for number in range(4, 7):
        world.shelf[f"d{number}"]["title"] = f"Other title {number}"
    for number in range(7, 10):
        world.shelf[f"moved{number}"] = world.shelf.pop(f"d{number}") | {"id": f"moved{number}"}
    for number in range(10, 14):
        del world.shelf[f"d{number}"]
    for number in range(3):
        world.put(f"n{number}", f"new {number}", title=f"New {number}")
    world.shelf["d19"]["body"] = "fail"
    world.shelf["d19"]["revision"] = "2"


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world after its first run."""
    folder = tmp_path_factory.mktemp("before")
    world = make_world(folder)
    furnish(world, OLD)
    assert world.run().created == 40
    return folder


def make_world(folder: Path) -> World:
    world = World(folder, target="dying", options="[connectors.shelf.deletes]\nmax_documents = 50")
    text = (folder / "connectors.toml").read_text(encoding="utf-8")
    (folder / "connectors.toml").write_text(text.replace('shelf.py"]', f'shelf.py", "{DYING}"]'), encoding="utf-8")
    return world


def copy_of(before: Path, folder: Path) -> World:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(before, folder)
    world = make_world(folder)
    furnish(world, NEW)
    world.save()
    return world


def watched_host(world: World) -> Host:
    """A host in this process, with every step counted."""
    settings = load(world.folder / "connectors.toml", {})
    return Host(settings, store=dying.watched_store(open_state(settings.state.url, settings.base, SystemClock())))


def run_watched(world: World) -> None:
    with watched_host(world) as host:
        host.run("shelf")


def undo_watched(world: World) -> None:
    """Take back the first run."""
    with watched_host(world) as host:
        host.undo(1)


def in_child(work: Callable[[], None]) -> int:
    """Fork, work, and give the signal that ended the child (0 if it ended by itself)."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def wait_for(child: int, meanwhile: Callable[[], None]) -> int:
    while True:
        meanwhile()
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status)


class Reader:
    """Somebody who reads the knowledge while it is written."""

    def __init__(self, world: World, allowed: list[Contents]) -> None:
        self.path = world.folder / ".connector" / "knowledge.db"
        self.allowed = [{id_: chunks for id_, (_, chunks) in contents.items()} for contents in allowed]
        self.always = {id_ for id_ in self.allowed[0] if all(id_ in contents for contents in self.allowed)}

    def __call__(self) -> None:
        if not self.path.exists():
            return
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as db:
            if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'sources'").fetchone():
                return  # the store is being made
            rows = db.execute(
                "SELECT s.external_id, c.text FROM sources AS s LEFT JOIN chunks AS c ON c.source = s.id ORDER BY s.id, c.ordinal"
            ).fetchall()
        seen: dict[str, tuple[str, ...]] = {}
        for id_, text in rows:
            seen[id_] = (*seen.get(id_, ()), text)
        for id_, chunks in seen.items():
            assert any(contents.get(id_) == chunks for contents in self.allowed), f"half a source: {id_} {chunks}"
        assert self.always <= seen.keys(), "a source was gone for a moment"


def count_steps(work: Callable[[World], None], world: World) -> int:
    FATE.steps = FATE.dies_at = 0
    work(world)
    return FATE.steps


def die_at(step: int, work: Callable[[World], None], world: World) -> Callable[[], None]:
    def doomed() -> None:
        FATE.steps, FATE.dies_at = 0, step
        work(world)

    return doomed


def crash_everywhere(
    work: Callable[[World], None],
    mend: Callable[[Host], None],
    make: Callable[[Path], World],
    folder: Path,
    sampled: Sampled,
) -> int:
    """Kill `work` at its steps, `mend`, and compare with a calm one.

    Returns:
        How many crash points there are.
    """
    calm = make(folder / "calm")
    old = calm.contents()
    total = count_steps(work, calm)
    right = calm.contents()
    assert right != old
    for step in (number + 1 for number in sampled(total)):
        world = make(folder / "crashed")
        reader = Reader(world, [old, right])
        assert wait_for(in_child(die_at(step, work, world)), reader) == signal.SIGKILL
        reader()
        with closing(sqlite3.connect(reader.path)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        with world.host() as host:
            mend(host)
            assert contents_of(host) == right, f"after a crash at step {step}"
            _, plan = host.plan("shelf")
            assert plan.lanes[0].changes == [], f"after a crash at step {step}"
    return total


def test_a_run_killed_at_any_step_is_made_good_by_the_next(before: Path, tmp_path: Path, sampled: Sampled) -> None:
    def run_again(host: Host) -> None:
        report = host.run("shelf")
        assert report.status == "partial", report.message  # one document fails on purpose

    points = crash_everywhere(run_watched, run_again, lambda folder: copy_of(before, folder), tmp_path, sampled)
    assert points > 150


def test_a_first_run_killed_at_any_step_is_made_good_by_the_next(tmp_path: Path, sampled: Sampled) -> None:
    def empty(folder: Path) -> World:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        world = make_world(folder)
        world.run()  # makes the stores, which is not what is tested here
        for number in range(6):
            world.put(f"d{number}", f"one {number}", f"two {number}")
        world.save()
        return world

    def run_again(host: Host) -> None:
        assert host.run("shelf").status == "ok"

    assert crash_everywhere(run_watched, run_again, empty, tmp_path, sampled) > 70


def test_an_undo_killed_at_any_step_is_finished_by_another(before: Path, tmp_path: Path, sampled: Sampled) -> None:
    """The first run made everything, so its undo takes everything away; what a killed undo left is undone by the next one."""

    def undo_again(host: Host) -> None:
        with suppress(ConfigError):  # nothing is left to undo
            host.undo(1)
        assert host.run("shelf").changed == 0, "what was undone stays undone"

    def make(folder: Path) -> World:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(before, folder)
        world = make_world(folder)
        furnish(world, OLD)
        world.save()
        return world

    assert crash_everywhere(undo_watched, undo_again, make, tmp_path, sampled) > 70
