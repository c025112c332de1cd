"""A target in memory, for tests: it keeps the whole contract, and forgets with the process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from itertools import count
from typing import ClassVar

from pydantic import Field

from knowledge_connector.errors import FatalError
from knowledge_connector.kit.config import TargetConfig
from knowledge_connector.kit.gathering import Gathered, Gathering, source_gone
from knowledge_connector.model import (
    Chunk,
    Finding,
    Gap,
    KnowledgeSource,
    Limits,
    SourceDraft,
    StoredSource,
    digest,
)
from knowledge_connector.ports import Target, TargetSession


class MemoryTargetConfig(TargetConfig):
    """A store that lives as long as its target object."""

    max_chars: int = Field(default=2000, ge=1, description="Longest chunk, in characters.")


@dataclass(frozen=True, slots=True)
class Holdings:
    """One owner's committed sources by id. A flush puts another in its place."""

    sources: Mapping[str, StoredSource]
    version: int = 0


class MemoryTarget(Target[MemoryTargetConfig]):
    """Keeps knowledge in a dictionary per owner."""

    type = "memory"
    gap: ClassVar[Gap] = "atomic"
    keeps_content = True

    def __init__(self, config: MemoryTargetConfig | None = None) -> None:
        super().__init__(config or MemoryTargetConfig())
        self._holdings: dict[str, Holdings] = {}
        self.ids = map(str, count(1))

    @property
    def limits(self) -> Limits:
        """Chunks up to `max_chars`; one document at a time, many to a flush."""
        return Limits(max_chars=self.config.max_chars, batch=256)

    def check(self) -> Iterator[Finding]:
        """Memory is always there."""
        yield Finding(ok=True, subject="memory", message="is there as long as this process")

    def open(self, owner: str, *, fence: int) -> AbstractContextManager[TargetSession]:  # noqa: ARG002  # see _MemorySession
        """As the port says. A session whose owner's sources were changed by another one since is refused every flush."""
        return closing(_MemorySession(self, owner))

    def stored(self, owner: str) -> dict[str, StoredSource]:
        """What `owner` holds, by external id: for assertions."""
        return {stored.draft.external_id: stored for stored in self.held(owner).sources.values()}

    def held(self, owner: str) -> Holdings:
        """What `owner` holds now, to be compared by identity."""
        return self._holdings.setdefault(owner, Holdings({}))

    def exchange(self, owner: str, seen: Holdings, now: Holdings) -> bool:
        """Put `now` in the place of `seen`; false if something else stands there."""
        if self.held(owner) is not seen:
            return False
        self._holdings[owner] = now
        return True


class _MemorySession:
    """Works on a copy of the owner's sources, which takes their place at `flush` unless somebody else was faster."""

    def __init__(self, target: MemoryTarget, owner: str) -> None:
        self._target = target
        self._owner = owner
        self._seen = target.held(owner)
        self._sources = dict(self._seen.sources)
        self._gathering = Gathering[Gathered]()

    def close(self) -> None:
        self.discard()

    def token(self) -> str | None:
        return str(self._seen.version)

    def sources(self) -> Iterator[KnowledgeSource]:
        for source_id, stored in list(self._sources.items()):
            yield _listed(source_id, stored)

    def begin(self, draft: SourceDraft) -> str:
        source_id = next(self._target.ids)
        self._gathering[source_id] = Gathered(draft)
        return source_id

    def add(self, source_id: str, chunk: Chunk) -> None:
        self._gathering.add(source_id, chunk)

    def commit(self, source_id: str) -> None:
        if source_id in self._sources:
            return
        gathered = self._gathering.take(source_id)
        draft = gathered.draft
        self._sources[source_id] = StoredSource(replace(draft, replaces=None), tuple(gathered.whole()))
        if draft.replaces is not None:
            self._sources.pop(draft.replaces, None)

    def retag(self, source_id: str, draft: SourceDraft) -> None:
        if source_id not in self._sources:
            raise source_gone(source_id)
        held = self._sources[source_id].chunks
        self._sources[source_id] = StoredSource(replace(draft, chunk_count=len(held), replaces=None), held)

    def delete(self, source_id: str) -> None:
        self._gathering.pop(source_id, None)
        self._sources.pop(source_id, None)

    def read(self, source_id: str) -> StoredSource | None:
        return self._sources.get(source_id)

    def flush(self) -> None:
        if self._sources == self._seen.sources:
            return
        now = Holdings(dict(self._sources), self._seen.version + 1)
        if not self._target.exchange(self._owner, self._seen, now):
            raise FatalError(f"Another run of {self._owner!r} took over; this one stops.", where="target")
        self._seen = now

    def discard(self) -> None:
        self._gathering.clear()
        self._sources = dict(self._seen.sources)

    def calls(self) -> Mapping[str, int]:
        return {}


def _listed(source_id: str, stored: StoredSource) -> KnowledgeSource:
    draft = stored.draft
    return KnowledgeSource(
        source_id=source_id,
        external_digest=digest(draft.external_id),
        external_id=draft.external_id,
        name=draft.name,
        fingerprint=draft.fingerprint,
        chunk_count=len(stored.chunks),
        revision_mark=draft.revision_mark,
        metadata_fingerprint=draft.metadata_fingerprint,
        tags=draft.tags,
        uri=draft.uri,
    )
