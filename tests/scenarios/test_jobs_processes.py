"""`connector serve` as real processes: killed, stopped, hanging, side by side, and given a new configuration."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from knowledge_connector import Host
from knowledge_connector.config import load
from knowledge_connector.ports import RunRow

PLUGIN = Path(__file__).with_name("alone.py")
EVERY_MINUTE = 'schedule = "* * * * *"'
PATIENCE = 120.0


class Jobs:
    """A folder with connectors that all wait at one gate, and jobs for them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "connectors.toml"
        self.gate = folder / "gate"
        self.started: list[Serving] = []

    def write(self, connectors: list[str], jobs: str, *, seconds: float = 0, more: str = "") -> None:
        text = f'[plugins]\npaths = ["{PLUGIN}"]\n[conversion]\nprocesses = 1\n{more}\n'
        for name in connectors:
            (self.folder / name).mkdir(exist_ok=True)
            text += f'[connectors.{name}]\ntype = "alone"\nfolder = "{name}"\ngate = "gate"\nseconds = {seconds}\n'
        self.file.write_text(text + jobs, encoding="utf-8")

    def shut(self) -> None:
        os.mkfifo(self.gate)

    def open(self) -> None:
        """Let those who wait go on, and all others pass."""
        waiting = os.open(self.gate, os.O_WRONLY)  # until somebody waits
        self.gate.unlink()
        os.close(waiting)

    def serve(self, *arguments: str) -> Serving:
        serving = Serving(
            [sys.executable, "-m", "knowledge_connector", "-c", str(self.file), "serve", "-v", *arguments]
        )
        self.started.append(serving)
        return serving

    def run(self, name: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "knowledge_connector", "-c", str(self.file), "run", name, "--quiet"]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def runs(self) -> list[RunRow]:
        with self.host() as host:
            return sorted(host.history(limit=1000), key=lambda run: run.id)

    def host(self) -> Host:
        return Host(load(self.file, {}))


class Serving:
    """A `connector serve` whose log is read as it comes."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        self.lines: list[str] = []

    def until(self, pattern: str) -> str:
        """Read on until a line matches."""
        assert self.process.stderr
        for line in self.process.stderr:
            self.lines.append(line)
            if re.search(pattern, line):
                return line
        raise AssertionError(f"no line matches {pattern!r}:\n{''.join(self.lines)}")

    def read(self, count: int) -> bool:
        """Read so many lines; false if it ended before."""
        assert self.process.stderr
        for _ in range(count):
            line = self.process.stderr.readline()
            if not line:
                return False
            self.lines.append(line)
        return True

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        """Wait for its end; its exit code."""
        _, rest = self.process.communicate(timeout=PATIENCE)
        self.lines.append(rest)
        return self.process.returncode

    @property
    def log(self) -> str:
        return "".join(self.lines)


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    jobs = Jobs(tmp_path)
    yield jobs
    for serving in jobs.started:
        if serving.process.poll() is None:
            serving.process.kill()
        serving.process.communicate()


def job(name: str, connector: str, options: str = "") -> str:
    return f'[jobs.{name}]\nconnectors = ["{connector}"]\n{EVERY_MINUTE}\n{options}\n'


def finished(runs: list[RunRow]) -> list[tuple[str, str, datetime]]:
    """Runs that came to their end, by what they were for."""
    ended = [run for run in runs if run.finished_at and run.status != "interrupted" and run.occasion]
    return [(run.connector, run.occasion.job, run.occasion.due_at) for run in ended if run.occasion]


def test_killed_at_random_nothing_is_missed_and_nothing_is_run_twice(
    jobs: Jobs, record_property: Callable[[str, object], None]
) -> None:
    """SIGKILL after some line of the log, again and again; then a process lives to its end."""
    names = ["a", "b", "c", "d"]
    jobs.write(names, "".join(job(name, name) for name in names), more="[serve]\nmax_runs = 2\n")
    dice, kills = random.Random(26), 0  # noqa: S311  # a test that can be repeated
    began = datetime.now(UTC).replace(second=0, microsecond=0)
    while kills < 6 and (serving := jobs.serve("--once")).read(dice.randint(1, 9)):
        serving.send(signal.SIGKILL)
        serving.end()
        kills += 1
    an_hour_passes(jobs)
    last = jobs.serve("--once")
    assert last.end() == 0, last.log
    ended = finished(jobs.runs())
    record_property("due times", len(ended))
    record_property("kills", kills)
    assert kills > 2
    assert len(ended) == len(set(ended))
    assert {connector for connector, _, due_at in ended if due_at >= began} == set(names)
    with jobs.host() as host:
        assert {row.status for row in host.store.jobs().values()} == {"ok"}


def an_hour_passes(jobs: Jobs) -> None:
    """Since due times were taken: one that has died several times has to wait until it is tried again."""
    with jobs.host() as host:
        for row in host.store.jobs().values():
            if row.started_at:
                host.store.keep_job(replace(row, started_at=row.started_at - timedelta(hours=1)))


def test_a_run_whose_parent_is_killed_stops_in_good_order(jobs: Jobs) -> None:
    jobs.write(["a"], job("a", "a"))
    jobs.shut()
    serving = jobs.serve("--once")
    gate = os.open(jobs.gate, os.O_WRONLY)  # until the run waits at it
    serving.send(signal.SIGKILL)
    serving.process.wait()
    jobs.gate.unlink()
    os.close(gate)
    again = jobs.serve("--once")
    assert again.end() == 0, again.log
    assert [run.status for run in jobs.runs()] == ["interrupted", "ok"]


def test_a_stop_keeps_what_was_done_and_the_next_process_goes_on(jobs: Jobs) -> None:
    jobs.write(["a"], job("a", "a"))
    jobs.shut()
    serving = jobs.serve()
    gate = os.open(jobs.gate, os.O_WRONLY)  # until the run waits at it
    serving.send(signal.SIGTERM)
    serving.until("stopping jobs=")
    jobs.gate.unlink()
    os.close(gate)
    assert serving.end() == 0, serving.log
    assert [run.status for run in jobs.runs()] == ["interrupted"]
    again = jobs.serve("--once", "--json")
    out, _ = again.process.communicate(timeout=PATIENCE)
    (report,) = [json.loads(line) for line in out.splitlines()]
    assert (again.process.returncode, report["status"], report["listed"]) == (0, "ok", 2)


def test_what_hangs_is_stopped_and_said_to_be_so(jobs: Jobs) -> None:
    jobs.write(["a"], job("a", "a", 'max_duration = "6s"'), more="[serve]\nstop_seconds = 0.2\n")
    jobs.shut()
    serving = jobs.serve("--once")
    assert serving.end() == 3
    assert re.search(r"WARNING job overran job=a .* connector=a max_duration=6s killed=True", serving.log)
    (run,) = jobs.runs()
    assert run.status == "killed"
    assert run.finished_at
    with jobs.host() as host:
        assert host.store.jobs()["a"].status == "overran"
        with host.store.lease("a"):
            """It gave way at once."""


@pytest.fixture(params=["sqlite", "postgresql"])
def state(request: pytest.FixtureRequest) -> str:
    """The `[state]` of a configuration."""
    if request.param == "sqlite":
        return ""
    return f'[state]\nurl = "{request.getfixturevalue("postgresql_url")}"\n'


def test_two_that_serve_and_one_by_hand_never_run_a_connector_at_once(jobs: Jobs, state: str) -> None:
    names, rounds = ["a", "b"], 2
    for number in range(rounds):
        tables = [job(f"{name}{number}", name, 'overlap = "queue"') for name in names]
        jobs.write(names, "".join(tables), seconds=0.2, more=state)
        both = [jobs.serve("--once"), jobs.serve("--once")]
        by_hand = [jobs.run(name) for name in names]
        assert [one.end() for one in both] == [0, 0], both[0].log + both[1].log
        assert {one.wait(timeout=PATIENCE) for one in by_hand} <= {0, 3}  # 3: told that another one is under way
    runs = jobs.runs()
    assert not list(jobs.folder.glob("*/overlap"))
    assert len({(connector, job) for connector, job, _ in finished(runs)}) == len(names) * rounds
    for name in names:
        spans = [(run.started_at, run.finished_at) for run in runs if run.connector == name]
        assert all(end and end <= start for (_, end), (start, _) in pairwise(spans))


def test_a_broken_file_leaves_the_old_one_running(jobs: Jobs) -> None:
    jobs.write(["a", "b"], job("a", "a") + job("b", "b"), more="[serve]\nmax_runs = 1\n")
    good = jobs.file.read_text(encoding="utf-8")
    jobs.shut()
    serving = jobs.serve()
    serving.until("run started job=a")
    jobs.file.write_text(good.replace('type = "alone"', 'type = "aline"'), encoding="utf-8")
    serving.send(signal.SIGHUP)
    assert "aline" in serving.until("config refused")
    jobs.open()
    serving.until("job ended job=a .* status=ok")
    serving.until("run ended job=b .* status=ok")
    jobs.file.write_text(good.replace("[jobs.b]", "[jobs.other]"), encoding="utf-8")
    serving.send(signal.SIGHUP)
    serving.until("config reloaded")
    serving.until("job ended job=other .* status=ok")
    serving.send(signal.SIGTERM)
    assert serving.end() == 0
