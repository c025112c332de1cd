"""The measurement itself: every tool on a corpus, first sync, unchanged, 1 % changed, again and again in rotated order.

One tree serves all tools at once, and each phase is run for all of them before the next begins: whatever else the
machine does hits them alike, and all see the very same change.
"""

from __future__ import annotations

import shutil
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks import changes as edits
from benchmarks import corpus
from benchmarks.libraries import MAX_CHARS
from benchmarks.measure import Measurement, measure
from benchmarks.tools import ENVIRONMENT, Holdings, Tool, faults

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PHASES = ("first sync", "unchanged", "1 % changed")
WARM_UP_FILES = 8


@dataclass(slots=True)
class Outcome:
    """What one tool needed for one corpus, and whether its store was right at the end.

    Attributes:
        measurements: By phase, in the order of the repeats.
        faults: What was wrong in any repeat.
        chunks, oversized: Held at the end; more than `MAX_CHARS` characters long.
    """

    tool: str
    measurements: dict[str, list[Measurement]] = field(default_factory=lambda: {phase: [] for phase in PHASES})
    faults: list[str] = field(default_factory=list)
    chunks: int = 0
    oversized: int = 0

    @property
    def right(self) -> bool:
        return not self.faults

    def add_faults(self, found: list[str]) -> None:
        self.faults.extend(each for each in found if each not in self.faults)

    def median(self, phase: str) -> Measurement:
        runs = self.measurements[phase]
        return Measurement(
            seconds=statistics.median(each.seconds for each in runs),
            cpu_seconds=statistics.median(each.cpu_seconds for each in runs),
            peak_mb=statistics.median(each.peak_mb for each in runs),
            exit_code=max(abs(each.exit_code) for each in runs),
        )


def run_corpus(name: str, tools: Sequence[Tool], repeats: int, cache: Path) -> tuple[corpus.Manifest, list[Outcome]]:
    """Measure all tools on one corpus."""
    root, manifest = corpus.load(name, cache)
    bench = _Bench(root, cache / "work" / name, tools)
    bench.warm_up()
    for repeat in range(repeats):
        bench.once(turn=repeat)
    bench.tidy()
    return manifest, list(bench.outcomes.values())


class _Bench:
    def __init__(self, root: Path, folder: Path, tools: Sequence[Tool]) -> None:
        self.root = root
        self.folder = folder
        self.tree = folder / "tree"
        self.tools = list(tools)
        self.changes = edits.choose(root)
        before = {each.relative_to(root).as_posix() for each in root.rglob("*") if each.is_file()}
        self.expected = frozenset(before.difference(self.changes.gone).union(self.changes.arrived))
        self.outcomes = {tool.name: Outcome(tool.name) for tool in tools}

    def warm_up(self) -> None:
        """Let every tool compile and load what it imports, on a handful of files."""
        few = sorted(each for each in self.root.rglob("*") if each.is_file())[:WARM_UP_FILES]
        shutil.rmtree(self.folder, ignore_errors=True)
        self.tree.mkdir(parents=True)
        for path in few:
            shutil.copy(path, self.tree)
        for tool in self.tools:
            self._empty_store(tool)
            if self._sync(tool).exit_code:
                raise SystemExit(f"{tool.name} fails on {len(few)} files; see {self._log(tool)}")

    def once(self, turn: int) -> None:
        """All phases for all tools, beginning with tool number `turn`."""
        start = turn % len(self.tools)
        order = self.tools[start:] + self.tools[:start]
        edits.lay(self.root, self.tree, self.changes)
        for tool in order:
            self._empty_store(tool)
        for phase in PHASES:
            if phase == PHASES[-1]:
                edits.apply(self.root, self.tree, self.changes)
            for tool in order:
                self._measure(tool, phase)
        for tool in order:
            self._examine(tool)

    def tidy(self) -> None:
        """Remove trees and stores; the logs stay."""
        for entry in self.folder.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)

    def _store(self, tool: Tool) -> Path:
        return self.folder / tool.name

    def _empty_store(self, tool: Tool) -> None:
        shutil.rmtree(self._store(tool), ignore_errors=True)
        self._store(tool).mkdir(parents=True)
        tool.prepare(self.tree, self._store(tool))

    def _sync(self, tool: Tool) -> Measurement:
        store = self._store(tool)
        return measure(tool.command(self.tree, store), cwd=store, log=self._log(tool), environment=ENVIRONMENT)

    def _log(self, tool: Tool) -> Path:
        return self.folder / f"{tool.name}.log"

    def _measure(self, tool: Tool, phase: str) -> None:
        measurement = self._sync(tool)
        outcome = self.outcomes[tool.name]
        outcome.measurements[phase].append(measurement)
        if measurement.exit_code:
            outcome.add_faults([f"{phase}: exit code {measurement.exit_code}"])
        print(
            f"{self.root.name:>14} · {tool.name:<10} {phase:<12} {measurement.seconds:8.2f} s "
            f"{measurement.cpu_seconds:8.2f} s CPU {measurement.peak_mb:6.0f} MB",
            flush=True,
        )

    def _examine(self, tool: Tool) -> None:
        outcome = self.outcomes[tool.name]
        held: Holdings = tool.holdings(self._store(tool), self.changes.marks, MAX_CHARS)
        outcome.chunks, outcome.oversized = held.chunks, held.oversized
        outcome.add_faults(faults(held, self.expected, self.changes))
