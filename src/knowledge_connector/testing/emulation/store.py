"""What emulators remember: tables of rows, in memory, and in a SQLite file when asked."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from threading import Lock
from typing import Any

Row = dict[str, Any]
Save = Callable[[str, str, Row | None], None]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS row (
    section TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, UNIQUE (section, key)
)
"""
_SET = """
INSERT INTO row (section, key, value) VALUES (?, ?, ?)
ON CONFLICT (section, key) DO UPDATE SET value = excluded.value
"""


class Rows(MutableMapping[str, Row]):
    """A table: rows by key, in the order in which they came.

    A row is a copy: what is changed in it counts once it is put back. Values are what JSON can hold.
    """

    def __init__(self, name: str, rows: dict[str, Row], save: Save) -> None:
        self._name = name
        self._rows = rows
        self._save = save

    def __getitem__(self, key: str) -> Row:
        return dict(self._rows[key])

    def __setitem__(self, key: str, row: Row) -> None:
        self._rows[key] = dict(row)
        self._save(self._name, key, row)

    def __delitem__(self, key: str) -> None:
        del self._rows[key]
        self._save(self._name, key, None)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._rows))

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __len__(self) -> int:
        return len(self._rows)


class Store:
    """Tables by name. Each emulator is given a part of its own, so names need not be unique among vendors."""

    def __init__(self, tables: Tables, prefix: str) -> None:
        self._tables = tables
        self._prefix = prefix

    def table(self, name: str) -> Rows:
        """The table of this name; cheap enough to ask for at every request, and to have one per parent row."""
        return self._tables.table(f"{self._prefix}/{name}")

    def clear(self) -> None:
        """Empty every table of this part."""
        self._tables.clear(f"{self._prefix}/")

    def __bool__(self) -> bool:
        """Whether any table holds a row."""
        return self._tables.holds(f"{self._prefix}/")


class Tables:
    """All tables of a server.

    Args:
        file: A SQLite file to read at the start and to keep up with every change; `None` to forget everything at the end.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._rows: dict[str, dict[str, Row]] = {}
        self._file = None if file is None else _File(file)
        for section, key, row in self._file.rows() if self._file else ():
            self._rows.setdefault(section, {})[key] = row

    def part(self, prefix: str) -> Store:
        """The tables of one emulator."""
        return Store(self, prefix)

    @property
    def clock_memory(self) -> Rows:
        """Where the virtual clock keeps by how much it was advanced."""
        return self.table("/clock")

    def table(self, name: str) -> Rows:
        """One table, by its full name."""
        return Rows(name, self._rows.setdefault(name, {}), self._file.save if self._file else _forget)

    def clear(self, prefix: str) -> None:
        """Empty the tables whose names begin so."""
        for name in [name for name in self._rows if name.startswith(prefix)]:
            self.table(name).clear()

    def holds(self, prefix: str) -> bool:
        """Whether a table whose name begins so has a row."""
        return any(rows for name, rows in self._rows.items() if name.startswith(prefix))

    def close(self) -> None:
        """Let go of the file."""
        if self._file:
            self._file.close()


def _forget(section: str, key: str, row: Row | None) -> None:
    """Keep nothing: the tables are in memory alone."""


class _File:
    """One table for all. Without fsync: what was answered outlives the process, and need not outlive the power."""

    def __init__(self, path: Path) -> None:
        self._lock = Lock()  # a test's thread may write, too
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute(_SCHEMA)

    def rows(self) -> list[tuple[str, str, Row]]:
        found = self._connection.execute("SELECT section, key, value FROM row ORDER BY rowid")
        return [(section, key, json.loads(value)) for section, key, value in found]

    def save(self, section: str, key: str, row: Row | None) -> None:
        with self._lock:
            if row is None:
                self._connection.execute("DELETE FROM row WHERE section = ? AND key = ?", (section, key))
            else:
                self._connection.execute(_SET, (section, key, json.dumps(row)))

    def close(self) -> None:
        self._connection.close()
