"""Time that can be moved on, so that nobody waits for a vendor's slow ways."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any
from urllib.request import urlopen


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
        self._lock = Lock()

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
        with self._lock:
            self._memory["clock"] = {"seconds": self.advanced_seconds + seconds}

    @property
    def advanced_seconds(self) -> float:
        """By how much it is ahead of real time."""
        return float(self._memory.get("clock", {"seconds": 0.0})["seconds"])


class LeapingClock:
    """A clock for what is tested against emulators: it shows their time, and who sleeps moves that on instead of waiting.

    Attributes:
        slept: All that was slept, in seconds.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The emulators' time."""
        return self._clock.now()

    def monotonic(self) -> float:
        """The same in seconds."""
        return self.now().timestamp()

    def sleep(self, seconds: float) -> None:
        """Move the emulators' time on."""
        self.slept.append(seconds)
        self._clock.advance(seconds)


class DistantClock:
    """The same from another process, a hundred times slower; it can be sent there.

    Args:
        url: Where the emulators are served.
    """

    def __init__(self, url: str) -> None:
        self._door = f"{url}/__emulator__/clock"
        self._ahead = self._ask(None)

    def now(self) -> datetime:
        """The emulators' time, as it was told when last somebody slept by this clock."""
        return wall_clock() + timedelta(seconds=self._ahead)

    def monotonic(self) -> float:
        """The same in seconds, from another beginning."""
        return time.monotonic() + self._ahead

    def sleep(self, seconds: float) -> None:
        """Move the emulators' time on."""
        self._ahead = self._ask(json.dumps({"advance_seconds": seconds}).encode())

    def _ask(self, body: bytes | None) -> float:
        with urlopen(self._door, body) as answer:  # noqa: S310  # the emulator
            return float(json.load(answer)["advanced_seconds"])
