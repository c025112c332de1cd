"""What a store holds for one connector: vendor sources put together to documents.

A document of more than 1,000 chunks is several sources, its parts. The first is the head: its marks decide, the others point to it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knowledge_connector import KnowledgeSource, digest
from knowledge_connector_cognigy import marks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from knowledge_connector_cognigy.client import Item


@dataclass(frozen=True, slots=True)
class Part:
    """One source of the vendor's.

    Attributes:
        id: The vendor's.
        chunk_count: What the vendor counts.
        expected: What was there when the source became whole; `None` before.
        head: The vendor's id of the first part; its own, if it is the first.
        number, of: Which part of how many.
        source_id: Ours, on heads of whole documents. It changes with the content, also where a source is changed in place.
    """

    id: str
    name: str
    tags: tuple[str, ...]
    chunk_count: int
    expected: int | None
    head: str
    number: int
    of: int
    source_id: str | None
    external_id: str | None
    uri: str | None
    metadata_fingerprint: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """One document in the store, or the beginnings of one; parts by their number."""

    source_id: str
    parts: tuple[Part, ...]

    @property
    def head(self) -> Part:
        """The first part (of those that are there)."""
        return self.parts[0]

    @property
    def document(self) -> str:
        """Digest of the document's id; empty if somebody took the tag away."""
        return marks.mark(self.head.tags, marks.ID) or ""

    @property
    def is_whole(self) -> bool:
        """Whether every part is there and was finished."""
        numbers = [part.number for part in self.parts]
        finished = all(marks.mark(part.tags, marks.FINGERPRINT) for part in self.parts)
        return finished and numbers == list(range(1, self.head.of + 1))

    @property
    def fingerprint(self) -> str | None:
        """Of the content; none that any text has, if chunks came or went behind our back; `None` if it is not whole."""
        if not self.is_whole:
            return None
        fingerprint = marks.mark(self.head.tags, marks.FINGERPRINT)
        counts = [(part.expected, part.chunk_count) for part in self.parts]
        return fingerprint if self.is_untouched else digest("altered", str(fingerprint), str(counts))

    @property
    def is_untouched(self) -> bool:
        """Whether each part holds as many chunks as when it was finished."""
        return all(part.expected == part.chunk_count for part in self.parts)

    @property
    def chunk_count(self) -> int:
        """Chunks that are really there."""
        return sum(part.chunk_count for part in self.parts)

    def listed(self, *, superseded: bool = False) -> KnowledgeSource:
        """Give it as the port wants it; what its successor has superseded counts as unfinished."""
        head = self.head
        return KnowledgeSource(
            source_id=self.source_id,
            external_digest=self.document,
            external_id=head.external_id,
            name=head.name,
            fingerprint=None if superseded else self.fingerprint,
            chunk_count=self.chunk_count,
            revision_mark=marks.mark(head.tags, marks.REVISION) if self.is_untouched else None,
            metadata_fingerprint=head.metadata_fingerprint,
            tags=tuple(marks.user_tags(head.tags)),
            uri=head.uri,
        )


def superseded_by(source_id: str) -> str:
    """Give the fingerprint of a source that goes as soon as its successor is whole."""
    return digest("superseded", source_id)


def part_from(item: Item) -> Part:
    """Read a source as the API gives it. What people changed by hand may lack anything."""
    data = _table(item.get("data"))
    number, _, of = str(data.get(marks.PART, "1/1")).partition("/")
    is_numbered = number.isdigit() and of.isdigit()
    return Part(
        id=item["_id"],
        name=str(item.get("name", "")),
        tags=tags_of(item),
        chunk_count=int(item.get("chunkCount") or 0),
        expected=data.get(marks.CHUNKS),
        head=str(data.get(marks.HEAD, item["_id"])),
        number=int(number) if is_numbered else 1,
        of=int(of) if is_numbered else 1,
        source_id=data.get(marks.SOURCE),
        external_id=data.get(marks.EXTERNAL_ID),
        uri=data.get(marks.URL),
        metadata_fingerprint=data.get(marks.METADATA),
    )


def tags_of(item: Item) -> tuple[str, ...]:
    """Give the tags of a source as the API gives it."""
    return tuple(_table(item.get("metaData")).get("tags") or ())


def holdings(parts: Iterable[Part]) -> dict[str, Held]:
    """Put parts together to documents, by our id; what never became whole goes by the vendor's."""
    by_head: dict[str, dict[str, Part]] = defaultdict(dict)
    for part in parts:
        by_head[part.head][part.id] = part  # a listing that changes under way may show one twice
    found = (Held(head, tuple(sorted(group.values(), key=lambda part: part.number))) for head, group in by_head.items())
    return {
        source_id: Held(source_id, held.parts)
        for held in found
        for source_id in [held.head.source_id or held.source_id]
    }


def listing(held: Iterable[Held]) -> list[KnowledgeSource]:
    """Give documents as the port wants them."""
    documents = list(held)
    gone = {superseded_by(one.source_id) for one in documents if one.is_whole}
    return [one.listed(superseded=one.fingerprint in gone) for one in documents]


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
