"""The results as people read them (Markdown) and as programs do (JSON)."""

from __future__ import annotations

import os
import platform
import sqlite3
from dataclasses import asdict
from typing import TYPE_CHECKING

from benchmarks.runs import PHASES, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from benchmarks.corpus import Manifest

OURS = "connector"
FLOOR = "floor"
BEGIN, END = "<!-- benchmarks: {} -->", "<!-- end of benchmarks: {} -->"


def results_markdown(manifest: Manifest, outcomes: Sequence[Outcome], repeats: int) -> str:
    """One corpus: a table of medians, and how ours compares with the floor and with the best peer that is right."""
    lines = [
        f"### {manifest.name}: {manifest.files:,} files, {manifest.bytes / 1e6:.1f} MB",
        "",
        f"Medians of {repeats}; wall seconds (CPU seconds), peak memory of the process tree. {machine()}.",
        "",
        table(
            ["", *PHASES, "chunks", "over 2000 characters", "right afterwards"],
            [_row(outcome) for outcome in outcomes],
        ),
        "",
        *_ratios(outcomes),
    ]
    return "\n".join(lines).rstrip() + "\n"


def results_data(manifest: Manifest, outcomes: Sequence[Outcome]) -> dict[str, object]:
    """The same, with every single measurement."""
    return {"corpus": asdict(manifest), "machine": machine(), "tools": [asdict(outcome) for outcome in outcomes]}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def put_section(path: Path, name: str, text: str) -> None:
    """Replace the section `name` of a page, between its two comments, or append it."""
    begin, end = BEGIN.format(name), END.format(name)
    page = path.read_text(encoding="utf-8") if path.exists() else "# Benchmarks\n"
    before, found, rest = page.partition(begin)
    after = rest.partition(end)[2] if found else "\n"
    path.write_text(f"{before if found else page + chr(10)}{begin}\n{text}{end}{after}", encoding="utf-8")


def machine() -> str:
    return f"{os.cpu_count()} cores, CPython {platform.python_version()}, SQLite {sqlite3.sqlite_version}"


def _row(outcome: Outcome) -> list[str]:
    cells = [_cell(outcome, phase) for phase in PHASES]
    return [outcome.tool, *cells, f"{outcome.chunks:,}", str(outcome.oversized), "; ".join(outcome.faults) or "yes"]


def _cell(outcome: Outcome, phase: str) -> str:
    median = outcome.median(phase)
    return f"{median.seconds:.2f} ({median.cpu_seconds:.2f}) · {median.peak_mb:.0f} MB"


def _ratios(outcomes: Sequence[Outcome]) -> list[str]:
    by_name = {outcome.tool: outcome for outcome in outcomes}
    ours, floor = by_name.get(OURS), by_name.get(FLOOR)
    peers = [each for each in outcomes if each.tool not in {OURS, FLOOR} and each.right]
    if ours is None or not ours.right:
        return []
    rows = [[phase, _against(ours, [floor] if floor else [], phase), _against(ours, peers, phase)] for phase in PHASES]
    return [table(["connector ÷", FLOOR, "best peer that is right"], rows)]


def _against(ours: Outcome, others: Sequence[Outcome], phase: str) -> str:
    if not others:
        return "–"
    best = min(others, key=lambda each: each.median(phase).seconds)
    ratio = ours.median(phase).seconds / best.median(phase).seconds
    return f"{ratio:.2f}" if best.tool == FLOOR else f"{ratio:.2f} ({best.tool})"
