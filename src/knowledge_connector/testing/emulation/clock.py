"""Time that can be moved on, so that nobody waits for a vendor's slow ways."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime, timedelta
from typing import Any


def wall_clock() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


class VirtualClock:
    """Real time plus what it was advanced by.

    Args:
        memory: Where to keep by how much, as a row `clock`, so that time does not run backwards when the server starts again.
        wall: Real time.
    """

    def __init__(
        self, memory: MutableMapping[str, dict[str, Any]] | None = None, *, wall: Callable[[], datetime] = wall_clock
    ) -> None:
        self._memory = {} if memory is None else memory
        self._wall = wall

    def now(self) -> datetime:
        """The time for all emulators, in UTC."""
        return self._wall() + timedelta(seconds=self.advanced_seconds)

    def advance(self, seconds: float) -> None:
        """Move on.

        Raises:
            ValueError: It would move back; vendors' clocks do not.
        """
        if seconds < 0:
            raise ValueError(f"a clock moves forward; {seconds:g} s would be back")
        self._memory["clock"] = {"seconds": self.advanced_seconds + seconds}

    @property
    def advanced_seconds(self) -> float:
        """By how much it is ahead of real time."""
        return float(self._memory.get("clock", {"seconds": 0.0})["seconds"])
