"""The embedded target: configuration, `check`, and the doors for runs and readers."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from knowledge_connector.errors import FatalError
from knowledge_connector.kit.config import TargetConfig
from knowledge_connector.model import Finding, Gap, KnowledgeSource, Limits
from knowledge_connector.ports import Hit, Target, TargetSession
from knowledge_connector.targets.sqlite import file, rows, search
from knowledge_connector.targets.sqlite.session import SqliteSession

BATCH_DOCUMENTS = 256
"""Documents to a transaction. Smaller ones cost more (64: a quarter more time for the index), larger ones gain nothing."""


class SqliteTargetConfig(TargetConfig):
    """The embedded store: one file, searched with `connector search`."""

    path: Path = Field(
        default=Path(".connector/knowledge.db"),
        description="The database file. It and its folder are made by the first run.",
    )
    max_chars: int = Field(default=2000, ge=1, description="Longest chunk, in characters.")


class SqliteTarget(Target[SqliteTargetConfig]):
    """Keeps knowledge in one SQLite file (WAL, FTS5). Readers see each source whole or not at all, also while a run writes.

    Several connectors may share the file; they write one after another, each holding the file from its first write to its `flush`.
    """

    type = "sqlite"
    gap: ClassVar[Gap] = "atomic"
    keeps_content = True

    @property
    def limits(self) -> Limits:
        """Chunks up to `max_chars`; one document at a time, many to a flush."""
        return Limits(max_chars=self.config.max_chars, batch=BATCH_DOCUMENTS)

    def open(self, owner: str, *, fence: int) -> AbstractContextManager[TargetSession]:  # noqa: ARG002  # see session.py
        """As the port says. A session whose owner's sources were changed by another one since is refused every write.

        Raises:
            FatalError: The file cannot be read, is damaged, or is not ours.
        """
        return closing(SqliteSession(self.config.path, owner))

    def check(self) -> Iterator[Finding]:
        """Say whether SQLite has full-text search, the file may be written, is sound, and how much it holds."""
        yield _index_finding()
        yield _place_finding(self.config.path)
        try:
            yield from _file_findings(self.config.path)
        except FatalError as error:
            yield Finding(ok=False, subject="knowledge", message=error.message)

    def search(
        self, query: str, *, connectors: Sequence[str] = (), tags: Sequence[str] = (), limit: int = 10
    ) -> list[Hit]:
        """The best chunks first; of any of the connectors, with all of the tags.

        A query is words, `"quoted phrases"`, `-without` and `begin*`. Chunks that hold every word come; if there are none, those
        that hold any. Higher scores are better, comparable within one answer only. In `Hit.snippet` the words found stand between
        `MARK_START` and `MARK_END`.

        Raises:
            ConfigError: There is no knowledge yet.
            FatalError: The file cannot be read, is damaged, or is not ours.
        """
        with file.asked(self.config.path) as db, file.explained(self.config.path):
            return search.hits(db, query, search.Filters(connectors, tags), limit)

    def holdings(self, *, connector: str | None = None) -> Iterator[tuple[str, KnowledgeSource]]:
        """As the port says; by owner and external id.

        Raises:
            ConfigError: There is no knowledge yet.
            FatalError: The file cannot be read, is damaged, or is not ours.
        """
        with file.asked(self.config.path) as db, file.explained(self.config.path):
            found = db.execute(
                f"SELECT owner, {rows.LISTED} FROM sources WHERE owner = :owner OR :owner IS NULL ORDER BY owner, external_id",  # noqa: S608  # constant
                {"owner": connector},
            )
            for owner, *row in found:
                yield owner, rows.source_from(tuple(row))


def _index_finding() -> Finding:
    with closing(sqlite3.connect(":memory:")) as db:
        found = db.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchone() is not None
    lacking = "lacks FTS5; install a Python whose sqlite3 has full-text search"
    return Finding(found, "search", f"SQLite {sqlite3.sqlite_version} {'with FTS5' if found else lacking}")


def _place_finding(path: Path) -> Finding:
    place = path if path.exists() else next(parent for parent in path.absolute().parents if parent.exists())
    writable = os.access(place, os.W_OK) and os.access(place if place.is_dir() else place.parent, os.W_OK)
    return Finding(writable, "path", f"{path} {'may' if writable else 'may not'} be written (rights of {place})")


def _file_findings(path: Path) -> Iterator[Finding]:
    db = file.open_to_read(path)
    if db is None:
        yield Finding(ok=True, subject="knowledge", message="none yet; the first run makes the file")
        return
    with closing(db), file.explained(path):
        sound = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if sound != "ok":
            yield Finding(ok=False, subject="integrity", message=f"{path}: {file.DAMAGED}")
            return
        yield Finding(ok=True, subject="integrity", message="the file is sound")
        sources, chunks = db.execute("SELECT (SELECT count(*) FROM sources), (SELECT count(*) FROM chunks)").fetchone()
        size = path.stat().st_size / 1e6
        yield Finding(ok=True, subject="knowledge", message=f"{sources} sources, {chunks} chunks, {size:.1f} MB")
