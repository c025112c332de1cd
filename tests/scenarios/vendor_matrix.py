"""Whatever goes wrong at any writing request of a run, the next run makes it good: stories, troubles, and one case of the matrix."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from knowledge_connector.testing.emulation import Fault
from scenarios.vendors import Snapshot, Stage, VendorWorld, run_killed

Trouble = Callable[[Stage, VendorWorld, int], None]
"""A run that goes wrong at its writing request of this number, from 0."""


# ------------------------------------------------------------------------------------------------------------------ stories


@dataclass(frozen=True)
class Story:
    """A run to be broken.

    Attributes:
        before: Furnishes the origin for a calm run; `None` if the vendor has heard nothing of us.
        after: Furnishes it for the run.
    """

    name: str
    before: Callable[[VendorWorld], None] | None
    after: Callable[[VendorWorld], None]


def _few(world: VendorWorld) -> None:
    for name in ("keep", "edit", "title", "drop"):
        world.write(name, f"the text of {name}")


def _changed(world: VendorWorld) -> None:
    """One of each: kept, edited, retitled, deleted, new."""
    world.write("edit", "quite another text")
    world.write("title", "the text of title", title="Another title")
    del world.shelf["drop"]
    world.write("new", "came later")


def _two(world: VendorWorld) -> None:
    world.write("one", "the first text")
    world.write("two", "the second text")


FIRST = Story("first", None, _two)
LATER = Story("later", _few, _changed)
STORIES = (FIRST, LATER)


# ----------------------------------------------------------------------------------------------------------------- troubles


def _fault(kind: str, *, times: int = 1) -> Trouble:
    def trouble(stage: Stage, world: VendorWorld, number: int) -> None:
        fault = stage.server.services.faults.add(Fault(kind, stage.vendor.name, writes=True, after=number, times=times))
        world.run()
        assert fault.hits, "nothing went wrong"
        stage.server.services.faults.clear()

    return trouble


def _kill(*, after: bool) -> Trouble:
    def trouble(stage: Stage, world: VendorWorld, number: int) -> None:
        assert run_killed(stage, world, number, after=after) == -signal.SIGKILL

    return trouble


TROUBLES: Mapping[str, Trouble] = {
    "error before": _fault("error_before"),
    "error after": _fault("error_after"),
    "lost answer": _fault("lost_answer"),
    "killed before": _kill(after=False),
    "killed after": _kill(after=True),
    "errors from there on": _fault("error_before", times=0),
    "errors with effect": _fault("error_after", times=0),
    "no answers from there on": _fault("lost_answer", times=0),
}
"""What goes wrong: once, before the request takes effect or after, and with every writing request from there to the end of the run."""


# -------------------------------------------------------------------------------------------------------------------- cases


class Play:
    """A story at one vendor, to be played again and again.

    Attributes:
        calm: What the vendor holds after a run in which nothing goes wrong.
        writes: The writing operations of that run, in their order.
    """

    def __init__(self, stage: Stage, story: Story, folder: Path) -> None:
        self.stage = stage
        stage.server.reset()
        world = stage.world(folder, **({} if story.before else stage.vendor.anew))
        if story.before:
            story.before(world)
            assert world.run().status == "ok"
        story.after(world)
        world.save()
        self.snapshot = Snapshot(stage, world)
        stage.writes()
        assert world.run().status == "ok"
        self.calm = stage.held()
        self.writes = stage.writes()

    def check(self, trouble: Trouble, number: int) -> bool:
        """Something goes wrong, a calm run follows, and all is as it should be: no twins, no orphans, and nothing left to do.

        Returns:
            Whether there was anything to make good. Where a call is repeated with success there is nothing.
        """
        self.snapshot.restore()
        trouble(self.stage, self.snapshot.world, number)
        broken = self.stage.held_now() != self.calm
        where = f"after trouble with request {number}, {self.writes[number]}"
        report = self.snapshot.world.run()
        assert report.status == "ok", f"{where}: {report.message}"
        assert self.stage.held() == self.calm, where
        self.stage.writes()
        self.snapshot.world.run()
        assert self.stage.writes() == [], where
        return broken
