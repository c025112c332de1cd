"""One connector writing to one target: what it held before is looked at, and what is listed is decided.

listed documents ─▶ look ──▶ Keep · Hold · Skip · Retag ──────┐
                      └─▶ body needed ─▶ settle ─▶ any change ┼─▶ Ledger
end of the listing ─▶ finish: renames, then deletes ──────────┘
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from knowledge_connector.errors import ConnectorError, DocumentError, FatalError, Unreadable
from knowledge_connector.model import Document, Failure, Skip, Tombstone
from knowledge_connector.ports import Known, Lane, TargetSession
from knowledge_connector.sync.departures import Departures
from knowledge_connector.sync.ledger import Ledger
from knowledge_connector.sync.means import Means
from knowledge_connector.sync.plan import (
    SAME_REVISION,
    Action,
    Change,
    Sighting,
    as_failure,
    as_skip,
    at_sight,
    by_content,
    sight,
)
from knowledge_connector.sync.prepare import Prepared
from knowledge_connector.sync.report import SyncReport
from knowledge_connector.sync.rules import LaneRules, RunMode

log = logging.getLogger(__name__)


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
        self._recipes: dict[str | None, str | None] = {}
        self._bodies: dict[int, tuple[Sighting, Known | None]] = {}
        self._once = False
        self._look_for_renames = False
        self._holdings = 0
        self._unknown: set[str] = set()
        self._seconds_reconciling = 0.0
        self._error: ConnectorError | None = None
        self.holdings_digest = ""
        """What the target held when the run began; computed for plans only."""
        self._ledger = Ledger(lane, rules, mode, report, session, means, settled=settled, emit=emit)
        self._departures = Departures(
            lane,
            means.store,
            report,
            dry=mode.dry,
            take=self._ledger.take,
            emit=emit,
            settle=self._ledger.drain,
        )

    @property
    def seconds_by_phase(self) -> dict[str, float]:
        """Where this lane's time went; threads at work count one by one."""
        return {"reconcile": self._seconds_reconciling, "write": self._ledger.seconds}

    @property
    def error(self) -> ConnectorError | None:
        """Why this lane cannot go on; `None` while it can."""
        return self._error or self._ledger.broken

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
        self._ledger.has_failures = self._store.has_failures(self.lane)
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
        self._ledger.listing = listing
        self._once = whole and not resumable
        self._look_for_renames = self._once and self._holdings > 0 and self.rules.limits.can_rename

    # ------------------------------------------------------------------------------------------------ during the listing

    def look(self, documents: Sequence[tuple[int, Document]]) -> list[int]:
        """Decide what can be decided from the listing. May be called inside a transaction; `dispatch` afterwards.

        Returns:
            The sequence numbers of documents whose body is needed.
        """
        if self.error:
            self._ledger.settle(sequence for sequence, _ in documents)
            return []
        known = self._store.lookup(self.lane, [document.id for _, document in documents])
        self._store.mark_listed(self.lane, list(known), self._ledger.listing)
        self.report.listed += len(documents)
        needed, kept = [], 0
        fine: list[str] = []
        for sequence, document in documents:
            row = known.get(document.id)
            change = self._at_sight(sequence, document, row)
            if change is SAME_REVISION:
                kept += 1
                self._ledger.settle([sequence])
            elif change is None:
                needed.append(sequence)
                continue
            else:
                self._ledger.add(replace(change, sequence=sequence))
            if self._ledger.has_failures:
                fine.append(document.id)
        self.report.kept += kept
        self._ledger.succeeded(fine)
        return needed

    def _at_sight(self, sequence: int, document: Document, row: Known | None) -> Change | None:
        """Like `plan.at_sight`, with the reasons for which a body is not even asked for."""
        if self._once and row is not None and row.listed == self._ledger.listing:
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
        if may_be_renamed and self._departures.postpone(change, self._ledger.listing):
            self._ledger.settle([sequence])
        else:
            self._ledger.take(change)

    def _within_limits(self, change: Change) -> Change:
        """Refuse what the target would refuse, and name its limit."""
        max_tags = self.rules.limits.max_tags
        if change.draft is None or max_tags is None or len(change.draft.tags) <= max_tags:
            return change
        message = f"{len(change.draft.tags)} tags, and target {self.lane.target!r} takes {max_tags}"
        return as_failure(change.external_id, change.before, "write", "too-many-tags", message, None)

    def _take_empty(self, seen: Sighting, row: Known | None) -> None:
        """Nothing to know in it: what was known of it goes, as if it were deleted."""
        change = replace(as_skip(seen, row, "empty", "no text in it"), sequence=seen.sequence)
        if row is not None and row.source_id is not None:
            self._departures.doom([seen.document.id], "its text is gone")
            change = replace(change, row=None)
        self._ledger.take(change)

    def settle_error(self, sequence: int, stage: str, error: ConnectorError) -> None:
        """The body could not be had, converted or cut."""
        seen, row = self._bodies.pop(sequence)
        code = error.code if isinstance(error, DocumentError) else "unavailable"
        self.report.count_body(seen.document.media_type, code)
        if isinstance(error, Unreadable):
            self._ledger.take(replace(as_skip(seen, row, error.code, error.message), sequence=sequence))
            return
        self._ledger.take(as_failure(seen.document.id, row, stage, code, error.message, sequence))

    def failure(self, failure: Failure, sequence: int) -> None:
        """The connector could not open something; all of it counts as present."""
        self.report.listed += 1
        if failure.beneath:
            self._unknown.add(failure.id)
            self._store.mark_listed_beneath(self.lane, failure.id, self._ledger.listing)
        row = self._store.lookup(self.lane, [failure.id]).get(failure.id)
        self._store.mark_listed(self.lane, [failure.id], self._ledger.listing)
        self._ledger.add(as_failure(failure.id, row, "list", failure.code, failure.message, sequence))

    def skips(self, skips: Sequence[Skip]) -> None:
        """The connector left these out."""
        self.report.listed += len(skips)
        self.report.skipped.update(Counter(skip.reason for skip in skips))
        present = [skip.id for skip in skips if not skip.excluded]
        if present:
            self._store.mark_listed(self.lane, present, self._ledger.listing)
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
        self._departures.complete(beneath, self._ledger.listing)

    def take(self, change: Change) -> None:
        """Take a decision that was made elsewhere, as an undo makes them."""
        self._ledger.take(change)

    def dispatch(self) -> None:
        """Carry out what `look` decided, if that is enough for a batch."""
        self._ledger.dispatch()

    def flush(self) -> None:
        """Send off what waits for a full batch."""
        self._ledger.flush()

    @property
    def backlog(self) -> int:
        """Batches on their way to the target."""
        return self._ledger.backlog

    # ------------------------------------------------------------------------------------------------- after the listing

    def finish(self, *, complete: bool) -> None:
        """Settle renames and deletes.

        Args:
            complete: Whether the listing ended well and showed everything.
        """
        self._forgive_parts()
        self._departures.settle_newcomers(self._ledger.listing, gone=complete)
        self._ledger.drain()
        if self.error or self._mode.only is not None:
            return
        self._departures.delete(
            self._ledger.listing if complete else None,
            self.rules.deletes,
            holdings=self._holdings,
            allowed=self._mode.allow_deletes,
        )
        self._ledger.drain()
        if complete and not self.error and not self._mode.dry:
            self._store.tidy(self.lane, self._ledger.listing)

    def _forgive_parts(self) -> None:
        """Parts that could not be looked at before, and could now, have no documents of their own that would tell."""
        if self._ledger.has_failures and self._mode.only is None:
            rows = (row for lane, row in self._store.failures(self.lane.connector) if lane == self.lane)
            parts = {row.external_id for row in rows if row.external_id.endswith("/") or not row.external_id}
            self._ledger.succeeded(sorted(parts - self._unknown))

    def close(self) -> None:
        """Finish the writes in hand and remember what the target looks like now."""
        self._ledger.drain()
        self.report.calls = dict(self._session.calls())
        if not self.error and not self._mode.dry:
            self._store.keep_token(self.lane, self._session.token())

    def dispose(self) -> None:
        """Let go of disk space, however the run ended."""
        self._departures.close()
