"""What a connector, a converter, a chunker and a target promise, and what they are lent.

A plugin implements `Connector`, `Converter`, `Chunker` or `Target`. Everything here is synchronous.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
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

    from knowledge_connector.ports.state import Known

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
