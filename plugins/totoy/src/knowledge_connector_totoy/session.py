"""One run's work on one connector's sources at Totoy.

begin, add ─▶ (in memory) ─▶ commit: one text in place of one text ─▶ PATCH source ─┐
                                     anything else ─▶ POST source, once per part ───┤
                             flush:  files read ─▶ new sources linked, in bulk ─▶ all indexed ─▶ those that were replaced go
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock, get_ident
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from knowledge_connector import BatchError, Chunk, DocumentError, KnowledgeSource, SourceDraft, StoredSource, digest
from knowledge_connector.kit.gathering import Gathered, Gathering, source_gone
from knowledge_connector.kit.patience import Patience
from knowledge_connector_totoy import memory
from knowledge_connector_totoy.client import IN_PROGRESS, Original, Source, TotoyClient
from knowledge_connector_totoy.indexing import TIMEOUT, Failures, Indexing
from knowledge_connector_totoy.pieces import fields_of, parts_of
from knowledge_connector_totoy.place import Place
from knowledge_connector_totoy.survey import Held, Survey

if TYPE_CHECKING:
    from knowledge_connector.kit.clock import Clock
    from knowledge_connector_totoy.client import KnowledgeBase
    from knowledge_connector_totoy.config import TotoyConfig

Piece = str | Original


@dataclass(slots=True)
class _Making(Gathered):
    """A source that still takes chunks, or a file, and the thread that it is of."""

    thread: int
    original: Original | None = None

    def pieces(self) -> list[Piece]:
        """What goes up.

        Raises:
            DocumentError: Not all chunks have come.
        """
        if self.original is not None:
            return [self.original]
        return list(parts_of(memory.sendable(self.text())))


@dataclass(frozen=True, slots=True)
class _Sent:
    """A document that is at Totoy, and not known to be indexed.

    Attributes:
        old: What it replaces, which goes once it is indexed; `None` if there is nothing.
        in_place: Whether it has taken the place of the former version already, by the same call.
        thread: Who sent it, and is to be told if it fails.
    """

    held: Held
    old: Held | None
    in_place: bool
    thread: int

    @property
    def ids(self) -> list[str]:
        return [source.id for source in self.held.sources]


@dataclass(frozen=True, slots=True)
class _Desk:
    """What there is to work with once there is a knowledge base."""

    base: KnowledgeBase
    survey: Survey
    indexing: Indexing


class TotoySession:
    """See `TargetSession`. A flush works for all threads at once, so that what they sent is linked and waited for together."""

    def __init__(self, client: TotoyClient, config: TotoyConfig, owner: str, clock: Clock) -> None:
        self._client = client
        self._config = config
        self._owner = owner
        self._place = Place(client, config)
        self._patience = Patience(clock, config.poll_seconds, config.poll_seconds * 10, config.indexing_timeout_seconds)
        self._desk: _Desk | None = None
        self._lock = Lock()
        self._held: dict[str, Held] | None = None
        self._gathering = Gathering[_Making]()
        self._flushing = Lock()
        self._sent: dict[str, _Sent] = {}
        self._failures: dict[int, Failures] = {}

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def token(self) -> str | None:
        """None: Totoy has nothing that changes with an owner's sources alone."""
        return None

    def sources(self) -> Iterator[KnowledgeSource]:
        """See the port. A knowledge base that is not there yet holds nothing, and is not made on this account."""
        with self._lock:
            self._held = self._look()
            held = list(self._held.values())
        return (one.listed() for one in held)

    def begin(self, draft: SourceDraft) -> str:
        """Take note; nothing is sent before `commit`."""
        source_id = digest(draft.external_id, uuid4().hex)
        self._gathering[source_id] = _Making(draft, get_ident())
        return source_id

    def add(self, source_id: str, chunk: Chunk) -> None:
        """Take a chunk; Totoy splits texts by itself, so that all chunks of a document become one text."""
        self._gathering.add(source_id, chunk)

    def attach(self, source_id: str, *, content: bytes, file_name: str) -> None:
        """Take an original file (.pdf, .jpg or .png) instead of chunks; Totoy reads it by itself."""
        self._gathering.of(source_id).original = Original(content, file_name)

    def commit(self, source_id: str) -> None:
        """Send it. It is indexed, and whole, after `flush`.

        Raises:
            DocumentError: Totoy refuses it; nothing of it is left.
        """
        if source_id not in self._gathering and source_id in self._index():
            return
        making = self._gathering.take(source_id)
        draft, pieces = making.draft, making.pieces()
        old = self._index().get(draft.replaces or "")
        marks = memory.marks_of(draft, source_id, self._at().base.id)
        in_place = old is not None and _fits(old, pieces)
        if old is not None and in_place:
            fields = fields_of(self._owner, draft, marks, self._config)
            sources = [self._patch(old.sources[0], fields, draft.external_id, pieces[0])]
            self._index().pop(old.key, None)
            old = None
        else:
            sources = self._create(draft, marks, pieces)
        held = self._index()[source_id] = Held(source_id, marks, tuple(sources), whole=False)
        self._sent[source_id] = _Sent(held, old, in_place, get_ident())

    def retag(self, source_id: str, draft: SourceDraft) -> None:
        """Change title, link, dates and pairs; the content is not sent, and not indexed again."""
        held = self._index().get(source_id)
        if held is None:
            raise source_gone(source_id)
        marks = replace(memory.marks_of(draft, held.key, held.marks.base), chunk_count=held.marks.chunk_count)
        sources = []
        for part, source in enumerate(held.sources, 1):
            fields = fields_of(self._owner, draft, marks.of_part(part, len(held.sources)), self._config)
            sources.append(self._patch(source, fields, draft.external_id))
        self._index()[source_id] = replace(held, marks=marks, sources=tuple(sources))

    def delete(self, source_id: str) -> None:
        """See the port. A source that somebody linked to another knowledge base as well only leaves this one."""
        self._gathering.pop(source_id, None)
        self._sent.pop(source_id, None)
        held = self._index().get(source_id)
        if held is not None:
            self._remove(held)
            self._index().pop(source_id, None)

    def read(self, source_id: str) -> StoredSource | None:  # noqa: ARG002  # the port's name
        """None: not all of a draft can be had from Totoy."""
        return None

    def flush(self) -> None:
        """Link what was sent, by any thread, and return when it is indexed and what it replaces is gone.

        Raises:
            BatchError: Some documents could not be read or indexed, or it took too long.
        """
        with self._flushing:
            sent = list(self._sent.values())
            failures = self._settle(sent) if sent else {}
            for one in sent:  # only now: should `_settle` raise, the threads that sent them will try again, or stop
                self._conclude(one, failures.get(one.held.key))
            mine = failures | self._failures.pop(get_ident(), {})
        if mine:
            raise BatchError(f"{len(mine)} documents are not indexed at Totoy", mine)

    def discard(self) -> None:
        """Forget what this thread has not flushed; the next run removes what was sent of it."""
        me = get_ident()
        waiting: dict[str, _Making | _Sent] = {**self._gathering, **self._sent}
        for source_id in [source_id for source_id, one in waiting.items() if one.thread == me]:
            self._gathering.pop(source_id, None)
            self._sent.pop(source_id, None)

    def calls(self) -> Mapping[str, int]:
        """See the port."""
        return self._client.calls()

    # --------------------------------------------------------------------------------------------------------- sending

    def _create(self, draft: SourceDraft, marks: memory.Marks, pieces: Sequence[Piece]) -> list[Source]:
        """Make new sources; what is refused half-way leaves none."""
        made: list[Source] = []
        try:
            for part, piece in enumerate(pieces, 1):
                made.append(self._post(draft, marks.of_part(part, len(pieces)), piece))
        except DocumentError:
            for source in made:
                self._client.delete_source(source.id)
            raise
        return made

    def _post(self, draft: SourceDraft, marks: memory.Marks, piece: Piece) -> Source:
        desk = self._at()
        fields = {**fields_of(self._owner, draft, marks, self._config), "project_id": desk.base.project_id}

        def create() -> Source:
            if isinstance(piece, Original):
                return self._client.create_document(fields, piece, draft.external_id)
            return self._client.create_text({**fields, "text_content": piece}, draft.external_id)

        return self._client.surely(create, lambda: desk.survey.find(marks))

    def _patch(self, source: Source, fields: Mapping[str, Any], document_id: str, piece: Piece | None = None) -> Source:
        if source.kind == "document":
            original = piece if isinstance(piece, Original) else None
            return self._client.patch_document(source.id, fields, original, document_id)
        content = {} if piece is None else {"text_content": piece}
        return self._client.patch_text(source.id, {**fields, **content}, document_id)

    def _remove(self, held: Held) -> None:
        """Unlink first: that ends the answers, and a source without a link is swept up should we die in between."""
        base = self._at().base
        for source in held.sources:
            self._client.unlink(base.id, source.id)
            if not set(source.base_ids) - {base.id}:
                self._client.delete_source(source.id)

    # -------------------------------------------------------------------------------------------------------- settling

    def _settle(self, sent: Sequence[_Sent]) -> Failures:
        """Wait for all that was sent; give what failed by its key."""
        indexing = self._at().indexing
        failures = indexing.read(
            source.id for one in sent for source in one.held.sources if source.status == IN_PROGRESS
        )
        read = [one for one in sent if not failures.keys() & set(one.ids)]
        failures |= indexing.index(
            new=[source_id for one in read if not one.in_place for source_id in one.ids],
            changed=[source_id for one in read if one.in_place for source_id in one.ids],
        )
        return {one.held.key: failures[source_id] for one in sent for source_id in one.ids if source_id in failures}

    def _conclude(self, sent: _Sent, error: DocumentError | None) -> None:
        """Let the old version go, or what came of the new one. What only took too long may be whole for the next run."""
        held, index, going = sent.held, self._index(), sent.old
        if error is None:
            index[held.key] = replace(index.get(held.key, held), whole=True)
        else:
            self._failures.setdefault(sent.thread, {})[held.key] = error
            going = None if sent.in_place or error.code == TIMEOUT else held
        if going is not None:
            self._remove(going)
            index.pop(going.key, None)
        self._sent.pop(held.key, None)

    # ---------------------------------------------------------------------------------------------------------- memory

    def _index(self) -> dict[str, Held]:
        """What is held by key; listed once, if nobody has listed it in this session."""
        with self._lock:
            if self._held is None:
                self._held = self._look()
            return self._held

    def _look(self) -> dict[str, Held]:
        base = self._place.find()
        return {} if base is None else self._desk_at(base).survey.take()

    def _at(self) -> _Desk:
        """The knowledge base to write to; made if it is not there yet."""
        return self._desk or self._desk_at(self._place.ensure())

    def _desk_at(self, base: KnowledgeBase) -> _Desk:
        if self._desk is None:
            survey = Survey(self._client, base, self._owner, self._patience)
            self._desk = _Desk(base, survey, Indexing(self._client, base.id, self._patience))
        return self._desk


def _fits(old: Held, pieces: Sequence[Piece]) -> bool:
    """Whether one call can put the new content in the place of the old: one source each, of the same kind."""
    kind = "document" if isinstance(pieces[0], Original) else "text"
    return old.whole and len(pieces) == len(old.sources) == 1 and old.sources[0].kind == kind
