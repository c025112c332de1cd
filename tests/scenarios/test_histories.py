"""An origin that lives at random, and runs, plans, crashes and retries in between: after each calm run the target equals the origin."""

from __future__ import annotations

import shutil
import signal
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from knowledge_connector import RunOptions
from scenarios.fate import FATE
from scenarios.test_crash_matrix import in_child, make_world, run_watched, wait_for
from scenarios.world import Contents, World

FOLDERS = ("a/", "b/", "")
NAMES = st.builds(lambda folder, number: f"{folder}d{number}", st.sampled_from(FOLDERS), st.integers(0, 5))
TEXTS = st.lists(st.sampled_from(["one", "two", "three", "four"]), min_size=1, max_size=3)


class Histories(RuleBasedStateMachine):
    """Documents have an id, a title and chunks; two may well have the same text, which is what makes renames hard."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="history-"))
        self.world: World = make_world(self.folder)
        self.clean = False

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    # -------------------------------------------------------------------------------------------------- what origins do

    @rule(id_=NAMES, texts=TEXTS, title=st.sampled_from(["", "Title"]))
    def write(self, id_: str, texts: list[str], title: str) -> None:
        self.world.put(id_, *texts, title=title)
        self.clean = False

    @rule(id_=NAMES)
    def remove(self, id_: str) -> None:
        self.world.shelf.pop(id_, None)
        self.clean = False

    @rule(old=NAMES, new=NAMES)
    def rename(self, old: str, new: str) -> None:
        entry = self.world.shelf.pop(old, None)
        if entry is not None:
            self.world.shelf[new] = entry | {"id": new}
        self.clean = False

    @rule(old=st.sampled_from(FOLDERS), new=st.sampled_from(FOLDERS))
    def move_folder(self, old: str, new: str) -> None:
        moved = [id_ for id_ in self.world.shelf if old and id_.startswith(old)]
        for id_ in moved:
            self.rename(id_, new + id_.removeprefix(old))

    @rule(id_=NAMES)
    def touch(self, id_: str) -> None:
        entry = self.world.shelf.get(id_)
        if entry is not None:
            entry["revision"] = f"{entry.get('revision', '')}+"

    @rule(id_=NAMES, fails=st.booleans())
    def break_or_mend(self, id_: str, fails: bool) -> None:
        entry = self.world.shelf.get(id_)
        if entry is not None:
            entry["body"] = "fail" if fails else ""
            entry["revision"] = f"{entry.get('revision', '')}!"
            self.clean = False

    # ------------------------------------------------------------------------------------------------------ what people do

    @rule(locked=st.sampled_from([None, None, *FOLDERS[:2]]))
    def calm_run(self, locked: str | None) -> None:
        before = self.world.contents()
        hidden = self._lock(locked) if locked else {}
        expected = self._expected(before, hidden)
        planned = self.world.planned()
        report = self.world.run()
        self.world.shelf.pop(locked or "", None)
        self.world.shelf.update(hidden)
        broken = [
            entry for entry in self.world.shelf.values() if entry.get("body") == "fail" and entry["id"] not in hidden
        ]
        assert report.failed == len(broken) + bool(locked)
        assert self.world.contents() == expected
        assert report.changed == len(planned)
        self.clean = not hidden

    def _lock(self, folder: str) -> dict[str, dict[str, object]]:
        hidden = {id_: entry for id_, entry in self.world.shelf.items() if id_.startswith(folder)}
        for id_ in hidden:
            del self.world.shelf[id_]
        self.world.shelf[folder] = {"id": folder, "kind": "locked"}
        return hidden

    def _expected(self, before: Contents, hidden: dict[str, dict[str, object]]) -> Contents:
        locked = tuple(id_ for id_, entry in self.world.shelf.items() if entry.get("kind") == "locked")
        unknown = {id_: held for id_, held in before.items() if locked and id_.startswith(locked)}
        broken = {id_ for id_, entry in self.world.shelf.items() if entry.get("body") == "fail"}
        right = {id_: held for id_, held in self.world.expected().items() if id_ not in broken}
        kept = {id_: before[id_] for id_ in broken if id_ in before}
        return unknown | right | kept

    @rule(cut=st.integers(0, 8))
    def run_of_an_origin_that_vanishes_half_way(self, cut: int) -> None:
        whole = dict(self.world.shelf)
        before = self.world.contents()
        self.world.shelf = dict(list(whole.items())[:cut]) | {"!": {"id": "!", "kind": "die"}}
        report = self.world.run()
        self.world.shelf = whole
        assert report.status == "failed"
        assert report.deleted == 0
        assert before.keys() <= self.world.contents().keys()
        self.clean = False

    @rule(step=st.integers(1, 60))
    def crash(self, step: int) -> None:
        def doomed() -> None:
            FATE.steps, FATE.dies_at = 0, step
            run_watched(self.world)

        self.world.save()
        assert wait_for(in_child(doomed), lambda: None) in (0, signal.SIGKILL)
        self.clean = False

    @rule()
    def retry(self) -> None:
        with self.world.host() as host:
            (report,) = host.retry("shelf", RunOptions())
        assert report.deleted == 0

    @precondition(lambda self: self.clean)
    @rule()
    def undo_and_release(self) -> None:
        before = self.world.contents()
        self.world.put("undone/new", "fresh")
        for id_ in list(self.world.shelf)[:2]:
            if self.world.shelf[id_].get("body") != "fail":
                self.world.put(id_, "another text", "and more")
        report = self.world.run()
        after = self.world.contents()
        if not report.changed:
            return
        with self.world.host() as host:
            host.undo(report.run)
        assert self.world.contents() == before
        held = self.world.run()
        assert (held.changed, self.world.contents()) == (0, before)
        with self.world.host() as host:
            assert host.release("shelf") == report.changed
        self.world.run()
        assert self.world.contents() == after

    @precondition(lambda self: self.clean)
    @invariant()
    def nothing_is_left_to_do(self) -> None:
        assert self.world.planned() == {}


Histories.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
TestHistories = Histories.TestCase
