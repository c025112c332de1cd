"""The default chunker: along headings, paragraphs, lists, tables and code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knowledge_connector.chunking.blocks import leading_titles, parse
from knowledge_connector.chunking.headings import cost, heading_path, highest_cost
from knowledge_connector.chunking.packing import is_visible, make_chunk, pack
from knowledge_connector.chunking.ruler import Ruler
from knowledge_connector.chunking.rules import check_rules
from knowledge_connector.ports import Chunker

if TYPE_CHECKING:
    from knowledge_connector.model import Chunk
    from knowledge_connector.ports import ChunkRules


class MarkdownChunker(Chunker):
    """Fills chunks with whole blocks that belong together, and cuts only what is too long for one.

    Not cut where they fit into a chunk: code fences, tables, list items, paragraphs. A longer table has its header again in each
    part, a longer fence is closed and opened again. A heading is never the end of a chunk, unless it is the end of the text.
    """

    name = "markdown"
    version = "1"

    def chunk(self, markdown: str, rules: ChunkRules) -> list[Chunk]:
        """Give the chunks; `metadata["heading"]` is the path of the first block, shortened to 300 units.

        Where metadata counts, the path takes no more than a quarter of a chunk.

        Raises:
            ConfigError: The rules cannot be kept.
        """
        check_rules(rules)
        text = with_newlines(markdown)
        if not is_visible(text):
            return []
        ruler = Ruler(text, rules.unit)
        if len(text) <= rules.max_chars:
            heading = heading_path(leading_titles(text), rules)
            if ruler.size(0, len(text)) + cost(heading, rules) <= rules.max_chars:
                return [make_chunk(0, text, heading)]
        return pack(parse(ruler, rules.max_chars - highest_cost(rules)), ruler, rules)


def with_newlines(text: str) -> str:
    r"""A text whose lines all end in `\n`."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
