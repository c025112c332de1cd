"""Waiting for what a vendor does in its own time: an index that is built, a file that is taken in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from knowledge_connector.kit.clock import Clock


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
