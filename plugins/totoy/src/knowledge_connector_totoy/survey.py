"""What a knowledge base holds of one connector: its links, and sources that a crash left without one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from knowledge_connector import KnowledgeSource
from knowledge_connector_totoy import memory
from knowledge_connector_totoy.client import COMPLETED, IN_PROGRESS, KnowledgeBase, Source

if TYPE_CHECKING:
    from knowledge_connector.kit.patience import Patience
    from knowledge_connector_totoy.client import TotoyClient

MAX_PROJECT_SOURCES = 10_000
"""So many source ids a project can show."""


@dataclass(frozen=True, slots=True)
class Held:
    """One document as Totoy holds it.

    Attributes:
        key: What the engine calls it.
        marks: Of its first part.
        sources: Its parts in order.
        whole: Whether all parts are there, linked and indexed.
    """

    key: str
    marks: memory.Marks
    sources: tuple[Source, ...]
    whole: bool

    def listed(self) -> KnowledgeSource:
        """What the engine is told."""
        first, marks = self.sources[0], self.marks
        return KnowledgeSource(
            source_id=self.key,
            external_digest=marks.digest,
            external_id=memory.read_external_id(first.metadata, marks),
            name=first.title,
            fingerprint=marks.fingerprint if self.whole else None,
            chunk_count=marks.chunk_count if self.whole else 0,
            revision_mark=marks.revision_mark,
            metadata_fingerprint=marks.metadata_fingerprint,
            tags=memory.read_tags(first.metadata),
            uri=first.backlink or None,
        )


class Survey:
    """Looks at one owner's sources in one knowledge base."""

    def __init__(self, client: TotoyClient, base: KnowledgeBase, owner: str, patience: Patience) -> None:
        self._client = client
        self._base = base
        self._owner = owner
        self._patience = patience

    def take(self) -> dict[str, Held]:
        """Give everything by its key.

        Links that are just being indexed are waited for: an interrupted run may have left them, and they are whole in a moment.
        """
        links = self._settled_links()
        # The project goes after the links: what is made in between has a link already when it is seen without one.
        strays = list(self._strays({link.id for link in links}))
        return {held.key: held for held in self._held(links, strays)}

    def find(self, marks: memory.Marks) -> Source | None:
        """Look for a source whose making was not confirmed, wherever it is."""
        return next((one for one in self._client.sources() if self._marks_of(one) == marks), None)

    def _settled_links(self) -> list[Source]:
        base = self._base.id
        return self._patience.settled(self._client.links(base), self._pending, lambda: self._client.links(base))

    def _pending(self, links: Iterable[Source]) -> bool:
        return any(link.status == IN_PROGRESS and self._marks_of(link) for link in links)

    def _strays(self, linked: set[str]) -> Iterator[Source]:
        """Sources of ours without a link. All of the organisation are listed only if there may be one, as there is no filter."""
        project = self._client.project(self._base.project_id)
        ids = set(project.source_ids) if project else set()
        if ids <= linked and len(ids) < MAX_PROJECT_SOURCES:
            return
        for source in self._client.sources():
            if source.id not in linked and not source.base_ids and self._marks_of(source):
                yield source

    def _held(self, links: Sequence[Source], strays: Sequence[Source]) -> Iterator[Held]:
        indexed = {link.id for link in links if link.status == COMPLETED}
        groups: dict[str, dict[int, Source]] = {}
        for source in (*links, *strays):
            marks = self._marks_of(source)
            if marks is None:
                continue
            parts = groups.setdefault(marks.key, {})
            if parts.setdefault(marks.part, source) is not source:  # made twice: the surplus one goes, under its own id
                yield Held(source.id, marks, (source,), whole=False)
        for key, parts in groups.items():
            sources = tuple(parts[part] for part in sorted(parts))
            first = self._marks_of(sources[0])
            if first is not None:
                whole = len(parts) == first.parts and all(source.id in indexed for source in sources)
                yield Held(key, first, sources, whole)

    def _marks_of(self, source: Source) -> memory.Marks | None:
        """Its marks, if it is this owner's and was made for this knowledge base."""
        marks = memory.read_marks(source.metadata, self._owner)
        return marks if marks and marks.base == self._base.id else None
