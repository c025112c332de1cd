"""The one place with effects: changes are carried out at a target so that a crash at any instant can be made good.

    changes ─▶ old versions read ─▶ kept, journal opened │ one state transaction
                                        effects, flush   │ at the target, in a thread
                             memory, history, journal closed │ one state transaction

The journal is open while something may have happened that memory does not know. Memory is written last and never claims more than the
target has confirmed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from knowledge_connector.errors import BatchError, ConnectorError, DocumentError, RetriableError
from knowledge_connector.model import Chunk, Limits, StoredSource
from knowledge_connector.ports import ChangeRow, Effect, Lane, TargetSession
from knowledge_connector.sync.api import TargetApi
from knowledge_connector.sync.means import Means
from knowledge_connector.sync.plan import Action, Change

T = TypeVar("T")

CHARS_AT_ONCE = 8_000_000
"""Text that may wait for a batch to become full: memory is bounded by what is in documents, not by how many there are."""


@dataclass(slots=True)
class Outcome:
    """What came of one change, which was decided on in the listing of that number."""

    change: Change
    listing: int
    source_id: str | None = None
    error: ConnectorError | None = None
    old: StoredSource | None = None
    version: int | None = None
    effect: int = 0
    chunks_written: int = 0
    chunks_deleted: int = 0


class Writer:
    """Carries out changes in batches as large as the target likes them.

    Args:
        done: Called in the loop for each change that has been confirmed or has failed by itself.

    Attributes:
        broken: The error after which nothing more is written here; the journal tells the next run where to look.
    """

    def __init__(
        self,
        lane: Lane,
        run: int,
        session: TargetSession,
        means: Means,
        *,
        limits: Limits,
        keeps_content: bool,
        done: Callable[[Outcome], None],
    ) -> None:
        self._lane, self._run = lane, run
        self._session, self._store, self._lease = session, means.store, means.lease
        self._crew, self._pool = means.crew, means.crew.pool(limits.concurrency, f"write-{lane.target}")
        self._limits = limits
        self._keeps_content = keeps_content
        self._clock = means.clock
        self._done = done
        self._waiting: list[Outcome] = []
        self._chars = 0
        self.broken: ConnectorError | None = None
        self.at_work = 0
        self.seconds = 0.0
        """Spent at the target, over all threads."""

    def add(self, change: Change, listing: int) -> None:
        """Take a change. Nothing happens yet, so this may be called inside a transaction of the state store."""
        self._waiting.append(Outcome(change, listing))
        self._chars += sum(len(chunk.text) for chunk in change.chunks)

    def dispatch(self) -> None:
        """Send off what is waiting, if that is a full batch. Not inside a transaction: the journal must be committed first."""
        if len(self._waiting) >= self._limits.batch or self._chars > CHARS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Send off what is waiting, full batch or not."""
        batch, self._waiting = self._waiting, []
        self._chars = 0
        if not batch or self.broken:
            return
        self.at_work += 1
        if self._keeps_content and any(outcome.change.source_id for outcome in batch):
            self._crew.submit(self._pool, partial(self._read_old, batch), self._heard(self._journal))
        else:
            self._journal(batch)

    def drain(self) -> None:
        """Return when everything taken has been confirmed, or the writer is broken."""
        self.flush()
        while self.at_work:
            self._crew.hear(wait=True)

    def _heard(self, then: Callable[[list[Outcome]], None]) -> Callable[[Future[list[Outcome]]], None]:
        def hear(future: Future[list[Outcome]]) -> None:
            try:
                batch = future.result()
            except ConnectorError as error:
                self.broken = self.broken or error
                self.at_work -= 1
            else:
                then(batch)

        return hear

    def _read_old(self, batch: list[Outcome]) -> list[Outcome]:
        """In a thread: what the changes are about to replace."""
        for outcome in batch:
            if outcome.change.source_id:
                outcome.old = self._session.read(outcome.change.source_id)
        return batch

    def _journal(self, batch: list[Outcome]) -> None:
        """In the loop: keep the old versions and say what is about to happen."""
        with self._store.transaction():
            for outcome in batch:
                self._keep_version(outcome)
            self._store.keep(self._lane, [row for outcome in batch for row in outcome.change.intent])
            effects = [_effect(outcome.change) for outcome in batch]
            for outcome, number in zip(batch, self._store.open_effects(self._run, self._lane, effects), strict=True):
                outcome.effect = number
        self._crew.submit(self._pool, partial(self._carry_out, batch), self._heard(self._close))

    def _keep_version(self, outcome: Outcome) -> None:
        change = outcome.change
        if not change.source_id:
            return
        if outcome.old is None and not self._keeps_content and change.before and change.before.external_id:
            outcome.old = self._store.current(self._lane, change.before.external_id)
        if outcome.old is None:
            return
        kept = outcome.old if change.action is not Action.RETAG else replace(outcome.old, chunks=())
        outcome.version = self._store.keep_version(self._lane, kept, self._run)

    def _carry_out(self, batch: list[Outcome]) -> list[Outcome]:
        """In a thread: the effects. The lease is asked before and after, so that a run that was overtaken stops."""
        began = self._clock.monotonic()
        self._lease.verify()
        try:
            for outcome in batch:
                try:
                    outcome.source_id = self._effect_of(outcome.change)
                except (DocumentError, RetriableError) as error:
                    outcome.error = error
            self._flush(batch)
        except BaseException:
            self._session.discard()
            raise
        self._lease.verify()
        self.seconds += self._clock.monotonic() - began
        return batch

    def _flush(self, batch: list[Outcome]) -> None:
        try:
            self._session.flush()
        except BatchError as error:
            for outcome in batch:
                source_id = outcome.source_id or outcome.change.source_id or ""
                outcome.error = outcome.error or error.failures.get(source_id)

    def _effect_of(self, change: Change) -> str | None:
        api = TargetApi(self._session, lambda _: None)
        if change.action is Action.DELETE:
            api.delete_knowledge_source(knowledge_source_id=_given(change.source_id))
            return None
        draft = _given(change.draft)
        if change.action is Action.RETAG:
            self._session.retag(_given(change.source_id), draft)
            return change.source_id
        handle = api.begin(draft)
        for chunk in change.chunks:
            api.create_knowledge_chunk(
                knowledge_source_id=handle.knowledge_source_id, text=chunk.text, data=chunk.metadata
            )
        return handle.knowledge_source_id

    def _close(self, batch: list[Outcome]) -> None:
        """In the loop: remember, tell, and close the journal."""
        confirmed = [outcome for outcome in batch if outcome.error is None]
        for outcome in confirmed:
            _count_chunks(outcome)
        with self._store.transaction():
            self._remember(confirmed)
            self._store.record(self._run, self._lane, [_change_row(outcome) for outcome in confirmed])
            # An effect whose answer was lost stays open: the next run asks the target what became of it.
            certain = [outcome for outcome in batch if not isinstance(outcome.error, RetriableError)]
            self._store.close_effects([outcome.effect for outcome in certain])
            for outcome in batch:
                self._done(outcome)
        self.at_work -= 1

    def _remember(self, confirmed: Sequence[Outcome]) -> None:
        gone = [
            outcome.change.before.external_digest
            for outcome in confirmed
            if outcome.change.before and (outcome.change.action is Action.DELETE or outcome.change.previous_id)
        ]
        self._store.forget(self._lane, gone)
        rows = [
            replace(outcome.change.row, source_id=outcome.source_id, listed=outcome.listing)
            for outcome in confirmed
            if outcome.change.row is not None
        ]
        self._store.keep(self._lane, [*rows, *(row for outcome in confirmed for row in outcome.change.also)])
        if self._keeps_content:
            return
        for outcome in confirmed:
            stored = _as_stored(outcome)
            if stored is not None:
                self._store.keep_current(self._lane, stored)


def _given(value: T | None) -> T:
    """What the planner always fills in for the action at hand."""
    if value is None:
        raise TypeError("a change lacks what its action needs")
    return value


def _effect(change: Change) -> Effect:
    fingerprint = change.draft.fingerprint if change.draft else None
    return Effect(change.external_id, change.action.value, change.source_id, fingerprint)


def _as_stored(outcome: Outcome) -> StoredSource | None:
    """What the target holds now, for targets that cannot give it back."""
    change = outcome.change
    if change.draft is None:
        return None
    if change.action is not Action.RETAG:
        return StoredSource(change.draft, change.chunks)
    return StoredSource(change.draft, outcome.old.chunks) if outcome.old else None


def _count_chunks(outcome: Outcome) -> None:
    if outcome.change.action is not Action.RETAG:
        outcome.chunks_written, outcome.chunks_deleted = differing(outcome.change.chunks, outcome.old)


def differing(chunks: Sequence[Chunk], old: StoredSource | None) -> tuple[int, int]:
    """How many chunks are new, and how many go: what a target that patches has to write and to delete."""
    if old is None:
        return len(chunks), 0
    new, before = _bag(chunks), _bag(old.chunks)
    return (new - before).total(), (before - new).total()


def _bag(chunks: Sequence[Chunk]) -> Counter[str]:
    return Counter(f"{chunk.text}\0{sorted(chunk.metadata.items())}" for chunk in chunks)


def _change_row(outcome: Outcome) -> ChangeRow:
    change = outcome.change
    return ChangeRow(
        external_id=change.external_id,
        action=change.action.value,
        reason=change.reason,
        name=change.name,
        before=outcome.version,
        fingerprint_before=change.before.fingerprint if change.before else None,
        fingerprint_after=change.draft.fingerprint if change.draft else None,
        chunks_written=outcome.chunks_written,
        chunks_deleted=outcome.chunks_deleted,
        previous_id=change.previous_id,
    )
