"""What the parts of one run work with, all of them together."""

from __future__ import annotations

from dataclasses import dataclass

from knowledge_connector.ports import Clock, Lease, StateStore
from knowledge_connector.sync.crew import Crew


@dataclass(frozen=True, slots=True)
class Means:
    """Memory, the right to run, hands and time."""

    store: StateStore
    lease: Lease
    crew: Crew
    clock: Clock
