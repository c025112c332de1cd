"""Bring the schema to the version that this program works with. Imported only when it is not there yet: Alembic is slow to load."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from knowledge_connector.errors import FatalError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from knowledge_connector.state.database import Database

ELSEWHERE = "set state.url to a place of its own: a new store is made there from what the targets hold."


def upgrade(database: Database) -> None:
    """Create or change the tables in one transaction; of several processes one does it, and the others wait for it.

    Raises:
        FatalError: The database is somebody else's, was made by a later version of this program, or does not take the tables.
    """
    engine = database.engine()
    try:
        with engine.connect() as connection, connection.begin():
            connection.exec_driver_sql(database.lock_schema)
            if not database.has_table("alembic_version") and database.is_foreign():
                raise FatalError(f"{database.name} holds somebody else's tables; {ELSEWHERE}", where="state")
            _run(connection, database.name)
    except sqlalchemy.exc.DBAPIError as error:
        raise database.trouble(error.orig if isinstance(error.orig, Exception) else error) from error
    finally:
        engine.dispose()


def config() -> Config:
    """Alembic's view of our migrations."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def _run(connection: Connection, name: str) -> None:
    settings = config()
    settings.attributes["connection"] = connection
    try:
        command.upgrade(settings, "head")
    except CommandError as error:
        raise FatalError(
            f"{name} was made by a later version of this program, or by another program; install that version, or {ELSEWHERE}",
            where="state",
        ) from error


def head() -> str | None:
    """The version that the migrations lead to."""
    return ScriptDirectory.from_config(config()).get_current_head()
