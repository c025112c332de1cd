"""A world with the command line in front of it."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from knowledge_connector.cli import main
from scenarios.world import World


@dataclass(frozen=True)
class Ran:
    """How a command ended; times are written as `0.00 s` and `DATE`, digests and source ids as `X`."""

    code: int
    out: str
    err: str


Connector = Callable[..., Ran]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def connector(world: World, capsys: pytest.CaptureFixture[str]) -> Connector:
    """Runs a command of `connector` here, with this world's configuration."""

    def run(*arguments: str) -> Ran:
        world.save()
        capsys.readouterr()
        code = main(["-c", str(world.folder / "connectors.toml"), *arguments])
        captured = capsys.readouterr()
        return Ran(code, calm(captured.out), calm(captured.err))

    return run


def calm(text: str) -> str:
    """What differs from run to run is made equal, with its width kept where it stands in a column."""
    text = re.sub(r"\d+\.\d\d? s\b", "0.00 s", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "DATE", text)
    text = re.sub(r"\b\d\d:\d\d:\d\d\b", "TIME", text)
    return re.sub(r"\b[a-z2-7]{26}\b|\bsource \d+", "X", text)


def on_terminal(arguments: Sequence[str], *, columns: int, environ: dict[str, str]) -> tuple[int, str]:
    """Run a command in a terminal of this width; its exit code and everything that it wrote."""
    ours, theirs = pty.openpty()
    settings = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": "50", **environ}
    command = [sys.executable, "-m", "knowledge_connector", *arguments]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=settings) as process:
        os.close(theirs)
        written = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    return process.returncode, written.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    select.select([terminal], [], [], 60)
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux: the last process has closed its side
        return b""
