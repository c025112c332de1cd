"""One connector writing to one target: what is remembered, decided, counted and handed to the writer.

listed documents ─▶ look ──▶ Keep · Hold · Skip · Retag ──────┐
                      └─▶ body needed ─▶ settle ─▶ any change ┼─▶ take ─▶ Writer (or, in a plan, nobody) ─▶ counted
end of the listing ─▶ finish: renames, then deletes ──────────┘
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from knowledge_connector.errors import ConnectorError, DocumentError, FatalError, Unreadable
from knowledge_connector.model import Document, Failure, Limits, Skip, StoredSource, Tombstone, digest
from knowledge_connector.ports import ChunkRules, Known, Lane, TargetSession
from knowledge_connector.sync.apply import Outcome, Writer, differing
from knowledge_connector.sync.departures import Departures
from knowledge_connector.sync.guard import DeleteRules
from knowledge_connector.sync.means import Means
from knowledge_connector.sync.plan import (
    SAME_REVISION,
    Action,
    Change,
    Sighting,
    as_skip,
    at_sight,
    by_content,
    sight,
)
from knowledge_connector.sync.prepare import Prepared
from knowledge_connector.sync.report import SyncReport

log = logging.getLogger(__name__)

ROWS_AT_ONCE = 256
"""How many rows are gathered before the state store is asked to keep them."""


@dataclass(frozen=True, slots=True)
class LaneRules:
    """What the configuration says about one lane.

    Attributes:
        tags: Given to every document.
        chunker: Name of the chunker.
        chunk_rules: How it shall cut for this target.
        recipe: Gives the recipe for a media type, or `None` if nothing can convert it.
        max_bytes: Larger bodies are skipped.
        deletes: Bounds of the guard.
        refetch: Ignore revisions: every body is read and compared by its text.
    """

    limits: Limits
    keeps_content: bool
    recipe: Callable[[str | None], str | None]
    tags: tuple[str, ...] = ()
    chunker: str = "markdown"
    chunk_rules: ChunkRules = field(default_factory=ChunkRules)
    max_bytes: int = 50_000_000
    deletes: DeleteRules = field(default_factory=DeleteRules)
    refetch: bool = False


@dataclass(frozen=True, slots=True)
class RunMode:
    """What kind of run this is.

    Attributes:
        dry: Plan only; nothing is written.
        allow_deletes: The ceiling that a person approved.
        only: Look at these ids only, and delete nothing (`connector retry`).
        approved: Says why a change is not in the plan that is being applied; `None` as answer lets it pass.
        expected_holdings: What `StateStore.holdings_digest` said when that plan was made.
    """

    dry: bool = False
    allow_deletes: int | None = None
    only: frozenset[str] | None = None
    approved: Callable[[Change], str | None] | None = None
    expected_holdings: str | None = None


class LaneRun:
    """A run in one lane. All methods are called from the run's loop.

    Args:
        settled: Told once for each listed document: its sequence number, and whether it failed.
        emit: Told every change that is not a plain Keep, as it is decided.
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
        self.lane, self.rules, self.report = lane, rules, report
        self._mode, self._session, self._store, self._clock = mode, session, means.store, means.clock
        self._settled, self._emit = settled, emit
        self._recipes: dict[str | None, str | None] = {}
        self._bodies: dict[int, tuple[Sighting, Known | None]] = {}
        self._rows: list[Known] = []
        self._listing = 0
        self._once = False
        self._look_for_renames = False
        self._holdings = 0
        self._had_failures = False
        self._unknown: set[str] = set()
        self._seconds_reconciling = 0.0
        self._error: ConnectorError | None = None
        self.holdings_digest = ""
        """What the target held when the run began; computed for plans only."""
        self._writer = Writer(
            lane,
            report.run,
            session,
            means,
            limits=rules.limits,
            keeps_content=rules.keeps_content,
            done=self._done,
        )
        self._departures = Departures(
            lane, means.store, report, dry=mode.dry, take=self.take, emit=emit, settle=self._writer.drain
        )

    @property
    def seconds_by_phase(self) -> dict[str, float]:
        """Where this lane's time went; threads at work count one by one."""
        return {"reconcile": self._seconds_reconciling, "write": self._writer.seconds}

    @property
    def error(self) -> ConnectorError | None:
        """Why this lane cannot go on; `None` while it can."""
        return self._error or self._writer.broken

    def fail(self, error: ConnectorError) -> None:
        """Give up on this lane."""
        self._error = self._error or error

    # ------------------------------------------------------------------------------------------------ before the listing

    def reconcile(self) -> bool:
        """Make memory agree with the target, and sweep up what a crash left there.

        Returns:
            Whether knowledge that we remembered is missing or altered at the target.
        """
        began = self._clock.monotonic()
        lost = self._reconcile()
        self._seconds_reconciling = self._clock.monotonic() - began
        return lost

    def _reconcile(self) -> bool:
        token = self._session.token()
        open_effects = self._store.unfinished_effects(self.lane)
        lost = 0
        if open_effects or token is None or token != self._store.known_token(self.lane):
            found = self._store.reconcile(self.lane, self._session.sources())
            lost = found.lost
            if not self._mode.dry:
                self._sweep([source.source_id for source in found.leftovers])
                self._store.close_effects([effect.id for effect in open_effects if effect.id is not None])
        expected = self._mode.expected_holdings
        if self._mode.dry or expected is not None:
            self.holdings_digest = self._store.holdings_digest(self.lane)
        if expected is not None and expected != self.holdings_digest:
            raise FatalError(
                f"target {self.lane.target!r} has changed since the plan was made, so nothing was written; "
                f"make a new one: connector plan {self.lane.connector} --out FILE",
                where="target",
            )
        self._holdings = self._store.count_sources(self.lane)
        self._had_failures = self._store.has_failures(self.lane)
        return lost > 0

    def _sweep(self, leftovers: Sequence[str]) -> None:
        """Remove unfinished sources and twins; an interrupted run left them."""
        if not leftovers:
            return
        log.warning("removing unfinished sources", extra={"count": len(leftovers), "target": self.lane.target})
        for source_id in leftovers:
            self._session.delete(source_id)
        self._session.flush()

    def begin(self, listing: int, *, whole: bool, resumable: bool) -> None:
        """Begin a listing.

        Args:
            listing: Its number; greater than any before, or that of the listing that is being resumed.
            whole: Whether it will show everything, so that what it does not show may be gone.
            resumable: Whether the origin has checkpoints. Then its ids are stable, so renames are not looked for: a document that
                waits for the end of the listing would hold up every checkpoint. And a document may be listed twice.
        """
        self._listing = listing
        self._once = whole and not resumable
        self._look_for_renames = self._once and self._holdings > 0 and self.rules.limits.can_rename

    # ------------------------------------------------------------------------------------------------ during the listing

    def look(self, documents: Sequence[tuple[int, Document]]) -> list[int]:
        """Decide what can be decided from the listing. May be called inside a transaction; `dispatch` afterwards.

        Returns:
            The sequence numbers of documents whose body is needed.
        """
        if self.error:
            self._abandon(sequence for sequence, _ in documents)
            return []
        known = self._store.lookup(self.lane, [document.id for _, document in documents])
        self._store.mark_listed(self.lane, list(known), self._listing)
        self.report.listed += len(documents)
        needed, kept = [], 0
        fine: list[str] = []
        for sequence, document in documents:
            row = known.get(document.id)
            change = self._at_sight(sequence, document, row)
            if change is SAME_REVISION:
                kept += 1
                self._settled(sequence, False)
            elif change is None:
                needed.append(sequence)
                continue
            else:
                self._take(replace(change, sequence=sequence))
            if self._had_failures:
                fine.append(document.id)
        self.report.kept += kept
        self._succeeded(fine)
        return needed

    def _at_sight(self, sequence: int, document: Document, row: Known | None) -> Change | None:
        """Like `plan.at_sight`, with the reasons for which a body is not even asked for."""
        if self._once and row is not None and row.listed == self._listing:
            return Change(Action.SKIP, document.id, row.name, "an id that was listed before", code="duplicate-id")
        recipe = self._recipe(document.media_type)
        if recipe is None:
            return self._left_out(document, row, "unsupported", f"nothing here reads {document.media_type}")
        if document.size_bytes is not None and document.size_bytes > self.rules.max_bytes:
            size = f"{document.size_bytes} bytes, more than max_document_bytes = {self.rules.max_bytes}"
            return self._left_out(document, row, "too-large", size)
        seen = sight(document, sequence, self.rules.tags, recipe)
        change = self._sure_of(seen, row)
        if change is None:
            self._bodies[sequence] = (seen, row)
        return change

    def _sure_of(self, seen: Sighting, row: Known | None) -> Change | None:
        can_retag = self.rules.limits.can_retag
        return at_sight(seen, row, trust_revisions=not self.rules.refetch, can_retag=can_retag)

    def _left_out(self, document: Document, row: Known | None, code: str, message: str) -> Change:
        self.report.count_body(document.media_type, code)
        name = row.name if row else document.title or document.id
        if row and row.source_id:
            message += "; the version held stays"
        return Change(Action.SKIP, document.id, name, message, code=code)

    def _recipe(self, media_type: str | None) -> str | None:
        if media_type not in self._recipes:
            self._recipes[media_type] = self.rules.recipe(media_type)
        return self._recipes[media_type]

    def rows(self) -> Iterator[Known]:
        """Everything held in this lane."""
        return self._store.rows(self.lane)

    def needs_body(self, document: Document) -> bool:
        """Whether `look` would ask for this document's body."""
        row = self._store.lookup(self.lane, [document.id]).get(document.id)
        seen = sight(document, 0, self.rules.tags, self._recipe(document.media_type) or "")
        return self._sure_of(seen, row) is None

    def settle(self, sequence: int, cut: int, prepared: Prepared) -> None:
        """Decide with the chunks in hand; `cut` says which of the cuts was made for this lane."""
        seen, row = self._bodies.pop(sequence)
        chunks, fingerprint = prepared.cuts[cut].chunks, prepared.cuts[cut].fingerprint
        media_type, outcome = prepared.media_type or seen.document.media_type, "read" if chunks else "empty"
        self.report.count_body(media_type, outcome, len(chunks), prepared.seconds)
        if not chunks:
            self._take_empty(seen, row)
            return
        can_retag = self.rules.limits.can_retag
        planned = by_content(seen, row, prepared.found, chunks, fingerprint, can_retag=can_retag)
        change = replace(self._within_limits(planned), sequence=sequence)
        may_be_renamed = change.action is Action.CREATE and self._look_for_renames
        if may_be_renamed and self._departures.postpone(change, self._listing):
            self._settled(sequence, False)
        else:
            self.take(change)

    def _within_limits(self, change: Change) -> Change:
        """Refuse what the target would refuse, and name its limit."""
        max_tags = self.rules.limits.max_tags
        if change.draft is None or max_tags is None or len(change.draft.tags) <= max_tags:
            return change
        message = f"{len(change.draft.tags)} tags, and target {self.lane.target!r} takes {max_tags}"
        return _failure(change.external_id, change.before, "write", "too-many-tags", message, None)

    def _take_empty(self, seen: Sighting, row: Known | None) -> None:
        """Nothing to know in it: what was known of it goes, as if it were deleted."""
        change = replace(as_skip(seen, row, "empty", "no text in it"), sequence=seen.sequence)
        if row is not None and row.source_id is not None:
            self._departures.doom([seen.document.id], "its text is gone")
            change = replace(change, row=None)
        self.take(change)

    def settle_error(self, sequence: int, stage: str, error: ConnectorError) -> None:
        """The body could not be had, converted or cut."""
        seen, row = self._bodies.pop(sequence)
        code = error.code if isinstance(error, DocumentError) else "unavailable"
        self.report.count_body(seen.document.media_type, code)
        if isinstance(error, Unreadable):
            self.take(replace(as_skip(seen, row, error.code, error.message), sequence=sequence))
            return
        self.take(_failure(seen.document.id, row, stage, code, error.message, sequence))

    def failure(self, failure: Failure, sequence: int) -> None:
        """The connector could not open something; all of it counts as present."""
        self.report.listed += 1
        if failure.beneath:
            self._unknown.add(failure.id)
            self._store.mark_listed_beneath(self.lane, failure.id, self._listing)
        row = self._store.lookup(self.lane, [failure.id]).get(failure.id)
        self._store.mark_listed(self.lane, [failure.id], self._listing)
        self._take(_failure(failure.id, row, "list", failure.code, failure.message, sequence))

    def skips(self, skips: Sequence[Skip]) -> None:
        """The connector left these out."""
        self.report.listed += len(skips)
        self.report.skipped.update(Counter(skip.reason for skip in skips))
        present = [skip.id for skip in skips if not skip.excluded]
        if present:
            self._store.mark_listed(self.lane, present, self._listing)
        excluded: dict[str, list[str]] = {}
        for skip in skips:
            if skip.excluded:
                excluded.setdefault(skip.reason, []).append(skip.id)
        if self._holdings:
            for reason, ids in excluded.items():
                self._departures.doom(ids, f"left out by the rules: {reason}")

    def tombstones(self, tombstones: Iterable[Tombstone]) -> None:
        """The origin says that these are gone."""
        for tombstone in tombstones:
            self._departures.doom([tombstone.id], tombstone.reason)

    def complete(self, beneath: str) -> None:
        """A part of the origin has been shown whole."""
        self._departures.complete(beneath, self._listing)

    def flush(self) -> None:
        """Send off what waits for a full batch."""
        self._keep_rows()
        self._writer.flush()

    @property
    def backlog(self) -> int:
        """Batches on their way to the target."""
        return self._writer.at_work

    # ------------------------------------------------------------------------------------------------- after the listing

    def finish(self, *, complete: bool) -> None:
        """Settle renames and deletes.

        Args:
            complete: Whether the listing ended well and showed everything.
        """
        self._forgive_parts()
        self._departures.settle_newcomers(self._listing, gone=complete)
        self._keep_rows()
        self._writer.drain()
        if self.error or self._mode.only is not None:
            return
        self._departures.delete(
            self._listing if complete else None,
            self.rules.deletes,
            holdings=self._holdings,
            allowed=self._mode.allow_deletes,
        )
        self._writer.drain()
        if complete and not self.error and not self._mode.dry:
            self._store.tidy(self.lane, self._listing)

    def _forgive_parts(self) -> None:
        """Parts that could not be looked at before, and could now, have no documents of their own that would tell."""
        if self._had_failures and self._mode.only is None:
            rows = (row for lane, row in self._store.failures(self.lane.connector) if lane == self.lane)
            parts = {row.external_id for row in rows if row.external_id.endswith("/") or not row.external_id}
            self._succeeded(sorted(parts - self._unknown))

    def close(self) -> None:
        """Finish the writes in hand and remember what the target looks like now."""
        self._keep_rows()
        self._writer.drain()
        self.report.calls = dict(self._session.calls())
        if not self.error and not self._mode.dry:
            self._store.keep_token(self.lane, self._session.token())

    def dispose(self) -> None:
        """Let go of disk space, however the run ended."""
        self._departures.close()

    # --------------------------------------------------------------------------------------------------------- outcomes

    def take(self, change: Change) -> None:
        """Take a decision, and carry it out when there are enough of them."""
        self._take(change)
        self._writer.dispatch()

    def dispatch(self) -> None:
        """Carry out what `look` decided, if that is enough for a batch."""
        self._writer.dispatch()

    def _take(self, change: Change) -> None:
        """A decision: hand it to the writer, or count it at once."""
        if change.action.writes and self._mode.approved is not None:
            refused = self._mode.approved(change)
            if refused is not None:
                change = Change(
                    Action.SKIP, change.external_id, change.name, refused, code="not-planned", sequence=change.sequence
                )
        if change.action.writes and not self._mode.dry:
            self._emit(change)
            self._writer.add(self._stamped(change))
            return
        if change.row is not None:
            self._remember(change.row)
        if change.action is Action.FAIL and not self._mode.dry:
            self._remember_failure(change)
        self._count(change)

    def _stamped(self, change: Change) -> Change:
        if change.row is None:
            return change
        return replace(change, row=replace(change.row, listed=self._listing))

    def _remember(self, row: Known) -> None:
        """Keep a row whose target side is unchanged; should it get lost, the next run only looks twice."""
        if not self._mode.dry:
            self._rows.append(replace(row, listed=self._listing))
            if len(self._rows) >= ROWS_AT_ONCE:
                self._keep_rows()

    def _keep_rows(self) -> None:
        self._store.keep(self.lane, self._rows)
        self._rows = []

    def _done(self, outcome: Outcome) -> None:
        """The writer is through with a change."""
        change, error = outcome.change, outcome.error
        if error is not None:
            code = error.code if isinstance(error, DocumentError) else "unavailable"
            failed = _failure(change.external_id, change.before, "write", code, error.message, change.sequence)
            self._remember_failure(failed)
            self._count(failed)
            return
        self.report.chunks_written += outcome.chunks_written
        self.report.chunks_deleted += outcome.chunks_deleted
        if self._had_failures:
            self._succeeded([change.external_id])
        self._count(change, told=True)

    def _count(self, change: Change, *, told: bool = False) -> None:
        if self._mode.dry and change.action.writes and change.action is not Action.RETAG:
            written, deleted = differing(change.chunks, self._old(change))
            self.report.chunks_written += written
            self.report.chunks_deleted += deleted
        _COUNTERS[change.action](self.report, change)
        if change.action is not Action.KEEP and not told:
            self._emit(change)
        if change.sequence is not None:
            self._settled(change.sequence, change.action is Action.FAIL)

    def _old(self, change: Change) -> StoredSource | None:
        """For a plan: the version that a change would replace."""
        if not change.source_id:
            return None
        if self.rules.keeps_content:
            return self._session.read(change.source_id)
        return self._store.current(self.lane, change.external_id)

    def _abandon(self, sequences: Iterable[int]) -> None:
        for sequence in sequences:
            self._settled(sequence, False)

    def _remember_failure(self, change: Change) -> None:
        self._had_failures = True
        now = self._clock.now()
        self._store.failed(self.lane, change.external_id, change.stage, change.code, change.reason, now)
        if change.before is None:
            self._remember(Known(digest(change.external_id), change.external_id, name=change.name))

    def _succeeded(self, ids: Sequence[str]) -> None:
        if ids and not self._mode.dry:
            self._store.succeeded(self.lane, ids)


def _failure(id_: str, row: Known | None, stage: str, code: str, message: str, sequence: int | None) -> Change:
    name = row.name if row and row.name else id_
    return Change(Action.FAIL, id_, name, message, before=row, code=code, stage=stage, sequence=sequence)


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
