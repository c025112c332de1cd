"""How the remote connectors crawl a large origin, against their emulators in a process of their own:

    python -m benchmarks crawl --documents 100000      memory, documents per second, and how long the origin was waited for
    python -m benchmarks kills --documents 10000       kill -9 during every page; what the next run asks for again

`crawl` runs a first sync and one without a change. `kills` ends the run as soon as the origin is asked for a new page, starts it again,
and so on until a run comes to its end; afterwards the store has to hold what a calm run leaves.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.measure import Measurement, measure
from benchmarks.report import machine, table

PATIENCE_SECONDS = 60
SMALL = 1000
"""Documents of the origin that a large one is compared with."""
LOOK_SECONDS = 0.01
"""How often the log is asked for a new page."""

CONNECTOR = (sys.executable, "-m", "knowledge_connector")


@dataclass(frozen=True, slots=True)
class Origin:
    """One emulator.

    Attributes:
        name: Of the emulator, of the connector type, and of the table that `connector emulate` writes.
        pages: Matches method and path of the requests that list documents.
        options: Switches of the emulator besides the number of documents.
    """

    name: str
    pages: re.Pattern[str]
    options: tuple[str, ...] = ()


ORIGINS = {
    origin.name: origin
    for origin in (
        Origin("sharepoint", re.compile(r"GET .*/delta\b")),
        Origin("confluence", re.compile(r"GET .*/(pages|blogposts)$")),
        Origin("rest", re.compile(r"GET .*/tickets$")),
    )
}


def chosen(names: Sequence[str] | None) -> list[Origin]:
    """These origins, or all."""
    return [ORIGINS[name] for name in names or ORIGINS]


@dataclass(frozen=True, slots=True)
class Served:
    """A running emulator and a folder whose connectors.toml points at it."""

    origin: Origin
    folder: Path
    url: str
    process: psutil.Process

    def log_since(self, number: int) -> list[dict[str, Any]]:
        """The requests after this one."""
        answer = httpx.get(f"{self.url}/__emulator__/log", params={"since": number, "limit": 10_000_000}, timeout=60)
        entries: list[dict[str, Any]] = answer.raise_for_status().json()["entries"]
        return entries

    def forget(self) -> None:
        """Begin the log anew."""
        httpx.delete(f"{self.url}/__emulator__/log").raise_for_status()

    def is_page(self, entry: dict[str, Any]) -> bool:
        """Whether a request lists documents."""
        return bool(self.origin.pages.search(f"{entry['method']} {entry['path']}"))


@contextmanager
def served(origin: Origin, documents: int) -> Iterator[Served]:
    """Serve an emulator with so many documents."""
    with tempfile.TemporaryDirectory(prefix=f"crawl-{origin.name}-") as name:
        folder = Path(name)
        options = [f"{origin.name}.documents={documents}", *origin.options]
        command = [*CONNECTOR, "emulate", origin.name, "--port", "0", "--config-out", "connectors.toml"]
        command += [word for option in options for word in ("--option", option)]
        with (folder / "emulator.log").open("w", encoding="utf-8") as out:
            process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=out, stderr=subprocess.STDOUT)
            try:
                yield Served(origin, folder, _address(folder, process), psutil.Process(process.pid))
            finally:
                process.terminate()
                process.wait(PATIENCE_SECONDS)


def environment() -> dict[str, str]:
    """Ours, with bytecode as people have it."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _address(folder: Path, process: subprocess.Popen[bytes]) -> str:
    """Where it says that it listens, once it answers there."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and process.poll() is None:
        told = re.search(r"Emulators at (\S+)", (folder / "emulator.log").read_text(encoding="utf-8"))
        if told and _answers(told[1]):
            return told[1]
        time.sleep(0.05)
    raise SystemExit(f"the emulator did not start: {(folder / 'emulator.log').read_text(encoding='utf-8')}")


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/__emulator__/state").is_success
    except httpx.TransportError:
        return False


# -------------------------------------------------------------------------------------------------------------------- crawl


@dataclass(frozen=True, slots=True)
class Crawl:
    """One run of one connector.

    Attributes:
        emulator_seconds: Processor time of the emulator meanwhile.
    """

    run: str
    report: dict[str, Any]
    cost: Measurement
    requests: int
    emulator_seconds: float


def crawls(origin: Origin, documents: int) -> Iterator[Crawl]:
    """A first sync, and one without a change."""
    with served(origin, documents) as place:
        for run in ("first sync", "unchanged"):
            place.forget()
            before = sum(place.process.cpu_times()[:2])
            out = place.folder / "report.json"
            out.unlink(missing_ok=True)
            cost = measure((*CONNECTOR, "run", origin.name, "--json"), cwd=place.folder, log=out, environment={})
            spent = sum(place.process.cpu_times()[:2]) - before
            yield Crawl(run, _report(out), cost, _requests(place), spent)


def _requests(place: Served) -> int:
    state = httpx.get(f"{place.url}/__emulator__/state").raise_for_status().json()
    return int(state["requests"])


def _report(out: Path) -> dict[str, Any]:
    lines = [line for line in out.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    if not lines:
        raise SystemExit(f"the run gave no report: {out.read_text(encoding='utf-8')[-2000:]}")
    report: dict[str, Any] = json.loads(lines[-1])
    return report


def crawl_markdown(origin: Origin, documents: int) -> str:
    """A table of the runs; those of a small origin show whether memory grows with it."""
    sizes = sorted({SMALL, documents})
    rows = [_crawl_row(crawl) for size in sizes for crawl in crawls(origin, size)]
    head = ["run", "documents", "failed", "s", "documents/s", "peak memory", "requests", "waiting", "origin at work"]
    title = " and ".join(f"{size:,}" for size in sizes)
    return (
        f"### {origin.name}: crawls of {title} documents\n\nShares of the time: *waiting*, while neither the run nor its children "
        f"used a processor; *origin at work*, while its emulator used one. {machine()}.\n\n{table(head, rows)}\n"
    )


def _crawl_row(crawl: Crawl) -> list[str]:
    listed, cost = crawl.report["listed"], crawl.cost
    return [
        *(crawl.run, f"{listed:,}", str(crawl.report["failed"])),
        *(f"{cost.seconds:.1f}", f"{listed / cost.seconds:,.0f}", f"{cost.peak_mb:.0f} MB", f"{crawl.requests:,}"),
        *(f"{max(0.0, 1 - cost.cpu_seconds / cost.seconds):.0%}", f"{crawl.emulator_seconds / cost.seconds:.0%}"),
    ]


# -------------------------------------------------------------------------------------------------------------------- kills


@dataclass(frozen=True, slots=True)
class Killed:
    """A crawl that was killed during each page.

    Attributes:
        kills: How often.
        pages: Requests for pages of a calm crawl.
        repeated: How often these were asked for beyond that, without the requests during which the run was killed; each kill may cost one.
        right: Whether the store holds in the end what a calm crawl leaves.
    """

    origin: str
    documents: int
    kills: int
    pages: int
    repeated: int
    right: bool


def killed(origin: Origin, documents: int) -> Killed:
    """Crawl calmly, then once more into another store with a kill during each page."""
    with served(origin, documents) as place:
        calm = _calm(place)
        pages = _pages(place)
        place.forget()
        for file in (place.folder / ".connector").glob("*"):
            if file.is_file():
                file.unlink()
        killed = Counter(iter(lambda: _killed_at_a_new_page(place), None))
        seen = _pages(place)
        return Killed(
            origin.name,
            documents,
            killed.total(),
            sum(pages.values()),
            sum(max(0, seen[page] - pages[page] - killed[page]) for page in pages),
            _holdings(place) == calm,
        )


def _calm(place: Served) -> list[str]:
    subprocess.run([*CONNECTOR, "run", place.origin.name, "--quiet"], cwd=place.folder, env=environment(), check=True)
    return _holdings(place)


def _holdings(place: Served) -> list[str]:
    """What the store holds, in lines that can be compared."""
    told = subprocess.run(
        [*CONNECTOR, "sources", "--json"],
        cwd=place.folder,
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    return sorted(told.stdout.splitlines())


def _pages(place: Served) -> Counter[str]:
    """How often each page was asked for."""
    return Counter(_page(one) for one in place.log_since(0) if place.is_page(one))


def _page(entry: dict[str, Any]) -> str:
    return f"{entry['path']}?{entry['query']}"


def _killed_at_a_new_page(place: Served) -> str | None:
    """Start a run, and kill it when it asks for a page that nobody has asked for yet; gives this page, or `None` if there was none."""
    seen = _pages(place)
    last = max((one["number"] for one in place.log_since(0)), default=0)
    run = subprocess.Popen(
        [*CONNECTOR, "run", place.origin.name, "--quiet"], cwd=place.folder, env=environment(), start_new_session=True
    )
    while run.poll() is None:
        for entry in place.log_since(last):
            last = entry["number"]
            if place.is_page(entry) and _page(entry) not in seen:
                os.killpg(run.pid, 9)
                run.wait()
                return _page(entry)
        time.sleep(LOOK_SECONDS)
    if run.returncode:
        raise SystemExit(f"{place.origin.name}: the run ended with {run.returncode}")
    return None


def kills_markdown(origins: Sequence[Origin], documents: int) -> tuple[str, bool]:
    """A table, and whether all is well."""
    found = [killed(origin, documents) for origin in origins]
    rows = [
        [
            one.origin,
            str(one.kills),
            str(one.pages),
            str(one.repeated),
            f"{one.repeated / max(one.kills, 1):.2f}",
            "yes" if one.right else "no",
        ]
        for one in found
    ]
    head = ["", "kills", "pages of a calm crawl", "asked for again", "for each kill", "right in the end"]
    text = f"### Killed during every page, {documents:,} documents\n\n{machine()}.\n\n{table(head, rows)}\n"
    return text, all(one.right and one.repeated <= one.kills for one in found)
