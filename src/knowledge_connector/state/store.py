"""The state store: its parts as one."""

from __future__ import annotations

from contextlib import AbstractContextManager

from knowledge_connector.ports import Lease
from knowledge_connector.state.database import Database
from knowledge_connector.state.documents import Documents
from knowledge_connector.state.history import History
from knowledge_connector.state.jobs import Jobs
from knowledge_connector.state.lease import SECOND, hold
from knowledge_connector.state.reconcile import Reconciliation
from knowledge_connector.state.telling import Telling
from knowledge_connector.state.work import Work

VERSION = "0004"
"""The version of the schema that the statements of this room are written for."""


class DatabaseStateStore(Documents, Reconciliation, Work, History, Jobs, Telling):
    """A `StateStore` on SQLite or PostgreSQL.

    Args:
        database: The connection; closed with the store.
        lease_seconds: How long a run may be silent before another may take its connector's lease.

    Raises:
        FatalError: The database cannot be used; the message says what to do.
    """

    def __init__(self, database: Database, *, lease_seconds: float = 60) -> None:
        super().__init__(database)
        self._lease_lasts = int(lease_seconds * SECOND)
        _make_current(database)

    def lease(self, connector: str) -> AbstractContextManager[Lease]:
        """Take the connector's lease, keep it alive from a thread of its own, and give it back at the end."""
        return hold(self._db, connector, lasts=self._lease_lasts)

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()


def _make_current(database: Database) -> None:
    if _version(database) == VERSION:
        return
    from knowledge_connector.state.upgrade import upgrade  # Alembic is slow to load, and most runs find nothing to do

    upgrade(database)


def _version(database: Database) -> str | None:
    if not database.has_table("alembic_version"):
        return None
    row = database.first("SELECT version_num FROM alembic_version")
    return row[0] if row else None
