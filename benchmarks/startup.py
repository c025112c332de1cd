"""How long `connector --help` takes, against an interpreter that does nothing, and which imports take it."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from benchmarks.report import table
from benchmarks.tools import ConnectorTool

if TYPE_CHECKING:
    from collections.abc import Sequence

REPEATS = 20
SLOWEST = 15
IMPORT_TIME = re.compile(r"import time: +(\d+) \| +(\d+) \| ( *)(\S+)")

NOTHING = [sys.executable, "-c", "pass"]
HELP = [sys.executable, "-m", "knowledge_connector", "--help"]


def startup_markdown() -> str:
    """The ratio of medians, and the slowest imports by their own time.

    Raises:
        SystemExit: The command does not run in this environment.
    """
    missing = ConnectorTool().missing()
    if missing:
        raise SystemExit(missing)
    pairs = [(_seconds(NOTHING), _seconds(HELP)) for _ in range(REPEATS + 1)][1:]  # the first fills the caches
    nothing, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    finding = (
        f"`connector --help` {ours * 1000:.0f} ms, `python -c pass` {nothing * 1000:.0f} ms, "
        f"{ours / nothing:.1f} times as long (medians of {REPEATS}, taken in turn)."
    )
    imports = table(["module", "own ms", "with its imports, ms"], _imports())
    return f"### start-up\n\n{finding}\n\n{imports}\n"


def _imports() -> list[list[str]]:
    command = [sys.executable, "-X", "importtime", *HELP[1:]]
    errors = subprocess.run(command, capture_output=True, text=True, check=True, env=_environment()).stderr
    found = [(int(own), int(total), name) for own, total, _, name in IMPORT_TIME.findall(errors)]
    found.sort(reverse=True)
    return [[f"`{name}`", f"{own / 1000:.1f}", f"{total / 1000:.1f}"] for own, total, name in found[:SLOWEST]]


def _seconds(command: Sequence[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=_environment())
    return time.perf_counter() - started


def _environment() -> dict[str, str]:
    """Ours, but with bytecode written and used: that is how people run programs."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
