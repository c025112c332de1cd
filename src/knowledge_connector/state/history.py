"""History: runs, what each changed, and the content that a run replaced or deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from knowledge_connector.model import StoredSource, id_digest
from knowledge_connector.ports import ChangeRow, Lane, Occasion, RunRow
from knowledge_connector.state.part import Part, instant, micros
from knowledge_connector.state.payload import pack, unpack

PAGE = 500

RUN = "SELECT id, kind, connector, status, started_at, finished_at, report, job, due_at FROM runs"
START = """
    INSERT INTO runs (kind, connector, status, started_at, job, due_at) VALUES (?, ?, 'running', ?, ?, ?) RETURNING id"""
CHANGE = "external_id, action, reason, name, before, fingerprint_before, fingerprint_after, chunks_written, chunks_deleted, previous_id"
RECORD = f"""
    INSERT INTO changes (run, lane, digest, previous_digest, {CHANGE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
CHANGES = f"""
    SELECT c.id, l.connector, l.target, {", ".join(f"c.{name}" for name in CHANGE.split(", "))}
    FROM changes AS c JOIN lanes AS l ON l.id = c.lane WHERE c.run = :run AND c.id > :last ORDER BY c.id LIMIT {PAGE}"""
CHANGED_SINCE = """
    SELECT min(run) FROM (
        SELECT min(run) AS run FROM changes WHERE lane = :lane AND digest = :digest AND run > :run
        UNION ALL
        SELECT min(run) AS run FROM changes WHERE lane = :lane AND previous_digest = :digest AND run > :run
    ) AS later"""
KEEP_CURRENT = """
    INSERT INTO currents (lane, digest, payload) VALUES (:lane, :digest, :payload)
    ON CONFLICT (lane, digest) DO UPDATE SET payload = excluded.payload"""

PRUNE_RUNS = """
    DELETE FROM runs WHERE coalesce(finished_at, started_at) < :before
    AND id NOT IN (SELECT max(id) FROM runs GROUP BY connector)"""
PRUNE_VERSIONS = """
    DELETE FROM versions WHERE NOT EXISTS (SELECT 1 FROM runs AS r WHERE r.id = versions.run)
    AND NOT EXISTS (SELECT 1 FROM changes AS c WHERE c.before = versions.id)"""
PRUNE_CURRENTS = """
    DELETE FROM currents WHERE NOT EXISTS (
        SELECT 1 FROM documents AS d WHERE d.lane = currents.lane AND d.digest = currents.digest
    )"""


class History(Part):
    """Runs, changes and versions."""

    def start_run(self, kind: str, connector: str, started_at: datetime, occasion: Occasion | None = None) -> int:
        """Begin a run; its number is never given again."""
        why = (occasion.job, micros(occasion.due_at)) if occasion else (None, None)
        return self._db.insert_many(START, [(kind, connector, micros(started_at), *why)])[0]

    def finish_run(self, run: int, status: str, finished_at: datetime, report: str) -> None:
        """Write down how a run ended."""
        self._db.execute(
            "UPDATE runs SET status = :status, finished_at = :at, report = :report WHERE id = :run",
            {"run": run, "status": status, "at": micros(finished_at), "report": report},
        )

    def run(self, run: int) -> RunRow | None:
        """One run."""
        row = self._db.first(f"{RUN} WHERE id = :run", {"run": run})
        return run_of(row) if row else None

    def runs_for(self, occasion: Occasion) -> list[RunRow]:
        """The runs for a due time, in order."""
        values = {"job": occasion.job, "due_at": micros(occasion.due_at)}
        return [
            run_of(row) for row in self._db.rows(f"{RUN} WHERE job = :job AND due_at = :due_at ORDER BY id", values)
        ]

    def count_runs(self, connector: str) -> int:
        """How many runs of a connector are remembered."""
        return int(
            self._db.rows("SELECT count(*) FROM runs WHERE connector = :connector", {"connector": connector})[0][0]
        )

    def runs(self, connector: str | None = None, limit: int = 50) -> list[RunRow]:
        """The last runs, latest first."""
        which = "" if connector is None else "WHERE connector = :connector"
        values: dict[str, Any] = {"limit": limit} | ({} if connector is None else {"connector": connector})
        return [run_of(row) for row in self._db.rows(f"{RUN} {which} ORDER BY id DESC LIMIT :limit", values)]

    def keep_version(self, lane: Lane, stored: StoredSource, run: int) -> int:
        """Keep what is about to be replaced or deleted; gives its number."""
        row = (self._lane(lane), run, pack(stored))
        return self._db.insert_many("INSERT INTO versions (lane, run, payload) VALUES (?, ?, ?) RETURNING id", [row])[0]

    def version(self, number: int) -> StoredSource | None:
        """A kept version."""
        row = self._db.first("SELECT payload FROM versions WHERE id = :number", {"number": number})
        return unpack(row[0]) if row else None

    def keep_current(self, lane: Lane, stored: StoredSource) -> None:
        """Keep a copy of what was just written, for targets that cannot give it back."""
        key = id_digest(stored.draft.external_id)
        self._db.execute(KEEP_CURRENT, {"lane": self._lane(lane), "digest": key, "payload": pack(stored)})

    def current(self, lane: Lane, external_id: str) -> StoredSource | None:
        """The copy that was kept last."""
        row = self._db.first(
            "SELECT payload FROM currents WHERE lane = :lane AND digest = :digest",
            {"lane": self._lane(lane), "digest": id_digest(external_id)},
        )
        return unpack(row[0]) if row else None

    def record(self, run: int, lane: Lane, changes: Sequence[ChangeRow]) -> None:
        """Write down what a run did."""
        number = self._lane(lane)
        with self.transaction():
            self._db.execute_many(RECORD, [_change(run, number, change) for change in changes])

    def changes(self, run: int) -> Iterator[tuple[Lane, ChangeRow]]:
        """What a run did, in order; read page by page."""
        last = 0
        while rows := self._db.rows(CHANGES, {"run": run, "last": last}):
            for _, connector, target, *columns in rows:
                yield Lane(connector, target), ChangeRow(*columns)
            last = rows[-1][0]

    def changed_since(self, run: int, lane: Lane, external_id: str) -> int | None:
        """The first later run that changed this document, or renamed it; `None` if none did."""
        values = {"run": run, "lane": self._lane(lane), "digest": id_digest(external_id)}
        row = self._db.first(CHANGED_SINCE, values)
        return row[0] if row else None

    def prune(self, before: datetime) -> None:
        """Let go of runs, changes and versions that ended before this instant; the last run of each connector stays."""
        with self.transaction():
            self._db.execute(PRUNE_RUNS, {"before": micros(before)})  # their changes go with them
            self._db.execute(PRUNE_VERSIONS)
            self._db.execute(PRUNE_CURRENTS)


def run_of(row: Sequence[Any]) -> RunRow:
    """A row of the columns `RUN`."""
    number, kind, connector, status, started, finished, report, job, due_at = row
    finished_at = None if finished is None else instant(finished)
    occasion = None if job is None else Occasion(job, instant(due_at))
    return RunRow(number, kind, connector, status, instant(started), finished_at, report, occasion)


def _change(run: int, lane: int, change: ChangeRow) -> tuple[Any, ...]:
    previous = None if change.previous_id is None else id_digest(change.previous_id)
    return (
        *(
            run,
            lane,
            id_digest(change.external_id),
            previous,
            change.external_id,
            change.action,
            change.reason,
            change.name,
        ),
        *(change.before, change.fingerprint_before, change.fingerprint_after, change.chunks_written),
        *(change.chunks_deleted, change.previous_id),
    )
