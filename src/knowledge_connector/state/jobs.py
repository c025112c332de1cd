"""Jobs: how far each is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from knowledge_connector.ports import JobRow
from knowledge_connector.state.part import Part, instant, micros

JOB = "job, rule, settled_until, due_at, attempts, status, started_at, finished_at"
KEEP = f"""
    INSERT INTO jobs ({JOB})
    VALUES (:job, :rule, :settled_until, :due_at, :attempts, :status, :started_at, :finished_at)
    ON CONFLICT (job) DO UPDATE SET rule = excluded.rule, settled_until = excluded.settled_until,
        due_at = excluded.due_at, attempts = excluded.attempts, status = excluded.status,
        started_at = excluded.started_at, finished_at = excluded.finished_at"""


class Jobs(Part):
    """How far each job is."""

    def jobs(self) -> dict[str, JobRow]:
        """Every job that was ever looked after, by name."""
        return {row[0]: _job(row) for row in self._db.rows(f"SELECT {JOB} FROM jobs")}

    def keep_job(self, row: JobRow) -> None:
        """Remember how far a job is."""
        values = {
            "job": row.job,
            "rule": row.rule,
            "settled_until": micros(row.settled_until),
            "due_at": _micros(row.due_at),
            "attempts": row.attempts,
            "status": row.status,
            "started_at": _micros(row.started_at),
            "finished_at": _micros(row.finished_at),
        }
        self._db.execute(KEEP, values)


def _job(row: Sequence[Any]) -> JobRow:
    job, rule, settled_until, due_at, attempts, status, started_at, finished_at = row
    return JobRow(
        job,
        rule,
        instant(settled_until),
        _instant(due_at),
        attempts,
        status,
        _instant(started_at),
        _instant(finished_at),
    )


def _micros(at: datetime | None) -> int | None:
    return None if at is None else micros(at)


def _instant(at: int | None) -> datetime | None:
    return None if at is None else instant(at)
