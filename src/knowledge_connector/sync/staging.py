"""Connectors in Cognigy's style: a function that is handed an api, turned into the stream that every other connector is.

What such a function announces and fills flows on as Documents that are cut already; what it deletes becomes a Tombstone. So plan, guard,
journal and undo hold for it as well. The function has a thread of its own and takes turns with the reader: never do both run.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from threading import Thread
from typing import Any

from knowledge_connector.errors import DocumentError
from knowledge_connector.model import Chunk, Document, Failure, Item, Metadata, Tombstone
from knowledge_connector.ports import ConfigT, Connector, Holdings, KnowledgeApi, Known, SourceHandle, SyncContext


@dataclass(frozen=True, slots=True)
class HeldSource:
    """What an earlier run left, as Cognigy lists it."""

    knowledge_source_id: str
    name: str
    external_identifier: str
    content_hash_or_timestamp: str
    chunk_count: int


class ApiConnector(Connector[ConfigT]):
    """A connector in Cognigy's style: `run` calls the api, instead of yielding.

    Only what it deletes is deleted, and its deletes go through the guard like all others, at the end of the run.
    """

    exhaustive = False

    @abstractmethod
    def run(self, config: Any, sources: Sequence[HeldSource], api: KnowledgeApi) -> None:
        """Bring the sources up to date.

        Args:
            config: The connector's table, as its model.
            sources: What earlier runs left.
            api: The three calls.
        """
        raise NotImplementedError

    def read(self, context: SyncContext) -> Iterator[Item]:
        """See `Connector.read`."""
        sources = [_held(row) for row in context.holdings.rows()]
        return _take_turns(lambda api: self.run(self.config, sources, api), sources, context.holdings)


def _held(row: Known) -> HeldSource:
    content_hash, _, _ = (row.revision or "").rpartition("|")
    return HeldSource(row.source_id or "", row.name, row.external_id or "", content_hash, row.chunk_count)


def _revision(content_hash: str, chunk_count: int) -> str:
    return f"{content_hash}|{chunk_count}"


@dataclass(frozen=True, slots=True)
class _Question:
    """Would the host want the chunks of this document?"""

    document: Document


@dataclass(frozen=True, slots=True)
class _Ended:
    """The function has returned, or raised."""

    error: BaseException | None


class _Stopped(BaseException):  # not an error: it ends the function when the reader has gone
    """The reader wants no more."""


def _take_turns(
    function: Callable[[KnowledgeApi], None], sources: Sequence[HeldSource], holdings: Holdings
) -> Generator[Item]:
    api = _StagingApi({source.knowledge_source_id: source.external_identifier for source in sources})
    thread = Thread(target=api.carry_out, args=(function,), name="api-connector", daemon=True)
    thread.start()
    try:
        while not isinstance(message := api.said.get(), _Ended):
            if isinstance(message, _Question):
                api.answers.put(holdings.needs_body(message.document))
            else:
                yield message
                api.answers.put(None)
        if message.error is not None:
            raise message.error
    finally:
        api.answers.put(_Stopped())
        thread.join()


@dataclass(slots=True)
class _Announced:
    """A document that still takes chunks."""

    document: Document
    chunk_count: int
    chunks: list[Chunk] = field(default_factory=list)


class _StagingApi:
    """`ports.KnowledgeApi` that says to the reader what it is told."""

    def __init__(self, held: dict[str, str]) -> None:
        self.said: SimpleQueue[Item | _Question | _Ended] = SimpleQueue()
        self.answers: SimpleQueue[bool | _Stopped | None] = SimpleQueue()
        self._held = held
        self._announced: dict[str, _Announced] = {}
        self._next = 0

    def carry_out(self, function: Callable[[KnowledgeApi], None]) -> None:
        """Run the function on this thread, and say how it ended."""
        try:
            function(self)
            for announced in self._announced.values():
                count = f"{announced.chunk_count} chunks were announced and {len(announced.chunks)} arrived"
                self._say(Failure(announced.document.id, count, code="chunk-count"))
        except BaseException as error:  # noqa: BLE001  # handed to the reader's thread, which raises it
            self.said.put(_Ended(error))
        else:
            self.said.put(_Ended(None))

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
        """See `ports.KnowledgeApi`."""
        document = Document(
            external_identifier or name,
            name,
            body=(),
            revision=_revision(content_hash_or_timestamp, chunk_count),
            tags=tuple(tags),
            metadata={"description": description} if description else {},
        )
        if not self._say(_Question(document)):
            self._say(document)
            return None
        self._next += 1
        handle = SourceHandle(f"announced-{self._next}")
        self._announced[handle.knowledge_source_id] = _Announced(document, chunk_count)
        self._deliver_if_full(handle.knowledge_source_id)
        return handle

    def create_knowledge_chunk(self, *, knowledge_source_id: str, text: str, data: Metadata | None = None) -> None:
        """See `ports.KnowledgeApi`."""
        announced = self._announced.get(knowledge_source_id)
        if announced is None:
            message = (
                f"source {knowledge_source_id} takes no more chunks: it has all that were announced, or is unknown"
            )
            raise DocumentError(message, code="chunk-count", where="origin")
        announced.chunks.append(Chunk(len(announced.chunks), text, data or {}))
        self._deliver_if_full(knowledge_source_id)

    def delete_knowledge_source(self, *, knowledge_source_id: str) -> None:
        """See `ports.KnowledgeApi`."""
        self._announced.pop(knowledge_source_id, None)
        external_id = self._held.get(knowledge_source_id)
        if external_id is not None:
            self._say(Tombstone(external_id, "deleted by the connector"))

    def _deliver_if_full(self, handle: str) -> None:
        announced = self._announced[handle]
        if len(announced.chunks) >= announced.chunk_count:
            del self._announced[handle]
            self._say(replace(announced.document, body=tuple(announced.chunks)))

    def _say(self, message: Item | _Question) -> bool | None:
        self.said.put(message)
        answer = self.answers.get()
        if isinstance(answer, _Stopped):
            raise answer
        return answer
