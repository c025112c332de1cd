"""PostgreSQL: one memory for many machines. Imported only when `state.url` names it; needs the extra `postgresql`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from knowledge_connector.errors import ConfigError, ConnectorError, FatalError
from knowledge_connector.state.database import Database
from knowledge_connector.state.text import encode

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

CONNECT_SECONDS = 10
_MIGRATION_LOCK = 0x6B636F6E  # any number that others are unlikely to lock

_LIST = re.compile(r"\bIN :(\w+)")
_NAME = re.compile(r":(\w+)")


class PostgresDatabase(Database):
    """One connection to a server.

    Args:
        url: `postgresql://user:password@host:port/database`, as libpq reads it. No message repeats the password.
    """

    find = "strpos"
    begin = "BEGIN"
    lock_schema = f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"
    errors = psycopg.Error

    def __init__(self, url: str) -> None:
        self._url = url
        self.name = f"The state store {_address(url)}"
        super().__init__(self._connect())

    def _connect(self) -> psycopg.Connection[Any]:
        try:
            connection = _connection(self._url, autocommit=True)
        except psycopg.Error as error:
            raise FatalError(
                f"{self.name} cannot be reached: {_first_line(error)}. "
                "See that the server runs, that state.url is right, and that this user may log in.",
                where="state",
            ) from error
        if (encoding := connection.info.parameter_status("server_encoding")) != "UTF8":
            connection.close()
            raise ConfigError(f"{self.name} is encoded in {encoding}; state.url must name a UTF8 database")
        return connection

    def translate(self, sql: str) -> str:
        """Lists are arrays."""
        return _translate(sql)

    def adapt_list(self, values: list[Any]) -> Any:
        """An array, which is a list."""
        return values

    def trouble(self, error: Exception) -> ConnectorError:
        """Say which server, and what it said."""
        return FatalError(
            f"{self.name} does not work: {_first_line(error)}. Run again when it does: nothing is lost.",
            where="state",
        )

    def now(self) -> int:
        """The server's clock."""
        return int(self.rows("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)")[0][0])

    def has_table(self, name: str) -> bool:
        """Looks along the search path."""
        return self.rows("SELECT to_regclass(:name) IS NOT NULL", {"name": name})[0][0] is True

    def is_foreign(self) -> bool:
        """Never: a database may hold more than our tables."""
        return False

    def sibling(self) -> PostgresDatabase:
        """Another connection to the server."""
        return PostgresDatabase(self._url)

    def engine(self) -> Engine:
        """An engine whose transactions are the driver's."""
        import sqlalchemy  # heavy, and needed for migrations only

        return sqlalchemy.create_engine(
            "postgresql+psycopg://", creator=lambda: _connection(self._url, autocommit=False)
        )

    def measure(self, *tables: str) -> None:
        """Tables that were filled a moment ago count as empty until they are measured, and are joined row by row."""
        for table in tables:
            self.execute(f"ANALYZE {table}")

    def insert_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> list[int]:
        """In one round trip."""
        encoded = [[encode(value) for value in row] for row in rows]
        if not encoded:
            return []
        try:
            cursor = self._connection.cursor()
            cursor.executemany(self.translate(sql), encoded, returning=True)
            ids = [cursor.fetchone()[0]]
            while cursor.nextset():
                ids.append(cursor.fetchone()[0])
        except psycopg.Error as error:
            raise self.trouble(error) from error
        return ids

    def load(self, table: str, width: int, rows: Iterable[Sequence[Any]]) -> None:  # noqa: ARG002  # COPY knows the width
        """By COPY."""
        try:
            with self._connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row([encode(value) for value in row])
        except psycopg.Error as error:
            raise self.trouble(error) from error


def _connection(url: str, *, autocommit: bool) -> psycopg.Connection[Any]:
    options: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, "fallback_application_name": "knowledge-connector"}
    given = conninfo_to_dict(url)
    return psycopg.connect(url, autocommit=autocommit, **{k: v for k, v in options.items() if k not in given})


def _address(url: str) -> str:
    """Host, port and database; raises `ConfigError`, without repeating any part, for an address that hides a password elsewhere."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        raise _misread() from None  # the driver's message repeats parts of the address
    host, port, name = (str(parts.get(key) or "") for key in ("host", "port", "dbname"))
    if "@" in host + name or not all(number.isdigit() for number in port.split(",") if number):
        raise _misread()
    return f"postgresql://{host or 'localhost'}{':' + port if port else ''}/{name}"


def _misread() -> ConfigError:
    return ConfigError(
        "state.url is not a PostgreSQL address. Right would be postgresql://user:password@host:5432/database, "
        "with special characters in user and password percent-encoded (@ as %40, / as %2F, : as %3A)."
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


@cache  # the statements of this room, and no others
def _translate(sql: str) -> str:
    listed = _LIST.sub(r"= ANY(:\1)", sql.replace("%", "%%"))
    return _NAME.sub(r"%(\1)s", listed).replace("?", "%s")
