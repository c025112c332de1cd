"""Run one process and say what its whole tree took: seconds, processor seconds, memory."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of one process.

    Attributes:
        seconds: Wall time, from start to exit.
        cpu_seconds: User and system time of the process and all children it waited for.
        peak_mb: Largest sum of the proportional set sizes (PSS) of the tree, sampled.
        exit_code: As the process gave it.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    exit_code: int


def measure(command: Sequence[str], *, cwd: Path, log: Path, environment: dict[str, str]) -> Measurement:
    """Run the command with its output in `log`. Its environment is ours with `environment` on top.

    Compiled bytecode may be written and used, whatever our own environment says: that is how people run programs.
    """
    variables = {**os.environ, **environment}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    with log.open("ab") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=cwd, env=variables, stdout=output, stderr=subprocess.STDOUT)
        sampler = _Sampler(process.pid)
        sampler.start()
        _, status, usage = os.wait4(
            process.pid, 0
        )  # blocks; Popen.wait would leave the children's usage mixed with earlier ones
        seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    sampler.stop()
    return Measurement(seconds, usage.ru_utime + usage.ru_stime, sampler.peak / MB, process.returncode)


class _Sampler(threading.Thread):
    """Looks at the tree again and again, for about a tenth of one core at most."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._root = psutil.Process(pid)
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.is_set():
            began = time.perf_counter()
            self.peak = max(self.peak, self._tree_bytes())
            self._stopped.wait(max(0.005, 10 * (time.perf_counter() - began)))

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def _tree_bytes(self) -> int:
        try:
            processes = [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return 0
        return sum(map(_pss, processes))


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:  # it has ended since it was listed
        return 0
