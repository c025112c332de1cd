"""What all workers share who call one host with one credential: pauses, requests per window, requests at a time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from knowledge_connector.clock import SystemClock
from knowledge_connector.errors import RateLimited, Where
from knowledge_connector.model import digest

if TYPE_CHECKING:
    from knowledge_connector.ports import Clock

FEW_CALLS = 10
"""When the other side says that no more than these are left, they are spread over the time until there are more."""


class Budget:
    """One (host, credential). Safe to use from any number of threads.

    Args:
        clock: Whose time it is.
        host: For messages.
        max_requests: Requests that may begin within `window_seconds`; `None` for no bound.
        window_seconds: Length of the moving window.
        concurrency: Requests at a time; `None` for no bound.
    """

    def __init__(
        self,
        clock: Clock,
        host: str,
        *,
        max_requests: int | None = None,
        window_seconds: float = 60,
        concurrency: int | None = None,
    ) -> None:
        self._clock = clock
        self._host = host
        self._max_requests = max_requests
        self._window_seconds = window_seconds
        self._slots = threading.Semaphore(concurrency) if concurrency else None
        self._lock = threading.Lock()
        self._paused_until = float("-inf")
        self._spread_until = float("-inf")
        self._gap_seconds = 0.0
        self._next_at = float("-inf")
        self._begun: deque[float] = deque()

    def pause(self, seconds: float) -> None:
        """Let no request begin for so long; a longer pause that is already on stays."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    def spare(self, calls: int, seconds: float) -> None:
        """Make do with the calls that are left: with none, pause; with few, do not spend them at once, for others are on their way.

        Args:
            calls: How many the other side will take.
            seconds: After which it will take more.
        """
        if calls == 0:
            self.pause(seconds)
            return
        with self._lock:
            self._gap_seconds = seconds / calls if calls <= FEW_CALLS else 0.0
            self._spread_until = self._clock.monotonic() + seconds

    @contextmanager
    def turn(self, max_wait_seconds: float, where: Where = "origin") -> Iterator[float]:
        """Wait for the right to send one request, and hold it inside `with`.

        Returns:
            Seconds that were waited.

        Raises:
            RateLimited: It would take longer than `max_wait_seconds`.
        """
        if self._slots:
            self._slots.acquire()
        try:
            yield self._wait(max_wait_seconds, where)
        finally:
            if self._slots:
                self._slots.release()

    def _wait(self, max_wait_seconds: float, where: Where) -> float:
        waited = 0.0
        while (seconds := self._begin()) > 0:  # again after every sleep: meanwhile the pause may have become longer
            if waited + seconds > max_wait_seconds:
                raise RateLimited(
                    f"{self._host} asked for a pause of {seconds:.0f} s, which is longer than we wait",
                    retry_after_seconds=seconds,
                    where=where,
                )
            self._clock.sleep(seconds)
            waited += seconds
            _throttled.note(seconds)
        return waited

    def _begin(self) -> float:
        """Count a request and give 0, or give the seconds after which to ask again."""
        with self._lock:
            now = self._clock.monotonic()
            if now < self._paused_until:
                return self._paused_until - now
            if now < min(self._next_at, self._spread_until):
                return min(self._next_at, self._spread_until) - now
            self._next_at = now + self._gap_seconds
            if self._max_requests is None:
                return 0.0
            while self._begun and self._begun[0] <= now - self._window_seconds:
                self._begun.popleft()
            if len(self._begun) >= self._max_requests:
                return self._begun[0] + self._window_seconds - now
            self._begun.append(now)
            return 0.0


class _Throttled:
    """Adds up what all budgets of the process waited."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.seconds = 0.0

    def note(self, seconds: float) -> None:
        with self._lock:
            self.seconds += seconds


_throttled = _Throttled()


def throttled_seconds() -> float:
    """How long the threads of this process have waited for their turn so far, added up."""
    return _throttled.seconds


class Budgets:
    """The budgets of a process: the same host and credential always get the same one.

    Args:
        clock: Whose time it is.
        max_requests, window_seconds, concurrency: For each budget, see `Budget`.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        max_requests: int | None = None,
        window_seconds: float = 60,
        concurrency: int | None = None,
    ) -> None:
        self._clock = clock
        self._max_requests = max_requests
        self._window_seconds = window_seconds
        self._concurrency = concurrency
        self._lock = threading.Lock()
        self._budgets: dict[str, Budget] = {}

    def of(self, host: str, credential: str) -> Budget:
        """Give the budget of a host and whatever tells one credential from another; the credential itself is not kept."""
        name = digest(host, credential)
        with self._lock:
            if name not in self._budgets:
                self._budgets[name] = Budget(
                    self._clock,
                    host,
                    max_requests=self._max_requests,
                    window_seconds=self._window_seconds,
                    concurrency=self._concurrency,
                )
            return self._budgets[name]


_shared: dict[tuple[object, ...], Budgets] = {}
_shared_lock = threading.Lock()


def shared(
    clock: Clock, *, max_requests: int | None = None, window_seconds: float = 60, concurrency: int | None = None
) -> Budgets:
    """Give the budgets that everybody in this process shares who asks with the same bounds.

    For targets, which are made from their configuration alone. All system clocks are one clock; any other stands for itself.
    """
    whose = SystemClock if isinstance(clock, SystemClock) else id(clock)
    bounds = (whose, max_requests, window_seconds, concurrency)
    with _shared_lock:
        if bounds not in _shared:
            _shared[bounds] = Budgets(
                clock, max_requests=max_requests, window_seconds=window_seconds, concurrency=concurrency
            )
        return _shared[bounds]
