"""The time of the machine, as the kit's client wants it."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """Tests put a subclass in its place, so that none of them waits."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes backwards."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
