"""What runs cost at the five vendors' emulators, and whether every broken run is made good:

    PYTHONPATH=tests python -m benchmarks.vendors calls
    PYTHONPATH=tests python -m benchmarks.vendors faults

`calls` prints the requests of an import of 12 documents and of one change at a time. `faults` lets each writing request of two runs go
wrong in eight ways, runs once more, and compares what the vendor holds with what a calm run leaves; it ends with 1 if anything differs.
The stage and the single case are those of `tests/scenarios`, where a part of this runs with every test.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import machine, put_section, table
from scenarios.vendor_calls import DOCUMENTS, Cost, costs
from scenarios.vendor_matrix import STORIES, TROUBLES, Play
from scenarios.vendors import VENDORS, staged


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.vendors", description=__doc__)
    parser.add_argument("what", choices=["calls", "faults"])
    parser.add_argument("--vendors", type=lambda text: text.split(","), default=list(VENDORS))
    parser.add_argument("--out", type=Path, help="a page whose section is replaced")
    options = parser.parse_args()
    logging.disable()  # of hundreds of runs that shall fail
    if options.what == "calls":
        text, broken = calls_markdown(options.vendors), 0
    else:
        text, broken = faults_markdown(options.vendors)
    print(text)
    if options.out:
        put_section(options.out, f"vendors-{options.what}", text)
    raise SystemExit(bool(broken))


# -------------------------------------------------------------------------------------------------------------------- calls


def calls_markdown(vendors: Sequence[str]) -> str:
    """A table for each vendor: each run with its writing requests by operation, and how many others it made."""
    lines = [f"### Requests, {DOCUMENTS} documents", ""]
    for name in vendors:
        with staged(name) as stage, tempfile.TemporaryDirectory() as folder:
            rows = [_cost_row(run, cost) for run, cost in costs(stage, Path(folder) / "world").items()]
        lines += [f"**{name}**", "", table(["run", "writing", "", "reading"], rows), ""]
    return "\n".join(lines)


def _cost_row(run: str, cost: Cost) -> list[str]:
    writes = ", ".join(f"{number} {operation}" for operation, number in cost.writes.items())
    return [run, str(sum(cost.writes.values())), writes, str(cost.reads)]


# ------------------------------------------------------------------------------------------------------------------- faults


@dataclass(frozen=True, slots=True)
class Case:
    """One broken run.

    Attributes:
        broken: Whether it left anything for the next run to make good.
        wrong: What the next run did not make good; empty if all is well.
    """

    vendor: str
    trouble: str
    broken: bool
    wrong: str


def faults_markdown(vendors: Sequence[str]) -> tuple[str, int]:
    """A table of vendors and troubles with the number of cases in each cell, and how many cases were not made good."""
    started = time.monotonic()
    cases = [case for name in vendors for case in _vendor_cases(name)]
    rows = [_faults_row(name, [case for case in cases if case.vendor == name]) for name in vendors]
    wrong = sum(bool(case.wrong) for case in cases)
    text = (
        f"### Broken runs: {len(cases)} cases, {wrong} not made good by the next run\n\n"
        f"{time.monotonic() - started:.0f} s. {machine()}.\n\n"
        f"{table(['', *TROUBLES, 'cases', 'with something to make good', 'not made good'], [*rows, _faults_row('all', cases)])}\n"
    )
    return text, wrong


def _faults_row(name: str, cases: Sequence[Case]) -> list[str]:
    numbers = Counter(case.trouble for case in cases)
    sums = (len(cases), sum(case.broken for case in cases), sum(bool(case.wrong) for case in cases))
    return [name, *(str(numbers[trouble]) for trouble in TROUBLES), *map(str, sums)]


def _vendor_cases(name: str) -> Iterator[Case]:
    with staged(name) as stage:
        for story in STORIES:
            with tempfile.TemporaryDirectory() as folder:
                play = Play(stage, story, Path(folder) / "world")
                print(f"{name}, {story.name} run: {len(play.writes)} writing requests", flush=True)
                for trouble in TROUBLES:
                    yield from (_case(play, trouble, number) for number in range(len(play.writes)))


def _case(play: Play, trouble: str, number: int) -> Case:
    name = play.stage.vendor.name
    try:
        return Case(name, trouble, play.check(TROUBLES[trouble], number), "")
    except AssertionError as error:
        print(f"{name}, {trouble}: {error}", flush=True)
        return Case(name, trouble, True, str(error) or "not made good")


if __name__ == "__main__":
    main()
