"""Threads that work, and one loop that hears what came of it. Everything that decides or remembers happens in the loop."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")


class Crew:
    """Hands work to pools of threads and brings each outcome back to the thread that calls `hear`."""

    def __init__(self) -> None:
        self._outcomes: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._pools: list[ThreadPoolExecutor] = []
        self.at_work = 0
        """Pieces of work whose outcome has not been heard yet."""

    def pool(self, workers: int, name: str) -> ThreadPoolExecutor:
        """A pool that ends with the crew."""
        pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix=name)
        self._pools.append(pool)
        return pool

    def submit(self, pool: ThreadPoolExecutor, work: Callable[[], T], then: Callable[[Future[T]], None]) -> None:
        """Run `work` in the pool, and later `then` with its future in the loop."""
        self.at_work += 1
        future = pool.submit(work)
        future.add_done_callback(lambda done: self._outcomes.put(lambda: then(done)))

    def hear(self, *, wait: bool) -> bool:
        """Handle one outcome; False if there is none (or none yet, unless `wait`)."""
        if not self.at_work:
            return False
        try:
            outcome = self._outcomes.get(block=wait)
        except Empty:
            return False
        self.at_work -= 1
        outcome()
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pool in self._pools:
            pool.shutdown(wait=True, cancel_futures=True)
