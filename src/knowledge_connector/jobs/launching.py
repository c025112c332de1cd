"""Runs in child processes: a thread cannot be killed, and what hangs has to be.

    Task, pickled ──▶ stdin ──▶ child ──▶ stdout: its Answer, one line of JSON, at its end
    lifeline: a pipe that ends when this process does; then the child finishes the document in hand and stops

The child gets the settings that this process works with, whatever the file says by now. Its log goes to our stderr.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

from knowledge_connector.config import Settings
from knowledge_connector.ports import Occasion
from knowledge_connector.sync.report import ExitCode


@dataclass(frozen=True, slots=True)
class Task:
    """One run: of which connector, why, and under which settings."""

    connector: str
    occasion: Occasion
    settings: Settings = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a run.

    Attributes:
        reports: As `connector run --json` prints them.
        exit_code: As `connector run` would have ended.
        message: Why there are no reports; empty if there are.
        busy: Nothing was done, because another run of the connector is under way.
        overran: It was stopped because its time was over.
        killed: It did not stop when it was asked to.
    """

    reports: Sequence[Mapping[str, Any]] = ()
    exit_code: int = 0
    message: str = ""
    busy: bool = False
    overran: bool = False
    killed: bool = False

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), ensure_ascii=False)


class Launcher(Protocol):
    """Makes runs happen, so that they can be stopped from outside. Callable from many threads."""

    def run(self, task: Task, *, seconds: float) -> Answer:
        """Carry out a run, and stop it after so many seconds; blocks."""
        ...

    def stop(self) -> None:
        """Ask all runs, also those that are about to begin, to finish the documents in hand and end."""
        ...

    def kill(self) -> None:
        """End all runs at once."""
        ...


class ChildLauncher:
    """Starts a process for each run.

    Args:
        command: What to start; the number of the lifeline is appended.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._lock = threading.Lock()
        self._stopped = False
        self._children: set[subprocess.Popen[bytes]] = set()

    def run(self, task: Task, *, seconds: float) -> Answer:
        """See `Launcher.run`."""
        lifeline, ours = os.pipe()
        try:
            with self._start(lifeline) as child:
                try:
                    return _await(child, task, seconds)
                finally:
                    _kill(child)
                    with self._lock:
                        self._children.discard(child)
        finally:
            os.close(ours)

    def stop(self) -> None:
        """See `Launcher.stop`."""
        with self._lock:
            self._stopped = True
            for child in self._children:
                child.terminate()

    def kill(self) -> None:
        """See `Launcher.kill`."""
        with self._lock:
            for child in self._children:
                _kill(child)

    def _start(self, lifeline: int) -> subprocess.Popen[bytes]:
        try:
            child = subprocess.Popen(  # noqa: S603  # our own interpreter and our own code
                [*self._command, str(lifeline)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=[lifeline],
                start_new_session=True,  # Ctrl-C is our affair, and what it has started can be killed with it
            )
        finally:
            os.close(lifeline)
        with self._lock:
            self._children.add(child)
            if self._stopped:
                child.terminate()
        return child


def _await(child: subprocess.Popen[bytes], task: Task, seconds: float) -> Answer:
    with suppress(subprocess.TimeoutExpired):
        written, _ = child.communicate(pickle.dumps(task), timeout=seconds)
        return _answer(written, child.returncode)
    child.terminate()
    stop_seconds = task.settings.serve.stop_seconds
    with suppress(subprocess.TimeoutExpired):
        written, _ = child.communicate(timeout=stop_seconds)
        return replace(_answer(written, child.returncode), overran=True)
    message = f"did not stop within {stop_seconds:g} s when it was asked to, and was killed"
    return Answer(exit_code=ExitCode.STOPPED, message=message, overran=True, killed=True)


def _answer(written: bytes, status: int) -> Answer:
    with suppress(ValueError, TypeError):
        return Answer(**json.loads(written))
    reason = f"by signal {-status}" if status < 0 else f"with exit code {status}"
    code = ExitCode.INTERRUPTED if status == -signal.SIGTERM else ExitCode.STOPPED
    return Answer(exit_code=code, message=f"the process of the run ended {reason} before it could report")


def _kill(child: subprocess.Popen[bytes]) -> None:
    """End the process and what it has started; harmless if it has ended."""
    if child.poll() is None:
        with suppress(ProcessLookupError):  # it has ended this moment
            os.killpg(child.pid, signal.SIGKILL)
