"""What becomes of the decisions of one lane: handed to the writer or settled at once, counted, remembered, told.

take ─┬─▶ a change, and no plan ─▶ Writer ─▶ done ─┬─▶ remembered ─▶ counted, told
      └─▶ anything else ───────────────────────────┘
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from knowledge_connector.errors import ConnectorError, DocumentError
from knowledge_connector.model import StoredSource, digest
from knowledge_connector.ports import Known, Lane, TargetSession
from knowledge_connector.sync.apply import Outcome, Writer, differing
from knowledge_connector.sync.means import Means
from knowledge_connector.sync.plan import Action, Change, as_failure
from knowledge_connector.sync.report import SyncReport
from knowledge_connector.sync.rules import LaneRules, RunMode

ROWS_AT_ONCE = 256
"""How many rows are gathered before the state store is asked to keep them."""


class Ledger:
    """The decisions of a run in one lane. All methods are called from the run's loop.

    Args:
        settled: Told once for each listed document: its sequence number, and whether it failed.
        emit: Told every change that is not a plain Keep, as it is decided.

    Attributes:
        listing: Number of the listing; it is noted in every row.
        has_failures: Whether the state holds documents of this lane that failed: then a success has to be noted, too.
    """

    def __init__(
        self,
        lane: Lane,
        rules: LaneRules,
        mode: RunMode,
        report: SyncReport,
        session: TargetSession,
        means: Means,
        *,
        settled: Callable[[int, bool], None],
        emit: Callable[[Change], None],
    ) -> None:
        self._lane, self._rules, self._mode, self._report = lane, rules, mode, report
        self._session, self._store, self._clock = session, means.store, means.clock
        self._settled, self._emit = settled, emit
        self._rows: list[Known] = []
        self.listing = 0
        self.has_failures = False
        self._writer = Writer(
            lane,
            report.run,
            session,
            means,
            limits=rules.limits,
            keeps_content=rules.keeps_content,
            done=self._done,
        )

    @property
    def seconds(self) -> float:
        """How long the writer's threads were at work, one by one."""
        return self._writer.seconds

    @property
    def broken(self) -> ConnectorError | None:
        """Why the target takes nothing any more; `None` while it does."""
        return self._writer.broken

    @property
    def backlog(self) -> int:
        """Batches on their way to the target."""
        return self._writer.at_work

    def take(self, change: Change) -> None:
        """Take a decision, and carry it out when there are enough of them."""
        self.add(change)
        self._writer.dispatch()

    def dispatch(self) -> None:
        """Carry out what was added, if that is enough for a batch."""
        self._writer.dispatch()

    def add(self, change: Change) -> None:
        """Take a decision. May be called inside a transaction; `dispatch` afterwards."""
        if change.action.writes and self._mode.approved is not None:
            refused = self._mode.approved(change)
            if refused is not None:
                change = Change(
                    Action.SKIP, change.external_id, change.name, refused, code="not-planned", sequence=change.sequence
                )
        if change.action.writes and not self._mode.dry:
            self._emit(change)
            self._writer.add(change, self.listing)
            return
        if change.row is not None:
            self._remember(change.row)
        if change.action is Action.FAIL and not self._mode.dry:
            self._remember_failure(change)
        self._count(change)

    def settle(self, sequences: Iterable[int]) -> None:
        """Say of documents that nothing more will be done for them."""
        for sequence in sequences:
            self._settled(sequence, False)

    def succeeded(self, ids: Sequence[str]) -> None:
        """Forget earlier failures of these."""
        if ids and not self._mode.dry:
            self._store.succeeded(self._lane, ids)

    def flush(self) -> None:
        """Send off what waits for a full batch."""
        self._keep_rows()
        self._writer.flush()

    def drain(self) -> None:
        """Return when everything taken so far is in the state store."""
        self._keep_rows()
        self._writer.drain()

    def _remember(self, row: Known) -> None:
        """Keep a row whose target side is unchanged; should it get lost, the next run only looks twice."""
        if not self._mode.dry:
            self._rows.append(replace(row, listed=self.listing))
            if len(self._rows) >= ROWS_AT_ONCE:
                self._keep_rows()

    def _keep_rows(self) -> None:
        self._store.keep(self._lane, self._rows)
        self._rows = []

    def _done(self, outcome: Outcome) -> None:
        """The writer is through with a change."""
        change, error = outcome.change, outcome.error
        if error is not None:
            code = error.code if isinstance(error, DocumentError) else "unavailable"
            failed = as_failure(change.external_id, change.before, "write", code, error.message, change.sequence)
            self._remember_failure(failed)
            self._count(failed)
            return
        self._report.chunks_written += outcome.chunks_written
        self._report.chunks_deleted += outcome.chunks_deleted
        if self.has_failures:
            self.succeeded([change.external_id])
        self._count(change, told=True)

    def _count(self, change: Change, *, told: bool = False) -> None:
        if self._mode.dry and change.action.writes and change.action is not Action.RETAG:
            written, deleted = differing(change.chunks, self._old(change))
            self._report.chunks_written += written
            self._report.chunks_deleted += deleted
        _COUNTERS[change.action](self._report, change)
        if change.action is not Action.KEEP and not told:
            self._emit(change)
        if change.sequence is not None:
            self._settled(change.sequence, change.action is Action.FAIL)

    def _old(self, change: Change) -> StoredSource | None:
        """For a plan: the version that a change would replace."""
        if not change.source_id:
            return None
        if self._rules.keeps_content:
            return self._session.read(change.source_id)
        return self._store.current(self._lane, change.external_id)

    def _remember_failure(self, change: Change) -> None:
        self.has_failures = True
        now = self._clock.now()
        self._store.failed(self._lane, change.external_id, change.stage, change.code, change.reason, now)
        if change.before is None:
            self._remember(Known(digest(change.external_id), change.external_id, name=change.name))


def _adds(field_name: str) -> Callable[[SyncReport, Change], None]:
    def add(report: SyncReport, _: Change) -> None:
        setattr(report, field_name, getattr(report, field_name) + 1)

    return add


def _add_skip(report: SyncReport, change: Change) -> None:
    report.skipped[change.code] += 1


_COUNTERS: Mapping[Action, Callable[[SyncReport, Change], None]] = {
    Action.CREATE: _adds("created"),
    Action.UPDATE: _adds("updated"),
    Action.RETAG: _adds("retagged"),
    Action.DELETE: _adds("deleted"),
    Action.KEEP: _adds("kept"),
    Action.HOLD: _adds("held"),
    Action.FAIL: _adds("failed"),
    Action.WITHHOLD: _adds("withheld"),
    Action.SKIP: _add_skip,
}
