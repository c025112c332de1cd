"""Sequences that are as long as the wiki and cost nothing until somebody looks at an element."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any, overload

from knowledge_connector_confluence.emulator.model import Content

Key = Callable[[Content], tuple[Any, ...]]


class Ranges(Sequence[int]):
    """Ascending numbers in some ranges."""

    def __init__(self, ranges: Iterable[range]) -> None:
        self._ranges = [one for one in ranges if one]
        self._ends = list(accumulate(len(one) for one in self._ranges))

    @property
    def runs(self) -> list[range]:
        """The ranges, in ascending order."""
        return list(self._ranges)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        which = bisect_right(self._ends, index)
        return self._ranges[which][index - (self._ends[which - 1] if which else 0)]

    def within(self, others: Iterable[range]) -> Ranges:
        """Those that lie in one of these ranges, too; neither overlap among themselves."""
        pairs = [(one, other) for one in self._ranges for other in others]
        common = [range(max(one.start, other.start), min(one.stop, other.stop)) for one, other in pairs]
        return Ranges(sorted(common, key=lambda one: one.start))

    def plus(self, others: Iterable[range]) -> Ranges:
        """Those, and the numbers of these ranges."""
        merged: list[range] = []
        for one in sorted([*self._ranges, *(other for other in others if other)], key=lambda one: one.start):
            if merged and one.start <= merged[-1].stop:
                merged[-1] = range(merged[-1].start, max(merged[-1].stop, one.stop))
            else:
                merged.append(one)
        return Ranges(merged)

    def minus(self, others: Iterable[range]) -> Ranges:
        """Those but the numbers of these ranges."""
        left = self._ranges
        for other in others:
            left = [
                part
                for one in left
                for part in (range(one.start, min(one.stop, other.start)), range(max(one.start, other.stop), one.stop))
            ]
        return Ranges(left)

    def without(self, numbers: Iterable[int]) -> Ranges:
        """All but these."""
        left, unwanted = [], sorted(numbers)
        for one in self._ranges:
            start = one.start
            for number in unwanted[bisect_left(unwanted, one.start) : bisect_left(unwanted, one.stop)]:
                left.append(range(start, number))
                start = number + 1
            left.append(range(start, one.stop))
        return Ranges(left)


class Listing(Sequence[Content]):
    """Contents in the order of a key: generated ones by their numbers, with others set in between.

    Args:
        numbers: Ascending; their contents ascend by `key`, too.
        make: Gives the content of a number.
        others: Any contents, in any order.
        key: Different for each content.
        descending: The other way round.
    """

    def __init__(
        self,
        numbers: Sequence[int],
        make: Callable[[int], Content],
        others: Iterable[Content],
        key: Key,
        *,
        descending: bool = False,
    ) -> None:
        self._numbers, self._make, self._key, self._descending = numbers, make, key, descending
        self._others = sorted(others, key=key)
        self._places = [
            bisect_left(numbers, key(one), key=lambda number: key(make(number))) + before
            for before, one in enumerate(self._others)
        ]

    def __len__(self) -> int:
        return len(self._numbers) + len(self._others)

    @overload
    def __getitem__(self, index: int) -> Content: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Content]: ...
    def __getitem__(self, index: int | slice) -> Content | Sequence[Content]:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self._ascending(len(self) - 1 - index if self._descending else index)

    def _ascending(self, index: int) -> Content:
        before = bisect_left(self._places, index)
        if before < len(self._places) and self._places[before] == index:
            return self._others[before]
        return self._make(self._numbers[index - before])

    def key(self, content: Content) -> tuple[Any, ...]:
        """What it is ordered by."""
        return self._key(content)

    def after(self, key: tuple[Any, ...]) -> int:
        """The index of the first one behind this key, whether or not the content of this key is still there."""
        positions = range(len(self))
        if self._descending:
            return len(self) - bisect_left(positions, key, key=lambda index: self._key(self._ascending(index)))
        return bisect_right(positions, key, key=lambda index: self._key(self[index]))
