"""The chunker that does not cut: for targets that take a document and split it themselves."""

from __future__ import annotations

from knowledge_connector.errors import DocumentError
from knowledge_connector.model import Chunk, length
from knowledge_connector.ports import Chunker, ChunkRules


class WholeChunker(Chunker):
    """Gives the document as one chunk, or refuses it: half a document would be worse than none."""

    name = "whole"
    version = "1"

    def chunk(self, markdown: str, rules: ChunkRules) -> list[Chunk]:
        """Give one chunk, or none for an empty text.

        Raises:
            DocumentError: The text is longer than the target takes (code `too-long`).
        """
        text = markdown.strip()
        size = length(text, rules.unit)
        if size > rules.max_chars:
            message = f"its text has {size} {rules.unit}, and the target takes {rules.max_chars}"
            raise DocumentError(message, code="too-long", where="target")
        return [Chunk(0, text)] if text else []
