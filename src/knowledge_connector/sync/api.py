"""The three calls, after Cognigy's Knowledge Connector API, on top of any target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from knowledge_connector.errors import DocumentError
from knowledge_connector.model import Chunk, KnowledgeSource, Metadata, SourceDraft, digest
from knowledge_connector.ports import SourceHandle, TargetSession


@dataclass(slots=True)
class _Filling:
    """A source that still takes chunks."""

    draft: SourceDraft
    landed: int = 0


class TargetApi:
    """`ports.KnowledgeApi` over a session: a source commits when the announced number of chunks has landed, never earlier.

    Args:
        session: Where the sources go.
        held: What the target holds under an external id; asked by `upsert_knowledge_source` only.
    """

    def __init__(self, session: TargetSession, held: Callable[[str], KnowledgeSource | None]) -> None:
        self._session = session
        self._held = held
        self._filling: dict[str, _Filling] = {}

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
        draft = SourceDraft(
            external_id=external_identifier or name,
            name=name,
            description=description,
            tags=tuple(tags),
            chunk_count=chunk_count,
            fingerprint=content_hash_or_timestamp,
            metadata_fingerprint=digest(name, description, *tags),
        )
        held = self._held(draft.external_id)
        if held is None or not held.committed:
            return self.begin(draft)
        if (held.fingerprint, held.chunk_count) == (draft.fingerprint, draft.chunk_count):
            self._session.retag(held.source_id, draft)
            return None
        return self.begin(replace(draft, replaces=held.source_id))

    def begin(self, draft: SourceDraft) -> SourceHandle:
        """Start a source that takes chunks. A source of no chunks is committed at once."""
        source_id = self._session.begin(draft)
        self._filling[source_id] = _Filling(draft)
        if draft.chunk_count == 0:
            self._commit(source_id)
        return SourceHandle(source_id)

    def create_knowledge_chunk(self, *, knowledge_source_id: str, text: str, data: Metadata | None = None) -> None:
        """See `ports.KnowledgeApi`."""
        filling = self._filling.get(knowledge_source_id)
        if filling is None:
            raise DocumentError(
                f"Source {knowledge_source_id} takes no more chunks: it has all that were announced, or was never begun.",
                code="chunk-count",
                where="target",
            )
        self._session.add(knowledge_source_id, Chunk(filling.landed, text, data or {}))
        filling.landed += 1
        if filling.landed == filling.draft.chunk_count:
            self._commit(knowledge_source_id)

    def delete_knowledge_source(self, *, knowledge_source_id: str) -> None:
        """See `ports.KnowledgeApi`."""
        self._filling.pop(knowledge_source_id, None)
        self._session.delete(knowledge_source_id)

    def unfinished(self) -> list[str]:
        """External ids of sources that did not get all the chunks they announced."""
        return [filling.draft.external_id for filling in self._filling.values()]

    def _commit(self, source_id: str) -> None:
        self._session.commit(source_id)
        del self._filling[source_id]
