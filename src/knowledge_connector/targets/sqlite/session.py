"""One run's work on one owner's sources.

A transaction begins with the first write and ends with `flush`, and carries many sources. The words of its new chunks reach the
index in one statement just before it ends: that costs what rebuilding the index costs, a third of feeding it chunk by chunk.

Nobody writes over what they have not seen: every session knows the owner's token from when it was opened or last flushed, and each
transaction begins by comparing. If another run has written in between, this one stops. A lease's fence can do no better here, and
starts again at 1 when the state store is deleted, so it is not compared.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import count
from pathlib import Path

from knowledge_connector.errors import FatalError
from knowledge_connector.kit.gathering import miscounted, source_gone
from knowledge_connector.model import Chunk, KnowledgeSource, SourceDraft, StoredSource
from knowledge_connector.targets.sqlite import file, rows

_BLANKS = rows.marks(rows.DESCRIBED.split(","))
_LIST = f"SELECT {rows.LISTED} FROM sources WHERE owner = ?"  # noqa: S608  # all of these are made of constants
_INSERT = f"INSERT INTO sources ({rows.DESCRIBED}, id, owner) VALUES ({_BLANKS}, ?, ?)"  # noqa: S608
_RETAG = f"UPDATE sources SET ({rows.DESCRIBED}, fingerprint) = ({_BLANKS}, ?) WHERE id = ?"  # noqa: S608
_READ = (
    f"SELECT {rows.DESCRIBED}, fingerprint, chunk_count FROM sources "  # noqa: S608
    "WHERE id = ? AND owner = ? AND fingerprint IS NOT NULL"
)
_READ_CHUNKS = "SELECT ordinal, text, metadata FROM chunks WHERE source = ? ORDER BY ordinal"
_REUSABLE = (
    "SELECT chunks.id, text, chunks.metadata FROM chunks JOIN sources ON sources.id = source "
    "WHERE source = ? AND owner = ? AND name = ? ORDER BY ordinal DESC"
)
_OUTDATED = "CREATE TEMPORARY TABLE outdated (id INTEGER PRIMARY KEY, title TEXT, heading TEXT, text TEXT)"
_INDEX = "INSERT INTO words (rowid, title, heading, text) SELECT id, title, heading, text FROM indexed"

SPILL_CHUNKS = 500
"""Chunks that a source in the making keeps in memory; beyond, they go into the (invisible) open transaction."""


@dataclass(slots=True)
class _Making:
    """A source between `begin` and `commit`.

    Attributes:
        old: Ids of the replaced version's chunks, by what they say; each serves once.
        kept: Old chunks that the new version takes over, as (ordinal, id). They move at `commit`; until then the old is whole.
        new: Rows that are not written yet, without their numbers.
        landed, last: How many chunks came, and the ordinal of the last.
    """

    draft: SourceDraft
    old: dict[bytes, list[int]]
    kept: list[tuple[int, int]] = field(default_factory=list)
    new: list[rows.Row] = field(default_factory=list)
    landed: int = 0
    last: int = -1


class SqliteSession:
    """A `TargetSession` over one file. Nothing is made or changed before the first write, so that `plan` leaves no trace."""

    def __init__(self, path: Path, owner: str) -> None:
        self._path = path
        self._owner = owner
        self._making: dict[str, _Making] = {}
        self._first_chunk = self._next_chunk = (
            0  # chunks between them are of the open transaction, and not in the index yet
        )
        self._changes = 0
        self._writer: sqlite3.Connection | None = None
        self._reader = file.open_to_read(path)
        try:
            with self._explained():
                self._token = self._stored_token()
        except FatalError:
            self.close()
            raise

    def close(self) -> None:
        """Forget what was not flushed, and let go of the file."""
        self.discard()
        with self._explained():
            for db in (self._writer, self._reader):
                if db is not None:
                    db.close()
        self._writer = self._reader = None

    def token(self) -> str | None:
        """As the port says; `None` before the first source. Random, so that no restored backup can repeat one."""
        return self._token

    def sources(self) -> Iterator[KnowledgeSource]:
        """As the port says; what this session did before counts, flushed or not."""
        db = self._writer or self._reader
        if db is not None:
            with self._explained():
                yield from map(rows.source_from, db.execute(_LIST, (self._owner,)))

    def begin(self, draft: SourceDraft) -> str:
        """As the port says. Beginning a document again forgets the unfinished attempt before."""
        with self._explained():
            db = self._transaction()
            for abandoned in [
                key for key, making in self._making.items() if making.draft.external_id == draft.external_id
            ]:
                self._remove(db, abandoned)
            # Random: an id that a killed run has noted, and its lost transaction has not, must never come to name another source.
            source_id = str(int.from_bytes(os.urandom(7)))
            db.execute(_INSERT, (*rows.described(draft), source_id, self._owner))
            self._making[source_id] = _Making(draft, self._reusable(db, draft))
        return source_id

    def add(self, source_id: str, chunk: Chunk) -> None:
        """As the port says; a chunk that came already is not taken twice."""
        making = self._making.get(source_id)
        if making is None:
            raise source_gone(source_id)
        if chunk.ordinal <= making.last:
            return
        making.last = chunk.ordinal
        making.landed += 1
        text, metadata = rows.clean(chunk.text), rows.as_object(chunk.metadata)
        twins = making.old.get(_said(text, metadata)) if making.old else None
        if twins:
            making.kept.append((chunk.ordinal, twins.pop()))
            return
        heading = rows.clean(str(chunk.metadata.get("heading", "")))
        making.new.append((source_id, chunk.ordinal, heading, text, metadata))
        if len(making.new) >= SPILL_CHUNKS:
            with self._explained():
                self._write_chunks(self._transaction(), making)

    def commit(self, source_id: str) -> None:
        """As the port says. What did not come whole is removed, and `sources` does not show it."""
        with self._explained():
            db = self._transaction()
            making = self._making.get(source_id)
            if making is None:
                self._committed_name(db, source_id)  # committing again is fine, as long as there is something
                return
            if making.landed != making.draft.chunk_count:
                self._remove(db, source_id)
                raise miscounted(making.draft, making.landed)
            self._write_chunks(db, making)
            lost = len(making.kept) - _move_chunks(db, making, source_id)
            if lost:  # the version that it was to replace went first
                self._remove(db, source_id)
                raise miscounted(making.draft, making.landed - lost)
            db.execute(
                "UPDATE sources SET fingerprint = ?, chunk_count = ? WHERE id = ?",
                (making.draft.fingerprint, making.landed, source_id),
            )
            del self._making[source_id]
            if making.draft.replaces is not None:
                self._remove(db, making.draft.replaces)

    def retag(self, source_id: str, draft: SourceDraft) -> None:
        """As the port says. A new name is told to the index, chunk by chunk; the chunks themselves stay.

        Raises:
            DocumentError: There is no such committed source.
        """
        with self._explained():
            db = self._transaction()
            renamed = self._committed_name(db, source_id) != rows.clean(draft.name)
            if renamed:
                self._unindex(db, source_id)
            db.execute(_RETAG, (*rows.described(draft), draft.fingerprint, source_id))

    def delete(self, source_id: str) -> None:
        """As the port says."""
        with self._explained():
            self._remove(self._transaction(), source_id)

    def read(self, source_id: str) -> StoredSource | None:
        """As the port says; surrogates come back as U+FFFD, and `replaces` as `None`."""
        db = self._writer or self._reader
        if db is None:
            return None
        with self._explained():
            row = db.execute(_READ, (source_id, self._owner)).fetchone()
            chunks = db.execute(_READ_CHUNKS, (source_id,))
            return StoredSource(rows.draft_from(row), tuple(map(rows.chunk_from, chunks))) if row else None

    def flush(self) -> None:
        """As the port says. Durable against a kill; a power cut may take the last flushes with it, whole."""
        db = self._writer
        if db is None or not db.in_transaction:
            return
        if db.total_changes == self._changes:
            file.roll_back(db)
            return
        with self._explained():
            for making in self._making.values():
                self._write_chunks(db, making)
            self._tell_index(db)
            token = os.urandom(12).hex()
            db.execute("INSERT OR REPLACE INTO owners (owner, token) VALUES (?, ?)", (self._owner, token))
            db.execute("COMMIT")
            self._token = token

    def discard(self) -> None:
        """As the port says; everything since the last `flush` is forgotten."""
        self._making.clear()
        if self._writer is not None:
            file.roll_back(self._writer)

    def calls(self) -> Mapping[str, int]:
        """Nothing is called: there is no endpoint."""
        return {}

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            with file.explained(self._path):
                yield
        except FatalError:
            self.discard()
            raise

    def _transaction(self) -> sqlite3.Connection:
        """Give the connection inside a transaction, begun if need be on top of what this session has seen."""
        if self._writer is None:
            self._writer = file.open_to_write(self._path)
            self._writer.execute(_OUTDATED)
        db = self._writer
        if not db.in_transaction:
            db.execute("BEGIN IMMEDIATE")
            if self._stored_token() != self._token:
                raise FatalError(
                    f"Another run of {self._owner!r} took over and has written to {self._path}. This one stops; "
                    "what it had flushed stands, and the next run goes on from there.",
                    where="target",
                )
            self._changes = db.total_changes
            self._first_chunk = self._next_chunk = db.execute("SELECT coalesce(max(id), 0) + 1 FROM chunks").fetchone()[
                0
            ]
        return db

    def _stored_token(self) -> str | None:
        db = self._writer or self._reader
        row = db and db.execute("SELECT token FROM owners WHERE owner = ?", (self._owner,)).fetchone()
        return row[0] if row else None

    def _committed_name(self, db: sqlite3.Connection, source_id: str) -> str:
        row = db.execute(
            "SELECT name FROM sources WHERE id = ? AND owner = ? AND fingerprint IS NOT NULL", (source_id, self._owner)
        ).fetchone()
        if row is None:
            raise source_gone(source_id)
        name: str = row[0]
        return name

    def _reusable(self, db: sqlite3.Connection, draft: SourceDraft) -> dict[bytes, list[int]]:
        """The chunks of the version that the draft replaces; none if it is renamed, because the index knows each with its title."""
        old: dict[bytes, list[int]] = {}
        if draft.replaces is None:
            return old
        for number, text, metadata in db.execute(_REUSABLE, (draft.replaces, self._owner, rows.clean(draft.name))):
            old.setdefault(_said(text, metadata), []).append(number)
        return old

    def _write_chunks(self, db: sqlite3.Connection, making: _Making) -> None:
        numbers = count(self._next_chunk)
        db.executemany(
            "INSERT INTO chunks (id, source, ordinal, heading, text, metadata) VALUES (?, ?, ?, ?, ?, ?)",
            [(next(numbers), *row) for row in making.new],
        )
        self._next_chunk += len(making.new)
        making.new.clear()

    def _remove(self, db: sqlite3.Connection, source_id: str) -> None:
        self._making.pop(source_id, None)
        if db.execute("SELECT 1 FROM sources WHERE id = ? AND owner = ?", (source_id, self._owner)).fetchone():
            self._unindex(db, source_id)
            db.execute("DELETE FROM chunks WHERE source = ?", (source_id,))
            db.execute("DELETE FROM sources WHERE id = ?", (source_id,))

    def _unindex(self, db: sqlite3.Connection, source_id: str) -> None:
        """Note what the index knows of a source's chunks, before they change or go; it knows none of the open transaction's yet."""
        db.execute(
            "INSERT OR IGNORE INTO outdated SELECT id, title, heading, text FROM indexed WHERE source = ? AND id < ?",
            (source_id, self._first_chunk),
        )

    def _tell_index(self, db: sqlite3.Connection) -> None:
        """Bring the index up to date in three passes, each in the order of its rows.

        Out of order, every row that goes would make the index write out what it has gathered, as a segment to be merged later: the
        first edits after a large import then take ten times as long.
        """
        db.execute(
            "INSERT INTO words (words, rowid, title, heading, text) SELECT 'delete', * FROM outdated ORDER BY id"
        )
        db.execute(f"{_INDEX} WHERE id IN (SELECT id FROM outdated) ORDER BY id")  # noqa: S608  # renamed, and still there
        db.execute("DELETE FROM outdated")
        db.execute(f"{_INDEX} WHERE id >= ? ORDER BY id", (self._first_chunk,))


def _move_chunks(db: sqlite3.Connection, making: _Making, source_id: str) -> int:
    """Hand the kept chunks over to the new version, and count those that were still there."""
    if not making.kept:
        return 0
    moves = [(source_id, ordinal, chunk, making.draft.replaces) for ordinal, chunk in making.kept]
    return db.executemany("UPDATE chunks SET source = ?, ordinal = ? WHERE id = ? AND source = ?", moves).rowcount


def _said(text: str, metadata: str) -> bytes:
    return blake2b(f"{metadata}{text}".encode(), digest_size=16).digest()
