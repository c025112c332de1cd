"""Waiting for what a vendor does in its own time: an index that is built, a file that is taken in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from knowledge_connector.kit.clock import Clock

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, and how often to look meanwhile.

    Attributes:
        clock: Sleeps.
        first_seconds: The pause before the first look; each pause is half as long again as the one before.
        longest_seconds: No pause is longer.
        total_seconds: When the pauses together are as long as this, there is one last look.
    """

    clock: Clock
    first_seconds: float
    longest_seconds: float
    total_seconds: float

    def looks(self) -> Iterator[None]:
        """Sleep before each look.

        Only these pauses count, not what else takes time: a rate limit that keeps the looks themselves waiting does not make them fewer.
        """
        pause, slept = self.first_seconds, 0.0
        while slept < self.total_seconds:
            self.clock.sleep(pause)
            slept += pause
            pause = min(pause * 1.5, self.longest_seconds)
            yield

    def settled(self, seen: _T, is_moving: Callable[[_T], object], look: Callable[[], _T]) -> _T:
        """Look again and again at what is moving, until it moves no more; gives what was seen last, which may move still.

        Args:
            seen: As it was when this began. If it does not move, there is neither a pause nor a look.
            is_moving: Whether something seen will yet change by itself.
            look: Sees it anew.
        """
        for _ in self.looks() if is_moving(seen) else ():
            seen = look()
            if not is_moving(seen):
                break
        return seen
