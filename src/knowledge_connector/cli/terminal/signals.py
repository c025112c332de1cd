"""Stopping in good order: the first signal asks, the second insists."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopping(stop: Event) -> Iterator[None]:
    """While this lasts, SIGINT and SIGTERM set `stop`; once it is set, they raise.

    Raises:
        KeyboardInterrupt: The signal came a second time.
    """

    def ask(_: int, __: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        sys.stderr.write("\nFinishing the documents in hand; press again to stop at once.\n")

    before = {number: signal.signal(number, ask) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
