"""What people have been told, and what there may be to tell."""

from __future__ import annotations

from datetime import datetime

from knowledge_connector.ports import RunRow, Told
from knowledge_connector.state.history import RUN, run_of
from knowledge_connector.state.part import Part, instant, micros

KEEP = """
    INSERT INTO told (channel, kind, subject, since) VALUES (:channel, :kind, :subject, :since)
    ON CONFLICT (channel, kind, subject) DO UPDATE SET since = excluded.since"""
BY_ITSELF = "connector = :connector AND kind IN ('run', 'apply') AND status"


class Telling(Part):
    """Notices, and the runs that they are about."""

    def last_ended_run(self, connector: str) -> RunRow | None:
        """The last run or apply that nobody interrupted and that did not die."""
        which = f"{BY_ITSELF} IN ('ok', 'partial', 'withheld', 'failed') ORDER BY id DESC LIMIT 1"
        row = self._db.first(f"{RUN} WHERE {which}", {"connector": connector})
        return run_of(row) if row else None

    def last_success(self, connector: str) -> datetime | None:
        """When a run last read everything, some documents aside."""
        which = f"{BY_ITSELF} IN ('ok', 'partial', 'withheld')"
        row = self._db.first(f"SELECT max(finished_at) FROM runs WHERE {which}", {"connector": connector})
        return instant(row[0]) if row and row[0] is not None else None

    def told(self) -> list[Told]:
        """What all channels know."""
        rows = self._db.rows("SELECT channel, kind, subject, since FROM told ORDER BY channel, kind, subject")
        return [Told(channel, kind, subject, instant(since)) for channel, kind, subject, since in rows]

    def keep_told(self, told: Told) -> None:
        """Remember that a channel knows of something."""
        self._db.execute(KEEP, {**_key(told), "since": micros(told.since)})

    def forget_told(self, told: Told) -> None:
        """Remember that a channel knows that it is over."""
        which = "channel = :channel AND kind = :kind AND subject = :subject"
        self._db.execute(f"DELETE FROM told WHERE {which}", _key(told))


def _key(told: Told) -> dict[str, str]:
    return {"channel": told.channel, "kind": told.kind, "subject": told.subject}
