"""What runs cost at a vendor, in calls: one import, and then one change at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from knowledge_connector import SyncReport
from scenarios.vendors import Snapshot, Stage, VendorWorld

DOCUMENTS = 12

Change = Callable[[VendorWorld], None]


def _nothing(_: VendorWorld) -> None:
    pass


def _edit(world: VendorWorld) -> None:
    world.write("d00", "quite another text")


def _retitle(world: VendorWorld) -> None:
    world.write("d01", "text 1", title="Another title")


def _move(world: VendorWorld) -> None:
    world.rename("d02", "elsewhere/d02")


def _delete(world: VendorWorld) -> None:
    del world.shelf["d03"]


def _lose_state(world: VendorWorld) -> None:
    world.forget()


CHANGES: Mapping[str, Change] = {
    "unchanged": _nothing,
    "lost state": _lose_state,
    "edit": _edit,
    "title": _retitle,
    "new id": _move,
    "delete": _delete,
}
"""By the name of a run: what has changed before it."""


@dataclass(frozen=True)
class Cost:
    """One run.

    Attributes:
        calls: Requests by operation.
        writes: Those that change something.
    """

    report: SyncReport
    calls: Mapping[str, int]
    writes: Mapping[str, int]

    @property
    def reads(self) -> int:
        """How many requests change nothing."""
        return sum(self.calls.values()) - sum(self.writes.values())


def measured(stage: Stage, world: VendorWorld) -> Cost:
    """Run once, and count."""
    stage.server.log.clear()
    report = world.run()
    calls = stage.server.log.counts(stage.vendor.name)
    return Cost(report, calls, Counter(stage.writes()))


def furnished(stage: Stage, folder: Path) -> VendorWorld:
    """A world of some documents of which the vendor has heard nothing."""
    world = stage.world(folder)
    for number in range(DOCUMENTS):
        world.write(f"d{number:02}", f"text {number}")
    return world


def costs(stage: Stage, folder: Path) -> dict[str, Cost]:
    """A first run, and each change after it, by name."""
    stage.server.reset()
    world = furnished(stage, folder)
    found = {"import": measured(stage, world)}
    snapshot = Snapshot(stage, world)
    for name, change in CHANGES.items():
        snapshot.restore()
        change(world)
        found[name] = measured(stage, world)
    return found


def row(name: str, writes: Mapping[str, Mapping[str, int]], reads: int) -> str:
    """The vendor's line in the documentation: the requests of an unchanged run, and the writing ones of each run."""
    cells = [_cell(counts) for counts in writes.values()]
    return f"| {name} | {reads} | {' | '.join(cells)} |"


def _cell(counts: Mapping[str, int]) -> str:
    return str(sum(counts.values()))
