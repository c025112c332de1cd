"""Converters measured: fidelity against the story that the files tell and against markitdown, speed against the bare libraries."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.report import machine, table
from benchmarks.tools import HERE, PROJECT

sys.path.append(str(PROJECT / "tests"))  # the makers of files are shared with the tests

from benchmarks.conversion_bare import BARE, PARSED  # after the path
from benchmarks.conversion_files import build, build_long  # the same
from benchmarks.conversion_scores import Expected, Scores, scores  # the same
from knowledge_connector.config import PluginSettings  # the same
from knowledge_connector.convert.child import keep_heap  # the same
from knowledge_connector.convert.pipeline import ConverterSet  # the same
from knowledge_connector.convert.reading import Reader  # the same
from knowledge_connector.errors import DocumentError  # the same
from knowledge_connector.model import Raw  # the same
from knowledge_connector.registry import Registry  # the same

SECONDS = 0.3
"""How long each conversion is repeated; the shortest counts, for whatever else the machine does only adds."""


@dataclass(frozen=True, slots=True)
class Row:
    """One file. Times are in seconds; `None` where there is nothing to compare with, or it was not asked for or could not be read."""

    name: str
    size: int
    ours: Scores | None
    theirs: Scores | None
    seconds: float
    bare: float | None
    parsed: float | None
    their_seconds: float | None


def conversion_markdown(cache: Path) -> str:
    """Measure everything; gives three tables: fidelity, speed by type, and speed by file."""
    keep_heap()  # as the processes of the sandbox do
    folder = cache / "conversion"
    files = build(folder)
    theirs = _markitdown(cache, folder)
    reader = _reader()
    rows = [_measured(folder / name, reader, theirs.get(name), expected) for name, expected in files.items()]
    long = [_measured(path, reader) for path in build_long(cache / "conversion-long")]
    all_rows = [row for row in [*rows, *long] if row.seconds]
    tables = [_fidelity(rows), _speed_by_type(all_rows), _speed(all_rows)]
    return "\n\n".join([f"{len(rows)} files. {machine()}.", *tables]) + "\n"


def _reader() -> Reader:
    return Reader(ConverterSet.of(Registry.load(PluginSettings()).converters()))


def _markitdown(cache: Path, folder: Path) -> dict[str, dict[str, Any]]:
    python = cache / "peers" / "markitdown" / "bin" / "python"
    if not python.exists():
        print("markitdown is left out: `python -m benchmarks peers` installs it")
        return {}
    script = HERE / "peers" / "convert_markitdown.py"
    done = subprocess.run([python, script, folder, str(SECONDS)], capture_output=True, check=True)
    answers: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return answers


def _measured(
    path: Path, reader: Reader, theirs: dict[str, Any] | None = None, expected: Expected | None = None
) -> Row:
    content = path.read_bytes()
    raw = Raw(content, "", path.as_uri())

    def convert() -> str:
        return reader.convert(raw, reader.media_type(raw)).markdown

    kind = path.suffix[1:]
    works = [partial(work, content) for work in (BARE.get(kind, ("", None))[1], PARSED.get(kind)) if work]
    try:
        markdown = convert()
        seconds, *others = _shortest(convert, *works)
    except DocumentError as error:
        print(f"{path.name}: {error.message}")
        markdown, seconds, others = "", 0.0, []
    bare, parsed, *_ = (*others, None, None)
    return Row(
        path.name,
        len(content),
        scores(expected, markdown) if expected else None,
        scores(expected, theirs["text"]) if expected and theirs and theirs["text"] else None,
        seconds,
        bare,
        parsed,
        theirs["seconds"] if theirs else None,
    )


def _shortest(*works: Callable[[], object]) -> list[float]:
    """The shortest time of each, taken in turns, so that whatever else the machine does meets them alike."""
    best, spent = [float("inf")] * len(works), 0.0
    while spent < SECONDS * len(works):
        for number, work in enumerate(works):
            began = time.perf_counter()
            work()
            took = time.perf_counter() - began
            best[number], spent = min(best[number], took), spent + took
    return best


def _fidelity(rows: list[Row]) -> str:
    head = ["file", "words", "precision", "headings", "cells", "links"]
    body = []
    for row in rows:
        pairs = [(getattr(row.ours, name), getattr(row.theirs, name, None)) for name in Scores.__slots__]
        body.append([row.name, *(_pair(ours, theirs, read=row.theirs is not None) for ours, theirs in pairs)])
    return "Ours / markitdown, in percent; `–` where the file has none, `✗` where it was not read.\n\n" + table(
        head, body
    )


def _pair(ours: float | None, theirs: float | None, *, read: bool) -> str:
    if ours is None:
        return "–"
    return f"{100 * ours:.0f} / {100 * theirs:.0f}" if read and theirs is not None else f"{100 * ours:.0f} / ✗"


def _speed_by_type(rows: list[Row]) -> str:
    """All files of a type together, one after the other."""
    head = ["type", "files", "kB", "documents/s", "MB/s", "bare library", "documents/s", "MB/s", "share", "of parsing"]
    by_type: dict[str, list[Row]] = {}
    for row in rows:
        by_type.setdefault(Path(row.name).suffix[1:], []).append(row)
    body = []
    for kind, of_type in sorted(by_type.items()):
        size, seconds = sum(row.size for row in of_type), sum(row.seconds for row in of_type)
        bare, parsed = sum(row.bare or 0 for row in of_type), sum(row.parsed or 0 for row in of_type)
        own = [kind, f"{len(of_type)}", f"{size / 1e3:.0f}", *_rates(len(of_type), size, seconds)]
        library = [BARE[kind][0], *_rates(len(of_type), size, bare)] if bare else ["–"] * 3
        body.append([*own, *library, _percent(bare, seconds), _percent(parsed, seconds)])
    return (
        "One core; all files of a type one after the other, each by the shortest of several conversions, detection included. The last"
        " column: of office files that we read ourselves, the share of what unpacking and parsing alone takes.\n\n"
        + table(head, body)
    )


def _rates(documents: int, size: int, seconds: float) -> list[str]:
    return [_rate(seconds / documents), f"{size / seconds / 1e6:.1f}"]


def _speed(rows: list[Row]) -> str:
    head = ["file", "kB", "documents/s", "MB/s", "bare library's documents/s", "share", "markitdown's documents/s"]
    body = []
    for row in rows:
        bare = [_rate(row.bare), _percent(row.bare, row.seconds)]
        own = [f"{row.size / 1e3:.0f}", *_rates(1, row.size, row.seconds)]
        body.append([row.name, *own, *bare, _rate(row.their_seconds)])
    return "The same for each file.\n\n" + table(head, body)


def _percent(bare: float | None, seconds: float) -> str:
    return f"{100 * bare / seconds:.0f} %" if bare else "–"


def _rate(seconds: float | None) -> str:
    if not seconds:
        return "–"
    return f"{1 / seconds:,.0f}" if seconds < 0.1 else f"{1 / seconds:.1f}"
