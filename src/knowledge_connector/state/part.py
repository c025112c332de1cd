"""What the parts of the store share: the connection, lanes by number, and times as numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from knowledge_connector.ports import Lane
from knowledge_connector.state.database import Database

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - EPOCH) // MICROSECOND


def instant(at: int) -> datetime:
    """The time in UTC."""
    return EPOCH + at * MICROSECOND


class Part:
    """A part of the store."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._numbers: dict[Lane, int] = {}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Group what follows into one commit; nested ones join the outer."""
        try:
            with self._db.transaction():
                yield
        except BaseException:
            self._numbers.clear()  # a lane may have been rolled back
            raise

    def _lane(self, lane: Lane) -> int:
        """The number of a lane, which is given one if it is new."""
        if lane not in self._numbers:
            self._numbers[lane] = self._find_lane(lane)
        return self._numbers[lane]

    def _find_lane(self, lane: Lane) -> int:
        names = {"connector": lane.connector, "target": lane.target}
        find = "SELECT id FROM lanes WHERE connector = :connector AND target = :target"
        if found := self._db.first(find, names):
            return int(found[0])
        self._db.execute(
            "INSERT INTO lanes (connector, target) VALUES (:connector, :target) ON CONFLICT DO NOTHING", names
        )
        return int(self._db.rows(find, names)[0][0])

    def _lanes(self, connector: str) -> dict[int, Lane]:
        """The lanes of a connector by their numbers."""
        rows = self._db.rows("SELECT id, connector, target FROM lanes WHERE connector = :name", {"name": connector})
        return {number: Lane(connector, target) for number, connector, target in rows}
