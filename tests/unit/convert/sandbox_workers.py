"""Workers for the sandbox tests: importable by a child, and badly behaved on request."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from knowledge_connector import Unreadable


def echo(argument: object) -> Callable[[Any], Any]:
    return lambda payload: (argument, payload) if argument else payload


def unusable(_: object) -> Callable[[Any], Any]:
    raise ValueError("no such model")


class NotPicklable:
    def __reduce__(self) -> str:
        raise TypeError("stays here")


def _print() -> str:
    sys.stdout.write("noise\n")
    sys.stdout.flush()
    os.write(1, b"more noise\n")
    return "printed"


def _start_a_program() -> None:
    """As a converter does that asks LibreOffice; and waits for it for ever."""
    subprocess.run([sys.executable, "-c", "import time; time.sleep(3600)", "grandchild-of-the-sandbox"], check=True)


def _recurse() -> Any:
    return _recurse()


def _raise(error: BaseException) -> Any:
    raise error


_DEEDS: dict[str, Callable[[], Any]] = {
    "hang": lambda: time.sleep(3600),
    "crash": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "exit": lambda: os._exit(3),
    "memory": lambda: len(bytearray(8 << 30)),
    "unreadable": lambda: _raise(Unreadable("encrypted", code="encrypted")),
    "raise": lambda: _raise(ValueError("secret content")),
    "panic": lambda: _raise(BaseException("secret content")),  # as a panic of a Rust extension arrives
    "recurse": _recurse,
    "program": _start_a_program,
    "print": _print,
    "unpicklable": NotPicklable,
    "modules": lambda: sorted(sys.modules),
    "pid": os.getpid,
}


def misbehave(_: object) -> Callable[[str], Any]:
    return lambda deed: _DEEDS[deed]()


def nap(seconds: float) -> Callable[[Any], int]:
    def work(_: Any) -> int:
        time.sleep(seconds)
        return os.getpid()

    return work
