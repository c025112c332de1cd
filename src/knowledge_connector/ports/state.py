"""What a state store promises the engine, the jobs and the watch: what is known, what is under way, what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from knowledge_connector.model import (
    KnowledgeSource,
    StoredSource,
)


@dataclass(frozen=True, slots=True)
class Lane:
    """One connector writing to one target: the unit of memory. Two targets of one connector are two lanes."""

    connector: str
    target: str


@dataclass(frozen=True, slots=True)
class Known:
    """What we remember of one document in one lane. Rows without `source_id` hold no knowledge (failed, skipped, undone).

    Attributes:
        external_digest: `model.digest(external_id)`; the key where the target cannot tell the id.
        external_id: `None` for a source found at the target whose document we have not met yet.
        revision_mark, fingerprint, metadata_fingerprint: As committed at the target.
        content_mark: Digest of revision and recipe alone; lets a change of metadata be seen without fetching. State only.
        derived: What the content says of itself (title, tags, metadata), JSON; `None` if not known any more. State only.
        name: For people.
        chunk_count: Chunks at the target.
        listed: The number of the last listing that contained it.
        skipped: Reason code, if the last look ended in a skip.
        doomed: Why it shall be deleted, if the origin said so; kept until the delete has happened.
        held_revision, held_fingerprint: What the origin had when a person undid it; `None` if not held. `""` means "absent".
    """

    external_digest: str
    external_id: str | None
    source_id: str | None = None
    name: str = ""
    uri: str | None = None
    revision: str | None = None
    revision_mark: str | None = None
    content_mark: str | None = None
    fingerprint: str | None = None
    metadata_fingerprint: str | None = None
    derived: str | None = None
    chunk_count: int = 0
    listed: int = 0
    skipped: str | None = None
    doomed: str | None = None
    held_revision: str | None = None
    held_fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class FailureRow:
    """The last failure of a document, until it succeeds. `stage` is one of list, fetch, convert, chunk, write."""

    external_id: str
    stage: str
    code: str
    message: str
    attempts: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Effect:
    """A journal entry: something we are about to do at the target. Open entries after a crash say where to look."""

    external_id: str
    action: str
    source_id: str | None
    fingerprint: str | None
    id: int | None = None


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """What one run did to one document; `before` is the number of a kept version, if there was one."""

    external_id: str
    action: str
    reason: str
    name: str
    before: int | None
    fingerprint_before: str | None
    fingerprint_after: str | None
    chunks_written: int
    chunks_deleted: int
    previous_id: str | None = None


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why a run happens that nobody asked for by hand: which due time of which job it is for."""

    job: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class RunRow:
    """One line of `connector history`. `report` is the JSON of the reports, one per lane; `kind` is run, apply, undo or retry."""

    id: int
    kind: str
    connector: str
    status: str
    started_at: datetime
    finished_at: datetime | None
    report: str | None
    occasion: Occasion | None = None


@dataclass(frozen=True, slots=True)
class JobRow:
    """How far a job is.

    Attributes:
        rule: Schedule and time zone that the job had; under another rule nothing is owed from before.
        settled_until: No due time up to here is owed any more, but for `due_at` if it was broken off.
        due_at: The due time that was taken last.
        attempts: How often it was taken, restarts in good order aside.
        status: `new`, `running` (or its process died), or how it ended: a run's status, `skipped` or `overran`.
    """

    job: str
    rule: str
    settled_until: datetime
    due_at: datetime | None = None
    attempts: int = 0
    status: str = "new"
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """That a channel knows of a trouble; see `watch`."""

    channel: str
    kind: str
    subject: str
    since: datetime


@dataclass(frozen=True, slots=True)
class CursorRow:
    """Where a connector is.

    Attributes:
        cursor: JSON.
        validity: Under another one the cursor is not good any more.
        listing: The number of the listing under way, `None` after one has ended well.
        whole: Whether the listing under way began without a cursor.
    """

    cursor: str
    validity: str
    listing: int | None
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What `StateStore.reconcile` found.

    Attributes:
        leftovers: Sources that have to go: unfinished ones and twins.
        lost: How many documents we remembered as held are missing or altered at the target.
    """

    leftovers: tuple[KnowledgeSource, ...] = ()
    lost: int = 0


class Lease(Protocol):
    """The right to be the one run of a connector."""

    @property
    def fence(self) -> int:
        """Grows with every lease of this connector."""
        ...

    def verify(self) -> None:
        """Ask the state store whether the lease is still ours.

        Raises:
            FatalError: Somebody else took it over; stop writing.
        """
        ...


class StateStore(Protocol):
    """Memory of the syncs: a cache of truth where the target carries marks. Used by one thread at a time, except for leases.

    Methods that change something join the open `transaction()`, or make one of their own.
    """

    def transaction(self) -> AbstractContextManager[None]:
        """Group what follows into one commit; nested ones join the outer."""
        ...

    def lease(self, connector: str) -> AbstractContextManager[Lease]:
        """Take the connector's lease, keep it alive from a thread of its own, and give it back at the end.

        Raises:
            LeaseHeld: Another run holds it; the message says since when and on which machine.
        """
        ...

    # runs
    def start_run(self, kind: str, connector: str, started_at: datetime, occasion: Occasion | None = None) -> int:
        """Open a run's record; gives its number, greater than all before."""
        ...

    def finish_run(self, run: int, status: str, finished_at: datetime, report: str) -> None:
        """Close it."""
        ...

    def run(self, run: int) -> RunRow | None:
        """One run's record."""
        ...

    def runs_for(self, occasion: Occasion) -> list[RunRow]:
        """The runs for a due time of a job, in order."""
        ...

    def count_runs(self, connector: str) -> int:
        """How many runs of this connector are on record."""
        ...

    def runs(self, connector: str | None = None, limit: int = 50) -> list[RunRow]:
        """The last runs, newest first."""
        ...

    # documents
    def reconcile(self, lane: Lane, sources: Iterable[KnowledgeSource]) -> Reconciled:
        """Make the memory agree with what the target holds, set-wise and in bounded memory.

        Sources we did not know are learned; rows whose source is gone lose it (`source_id`, marks); rows that differ take the target's
        marks. Of several committed sources of one document, the one that the journal names is kept, else the one that memory
        names: a new version is whole, and only the old one's delete got lost.
        """
        ...

    def known_token(self, lane: Lane) -> str | None:
        """`TargetSession.token` as it was after the last run."""
        ...

    def keep_token(self, lane: Lane, token: str | None) -> None:
        """Remember it."""
        ...

    def lookup(self, lane: Lane, external_ids: Sequence[str]) -> dict[str, Known]:
        """What is known of these ids, by one query (rows that only have a digest are found by it)."""
        ...

    def mark_listed(self, lane: Lane, external_ids: Sequence[str], listing: int) -> None:
        """These were in the listing. Also takes `doomed` away."""
        ...

    def mark_listed_beneath(self, lane: Lane, prefix: str, listing: int) -> None:
        """Everything whose id starts with `prefix` is unknown, and counts as listed."""
        ...

    def unlisted_beneath(self, lane: Lane, prefix: str, listing: int, *, batch: int = 500) -> Iterator[list[str]]:
        """Ids of rows that hold knowledge, start with `prefix`, and were `listed` in an earlier listing only.

        Rows that are held as "absent", and those whose id is not known, are left out. Safe to `doom` a batch before asking for the next.
        """
        ...

    def keep(self, lane: Lane, rows: Iterable[Known]) -> None:
        """Insert or replace whole rows, by `external_digest`."""
        ...

    def forget(self, lane: Lane, external_digests: Sequence[str]) -> None:
        """Remove rows."""
        ...

    def doom(self, lane: Lane, external_ids: Sequence[str], reason: str) -> None:
        """The origin said that these are gone; rows that hold no knowledge are left alone."""
        ...

    def orphans(self, lane: Lane, listing: int | None, *, batch: int = 500) -> Iterator[list[Known]]:
        """Rows that hold knowledge and shall lose it: doomed, or (unless `listing` is `None`) `listed` in an earlier listing only.

        Rows that are held as "absent" (`held_fingerprint` is empty) are left out unless they are doomed. Safe to `keep` and `forget`
        the rows of a batch before asking for the next.
        """
        ...

    def count_orphans(self, lane: Lane, listing: int | None) -> int:
        """How many rows `orphans` would give."""
        ...

    def tidy(self, lane: Lane, listing: int) -> None:
        """After a complete listing: rows without knowledge that it did not contain go, and failures of documents that are gone."""
        ...

    def holdings_digest(self, lane: Lane) -> str:
        """A digest of which sources are held with which content; equal as long as the target has not moved."""
        ...

    def count_held(self, lane: Lane) -> int:
        """Rows that a person holds by `undo`."""
        ...

    def count_sources(self, lane: Lane) -> int:
        """Rows that hold knowledge."""
        ...

    def by_fingerprint(self, lane: Lane, fingerprint: str, *, not_listed: int, after: str = "") -> list[Known]:
        """Rows that hold this content and are doomed or not (yet) in listing `not_listed`; held ones left out.

        At most ten, by id, and only those behind the id `after`.
        """
        ...

    def rows(self, lane: Lane) -> Iterator[Known]:
        """Every row that holds knowledge, by id. Nothing else may be asked of the store until the iteration is over."""
        ...

    def find(self, connector: str, needle: str) -> list[tuple[Lane, Known]]:
        """Rows whose id, link or name equals `needle`, then those that contain it; at most ten."""
        ...

    def release(self, connector: str) -> int:
        """Let go of everything that `undo` holds; how many."""
        ...

    # journal
    def open_effects(self, run: int, lane: Lane, effects: Sequence[Effect]) -> list[int]:
        """Say what is about to happen; gives the entries' numbers, in order."""
        ...

    def close_effects(self, ids: Sequence[int]) -> None:
        """These have happened, or certainly have not."""
        ...

    def unfinished_effects(self, lane: Lane) -> list[Effect]:
        """Entries that nobody closed, oldest first."""
        ...

    # failures
    def failed(self, lane: Lane, external_id: str, stage: str, code: str, message: str, at: datetime) -> None:
        """Remember a failure; one that repeats counts its attempts."""
        ...

    def succeeded(self, lane: Lane, external_ids: Sequence[str]) -> None:
        """Forget the failures of these."""
        ...

    def has_failures(self, lane: Lane) -> bool:
        """Whether any document of the lane has failed and not succeeded since."""
        ...

    def failures(self, connector: str, limit: int = 1000) -> list[tuple[Lane, FailureRow]]:
        """Documents that have failed and not succeeded since."""
        ...

    # cursors
    def cursor(self, connector: str) -> CursorRow | None:
        """The kept cursor."""
        ...

    def keep_cursor(self, connector: str, row: CursorRow) -> None:
        """Keep a cursor."""
        ...

    def drop_cursor(self, connector: str) -> None:
        """Ask for a full listing next time."""
        ...

    # history
    def keep_version(self, lane: Lane, stored: StoredSource, run: int) -> int:
        """Keep what is about to be replaced or deleted; gives its number."""
        ...

    def version(self, number: int) -> StoredSource | None:
        """A kept version."""
        ...

    def keep_current(self, lane: Lane, stored: StoredSource) -> None:
        """Keep a copy of what was just written, for targets that cannot give it back."""
        ...

    def current(self, lane: Lane, external_id: str) -> StoredSource | None:
        """What `keep_current` kept."""
        ...

    def record(self, run: int, lane: Lane, changes: Sequence[ChangeRow]) -> None:
        """Write into the history what a run did."""
        ...

    def changes(self, run: int) -> Iterator[tuple[Lane, ChangeRow]]:
        """What a run did, in order."""
        ...

    def changed_since(self, run: int, lane: Lane, external_id: str) -> int | None:
        """The first later run that changed this document; `None` if none did."""
        ...

    # jobs
    def jobs(self) -> dict[str, JobRow]:
        """How far each job is, by name; written under the lease `job NAME` while one is under way."""
        ...

    def keep_job(self, row: JobRow) -> None:
        """Remember how far a job is."""
        ...

    # telling people
    def last_ended_run(self, connector: str) -> RunRow | None:
        """The last run or apply that came to its end by itself."""
        ...

    def last_success(self, connector: str) -> datetime | None:
        """When a run or apply last read everything, some documents aside."""
        ...

    def told(self) -> list[Told]:
        """What all channels know."""
        ...

    def keep_told(self, told: Told) -> None:
        """Remember that a channel knows of something."""
        ...

    def forget_told(self, told: Told) -> None:
        """Remember that a channel knows that it is over."""
        ...

    def prune(self, before: datetime) -> None:
        """Let go of runs, changes and versions that ended before this instant; the last run of each connector stays."""
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...


StateStoreFactory = Callable[[], StateStore]
