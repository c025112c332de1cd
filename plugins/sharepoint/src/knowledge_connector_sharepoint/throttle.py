"""Resource units: what Microsoft counts, per application and tenant, by the minute and by the day.

Reference: "Avoid getting throttled or blocked in SharePoint Online", resource units.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from knowledge_connector import RateLimited, digest
from knowledge_connector.kit.clock import SystemClock

if TYPE_CHECKING:
    from knowledge_connector import Clock

ONE, LIST, PERMISSIONS = 1, 2, 5
"""Units: a single item, a delta with a token or a download; a list or a delta without one; anything about permissions."""

MINUTE, DAY = 60.0, 86_400.0
MAX_WAIT_SECONDS = 600.0
"""Longer than this nobody waits; the next run goes on at the last checkpoint."""


@dataclass(slots=True)
class _Window:
    """Units spent in a moving window, in at most `slots` entries, however many requests there are."""

    seconds: float
    limit: int
    slots: int
    spent: deque[tuple[float, int]] = field(default_factory=deque)
    total: int = 0

    def wait(self, units: int, now: float) -> float:
        """Seconds until there is room for so many units; 0 if there is."""
        while self.spent and self.spent[0][0] <= now - self.seconds:
            self.total -= self.spent.popleft()[1]
        if self.total + units <= self.limit or not self.spent:
            return 0.0
        return self.spent[0][0] + self.seconds - now

    def spend(self, units: int, now: float) -> None:
        self.total += units
        if self.spent and now - self.spent[-1][0] < self.seconds / self.slots:
            units += self.spent.pop()[1]  # counted as the later ones: the window may only look fuller than it is
        self.spent.append((now, units))


class Gate:
    """Lets requests pass as long as there are units, and nobody while a pause is on. For any number of threads.

    Args:
        clock: Whose time it is.
        units_per_minute, units_per_day: What may be spent.
    """

    def __init__(self, clock: Clock, *, units_per_minute: int, units_per_day: int) -> None:
        self._clock = clock
        self._windows = (_Window(MINUTE, units_per_minute, 60), _Window(DAY, units_per_day, 1440))
        self._lock = threading.Lock()
        self._closed_until = float("-inf")

    def pause(self, seconds: float) -> None:
        """Let nobody pass for so long; a longer pause that is already on stays."""
        with self._lock:
            self._closed_until = max(self._closed_until, self._clock.monotonic() + seconds)

    def spend(self, units: int) -> None:
        """Wait until there is room for so many units, and take it.

        Raises:
            RateLimited: That would take longer than `MAX_WAIT_SECONDS`, as when the day's units are used up.
        """
        waited = 0.0
        while (seconds := self._take(units)) > 0:
            if waited + seconds > MAX_WAIT_SECONDS:
                message = f"the units that Microsoft grants this application are used up for another {seconds:.0f} s"
                raise RateLimited(message, retry_after_seconds=seconds)
            self._clock.sleep(seconds)
            waited += seconds

    def _take(self, units: int) -> float:
        with self._lock:
            now = self._clock.monotonic()
            seconds = max(self._closed_until - now, *(window.wait(units, now) for window in self._windows))
            if seconds > 0:
                return seconds
            for window in self._windows:
                window.spend(units, now)
            return 0.0


_gates: dict[tuple[object, ...], Gate] = {}
_gates_lock = threading.Lock()


def shared_gate(clock: Clock, tenant: str, client_id: str, *, units_per_minute: int, units_per_day: int) -> Gate:
    """Give the gate of an application in a tenant: everybody in this process gets the same one.

    All system clocks are one clock; any other stands for itself.
    """
    whose = SystemClock if isinstance(clock, SystemClock) else id(clock)
    key = (whose, digest(tenant.lower(), client_id.lower()), units_per_minute, units_per_day)
    with _gates_lock:
        if key not in _gates:
            _gates[key] = Gate(clock, units_per_minute=units_per_minute, units_per_day=units_per_day)
        return _gates[key]
