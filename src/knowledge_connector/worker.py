"""What a child process does: `workshop` names it, the sandbox calls it. Light, because it starts often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from knowledge_connector.convert.pipeline import ConverterSet
from knowledge_connector.convert.reading import Reader
from knowledge_connector.kit.pages import RESERVED_CHARS, has_pages, with_pages
from knowledge_connector.model import Chunk
from knowledge_connector.ports import Chunker, ChunkRules
from knowledge_connector.refs import ClassRef
from knowledge_connector.sync.prepare import Preparer

FACTORY = "knowledge_connector.worker:build"


@dataclass(frozen=True, slots=True)
class Outfit:
    """What a child needs to know.

    Attributes:
        modules: Ways to converters that are not installed, but come from a file.
        settings: Of each converter, by its name.
    """

    converters: ConverterSet
    modules: tuple[ClassRef, ...]
    chunkers: tuple[ClassRef, ...]
    settings: Mapping[str, Mapping[str, Any]]


class _Paged(Chunker):
    """A chunker that says on which pages its chunks stand, where the text has pages."""

    name = "paged"
    version = "1"

    def __init__(self, inner: Chunker) -> None:
        self._inner = inner

    def chunk(self, markdown: str, rules: ChunkRules) -> list[Chunk]:
        """See `Chunker.chunk`."""
        if not has_pages(markdown):
            return self._inner.chunk(markdown, rules)
        if rules.counts_metadata:
            rules = replace(rules, max_chars=rules.max_chars - RESERVED_CHARS)
        return list(with_pages(self._inner.chunk(markdown, rules)))


def build(outfit: Outfit) -> Preparer:
    """Make the function that prepares one body after another."""
    for ref in outfit.modules:
        ref.load()
    chunkers = [cast("type[Chunker]", ref.load()) for ref in outfit.chunkers]
    reader = Reader(outfit.converters, outfit.settings)
    return Preparer(reader, {chunker.name: _Paged(chunker()) for chunker in chunkers})
