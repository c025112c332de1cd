"""How the tree of a library is laid out: reckoned from numbers, so that any part of it is at hand without the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from knowledge_connector_sharepoint.emulator.curiosities import CURIOSITIES

ROOT_FILES = 3
FILES_PER_TOPIC = 8
TOPICS_PER_SECTION = 25

Spot = tuple[str, int]
"""Where an item stood at first: a letter for what it is (root, section, topic, file, curiosity), and its number among its kind."""


@dataclass(frozen=True)  # without slots, so that what is reckoned often is kept
class Shape:
    """How a tree of so many files is laid out: sections hold topics, topics hold files, and some files lie at the top.

    Attributes:
        flat: Everything lies at the top.
    """

    files: int
    curiosities: int = 0
    flat: bool = False

    @cached_property
    def topics(self) -> int:
        """How many there are."""
        return 0 if self.flat else -(-max(0, self.files - ROOT_FILES) // FILES_PER_TOPIC)

    @cached_property
    def sections(self) -> int:
        """How many there are."""
        return -(-self.topics // TOPICS_PER_SECTION)

    @cached_property
    def segments(self) -> list[tuple[str, int]]:
        """All kinds, and how many of each, in the order of a whole listing."""
        counts = (1, self.sections, self.topics, self.files, self.curiosities)
        return list(zip("RSTFC", counts, strict=True))

    def spot(self, position: int) -> Spot | None:
        """What stands at this position of a whole listing; `None` past its end."""
        for kind, count in self.segments:
            if position < count:
                return kind, position
            position -= count
        return None

    def holds(self, spot: Spot) -> bool:
        """Whether there is such a thing."""
        return any(kind == spot[0] and spot[1] < count for kind, count in self.segments)

    def parent(self, spot: Spot) -> Spot | None:
        """The folder of what stands there; `None` for the root."""
        kind, number = spot
        if kind == "F" and not self.flat and number >= ROOT_FILES:
            return "T", (number - ROOT_FILES) // FILES_PER_TOPIC
        if kind == "T":
            return "S", number // TOPICS_PER_SECTION
        if kind == "C" and CURIOSITIES[number].within >= 0:
            return "C", CURIOSITIES[number].within
        return None if kind == "R" else ("R", 0)

    def children(self, spot: Spot) -> list[Sequence[Spot]]:
        """What stands in a folder, as ranges."""
        kind, number = spot
        odd = [("C", one) for one in range(self.curiosities) if self.parent(("C", one)) == spot]
        if kind == "R":
            top = self.files if self.flat else min(ROOT_FILES, self.files)
            return [_Range("S", 0, self.sections), _Range("F", 0, top), odd]
        if kind == "S":
            return [_Range("T", number * TOPICS_PER_SECTION, min(self.topics, (number + 1) * TOPICS_PER_SECTION))]
        if kind == "T":
            first = ROOT_FILES + number * FILES_PER_TOPIC
            return [_Range("F", first, min(self.files, first + FILES_PER_TOPIC))]
        return [odd]


class _Range(Sequence[Spot]):
    """Neighbours, without a list of them."""

    def __init__(self, kind: str, start: int, stop: int) -> None:
        self._kind = kind
        self._numbers = range(start, stop)

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int) -> Spot:  # type: ignore[override]  # nobody slices
        return self._kind, self._numbers[index]
