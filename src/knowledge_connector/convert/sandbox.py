"""A pool of child processes for work that may hang, crash or eat the memory: parsers.

    caller ── pickle ──▶ socket ──▶ child: factory(argument) once, then payload → result
       ▲                                 │ too long: killed · too large: MemoryError · crashed: end of file
       └──── result or DocumentError ◀───┘ … and the next call finds a fresh child

A child is a bare interpreter that imports what its factory imports and nothing else; it is not forked, so the caller may have threads. It
dies with its caller: at the end of the socket if idle, by its own alarm if busy. For POSIX systems; memory is bounded on Linux.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from knowledge_connector.convert.child import OUT_OF_MEMORY
from knowledge_connector.errors import ConnectorError, DocumentError, PluginError

if TYPE_CHECKING:
    from types import TracebackType

_BOOT = "import sys; sys.path[:] = sys.argv[1:]; from knowledge_connector.convert.child import main; main()"
_START_SECONDS = 0.1  # what a child costs; so long callers wait for a busy one before a further one is started
_CALLS_PER_CHILD = 10_000


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """What a child does: `module:function`, called once with `argument` (picklable), gives a function payload → result."""

    factory: str
    argument: object = None


@dataclass(frozen=True, slots=True)
class _Reply:
    """What a child sends back, as a tuple. `worn` asks to be replaced: it has served long, or grown."""

    value: Any
    error: ConnectorError | None
    worn: bool


class Sandbox:
    """Calls a worker in child processes. Thread-safe; use it as a context manager, or `close()` it."""

    def __init__(
        self,
        worker: WorkerSpec,
        *,
        processes: int = 2,
        timeout_seconds: float = 60.0,
        memory_bytes: int = 1 << 30,
        calls_per_child: int = _CALLS_PER_CHILD,
    ) -> None:
        self._processes = processes
        self._timeout_seconds = timeout_seconds
        self._setup = (worker.factory, worker.argument, timeout_seconds, memory_bytes, calls_per_child)
        self._free = threading.Condition()
        self._idle: list[_Child] = []
        self._all: set[_Child] = set()
        self._started = 0
        self._waited = 0.0
        self._closed = False

    def call(self, payload: object) -> Any:
        """Give the worker's result for one payload; blocks.

        Raises:
            DocumentError: The child took too long (code `timeout`), too much memory (`memory`), or died (`crashed`); also what the worker
                raised, if it is a `ConnectorError`.
            PluginError: There is no such worker, or it cannot be set up.
        """
        child = self._take()
        try:
            reply = child.ask(payload)
        except BaseException:
            self._drop(child)
            raise
        if reply.worn:
            self._drop(child)
        else:
            self._give(child)
        if reply.error is not None:
            raise reply.error
        return reply.value

    def close(self) -> None:
        """End all children at once; calls under way fail."""
        with self._free:
            self._closed = True
            children = list(self._all)
            self._free.notify_all()
        for child in children:
            self._drop(child)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _take(self) -> _Child:
        """An idle child, or a new one. Callers share the patience that a second process has to be worth."""
        with self._free:
            while True:
                if self._closed:
                    raise RuntimeError("the sandbox is closed")
                if self._idle:
                    return self._idle.pop()
                if not self._started or (self._started < self._processes and self._waited >= _START_SECONDS):
                    self._started += 1
                    self._waited = 0.0
                    break
                before = time.monotonic()
                self._free.wait(_START_SECONDS if self._started < self._processes else None)
                self._waited += time.monotonic() - before
        return self._start()

    def _start(self) -> _Child:
        try:
            child = _Child(self._setup, self._timeout_seconds)
        except BaseException:
            with self._free:
                self._started -= 1
                self._free.notify()
            raise
        with self._free:
            self._all.add(child)
            closed = self._closed
        if closed:
            self._drop(child)
            raise RuntimeError("the sandbox is closed")
        return child

    def _give(self, child: _Child) -> None:
        with self._free:
            self._idle.append(child)
            self._free.notify()

    def _drop(self, child: _Child) -> None:
        child.kill()
        with self._free:
            if child in self._all:
                self._all.discard(child)
                self._started -= 1
            self._free.notify()


class _Child:
    """One process and the socket to it."""

    def __init__(self, setup: object, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and our own code
                [sys.executable, "-P", "-c", _BOOT, *sys.path],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is the parent's affair
            )
        self._socket = ours
        self._socket.settimeout(timeout_seconds)
        self._reader = ours.makefile("rb")
        self._writer = ours.makefile("wb")
        try:
            reply = self.ask(setup)
        except BaseException:
            self.kill()
            raise
        if reply.error is not None:
            self.kill()
            raise reply.error

    def ask(self, payload: object) -> _Reply:
        try:
            pickle.dump(payload, self._writer, protocol=5)
            self._writer.flush()
            return self._answer()
        except TimeoutError:
            raise DocumentError(
                f"took longer than {self._timeout_seconds:g} s and was given up", code="timeout"
            ) from None
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):  # ValueError: closed while somebody reads
            raise self._obituary() from None

    def _answer(self) -> _Reply:
        try:
            return _Reply(*pickle.load(self._reader))  # noqa: S301  # written by our own child
        except (AttributeError, ImportError) as error:
            raise PluginError(f"the answer of a converter process cannot be read here: {error}") from error

    def _obituary(self) -> DocumentError:
        """Why the socket ended before the answer."""
        try:
            status = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return DocumentError("the converter process closed its connection", code="crashed")
        if status == -signal.SIGALRM:
            return DocumentError(f"took longer than {self._timeout_seconds:g} s and was given up", code="timeout")
        if status == OUT_OF_MEMORY:
            return DocumentError("needs more memory than a converter may have", code="memory")
        reason = f"by signal {-status}" if status < 0 else f"with exit code {status}"
        return DocumentError(f"the converter process ended {reason}", code="crashed")

    def kill(self) -> None:
        """End the process and whatever it started; quick, and harmless if repeated."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        with suppress(OSError):  # what could not be sent is of no interest any more
            self._writer.close()
        self._reader.close()
        self._socket.close()
