"""Waiting for files to be taken in: one listing serves all threads that wait.

There is no way to ask for a single file. But a listing can be filtered by a part of the file name, so every upload gets an attempt
id that begins with the name of its wave, and one request tells of the whole wave.
"""

from __future__ import annotations

import os
from base64 import b32encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from threading import Lock

from knowledge_connector.kit.clock import Clock
from knowledge_connector.kit.patience import Patience
from knowledge_connector_intellia.wire import ERROR, READY, File

WAVE = 50
"""Uploads to a wave: half a page, so that one request always tells of all."""

WAVES_REMEMBERED = 4

Listing = Callable[[str], Mapping[str, File]]
"""Gives files by id: those with this in their name, or all of them if it is empty."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What tells one upload from every other; `id` begins with `wave`."""

    wave: str
    id: str


def attempts() -> Iterator[Attempt]:
    """Give new attempt ids, for ever. Random, so that no other run has the same."""
    while True:
        wave = b32encode(os.urandom(5)).decode().lower()
        for number in range(WAVE):
            yield Attempt(wave, f"{wave}{number:02}")


class Progress:
    """What is known of files on their way.

    Args:
        listing: Asks Intellia.
        clock: All waiting is done with it.
        patience: Of the looks.
    """

    def __init__(self, listing: Listing, clock: Clock, patience: Patience) -> None:
        self._listing = listing
        self._clock = clock
        self._patience = patience
        self._lock = Lock()
        self._seen: dict[str, tuple[float, Mapping[str, File]]] = {}

    def settled(self, file_id: str, wave: str) -> File | None:
        """Wait until a file is READY or in ERROR.

        Returns:
            The file as it was last seen, which may be on its way still when patience is at its end; `None` if it is not there.
        """
        file, before = None, self._clock.monotonic()
        for _ in self._patience.looks():
            file = self._look(wave, before).get(file_id) or self._listing("").get(file_id)
            if file is None or file.status in {READY, ERROR}:
                break
            before = self._clock.monotonic()
        return file

    def _look(self, wave: str, since: float) -> Mapping[str, File]:
        """What somebody saw of a wave since then, or else what there is to see now."""
        with self._lock:
            at, files = self._seen.pop(wave, (-1.0, {}))
            if at < since:
                at, files = self._clock.monotonic(), self._listing(wave)
            self._seen[wave] = at, files
            for old in list(self._seen)[:-WAVES_REMEMBERED]:
                del self._seen[old]
            return files
