"""The other chunker: paragraphs and sentences, whatever they are. For texts that are no Markdown, and as an example of a second one."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from knowledge_connector.chunking.blocks import Block
from knowledge_connector.chunking.markdown import with_newlines
from knowledge_connector.chunking.packing import pack
from knowledge_connector.chunking.ruler import Ruler
from knowledge_connector.chunking.rules import check_rules
from knowledge_connector.ports import Chunker

if TYPE_CHECKING:
    from knowledge_connector.model import Chunk
    from knowledge_connector.ports import ChunkRules

_PARAGRAPH: Final = re.compile(r"(?:\n[^\S\n]*){2,}")


class PlainChunker(Chunker):
    """Fills chunks with whole paragraphs; one that is too long is cut behind sentences, then words. It sees no headings, tables or code."""

    name = "plain"
    version = "1"

    def chunk(self, markdown: str, rules: ChunkRules) -> list[Chunk]:
        """Give the chunks, without metadata.

        Raises:
            ConfigError: The rules cannot be kept.
        """
        check_rules(rules)
        text = with_newlines(markdown)
        borders = [0, *[found.end() for found in _PARAGRAPH.finditer(text)], len(text)]
        blocks = [Block(start, end, "prose") for start, end in pairwise(borders) if start < end]
        return pack(blocks, Ruler(text, rules.unit), rules)
