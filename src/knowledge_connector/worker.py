"""What a child process does: `workshop` names it, the sandbox calls it. Light, because it starts often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import urlsplit

from knowledge_connector.convert.detect import HEAD_BYTES, UNKNOWN, detect
from knowledge_connector.convert.pipeline import ConverterSet
from knowledge_connector.model import Converted, Raw
from knowledge_connector.ports import Chunker
from knowledge_connector.refs import ClassRef
from knowledge_connector.sync.prepare import Preparer

FACTORY = "knowledge_connector.worker:build"

_READABLE = ("text/", "application/json", "application/xml", "application/xhtml", UNKNOWN)
"""What detection says of content that is no binary format: then the type that the connector gave is believed."""


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


@dataclass(frozen=True, slots=True)
class _Converting:
    """`sync.prepare.Converting`: finds out what the content is, and has it converted."""

    converters: ConverterSet
    settings: Mapping[str, Mapping[str, Any]]

    def convert(self, raw: Raw) -> Converted:
        return self.converters.convert(replace(raw, media_type=self._media_type(raw)), self.settings)

    def _media_type(self, raw: Raw) -> str:
        head = raw.content[:HEAD_BYTES]
        if not raw.media_type:
            name = urlsplit(raw.uri).path if raw.uri else None
            return detect(head, name, self.converters.extensions)
        found = detect(head)
        return raw.media_type if found.startswith(_READABLE) else found


def build(outfit: Outfit) -> Preparer:
    """Make the function that prepares one body after another."""
    for ref in outfit.modules:
        ref.load()
    chunkers = [cast("type[Chunker]", ref.load()) for ref in outfit.chunkers]
    return Preparer(_Converting(outfit.converters, outfit.settings), {chunker.name: chunker() for chunker in chunkers})
