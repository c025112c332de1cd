"""The other end of a `Sandbox`: a process that answers one payload at a time until its socket ends.

Imports as little as it can: starting one costs what the interpreter and the worker cost.
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from knowledge_connector.errors import ConnectorError, DocumentError, PluginError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

OUT_OF_MEMORY = 77
"""Exit code of a child that could not even take its payload."""

_LARGEST_KEPT_BYTES = 8 * 1024 * 1024
_GRACE_SECONDS = 1.0  # the parent kills at the timeout; the alarm is for children whose parent is gone


def main() -> None:
    """Serve the socket that is our standard input and output."""
    with os.fdopen(os.dup(0), "rb") as requests, os.fdopen(os.dup(1), "wb") as replies:
        _mute()
        try:
            _serve(requests, replies)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return
        except MemoryError:
            os._exit(OUT_OF_MEMORY)


def _mute() -> None:
    """Whatever a library prints must not end up in the conversation."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _serve(requests: BinaryIO, replies: BinaryIO) -> None:
    factory, argument, timeout_seconds, memory_bytes, calls_per_child = pickle.load(requests)  # noqa: S301  # from our parent
    _bound_memory(memory_bytes)
    keep_heap()
    worker = _make(factory, argument)
    _send(replies, None, worker if isinstance(worker, PluginError) else None, worn=False)
    calls, resident_bytes = 0, _memory_meter()
    while not isinstance(worker, PluginError):
        payload = pickle.load(requests)  # noqa: S301  # from our parent
        calls += 1
        signal.setitimer(signal.ITIMER_REAL, timeout_seconds + _GRACE_SECONDS)
        value, error = _attempt(worker, payload)
        signal.setitimer(signal.ITIMER_REAL, 0)
        del payload
        _send(replies, value, error, worn=calls >= calls_per_child or resident_bytes() > memory_bytes // 2)
        del value, error


def _bound_memory(limit_bytes: int) -> None:
    if sys.platform == "linux":  # elsewhere the limit is not kept by the system, or there is none
        resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, resource.getrlimit(resource.RLIMIT_AS)[1]))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash shall leave no copy of the document on the disk


def keep_heap() -> None:
    """Teach glibc to keep what a document needed for the next one; else it gives some 75 pages back each time, and asks for them again.

    It learns from the largest block that it has seen freed (`M_MMAP_THRESHOLD` in mallopt(3)). Pages of 30 kB become 5 % faster.
    """
    block = bytearray(_LARGEST_KEPT_BYTES)
    del block


def _memory_meter() -> Callable[[], int]:
    """Give a function that tells how many bytes are resident now; always 0 where that cannot be told in microseconds.

    Not `ru_maxrss`: it begins with the size of the parent.
    """
    if sys.platform != "linux":
        return int
    meter, page_bytes = os.open("/proc/self/statm", os.O_RDONLY), os.sysconf("SC_PAGE_SIZE")
    return lambda: int(os.pread(meter, 100, 0).split()[1]) * page_bytes


def _make(factory: str, argument: object) -> Callable[[Any], Any] | PluginError:
    module, _, name = factory.partition(":")
    try:
        worker: Callable[[Any], Any] = getattr(import_module(module), name)(argument)
    except Exception as error:  # noqa: BLE001  # the plugin-call edge: whatever it is, the parent has to hear of it
        return PluginError(f"the worker {factory} cannot be set up: {type(error).__name__}: {error}")
    return worker


def _attempt(worker: Callable[[Any], Any], payload: Any) -> tuple[Any, ConnectorError | None]:
    try:
        return worker(payload), None
    except ConnectorError as error:
        return None, error.with_traceback(None)
    except MemoryError:
        return None, DocumentError("needs more memory than a converter may have", code="memory")
    except RecursionError:
        return None, DocumentError("it is nested too deeply for its converter", code="too-deep")
    except BaseException as error:  # noqa: BLE001  # the plugin-call edge; panics of Rust extensions are no Exceptions
        return None, DocumentError(_describe(error), code="crashed")


def _describe(error: BaseException) -> str:
    """Kind and place of an exception. Not its message, which may quote the document."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f" in {place.tb_frame.f_globals.get('__name__')}, line {place.tb_lineno}" if place else ""
    return f"the converter raised {type(error).__name__}{where}"


def _send(replies: BinaryIO, value: Any, error: ConnectorError | None, *, worn: bool) -> None:
    pickle.dump((value, error, worn), replies, protocol=5)
    replies.flush()
