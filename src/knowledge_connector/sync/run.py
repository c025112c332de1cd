"""One run of one connector: reads, decides, writes, and says what came of it.

read ─▶ batches ─▶ each lane looks ─▶ bodies fetched, converted, cut (threads, child processes) ─▶ each lane settles
  └▶ checkpoints: kept once everything before them has landed in every lane
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import Any

from knowledge_connector.errors import ConnectorError, FatalError, PluginError
from knowledge_connector.model import Checkpoint, Complete, Document, Failure, Item, Skip, Tombstone
from knowledge_connector.ports import Connector, CursorRow, Holdings, Known, SyncContext
from knowledge_connector.sync.body import BodyError, Cuts, Fetcher
from knowledge_connector.sync.context import RunContext
from knowledge_connector.sync.guard import ErrorRules, Ledger
from knowledge_connector.sync.lane import LaneRun
from knowledge_connector.sync.means import Means
from knowledge_connector.sync.prepare import Prepared

log = logging.getLogger(__name__)

ITEMS_AT_ONCE = 500
"""How many listed documents are looked up in one query."""

LISTING_PATIENCE_SECONDS = 1.0
"""After this long a batch is looked at though it is not full: a slow origin shall not keep the workers waiting."""

BYTES_IN_FLIGHT = 64_000_000
"""How much content may be on its way through the workers; one larger document goes alone."""

UNKNOWN_SIZE_BYTES = 1_000_000

PARCEL_BYTES = 200_000
PARCEL_DOCUMENTS = 32
"""How much travels together at most."""

DUPLICATE = "duplicate-id"
"""Why the second of two documents with one id is left out, where a listing shows each document once."""

WRITES_IN_FLIGHT = 2

ContextFactory = Callable[[Mapping[str, Any] | None, Sequence[str], Holdings], RunContext]


@dataclass(frozen=True, slots=True)
class RunRules:
    """How to read.

    Attributes:
        workers: How many bodies are fetched and prepared at a time.
        errors: The error budget.
        validity: A cursor is good only under the same validity: a digest of configuration, targets and recipes.
        full: Ignore the cursor.
        only: Look at these ids only (`connector retry`).
        dry: Keep no cursor.
    """

    workers: int = 4
    errors: ErrorRules = field(default_factory=ErrorRules)
    validity: str = ""
    full: bool = False
    only: frozenset[str] | None = None
    dry: bool = False


@dataclass(slots=True)
class _Parcel:
    """Bodies that travel together to a child process and back: one large one, or some small ones, because a journey has its price."""

    documents: list[tuple[int, Document]] = field(default_factory=list)
    size: int = 0

    def takes(self, size: int) -> bool:
        """Whether there is room for one more of this size."""
        return not self.documents or (len(self.documents) < PARCEL_DOCUMENTS and self.size + size <= PARCEL_BYTES)


class SyncRun:
    """Reads one connector into its lanes.

    Args:
        number: The run's number.
        context: Makes what the connector is lent, from a cursor and the ids to retry.
        stop: Set by a signal: finish what is in hand, keep the checkpoint, end.
    """

    def __init__(
        self,
        number: int,
        connector: Connector,
        context: ContextFactory,
        fetcher: Fetcher,
        means: Means,
        rules: RunRules,
        stop: Event,
    ) -> None:
        self._number, self._connector, self._context = number, connector, context
        self._fetcher, self._store, self._crew, self._clock = fetcher, means.store, means.crew, means.clock
        self._rules, self._stop = rules, stop
        self._pool = means.crew.pool(rules.workers, "fetch")
        self._lanes: list[LaneRun] = []
        self._cuts: Cuts = ()
        self._cut_of: dict[LaneRun, int] = {}
        self._ledger = Ledger(rules.errors)
        self._open: dict[int, str] = {}
        self._open_ids: set[str] = set()
        self._lanes_left: dict[int, int] = {}
        self._failed: set[int] = set()
        self._wanted: dict[int, list[LaneRun]] = {}
        self._parcels = 0
        self._bytes = 0
        self._sequence = 0
        self._documents: list[tuple[int, Document]] = []
        self._skips: list[Skip] = []
        self._patient_until = 0.0
        self._seconds_looking = 0.0
        self._checkpoints: deque[tuple[int, str]] = deque()
        self._last_cursor: str | None = None
        self._listing = number
        self._whole = connector.exhaustive
        self._stalled = False
        self._given_up = False
        self._lent: RunContext | None = None
        self.seconds_reading = 0.0
        self.error: ConnectorError | None = None
        """Why the reading stopped early; `None` if it did not."""

    @property
    def interrupted(self) -> bool:
        """Whether a signal ended the reading."""
        return self._stop.is_set()

    @property
    def listed(self) -> int:
        """Documents and failures seen so far."""
        return self._sequence

    def run(self, lanes: Sequence[LaneRun]) -> None:
        """Do it all; afterwards the lanes' reports are full."""
        self._lanes = list(lanes)
        self._choose_cuts()
        lost = [self._reconciled(lane) for lane in lanes]
        cursor = self._resume(lost=any(lost))
        for lane in lanes:
            lane.begin(self._listing, whole=self._whole, resumable=self._connector.resumable)
        retry = sorted(self._rules.only) if self._rules.only else self._to_retry()
        self._lent = self._context(cursor, retry, self)
        self._patient_until = self._clock.monotonic() + LISTING_PATIENCE_SECONDS
        self._read(self._lent)
        complete = self.error is None and not self.interrupted and self._whole and self._rules.only is None
        for lane in lanes:
            if lane.error is None and self.error is None and not self.interrupted:
                lane.finish(complete=complete)
            lane.close()
        self._keep_cursors(ended=self.error is None and not self.interrupted)

    def close(self) -> None:
        """Give back what the connector was lent."""
        if self._lent is not None:
            self._lent.close()

    def settled(self, sequence: int, failed: bool) -> None:
        """A lane is through with document `sequence`."""
        if failed:
            self._failed.add(sequence)
        left = self._lanes_left.get(sequence, len(self._lanes)) - 1
        if left:
            self._lanes_left[sequence] = left
            return
        self._lanes_left.pop(sequence, None)
        self._open_ids.discard(self._open.pop(sequence))
        if not self._stalled:
            self._ledger.note(sequence, failed=sequence in self._failed)
        self._failed.discard(sequence)

    def rows(self) -> Iterator[Known]:
        """See `ports.Holdings`."""
        return self._lanes[0].rows()

    def needs_body(self, document: Document) -> bool:
        """See `ports.Holdings`."""
        return any(lane.needs_body(document) for lane in self._lanes)

    # ---------------------------------------------------------------------------------------------------------- before

    def _reconciled(self, lane: LaneRun) -> bool:
        try:
            return lane.reconcile()
        except ConnectorError as error:
            lane.fail(error)
            return False

    def _choose_cuts(self) -> None:
        """Targets with equal limits share a cut; a document is converted once for all of them."""
        wanted = [(lane.rules.chunker, lane.rules.chunk_rules) for lane in self._lanes]
        self._cuts = tuple(dict.fromkeys(wanted))
        self._cut_of = {lane: self._cuts.index(want) for lane, want in zip(self._lanes, wanted, strict=True)}

    def _resume(self, *, lost: bool) -> Mapping[str, Any] | None:
        """Take up the kept cursor if it still tells the truth: otherwise everything is listed anew."""
        row = self._store.cursor(self._connector_name)
        if row is None or not self._connector.resumable:
            return None
        if lost or self._rules.full or self._rules.only or row.validity != self._rules.validity:
            log.info("listing everything: the cursor does not fit any more", extra={"lost": lost})
            return None
        self._whole &= row.whole and row.listing is not None
        self._listing = row.listing or self._listing
        cursor: Mapping[str, Any] = json.loads(row.cursor)
        return cursor

    def _to_retry(self) -> list[str]:
        rows = self._store.failures(self._connector_name)
        return list(dict.fromkeys(row.external_id for _, row in rows))

    @property
    def _connector_name(self) -> str:
        return self._lanes[0].lane.connector

    # ---------------------------------------------------------------------------------------------------------- reading

    def _read(self, context: SyncContext) -> None:
        began = self._clock.monotonic()
        try:
            with closing(self._items(context)) as items:
                for item in items:
                    self._take(item)
                    if self._given_up or self._stop.is_set():
                        break
            self.seconds_reading = self._clock.monotonic() - began - self._seconds_looking
            if not self._given_up and not self._stop.is_set():
                self._look()
            self._drain()
            self._check_budget()
        except ConnectorError as error:
            self.error = error
            self._drain()

    def _items(self, context: SyncContext) -> Generator[Item]:
        """What the connector yields; what else it raises is named as its fault."""
        items: Iterator[Item] | None = None
        try:
            items = iter(self._connector.read(context))
            yield from items
        except (ConnectorError, GeneratorExit):
            raise
        except Exception as error:
            message = f"connector type {self._connector.type!r} raised {type(error).__name__} while reading: {error}"
            raise PluginError(message, where="origin") from error
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()

    def _take(self, item: Item) -> None:
        if isinstance(item, Document):
            self._gather(item)
        elif isinstance(item, Skip):
            self._skips.append(item)
        else:
            self._look()
            self._take_other(item)
        waiting = len(self._documents) + len(self._skips)
        if waiting >= ITEMS_AT_ONCE or (waiting and self._clock.monotonic() > self._patient_until):
            self._look()

    def _take_other(self, item: Tombstone | Failure | Complete | Checkpoint) -> None:
        if isinstance(item, Checkpoint):
            self._take_checkpoint(item)
            return
        if isinstance(item, Complete):
            self._part_is_complete(item.beneath)
            return
        if item.id in self._open_ids:
            self._drain()
        with self._store.transaction():
            if isinstance(item, Tombstone):
                for lane in self._lanes:
                    lane.tombstones([item])
            else:
                self._whole &= not (item.beneath and item.id == "")
                sequence = self._arrived(item.id)
                for lane in self._lanes:
                    lane.failure(item, sequence)
        self._check_budget()

    def _take_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Let all that was read before land, and keep it: a killed run asks again for the page in hand, and for none that it had."""
        self._checkpoints.append((self._sequence, _as_json(checkpoint.cursor)))
        self._drain()
        self._keep_cursors(ended=False)

    def _part_is_complete(self, beneath: str) -> None:
        if not self._connector.exhaustive or self._rules.only is not None:
            return
        self._drain()
        with self._store.transaction():
            for lane in self._lanes:
                lane.complete(beneath)

    def _gather(self, document: Document) -> None:
        if self._rules.only is not None and document.id not in self._rules.only:
            return
        if document.id in self._open_ids:
            if self._whole and not self._connector.resumable:
                self._skips.append(Skip(document.id, DUPLICATE))
                return
            self._look()
            self._drain()
        self._documents.append((self._arrived(document.id), document))

    def _arrived(self, external_id: str) -> int:
        sequence = self._sequence
        self._sequence += 1
        self._open[sequence] = external_id
        self._open_ids.add(external_id)
        return sequence

    def _look(self) -> None:
        """Let every lane look at what has been gathered, and send for the bodies that somebody needs."""
        began = self._clock.monotonic()
        documents, self._documents = self._documents, []
        skips, self._skips = self._skips, []
        if not documents and not skips:
            return
        wanted: list[tuple[int, Document]] = []
        with self._store.transaction():
            for lane in self._lanes:
                if skips:
                    lane.skips(skips)
                for sequence in lane.look(documents):
                    self._wanted.setdefault(sequence, []).append(lane)
            if self._wanted:
                wanted = [(sequence, document) for sequence, document in documents if sequence in self._wanted]
        for lane in self._lanes:
            lane.dispatch()
        self._stalled = any(lane.error for lane in self._lanes)
        self._given_up = all(lane.error for lane in self._lanes)
        for parcel in _parcels(wanted):
            if self._stop.is_set():
                return
            self._fetch(parcel)
        while self._crew.hear(wait=False):
            pass
        self._check_budget()
        self._keep_cursors(ended=False)
        now = self._clock.monotonic()
        self._seconds_looking += now - began
        self._patient_until = now + LISTING_PATIENCE_SECONDS

    def _fetch(self, parcel: _Parcel) -> None:
        self._wait_for_room(parcel.size)
        self._parcels += 1
        self._bytes += parcel.size
        documents = [document for _, document in parcel.documents]
        self._crew.submit(self._pool, partial(self._fetcher, documents, self._cuts), partial(self._fetched, parcel))

    def _wait_for_room(self, size: int) -> None:
        window = 2 * self._rules.workers
        while self._parcels and (self._parcels >= window or self._bytes + size > BYTES_IN_FLIGHT):
            self._crew.hear(wait=True)
        while any(lane.backlog > WRITES_IN_FLIGHT for lane in self._lanes):
            self._crew.hear(wait=True)
        self._check_budget()

    def _fetched(self, parcel: _Parcel, future: Future[list[Prepared | BodyError]]) -> None:
        self._parcels -= 1
        self._bytes -= parcel.size
        for (sequence, _), outcome in zip(parcel.documents, future.result(), strict=True):
            for lane in self._wanted.pop(sequence):
                if isinstance(outcome, BodyError):
                    lane.settle_error(sequence, outcome.stage, outcome.error)
                else:
                    lane.settle(sequence, self._cut_of[lane], outcome)

    def _drain(self) -> None:
        """Return when everything read so far has been settled (renames wait for the end)."""
        while self._parcels:
            self._crew.hear(wait=True)
        for lane in self._lanes:
            lane.flush()
        while self._crew.hear(wait=True):
            pass

    def _check_budget(self) -> None:
        if (
            self._rules.dry or self._rules.only is not None
        ):  # a plan shows them all; a retry looks at nothing but failures
            return
        why = self._ledger.overdrawn()
        if why is not None:
            raise FatalError(
                f"The error budget is used up: {why}. See `connector history` and the failures named there."
            )

    # ---------------------------------------------------------------------------------------------------------- cursors

    def _keep_cursors(self, *, ended: bool) -> None:
        """Keep the last checkpoint before which everything has landed; at the end, say that the listing is over."""
        while self._checkpoints and self._ledger.done >= self._checkpoints[0][0]:
            self._last_cursor = self._checkpoints.popleft()[1]
            self._keep_cursor(self._listing)
        if ended and self._last_cursor is not None and not self._checkpoints:
            self._keep_cursor(None)

    def _keep_cursor(self, listing: int | None) -> None:
        sound = not any(lane.error for lane in self._lanes)
        if sound and not self._rules.dry and self._rules.only is None and self._last_cursor is not None:
            row = CursorRow(self._last_cursor, self._rules.validity, listing, self._whole)
            self._store.keep_cursor(self._connector_name, row)


def _parcels(documents: Sequence[tuple[int, Document]]) -> Iterator[_Parcel]:
    """Pack documents; one whose size nobody knows travels alone, since it may take its time to fetch."""
    parcel = _Parcel()
    for sequence, document in documents:
        size = UNKNOWN_SIZE_BYTES if document.size_bytes is None else document.size_bytes
        if not parcel.takes(size):
            yield parcel
            parcel = _Parcel()
        parcel.documents.append((sequence, document))
        parcel.size += size
    if parcel.documents:
        yield parcel


def _as_json(cursor: object) -> str:
    dump = getattr(cursor, "model_dump", None)
    return json.dumps(dump(mode="json") if dump is not None else cursor)
