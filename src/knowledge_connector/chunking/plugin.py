"""Our chunkers, through the door that every plugin uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knowledge_connector.hookspecs import hookimpl

if TYPE_CHECKING:
    from knowledge_connector.ports import Chunker


@hookimpl
def register_chunkers() -> list[type[Chunker]]:
    """Give the Markdown chunker, which is the default, the plain one, and the one that does not cut."""
    from knowledge_connector.chunking.markdown import MarkdownChunker  # the parser is loaded only where text is cut
    from knowledge_connector.chunking.plain import PlainChunker
    from knowledge_connector.chunking.whole import WholeChunker

    return [MarkdownChunker, PlainChunker, WholeChunker]
