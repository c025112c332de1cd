"""What was asked, by whom it was answered, and how."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from urllib.parse import parse_qsl, urlencode

from knowledge_connector.model import digest

KEPT = 100_000

_TELLING = ("key", "token", "secret", "sig", "password", "credential")


@dataclass(frozen=True, slots=True)
class Entry:
    """One request.

    Attributes:
        number: From 1, in the order of arrival.
        at: When it arrived, by the virtual clock.
        operation: What the vendor calls it, such as `POST chunks`.
        query: Values that look like credentials are left out.
        writes: Whether the vendor says that such a request changes something.
        status: What the caller saw; `None` if no answer reached it (not yet, or the connection was cut).
        fault: The kind of the fault that hit it; empty if none did.
        authorised: False if the vendor itself refused the credentials (401, and no fault).
        note: `during_pause`: it came although a 429 had asked for a pause that was not over.
    """

    number: int
    at: datetime
    vendor: str
    method: str
    path: str
    operation: str
    query: str = ""
    writes: bool = False
    status: int | None = None
    fault: str = ""
    authorised: bool = True
    note: str = ""


class RequestLog:
    """The last requests, oldest first. Safe to read from any thread while the server runs."""

    def __init__(self, kept: int = KEPT) -> None:
        self._entries: deque[Entry] = deque(maxlen=kept)
        self._lock = Lock()
        self._arrived = self._forgotten = 0

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries())

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def arrived(self) -> int:
        """How many came since the log was cleared, with those that are too long ago to be kept."""
        return self._arrived - self._forgotten

    def entries(self, vendor: str | None = None) -> list[Entry]:
        """All of them, or those of one vendor."""
        with self._lock:
            found = list(self._entries)
        return [entry for entry in found if vendor in (None, entry.vendor)]

    def writes(self, vendor: str | None = None) -> list[Entry]:
        """Those that were about to change something, refused ones included."""
        return [entry for entry in self.entries(vendor) if entry.writes]

    def during_pause(self, vendor: str | None = None) -> list[Entry]:
        """Those that came although a 429 had asked for a pause."""
        return [entry for entry in self.entries(vendor) if entry.note == DURING_PAUSE]

    def counts(self, vendor: str | None = None) -> dict[str, int]:
        """How often each operation was asked for."""
        return dict(Counter(entry.operation for entry in self.entries(vendor)))

    def clear(self) -> None:
        """Forget all; numbers go on."""
        with self._lock:
            self._entries.clear()
            self._forgotten = self._arrived

    def add(self, entry: Entry) -> Entry:
        """Note an arrival; gives the entry with its number."""
        with self._lock:
            self._arrived += 1
            numbered = replace(entry, number=self._arrived)
            self._entries.append(numbered)
            return numbered

    def amend(self, entry: Entry) -> None:
        """Replace an entry by what is known now; one that is forgotten already stays so."""
        with self._lock:
            for index in range(len(self._entries) - 1, -1, -1):
                if self._entries[index].number == entry.number:
                    self._entries[index] = entry
                if self._entries[index].number <= entry.number:
                    return


DURING_PAUSE = "during_pause"


def safe_query(query: str) -> str:
    """A query string without the values of what looks like a credential; a few characters tell one such value from another."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([(name, _hidden(value) if _tells(name) else value) for name, value in pairs])


def _tells(name: str) -> bool:
    return any(word in name.lower() for word in _TELLING)


def _hidden(value: str) -> str:
    return f"hidden-{digest(value)[:8]}"
