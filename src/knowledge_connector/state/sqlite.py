"""SQLite: a file beside `connectors.toml`, readable while a run writes."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge_connector.errors import ConfigError, ConnectorError, FatalError
from knowledge_connector.state.database import Database

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

OLDEST = (3, 35)  # the first with RETURNING
BUSY_SECONDS = 30.0
CACHE_KIB = 16_384

_LIST = re.compile(r"\bIN :(\w+)")

_ADVICE = {
    "SQLITE_NOTADB": "it is not a state store, or damaged; move it away and run again: a new one is made from what the targets hold",
    "SQLITE_CORRUPT": "it is damaged; move it away and run again: a new one is made from what the targets hold",
    "SQLITE_FULL": "the disk is full; make room and run again: nothing is lost",
    "SQLITE_READONLY": "it cannot be written; give this user write access to the file and its folder, or set state.url to another place",
    "SQLITE_CANTOPEN": "it cannot be opened; give this user access to the file and its folder, or set state.url to another place",
    "SQLITE_BUSY": f"another process has been writing for more than {BUSY_SECONDS:.0f} s; run again when it is done",
    "SQLITE_IOERR": "the disk does not read or write as it should (full, or over a quota?); run again when it does: nothing is lost",
}


class SqliteDatabase(Database):
    """One connection to a file.

    Args:
        path: The file; it and its folder are made if they are missing, readable by this user only.
        now: The clock, in microseconds since 1970.
        on_close: Called when this connection is closed.
    """

    find = "instr"
    begin = "BEGIN IMMEDIATE"
    lock_schema = "BEGIN IMMEDIATE"
    errors = sqlite3.Error

    def __init__(self, path: Path, now: Callable[[], int], on_close: Callable[[], None] = lambda: None) -> None:
        if sqlite3.sqlite_version_info < OLDEST:
            raise ConfigError(f"SQLite {sqlite3.sqlite_version} is too old for the state store; it needs 3.35 or later")
        self.path = path
        self.name = f"The state store {path}"
        self._now = now
        self._on_close = on_close
        _make_file(path)
        super().__init__(self._connect())

    def _connect(self) -> sqlite3.Connection:
        connection = None
        try:
            connection = _connection(self.path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            raise self.trouble(error) from error
        return connection

    def translate(self, sql: str) -> str:
        """Lists are JSON arrays, so that a statement is the same text for any number of values and is parsed once."""
        return _translate(sql)

    def adapt_list(self, values: list[Any]) -> Any:
        """A JSON array."""
        return json.dumps(values, ensure_ascii=False)

    def trouble(self, error: Exception) -> ConnectorError:
        """Say which file, and what to do about it."""
        name = getattr(error, "sqlite_errorname", "") or ""
        for code, advice in _ADVICE.items():
            if name.startswith(code):
                return FatalError(f"{self.name}: {advice} ({error})", where="state")
        return FatalError(f"{self.name} does not work: {error}", where="state")

    def now(self) -> int:
        """The clock that was passed in."""
        return self._now()

    def has_table(self, name: str) -> bool:
        """Looks into `sqlite_master`."""
        return bool(self.rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :name", {"name": name}))

    def is_foreign(self) -> bool:
        """A file with any table at all."""
        return bool(self.rows("SELECT 1 FROM sqlite_master LIMIT 1"))

    def sibling(self) -> SqliteDatabase:
        """Another connection to the file."""
        return SqliteDatabase(self.path, self._now)

    def load(self, table: str, width: int, rows: Iterable[Sequence[Any]]) -> None:
        """In one transaction, which as long as it writes to a temporary table takes no lock that others wait for."""
        if self._connection.in_transaction:
            return super().load(table, width, rows)
        self.execute("BEGIN DEFERRED")
        try:
            super().load(table, width, rows)
        finally:
            self._connection.commit()
        return None

    def engine(self) -> Engine:
        """An engine whose connections begin no transaction on their own."""
        import sqlalchemy  # heavy, and needed for migrations only

        return sqlalchemy.create_engine("sqlite://", creator=lambda: _connection(self.path))

    def close(self) -> None:
        """Close the connection, and remove the file if it was a temporary one."""
        super().close()
        self._on_close()


def _connection(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        path,
        timeout=BUSY_SECONDS,
        isolation_level=None,  # transactions begin where we say so
        check_same_thread=False,  # one thread at a time, as the port says, but not always the same
        cached_statements=256,
    )


def _make_file(path: Path) -> None:
    if path.exists():
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise ConfigError(
            f"The state store {path} cannot be made: {error.strerror}. "
            "Give this user write access to the folder, or set state.url to another place.",
            where="state",
        ) from error


@cache  # the statements of this room, and no others
def _translate(sql: str) -> str:
    return _LIST.sub(r"IN (SELECT value FROM json_each(:\1))", sql)
