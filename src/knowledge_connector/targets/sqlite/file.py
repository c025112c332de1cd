"""The file: its tables, how it is opened, and what SQLite's errors mean to a person."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from knowledge_connector.errors import ConfigError, ConnectorError, FatalError

BUSY_SECONDS = 60.0
"""How long to wait for another connector that is just writing to the same file."""

WAL_ATTEMPTS = 100
"""How often to ask for write-ahead logging while other processes do the same; one of them succeeds each time."""

DAMAGED = "the file is damaged. Move it away and run again: everything is read anew."

_REMEDIES = {
    sqlite3.SQLITE_FULL: "the disk is full. Make room and run again; nothing was left half-written.",
    sqlite3.SQLITE_READONLY: "it may not be written. Check the rights of the file and its folder.",
    sqlite3.SQLITE_PERM: "it may not be used. Check the rights of the file and its folder.",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened. Check that it is a file, and the rights of it and its folder.",
    sqlite3.SQLITE_BUSY: f"another process has been writing to it for over {BUSY_SECONDS:.0f} s. Run again when it is done.",
    sqlite3.SQLITE_LOCKED: "another process is writing to it. Run again when it is done.",
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: "the file is not a SQLite database, or damaged. Choose another `path`, or move it away and run again.",
    sqlite3.SQLITE_IOERR: "reading or writing failed. Check the disk, its free space and the limits on file size, and run again.",
}

# One tuple of statements per schema version; a file of version n lacks the steps from n on. `PRAGMA user_version` counts them.
#
# The index holds no text of its own (external content): it reads rows from the view `indexed`, so a title stands once, at its
# source, and yet is found together with the words of each chunk. Whoever changes a row tells the index, with the old values, first.
# Merging is left to `crisismerge`: 23,000 chunks fed in transactions of 256 documents then take 0.8 s, with the default merging 1.2 s,
# as a rebuild 1.0 s (33 MB of text), and queries take as long as before.
_STEPS = (
    (
        "CREATE TABLE owners (owner TEXT PRIMARY KEY, token TEXT NOT NULL) WITHOUT ROWID",
        """CREATE TABLE sources (
            id INTEGER PRIMARY KEY,
            owner TEXT NOT NULL,
            external_digest TEXT NOT NULL,
            external_id,                         -- TEXT; a BLOB if it is a file name that is not UTF-8
            name TEXT NOT NULL,
            description TEXT NOT NULL,
            tags TEXT NOT NULL,                  -- JSON array
            uri TEXT,
            updated_at TEXT,                     -- ISO 8601
            metadata TEXT NOT NULL,              -- JSON object
            acl TEXT,                            -- JSON array
            revision_mark TEXT,
            metadata_fingerprint TEXT NOT NULL,
            fingerprint TEXT,                    -- NULL: unfinished, invisible to searches
            chunk_count INTEGER NOT NULL DEFAULT 0
        )""",
        "CREATE INDEX sources_by_owner ON sources (owner)",
        """CREATE TABLE chunks (
            id INTEGER PRIMARY KEY,
            source INTEGER NOT NULL,
            ordinal INTEGER NOT NULL,
            heading TEXT NOT NULL,               -- a copy out of the metadata, for the index
            text TEXT NOT NULL,
            metadata TEXT NOT NULL               -- JSON object
        )""",
        "CREATE UNIQUE INDEX chunks_by_source ON chunks (source, ordinal)",
        """CREATE VIEW indexed AS
            SELECT chunks.id AS id, source, name AS title, heading, text
            FROM chunks JOIN sources ON sources.id = chunks.source""",
        """CREATE VIRTUAL TABLE words USING fts5 (
            title, heading, text, content = 'indexed', content_rowid = 'id',
            tokenize = 'unicode61 remove_diacritics 2'
        )""",
        "INSERT INTO words (words, rank) VALUES ('rank', 'bm25(8.0, 4.0, 1.0)')",
        "INSERT INTO words (words, rank) VALUES ('automerge', 0)",
        "INSERT INTO words (words, rank) VALUES ('crisismerge', 64)",
    ),
)
SCHEMA_VERSION = len(_STEPS)


def open_to_write(path: Path) -> sqlite3.Connection:
    """Open the file, which is made or brought up to date if need be. Transactions are begun and ended by hand.

    Raises:
        FatalError: It cannot be written, is damaged, or is not ours; the message says what to do.
    """
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            if _version(db, path) < SCHEMA_VERSION:
                _upgrade(db, path)
            db.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            db.close()
            raise
        return db


def open_to_read(path: Path) -> sqlite3.Connection | None:
    """Open the file so that nothing can be written, also while a run writes; `None` if there is nothing to read yet.

    Raises:
        FatalError: It cannot be read, is damaged, or is not ours; the message says what to do.
    """
    if path.is_dir():
        raise FatalError(
            f"{path} is a folder. `path` must name a file in it, such as {path / 'knowledge.db'}.", where="target"
        )
    if not path.exists():
        return None
    with explained(path):
        db = _connect_to_read(path)
        try:
            if _version(db, path) == SCHEMA_VERSION:
                return db
        except BaseException:
            db.close()
            raise
        db.close()
        return None


def asked(path: Path) -> closing[sqlite3.Connection]:
    """`open_to_read` for people's questions, as a context manager.

    Raises:
        ConfigError: There is no knowledge yet.
    """
    db = open_to_read(path)
    if db is None:
        raise ConfigError(
            f"There is no knowledge at {path} yet. Run a sync first: `connector run NAME`.", where="target"
        )
    return closing(db)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system raise within into a `FatalError` that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explanation(error, path) from error
    except OSError as error:
        raise FatalError(f"Cannot use {path}: {error.strerror or error}.", where="target") from error


def _connect_to_read(path: Path) -> sqlite3.Connection:
    address = path.absolute().as_uri()
    # A reader of a WAL file needs its side files, and may lack the right to make them. If no writer is there (none has left a
    # -wal), the main file is complete, and may be read as one that does not change.
    alone = not os.access(path.parent, os.W_OK) and not path.with_name(path.name + "-wal").exists()
    mode = "mode=ro&immutable=1" if alone else "mode=ro"
    return sqlite3.connect(
        f"{address}?{mode}", uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )


def _version(db: sqlite3.Connection, path: Path) -> int:
    # One statement, hence one snapshot: another process may just be making the tables.
    found, used = db.execute(
        "SELECT user_version, EXISTS (SELECT 1 FROM sqlite_master) FROM pragma_user_version"
    ).fetchone()
    if found > SCHEMA_VERSION:
        raise FatalError(
            f"{path} was written by a newer version of this program (schema {found}, this one knows {SCHEMA_VERSION}). "
            "Upgrade knowledge-connector, or choose another `path`.",
            where="target",
        )
    if used and not found:
        raise FatalError(f"{path} is a database of some other program. Choose another `path`.", where="target")
    return int(found)


def _upgrade(db: sqlite3.Connection, path: Path) -> None:
    _use_wal(db)
    db.execute("BEGIN IMMEDIATE")
    for statements in _STEPS[_version(db, path) :]:  # asked again: another process may have been faster
        for statement in statements:
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    db.execute("COMMIT")


def _use_wal(db: sqlite3.Connection) -> None:
    """Let readers read while one writes; the file remembers it."""
    for _ in range(WAL_ATTEMPTS):
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            # Another process is just doing the same. SQLite waits for the right to write, but not for this: so ask for that, then again.
            db.execute("BEGIN IMMEDIATE")
            db.execute("ROLLBACK")
        else:
            return
    db.execute("PRAGMA journal_mode = WAL")


def _explanation(error: sqlite3.Error, path: Path) -> ConnectorError:
    code = (
        getattr(error, "sqlite_errorcode", 0) & 0xFF
    )  # the low byte is the family; errors of the module itself have none
    remedy = _REMEDIES.get(code, f"SQLite says: {error}.")
    return FatalError(f"Cannot use the knowledge at {path}: {remedy}", where="target")


def roll_back(db: sqlite3.Connection) -> None:
    """End an open transaction without a trace; after some errors SQLite has done so itself."""
    with suppress(sqlite3.Error):  # a file that cannot be rolled back now is rolled back by whoever opens it next
        if db.in_transaction:
            db.execute("ROLLBACK")
