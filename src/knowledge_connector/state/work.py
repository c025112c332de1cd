"""Work under way: the journal of effects, the failures to try again, and where each connector is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from knowledge_connector.model import id_digest
from knowledge_connector.ports import CursorRow, Effect, FailureRow, Lane
from knowledge_connector.state.database import Row
from knowledge_connector.state.part import Part, instant, micros

OPEN = """
    INSERT INTO journal (run, lane, digest, external_id, action, source_id, fingerprint) VALUES (?, ?, ?, ?, ?, ?, ?)
    RETURNING id"""
FAILED = """
    INSERT INTO failures (lane, digest, external_id, stage, code, message, attempts, first_at, last_at)
    VALUES (:lane, :digest, :id, :stage, :code, :message, 1, :at, :at)
    ON CONFLICT (lane, digest) DO UPDATE SET stage = excluded.stage, code = excluded.code, message = excluded.message,
        attempts = failures.attempts + 1, last_at = excluded.last_at"""
FAILURES = """
    SELECT lane, external_id, stage, code, message, attempts, first_at, last_at FROM failures WHERE lane IN :lanes
    ORDER BY last_at DESC, external_id LIMIT :limit"""
KEEP_CURSOR = """
    INSERT INTO cursors (connector, cursor, validity, listing, whole)
    VALUES (:connector, :cursor, :validity, :listing, :whole)
    ON CONFLICT (connector) DO UPDATE SET cursor = excluded.cursor, validity = excluded.validity,
        listing = excluded.listing, whole = excluded.whole"""


class Work(Part):
    """Journal, failures and cursors."""

    def open_effects(self, run: int, lane: Lane, effects: Sequence[Effect]) -> list[int]:
        """Write down what is about to be done at the target; the number of each entry, in order."""
        number = self._lane(lane)
        rows = [
            (run, number, id_digest(one.external_id), one.external_id, one.action, one.source_id, one.fingerprint)
            for one in effects
        ]
        with self.transaction():
            return self._db.insert_many(OPEN, rows)

    def close_effects(self, ids: Sequence[int]) -> None:
        """These have happened, or certainly not; done twice is done."""
        self._db.execute("DELETE FROM journal WHERE id IN :ids", {"ids": list(ids)})

    def unfinished_effects(self, lane: Lane) -> list[Effect]:
        """What was begun and never closed, oldest first."""
        rows = self._db.rows(
            "SELECT external_id, action, source_id, fingerprint, id FROM journal WHERE lane = :lane ORDER BY id",
            {"lane": self._lane(lane)},
        )
        return [Effect(*row) for row in rows]

    def failed(self, lane: Lane, external_id: str, stage: str, code: str, message: str, at: datetime) -> None:
        """A document failed, once more."""
        values = {"lane": self._lane(lane), "digest": id_digest(external_id), "id": external_id, "at": micros(at)}
        self._db.execute(FAILED, {**values, "stage": stage, "code": code, "message": message})

    def succeeded(self, lane: Lane, external_ids: Sequence[str]) -> None:
        """These are well again."""
        if self.has_failures(lane):  # seldom, and digests cost time
            self._db.execute(
                "DELETE FROM failures WHERE lane = :lane AND digest IN :digests",
                {"lane": self._lane(lane), "digests": [id_digest(key) for key in external_ids]},
            )

    def has_failures(self, lane: Lane) -> bool:
        """Whether any document of the lane is ill."""
        return (
            self._db.first("SELECT 1 FROM failures WHERE lane = :lane LIMIT 1", {"lane": self._lane(lane)}) is not None
        )

    def failures(self, connector: str, limit: int = 1000) -> list[tuple[Lane, FailureRow]]:
        """The documents that failed last, latest first."""
        lanes = self._lanes(connector)
        rows = self._db.rows(FAILURES, {"lanes": list(lanes), "limit": limit})
        return [(lanes[row[0]], _failure(row)) for row in rows]

    def cursor(self, connector: str) -> CursorRow | None:
        """Where the connector is."""
        row = self._db.first(
            "SELECT cursor, validity, listing, whole FROM cursors WHERE connector = :connector",
            {"connector": connector},
        )
        return CursorRow(row[0], row[1], row[2], bool(row[3])) if row else None

    def keep_cursor(self, connector: str, row: CursorRow) -> None:
        """Remember where it is."""
        self._db.execute(KEEP_CURSOR, {"connector": connector} | asdict(row) | {"whole": int(row.whole)})

    def drop_cursor(self, connector: str) -> None:
        """Ask for a full listing next time."""
        self._db.execute("DELETE FROM cursors WHERE connector = :connector", {"connector": connector})


def _failure(row: Row) -> FailureRow:
    _, external_id, stage, code, message, attempts, first_at, last_at = row
    return FailureRow(external_id, stage, code, message, attempts, instant(first_at), instant(last_at))
