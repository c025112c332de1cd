"""Sources on their way into a target that is sent each of them when it is whole: what a session has begun, and not committed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from knowledge_connector.errors import DocumentError
from knowledge_connector.model import Chunk, SourceDraft


@dataclass(slots=True)
class Gathered:
    """A source between `begin` and `commit`; to keep more with it, make a subclass.

    Attributes:
        chunks: By ordinal, so that one that comes again, as it may, counts once.
    """

    draft: SourceDraft
    chunks: dict[int, Chunk] = field(default_factory=dict, init=False)

    def whole(self) -> list[Chunk]:
        """The chunks in order.

        Raises:
            DocumentError: There are not as many as were announced (code `chunk-count`).
        """
        if len(self.chunks) != self.draft.chunk_count:
            raise miscounted(self.draft, len(self.chunks))
        return [self.chunks[ordinal] for ordinal in sorted(self.chunks)]

    def text(self) -> str:
        """All chunks as one text, for platforms that cut documents themselves. Raises as `whole` does."""
        return "\n\n".join(chunk.text for chunk in self.whole())


_G = TypeVar("_G", bound=Gathered)


class Gathering(dict[str, _G]):
    """The sources of a session that take chunks, by their ids. Threads may share it, as long as each source is one thread's."""

    def of(self, source_id: str) -> _G:
        """One of them.

        Raises:
            DocumentError: It was never begun, or is committed or deleted (code `source-gone`).
        """
        found = self.get(source_id)
        if found is None:
            raise source_gone(source_id)
        return found

    def take(self, source_id: str) -> _G:
        """One of them, which is forgotten here; raises as `of` does."""
        found = self.of(source_id)
        del self[source_id]
        return found

    def add(self, source_id: str, chunk: Chunk) -> None:
        """Take a chunk; raises as `of` does."""
        self.of(source_id).chunks.setdefault(chunk.ordinal, chunk)


def source_gone(source_id: str) -> DocumentError:
    """What is raised for a source that is not there, or not begun."""
    return DocumentError(
        f"Source {source_id} is not there any more, or takes no chunks; the next run writes it again.",
        code="source-gone",
        where="target",
    )


def miscounted(draft: SourceDraft, landed: int) -> DocumentError:
    """What is raised for a source that got more or fewer chunks than it announced."""
    return DocumentError(
        f"{landed} chunks landed where {draft.chunk_count} were announced; nothing of it is kept.",
        code="chunk-count",
        where="target",
        document_id=draft.external_id,
    )
