"""A list that lives on disk: for what may be few or as many as the origin has."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import Generic, TypeVar

T = TypeVar("T")

IN_MEMORY_BYTES = 4_000_000


class Spool(Generic[T]):
    """Append values, then iterate over them once. Values never leave this process, so pickle is safe."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115  # closed by `close`
        self._length = 0

    def append(self, value: T) -> None:
        """Add a value at the end."""
        pickle.dump(value, self._file, protocol=pickle.HIGHEST_PROTOCOL)
        self._length += 1

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        self._file.seek(0)
        for _ in range(self._length):
            value: T = pickle.load(self._file)  # noqa: S301  # our own values, from our own unnamed file
            yield value

    def close(self) -> None:
        """Let go of the disk space."""
        self._file.close()
