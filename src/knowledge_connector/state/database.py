"""One connection to a database: named parameters, lists, transactions, and errors that say what to do.

The SQL of this room is written once, for both dialects. What differs is put in here:

    :name          a named parameter
    ?              a parameter by position, for `execute_many` and `insert_many`
    IN :name       one of a list of any length
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from knowledge_connector.state.text import decode_rows, encode, encode_all

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from knowledge_connector.errors import ConnectorError

Row = tuple[Any, ...]
NO_PARAMETERS: Mapping[str, Any] = {}


class Database(ABC):
    """A connection, used by one thread at a time."""

    find: ClassVar[str]
    """The SQL function that gives the position of its second argument in its first, 0 if there is none."""

    begin: ClassVar[str]
    """The statement that begins a transaction which will write."""

    lock_schema: ClassVar[str]
    """The statement that, at the start of a transaction, makes every other change of the schema wait."""

    errors: ClassVar[type[Exception]]
    """The root of what the driver raises."""

    name: str
    """What messages call this database."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._depth = 0

    @abstractmethod
    def translate(self, sql: str) -> str:
        """The statement in this dialect and in the driver's style of parameters; remembered."""

    @abstractmethod
    def adapt_list(self, values: list[Any]) -> Any:
        """A list as the parameter of `IN :name`."""

    @abstractmethod
    def trouble(self, error: Exception) -> ConnectorError:
        """What to raise instead of an error of the driver."""

    @abstractmethod
    def now(self) -> int:
        """Microseconds since 1970, by the clock that all users of this database share."""

    @abstractmethod
    def has_table(self, name: str) -> bool:
        """Whether there is such a table."""

    @abstractmethod
    def is_foreign(self) -> bool:
        """Whether a database without our version table belongs to somebody else."""

    @abstractmethod
    def sibling(self) -> Database:
        """Another connection to the same database."""

    @abstractmethod
    def engine(self) -> Engine:
        """An SQLAlchemy engine on the same database, for migrations."""

    def measure(self, *tables: str) -> None:
        """Tell the planner how big these tables are, if it does not know by itself."""

    def insert_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> list[int]:
        """Run an `INSERT … RETURNING id` for each row; the ids, in order."""
        return [self._fetch(sql, [encode(value) for value in row])[0][0] for row in rows]

    def load(self, table: str, width: int, rows: Iterable[Sequence[Any]]) -> None:
        """Fill all `width` columns of a table as fast as the database can; `rows` may be a stream."""
        self.execute_many(f"INSERT INTO {table} VALUES ({', '.join('?' * width)})", rows)  # our own table

    def execute(self, sql: str, parameters: Mapping[str, Any] = NO_PARAMETERS) -> int:
        """Run a statement; how many rows it touched."""
        try:
            return int(self._connection.execute(self.translate(sql), self._adapt(parameters)).rowcount)
        except self.errors as error:
            raise self.trouble(error) from error

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each row of parameters; `rows` may be a stream."""
        encoded = ([encode(value) for value in row] for row in rows)
        try:
            self._connection.cursor().executemany(self.translate(sql), encoded)
        except self.errors as error:
            raise self.trouble(error) from error

    def rows(self, sql: str, parameters: Mapping[str, Any] = NO_PARAMETERS) -> list[Row]:
        """All rows of a query."""
        return decode_rows(self._fetch(sql, self._adapt(parameters)))

    def first(self, sql: str, parameters: Mapping[str, Any] = NO_PARAMETERS) -> Row | None:
        """The first row of a query, if there is one."""
        rows = self.rows(sql, parameters)
        return rows[0] if rows else None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Group what follows into one commit; nested ones join the outer."""
        self._depth += 1
        try:
            if self._depth == 1:
                self.execute(self.begin)
            yield
            if self._depth == 1:
                self._end(self._connection.commit)
        except BaseException:
            if self._depth == 1:
                self._end(self._connection.rollback)
            raise
        finally:
            self._depth -= 1

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _fetch(self, sql: str, parameters: Any) -> list[Row]:
        try:
            return self._connection.execute(self.translate(sql), parameters).fetchall()  # type: ignore[no-any-return]  # two drivers, no common type
        except self.errors as error:
            raise self.trouble(error) from error

    def _end(self, how: Any) -> None:
        try:
            how()
        except self.errors as error:
            raise self.trouble(error) from error

    def _adapt(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: self.adapt_list(encode_all(value)) if type(value) is list else encode(value)
            for name, value in parameters.items()
        }
