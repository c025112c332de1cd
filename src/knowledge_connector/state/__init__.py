"""Memory of the syncs: one schema, on SQLite or PostgreSQL.

open_state ─▶ DatabaseStateStore ─▶ Database     plain SQL over the driver: every run
     └──────▶ upgrade ─▶ migrations, schema      SQLAlchemy and Alembic: only when the tables are not those of this version
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from knowledge_connector.errors import ConfigError

if TYPE_CHECKING:
    from knowledge_connector.ports import Clock, StateStore
    from knowledge_connector.state.database import Database

__all__ = ["open_state"]

_POSTGRESQL = ("postgresql://", "postgres://")
_SQLITE = "sqlite://"


def open_state(url: str, base: Path, clock: Clock, *, lease_seconds: float = 60) -> StateStore:
    """Open the state store, and make or upgrade its tables if need be.

    Args:
        url: `sqlite:///path` (relative to `base`), `sqlite:////absolute/path`, `postgresql://…`, or `sqlite://` for a store that
            lasts as long as it is open.
        base: Folder of the file that names the path.
        clock: The time; on PostgreSQL leases go by the server's.
        lease_seconds: How long a run may be silent before another may take its connector's lease.

    Raises:
        ConfigError: The address is wrong, its driver is not installed, or the file cannot be made.
        FatalError: The database cannot be reached or used.
    """
    from knowledge_connector.state.store import DatabaseStateStore

    database = _connect(url, base, clock)
    try:
        return DatabaseStateStore(database, lease_seconds=lease_seconds)
    except BaseException:
        database.close()
        raise


def _connect(url: str, base: Path, clock: Clock) -> Database:
    if url.startswith(_POSTGRESQL):
        return _postgresql(url)
    if url == _SQLITE:
        return _temporary(clock)
    if url.startswith(_SQLITE + "/") and len(url) > len(_SQLITE) + 1:
        return _sqlite(base / url.removeprefix(_SQLITE + "/"), clock)
    raise ConfigError(
        f"state.url begins with {url.partition(':')[0][:20]!r}; right would be sqlite:///.connector/state.db or "
        "postgresql://user:password@host/database"
    )


def _postgresql(url: str) -> Database:
    try:
        from knowledge_connector.state.postgresql import PostgresDatabase
    except ImportError as error:
        raise ConfigError(
            "state.url names a PostgreSQL database, and its driver is not installed: "
            "pip install 'knowledge-connector[postgresql]'"
        ) from error
    return PostgresDatabase(url)


def _sqlite(path: Path, clock: Clock) -> Database:
    from knowledge_connector.state.part import micros
    from knowledge_connector.state.sqlite import SqliteDatabase

    return SqliteDatabase(path, lambda: micros(clock.now()))


def _temporary(clock: Clock) -> Database:
    # A file and not `:memory:`, because a lease needs connections of its own to the same database.
    import tempfile

    from knowledge_connector.state.part import micros
    from knowledge_connector.state.sqlite import SqliteDatabase

    folder = tempfile.TemporaryDirectory(prefix="connector-state-")
    return SqliteDatabase(Path(folder.name) / "state.db", lambda: micros(clock.now()), folder.cleanup)
