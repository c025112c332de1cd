"""`connector serve` for a while, with jobs every minute against emulators: `python -m benchmarks soak --minutes 30`.

Three origins and a platform are served by processes of their own. Every minute something changes at an origin; after a third of the time
one origin goes away, and comes back after another sixth. Meanwhile the metrics are scraped and the notifications received. It ends with 1
unless memory stayed flat, every scrape answered, and people were told once each way.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import subprocess
import tempfile
import threading
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.crawl import CONNECTOR, PATIENCE_SECONDS, environment
from benchmarks.report import machine, table

ORIGINS = {"sharepoint": "delete", "confluence": "trash", "rest": "delete"}
"""What each calls the end of a document."""

PLATFORM = "cognigy"
GOING_AWAY = "rest"
SCRAPE_SECONDS = 5
SECRET = "a secret of the soak"  # noqa: S105  # between this script and the process that it starts
FLAT = 1.15
"""Memory at the end over memory after the first quarter that still counts as flat."""

CHANGES = ("edit", "rename", "edit", "end")

CONFIG = """
[connectors.docs]
type = "filesystem"
root = "docs"
target = "cognigy"

{jobs}

[serve]
port = {port}

[notifications.soak]
type = "webhook"
url = "{hook}"
secret = "{secret}"
"""
JOB = """
[jobs.{name}]
connectors = ["{name}"]
schedule = "* * * * *"
"""


@dataclass(slots=True)
class Seen:
    """What was noticed.

    Attributes:
        memory: Minutes since the start, bytes of the process `serve`, bytes of it and all runs.
    """

    scrapes: int = 0
    failed_scrapes: int = 0
    memory: list[tuple[float, int, int]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    forged: int = 0
    last: str = ""


def soak_markdown(minutes: float) -> tuple[str, bool]:
    """Soak, and give a table and whether all is well."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        seen = Seen()
        hook = stack.enter_context(_hook(seen))
        emulators = {name: _Emulator(folder, name) for name in (*ORIGINS, PLATFORM)}
        for emulator in emulators.values():
            stack.callback(emulator.stop)
            emulator.start()
        port = _free_port()
        _configure(folder, hook, port)
        serve = stack.enter_context(_serving(folder))
        _wait_for(f"http://127.0.0.1:{port}/healthz")
        _watch(seen, serve, f"http://127.0.0.1:{port}/metrics", emulators, minutes)
        log = (folder / "serve.log").read_text(encoding="utf-8")
    return _told(seen, minutes, log)


def _watch(seen: Seen, serve: psutil.Process, metrics: str, emulators: dict[str, _Emulator], minutes: float) -> None:
    """Scrape and change until the time is over."""
    began = time.monotonic()
    agenda = _agenda(emulators, minutes)
    at, step = next(agenda)
    while (passed := (time.monotonic() - began) / 60) < minutes:
        if passed >= at:
            step()
            at, step = next(agenda, (minutes + 1, step))
        _scrape(seen, metrics)
        tree = [serve, *serve.children(recursive=True)]
        seen.memory.append((passed, _rss(serve), sum(map(_rss, tree))))
        time.sleep(SCRAPE_SECONDS)


def _agenda(emulators: dict[str, _Emulator], minutes: float) -> Iterator[tuple[float, Callable[[], None]]]:
    """What happens after how many minutes."""
    away, back = minutes / 3, minutes / 2
    steps: list[tuple[float, Callable[[], None]]] = [
        (away, emulators[GOING_AWAY].stop),
        (back, emulators[GOING_AWAY].start),
    ]
    for minute in range(1, int(minutes)):
        name = [*ORIGINS][minute % len(ORIGINS)]
        if name != GOING_AWAY or not away - 0.1 <= minute <= back + 0.1:
            kind = CHANGES[minute // len(ORIGINS) % len(CHANGES)]
            steps.append((float(minute), _change(emulators[name], ORIGINS[name] if kind == "end" else kind)))
    yield from sorted(steps, key=lambda step: step[0])


def _change(emulator: _Emulator, kind: str) -> Callable[[], None]:
    return lambda: emulator.change(kind)


def _scrape(seen: Seen, url: str) -> None:
    seen.scrapes += 1
    try:
        seen.last = httpx.get(url, timeout=5).raise_for_status().text
    except httpx.HTTPError:
        seen.failed_scrapes += 1


def _rss(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _told(seen: Seen, minutes: float, log: str) -> tuple[str, bool]:
    runs = _samples(seen.last, "runs_total", "connector", "status")
    early, late = _median(seen, 0.25, 0.35, minutes), _median(seen, 0.9, 1.0, minutes)
    told = Counter(seen.told)
    once = Counter({"failure.begun": 1, "failure.over": 1})
    well = {
        "memory is flat": late <= early * FLAT,
        "every scrape answered": not seen.failed_scrapes,
        "told once each way": told == once and not seen.forged,
        "no traceback": "Traceback" not in log,
    }
    facts = {
        "minutes": f"{minutes:g}",
        "runs": ", ".join(f"{name} {count}" for name, count in sorted(runs.items())),
        "memory of `serve`, after a quarter and at the end": f"{early / 1e6:.1f} MB, {late / 1e6:.1f} MB",
        "peak with all runs": f"{max(tree for _, _, tree in seen.memory) / 1e6:.0f} MB",
        "scrapes, failed": f"{seen.scrapes}, {seen.failed_scrapes}",
        "notifications": ", ".join(f"{kind} {count}" for kind, count in sorted(told.items())) or "none",
        **{name: "yes" if good else "no" for name, good in well.items()},
    }
    text = f"### `connector serve` for {minutes:g} minutes\n\n{machine()}.\n\n{table(['', ''], [[*row] for row in facts.items()])}\n"
    return text, all(well.values())


def _median(seen: Seen, start: float, end: float, minutes: float) -> float:
    found = sorted(own for at, own, _ in seen.memory if start * minutes <= at <= end * minutes)
    return found[len(found) // 2] if found else 0.0


def _samples(text: str, name: str, *labels: str) -> Counter[str]:
    """Values of a metric by some of its labels."""
    found: Counter[str] = Counter()
    for line in re.findall(rf"^knowledge_connector_{name}\{{.*$", text, re.MULTILINE):
        own = dict(re.findall(r'(\w+)="([^"]*)"', line))
        found[" ".join(own[label] for label in labels)] += int(float(line.rpartition(" ")[2]))
    return found


# ----------------------------------------------------------------------------------------------------------------- processes


def _wait_for(url: str) -> None:
    """Return when somebody answers there."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not _answers(url):
        if time.monotonic() > until:
            raise SystemExit(f"nobody answers at {url}")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


class _Emulator:
    """One emulator in a process of its own, at a port that it keeps."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name, self._port = folder, name, _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Serve, and return when it answers."""
        if self._process and self._process.poll() is None:
            raise SystemExit(f"the emulator {self._name} runs already")
        command = [*CONNECTOR, "emulate", self._name, "--port", str(self._port), "--state", f"{self._name}.state"]
        with (self._folder / f"{self._name}.log").open("ab") as out:
            self._process = subprocess.Popen(
                [*command, "--config-out", f"{self._name}.toml"],
                cwd=self._folder, env=environment(), stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip
        _wait_for(f"http://127.0.0.1:{self._port}/__emulator__/state")

    def stop(self) -> None:
        """Go away."""
        if self._process:
            self._process.kill()
            self._process.wait(PATIENCE_SECONDS)

    def change(self, kind: str) -> None:
        """Let something happen."""
        httpx.post(f"http://127.0.0.1:{self._port}/__emulator__/change/{self._name}/{kind}").raise_for_status()


def _configure(folder: Path, hook: str, port: int) -> None:
    """One file of what all emulators wrote, with jobs."""
    tables = [(folder / f"{name}.toml").read_text(encoding="utf-8") for name in (*ORIGINS, PLATFORM)]
    jobs = "".join(JOB.format(name=name) for name in (*ORIGINS, "docs"))
    own = CONFIG.format(jobs=jobs, port=port, hook=hook, secret=SECRET)
    (folder / "docs").mkdir()
    for number in range(20):
        (folder / "docs" / f"{number}.md").write_text(f"# Page {number}\n\nText of page {number}.\n", encoding="utf-8")
    (folder / "connectors.toml").write_text("\n".join([*tables, own]), encoding="utf-8")


@contextmanager
def _serving(folder: Path) -> Iterator[psutil.Process]:
    with (folder / "serve.log").open("wb") as out:
        process = subprocess.Popen(
            [*CONNECTOR, "serve", "-v", "--log-format", "json"],
            cwd=folder, env=environment(), stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS * 2)


@contextmanager
def _hook(seen: Seen) -> Iterator[str]:
    """Receive notifications; what is not signed right is counted as forged."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + body
            right = "v1," + b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
            seen.forged += self.headers["webhook-signature"] != right
            seen.told.append(json.loads(body)["type"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as in the base
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _free_port() -> int:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return server.server_port
