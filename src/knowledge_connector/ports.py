"""The whole contract on one page: what a connector, a converter, a chunker, a target and a state store promise.

A plugin implements `Connector`, `Converter`, `Chunker` or `Target`. The engine (`sync/`) is written against this page and meets
nothing concrete. Everything here is synchronous.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from logging import LoggerAdapter
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, runtime_checkable

from typing_extensions import TypeVar

from knowledge_connector.model import (
    Chunk,
    Converted,
    Document,
    Estimate,
    Finding,
    Gap,
    Grain,
    Item,
    KnowledgeSource,
    Limits,
    Metadata,
    Partition,
    Raw,
    SourceDraft,
    StoredSource,
    Unit,
    Workload,
)

if TYPE_CHECKING:
    import logging

    import httpx

ConfigT = TypeVar("ConfigT", covariant=True, default=Any)


class Clock(Protocol):
    """Time, passed in so that tests never wait."""

    def now(self) -> datetime:
        """The wall clock, in UTC. It may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes backwards."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Holdings(Protocol):
    """What the targets hold for a connector already. Only for connectors that decide by themselves what to send."""

    def rows(self) -> Iterator[Known]:
        """Every document that holds knowledge (in the first target, where there are several), by id."""
        ...

    def needs_body(self, document: Document) -> bool:
        """Whether the host would ask for this document's body, by its revision and metadata alone."""
        ...


class SyncContext(Protocol):
    """What a run lends to a connector."""

    @property
    def holdings(self) -> Holdings:
        """What is held already."""
        ...

    @property
    def http(self) -> httpx.Client:
        """The kit's client: retries, timeouts, one budget per host, and no credential leaves its origin. Made when first asked for."""
        ...

    @property
    def cursor(self) -> Mapping[str, Any] | None:
        """What the last `Checkpoint` that was kept held; `None` asks for a full listing."""
        ...

    @property
    def retry(self) -> Sequence[str]:
        """Ids that failed before. A connector that reads from a cursor yields them again; one that lists everything need not look."""
        ...

    @property
    def partition(self) -> str | None:
        """Key of the one partition to read; `None` for all of them, as always where a connector names none."""
        ...

    @property
    def clock(self) -> Clock:
        """The time of this run."""
        ...

    @property
    def log(self) -> LoggerAdapter[logging.Logger]:
        """A logger that knows the run and the connector."""
        ...


class Connector(ABC, Generic[ConfigT]):
    """Reads one kind of origin. Constructing one touches nothing: no network, no clock, no environment.

    Subclass with the configuration model as type parameter: `class FaqConnector(Connector[FaqConfig])`.
    """

    type: ClassVar[str]
    """The word in `connectors.toml`, such as `confluence`."""

    resumable: ClassVar[bool] = False
    """Whether `read` yields checkpoints and understands `context.cursor`."""

    exhaustive: ClassVar[bool] = True
    """Whether a full reading shows everything, so that what it does not show is gone. If not, only Tombstones delete."""

    def __init__(self, config: ConfigT) -> None:
        self.config = config

    @abstractmethod
    def read(self, context: SyncContext) -> Iterator[Item]:
        """Yield what the origin holds: Documents, and where there is more to say Tombstones, Failures, Skips, Completes and Checkpoints.

        Ids are unique within one reading and stable between readings. Ending without an exception means that the listing is complete;
        if it is not, yield a `Failure` with `beneath` for the part that is missing, or raise.

        Raises:
            FatalError: The origin cannot be read; nothing is deleted.
            RetriableError: It cannot be read now; the same.
        """
        raise NotImplementedError

    def partitions(self, context: SyncContext) -> Iterator[Partition]:
        """Name the parts that can be read by themselves, each with `context.partition`; none if there is but the whole.

        All of them together show what a reading of the whole shows. The reading of one ends with a `Complete` of its ids.
        """
        return iter(())

    def check(self, context: SyncContext) -> Iterator[Finding]:
        """Say whether the origin can be reached and with which rights, without reading it all."""
        return iter(())

    def explain(self, needle: str, context: SyncContext) -> str | None:
        """Say in a sentence how this connector looks upon an id, link or path: listed, or left out by which rule. `None`: cannot tell."""
        return None


class Converter(ABC):
    """Turns one kind of content into Markdown. Runs in a child process with bounded time and memory; constructed without arguments."""

    name: ClassVar[str]
    version: ClassVar[str]
    """Part of every fingerprint: raise it when the same input gives another output."""

    media_types: ClassVar[frozenset[str]]
    extensions: ClassVar[Mapping[str, str]] = {}
    """File name endings (lower-case, with the dot) and the media type that each stands for."""

    @abstractmethod
    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Give the Markdown of `raw`; `settings` are this converter's, from `[converters.NAME]`.

        Raises:
            Unreadable: It is well and cannot be read here (binary, encrypted); the code says why.
            DocumentError: It is ill.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class ChunkRules:
    """What chunks must obey.

    Attributes:
        max_chars: Upper bound of one chunk, counted in `unit`; with `counts_metadata`, keys and values of its metadata count too.
        overlap_chars: How much of the previous chunk to repeat at most.
    """

    max_chars: int = 2000
    overlap_chars: int = 0
    unit: Unit = "characters"
    counts_metadata: bool = False


class Chunker(ABC):
    """Cuts Markdown into chunks: a pure, deterministic function of text and rules."""

    name: ClassVar[str]
    version: ClassVar[str]
    """Part of every fingerprint: raise it when the same input gives another output."""

    @abstractmethod
    def chunk(self, markdown: str, rules: ChunkRules) -> list[Chunk]:
        """Give the chunks in reading order, `ordinal` from 0; none for a text without a visible character.

        Together they hold every visible character of the text in order. `metadata["heading"]` is the heading path, joined by ` › `,
        where there is one.
        """
        raise NotImplementedError


class Target(ABC, Generic[ConfigT]):
    """A knowledge store. Constructing one touches nothing."""

    type: ClassVar[str]
    grain: ClassVar[Grain] = "chunk"
    gap: ClassVar[Gap]
    """What a reader sees while a source is replaced: always one version, for a moment both, or for a moment none."""

    keeps_content: ClassVar[bool] = False
    """Whether `TargetSession.read` gives back what was written; where it cannot, the state store keeps a copy for `undo`."""

    def __init__(self, config: ConfigT) -> None:
        self.config = config

    @property
    @abstractmethod
    def limits(self) -> Limits:
        """What it can take."""
        raise NotImplementedError

    @abstractmethod
    def check(self) -> Iterator[Finding]:
        """Say whether it can be reached and written, without writing."""
        raise NotImplementedError

    def estimate(self, work: Workload) -> Estimate | None:
        """Say what a plan would cost in calls, all failures and the listing aside; `None` if calls cost nothing."""
        return None

    def export(self, stored: StoredSource) -> tuple[str, str] | None:
        """Give a source in the platform's own file format: a file name and a text; `None` if it has none."""
        return None

    @abstractmethod
    def open(self, owner: str, *, fence: int) -> AbstractContextManager[TargetSession]:
        """Begin to work on the sources that bear the mark of `owner`; all others are invisible.

        Args:
            owner: The connector's name.
            fence: The lease's token. A target that can refuses every write of a session whose token is lower than one seen since.
        """
        raise NotImplementedError


class TargetSession(Protocol):
    """One run's work on one owner's sources. Writing calls may be repeated; all may be called from `Limits.concurrency` threads."""

    def token(self) -> str | None:
        """A value that is equal as long as nobody changed this owner's sources; `None` if there is no such thing. Only saves a listing."""
        ...

    def sources(self) -> Iterator[KnowledgeSource]:
        """Everything that bears the owner's mark, unfinished sources included, in any order."""
        ...

    def begin(self, draft: SourceDraft) -> str:
        """Start a source that takes chunks, and give its id. Invisible to readers (or marked unfinished) until `commit`."""
        ...

    def add(self, source_id: str, chunk: Chunk) -> None:
        """Append the next chunk."""
        ...

    def commit(self, source_id: str) -> None:
        """Make the source whole, and remove the one it replaces. Durable after `flush`.

        Raises:
            DocumentError: The count of chunks that landed is not the one announced; the source stays unfinished.
        """
        ...

    def retag(self, source_id: str, draft: SourceDraft) -> None:
        """Replace external id, name, description, tags, link, metadata and marks of a committed source; touch no chunk."""
        ...

    def delete(self, source_id: str) -> None:
        """Remove a source with its chunks. Gone already is success."""
        ...

    def read(self, source_id: str) -> StoredSource | None:
        """Give a committed source back as it was written; `None` if it is not there (or `keeps_content` is false)."""
        ...

    def flush(self) -> None:
        """Return when everything done so far is durable and visible.

        Raises:
            BatchError: All but some documents are.
        """
        ...

    def discard(self) -> None:
        """Forget everything since the last `flush` that can still be forgotten (an open transaction); unfinished sources may remain."""
        ...

    def calls(self) -> Mapping[str, int]:
        """How often each endpoint was called, for the report; empty for an embedded target."""
        ...


@dataclass(frozen=True, slots=True)
class SourceHandle:
    """A source that takes chunks."""

    knowledge_source_id: str


class KnowledgeApi(Protocol):
    """The three calls that every write goes through, named after Cognigy's Knowledge Connector API."""

    def upsert_knowledge_source(
        self,
        *,
        name: str,
        description: str = "",
        tags: Sequence[str] = (),
        chunk_count: int,
        content_hash_or_timestamp: str,
        external_identifier: str | None = None,
    ) -> SourceHandle | None:
        """Announce a source and how many chunks it will have.

        Returns:
            `None` if a committed source with this external identifier (the name, unless given) has this hash and really holds
            `chunk_count` chunks; description and tags are still brought up to date. Otherwise a handle: all chunks are wanted.
        """
        ...

    def create_knowledge_chunk(self, *, knowledge_source_id: str, text: str, data: Metadata | None = None) -> None:
        """Append the next chunk. With the last one announced the source commits; until then the former version answers.

        Raises:
            DocumentError: More chunks than announced, or no such source.
        """
        ...

    def delete_knowledge_source(self, *, knowledge_source_id: str) -> None:
        """Remove a source with its chunks; gone already is success."""
        ...


MARK_START, MARK_END = "\x02", "\x03"
"""Around the words of a snippet that were asked for."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer of `connector search`; in `snippet`, `MARK_START` and `MARK_END` surround what was asked for."""

    connector: str
    source: str
    external_id: str
    title: str
    url: str | None
    heading: str
    text: str
    score: float
    tags: tuple[str, ...]
    snippet: str


@runtime_checkable
class Searchable(Protocol):
    """A target that can be asked, as the embedded one can."""

    def search(
        self, query: str, *, connectors: Sequence[str] = (), tags: Sequence[str] = (), limit: int = 10
    ) -> list[Hit]:
        """The best chunks first. Never raises for odd input: what is not understood as a query is taken as words."""
        ...

    def holdings(self, *, connector: str | None = None) -> Iterator[tuple[str, KnowledgeSource]]:
        """Owner and source, for every source held."""
        ...


# ---------------------------------------------------------------------------------------------------------------- state


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
