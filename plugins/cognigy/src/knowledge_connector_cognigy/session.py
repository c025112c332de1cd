"""One run's work on one connector's sources in a store.

Chunks are gathered until `commit`, because only then can be told how little has to be written. The id of a source is ours, not the
vendor's: a source that is changed in place stands for another version afterwards.
"""

from __future__ import annotations

import secrets
import threading
from typing import TYPE_CHECKING

from knowledge_connector.kit.gathering import Gathered, Gathering, source_gone
from knowledge_connector_cognigy import marks
from knowledge_connector_cognigy.held import Held, holdings, listing, part_from, tags_of
from knowledge_connector_cognigy.writing import Writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from knowledge_connector import Chunk, KnowledgeSource, SourceDraft, StoredSource
    from knowledge_connector_cognigy.client import CognigyClient
    from knowledge_connector_cognigy.config import CognigyConfig
    from knowledge_connector_cognigy.store import KnowledgeStore


class CognigySession:
    """A `TargetSession` over one knowledge store. What is written is visible at once, each source whole or not at all."""

    def __init__(self, client: CognigyClient, store: KnowledgeStore, owner: str, config: CognigyConfig) -> None:
        self._client = client
        self._store = store
        self._owner = owner
        self._writing = Writing(store, owner, config)
        self._lock = threading.Lock()
        self._gathering = Gathering[Gathered]()
        self._held: dict[str, Held] = {}
        self._is_listed = False

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def token(self) -> str | None:
        """There is no such thing."""
        return None

    def sources(self) -> Iterator[KnowledgeSource]:
        """As the port says. All pages are read first, so that sources may be deleted meanwhile."""
        with self._lock:
            self._list()
            return iter(listing(self._held.values()))

    def begin(self, draft: SourceDraft) -> str:
        """As the port says; nothing is sent before `commit`."""
        source_id = secrets.token_hex(12)
        with self._lock:
            self._gathering[source_id] = Gathered(draft)
        return source_id

    def add(self, source_id: str, chunk: Chunk) -> None:
        """As the port says; a chunk that came already is not taken twice."""
        self._gathering.add(source_id, chunk)

    def commit(self, source_id: str) -> None:
        """As the port says."""
        gathered = self._gathering.pop(source_id, None)
        if gathered is None:
            self._committed(source_id)  # committing again is fine, as long as there is something
            return
        draft, chunks = gathered.draft, gathered.whole()
        old = self._find(draft.replaces) if draft.replaces else None
        written = self._writing.write(source_id, draft, chunks, old)
        self._remember(written, instead_of=old)

    def retag(self, source_id: str, draft: SourceDraft) -> None:
        """As the port says.

        Raises:
            DocumentError: There is no such committed source.
        """
        self._remember(self._writing.retag(self._committed(source_id), draft))

    def delete(self, source_id: str) -> None:
        """As the port says."""
        self._gathering.pop(source_id, None)
        held = self._find(source_id)
        if held is None:
            return
        self._writing.delete(held)
        with self._lock:
            self._held.pop(source_id, None)

    def read(self, source_id: str) -> StoredSource | None:  # noqa: ARG002  # the store has no room for all that was written
        """As the port says: `keeps_content` is false."""
        return None

    def flush(self) -> None:
        """Everything is visible already."""

    def discard(self) -> None:
        """As the port says."""
        self._gathering.clear()

    def calls(self) -> Mapping[str, int]:
        """As the port says."""
        return dict(self._client.calls)

    def _committed(self, source_id: str) -> Held:
        held = self._find(source_id)
        if held is None or not held.is_whole:
            raise source_gone(source_id)
        return held

    def _find(self, source_id: str) -> Held | None:
        """Give what the store holds under an id; if this session has not met it, the store is listed once."""
        with self._lock:
            if source_id not in self._held and not self._is_listed:
                self._list()
            return self._held.get(source_id)

    def _list(self) -> None:
        mine = f"{marks.BY}{self._owner}"
        self._held = holdings(part_from(item) for item in self._store.sources() if mine in tags_of(item))
        self._is_listed = True

    def _remember(self, written: Held, *, instead_of: Held | None = None) -> None:
        with self._lock:
            if instead_of is not None:
                self._held.pop(instead_of.source_id, None)
            self._held[written.source_id] = written
