"""Kill a run at every step that it takes, run again, and compare with a calm run."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from knowledge_connector import Host
from knowledge_connector.config import load
from knowledge_connector.state import open_state
from scenarios import dying
from scenarios.world import Contents, World

DYING = Path(__file__).with_name("dying.py")
OLD = "old"
NEW = "new"


def furnish(world: World, version: str) -> None:
    """Before: documents 0 to 19. After: some edited, renamed, retitled, deleted, new; one fails."""
    world.shelf.clear()
    for number in range(20):
        world.put(f"d{number}", f"first {number}", f"second {number} {OLD}", title=f"Title {number}")
    if version == OLD:
        return
    for number in range(4):
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


def expected(world: World) -> Contents:
    return world.expected()


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world after its first run."""
    folder = tmp_path_factory.mktemp("before")
    world = make_world(folder)
    furnish(world, OLD)
    assert world.run().created == 20
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


def run_watched(world: World) -> None:
    """One run, in this process, with every step counted."""
    settings = load(world.folder / "connectors.toml", {})
    with Host(settings) as plain:
        store = dying.watched_store(open_state(settings.state.url, settings.base, plain.clock))
    with Host(settings, store=store) as host:
        host.run("shelf")


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
        self.looks = 0

    def __call__(self) -> None:
        self.looks += 1
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as db:
            rows = db.execute(
                "SELECT s.external_id, c.text FROM sources AS s LEFT JOIN chunks AS c ON c.source = s.id ORDER BY s.id, c.ordinal"
            ).fetchall()
        seen: dict[str, tuple[str, ...]] = {}
        for id_, text in rows:
            seen[id_] = (*seen.get(id_, ()), text)
        for id_, chunks in seen.items():
            assert any(contents.get(id_) == chunks for contents in self.allowed), f"half a source: {id_} {chunks}"
        assert self.always <= seen.keys(), "a source was gone for a moment"


def test_a_run_killed_at_any_step_is_made_good_by_the_next(before: Path, tmp_path: Path) -> None:
    calm = copy_of(before, tmp_path / "calm")
    old = calm.contents()
    dying.FATE.steps = dying.FATE.dies_at = 0
    run_watched(calm)
    total = dying.FATE.steps
    right = calm.contents()
    assert right != old
    assert total > 100

    survived = []
    for step in range(1, total + 1):
        world = copy_of(before, tmp_path / "crashed")
        reader = Reader(world, [old, right])

        def doomed(world: World = world, step: int = step) -> None:
            dying.FATE.steps, dying.FATE.dies_at = 0, step
            run_watched(world)

        ended_by = wait_for(in_child(doomed), reader)
        if ended_by != signal.SIGKILL:
            survived.append((step, ended_by))
            continue
        reader()
        with closing(sqlite3.connect(reader.path)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        report = world.run()
        assert report.status == "partial", report.message
        assert world.contents() == right, f"after a crash at step {step}"
        after = world.planned()
        assert after == {}, f"after a crash at step {step}: {after}"
    assert not survived
    sys.stdout.write(f"{total} crash points\n")
