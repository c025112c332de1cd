"""Body → Markdown → chunks → fingerprint: the work of a child process, and pure.

connector's body ─▶ Request ─▶ [ convert ─▶ chunk ─▶ fingerprint ] ─▶ Prepared
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from knowledge_connector.errors import ConnectorError
from knowledge_connector.model import Chunk, Converted, Raw, digest
from knowledge_connector.ports import Chunker, ChunkRules


@dataclass(frozen=True, slots=True)
class Request:
    """One body to prepare.

    Attributes:
        cuts: How to cut it: a chunker's name and its rules, once for each different recipe among the targets.
    """

    raw: Raw
    cuts: tuple[tuple[str, ChunkRules], ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """Chunks made by one recipe, with their fingerprint."""

    chunks: tuple[Chunk, ...]
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the content says of itself (without the Markdown), and its cuts, in the order of the request.

    Attributes:
        media_type: What it turned out to be; empty if nobody had to look.
        seconds: What converting and cutting it took.
    """

    found: Converted
    cuts: tuple[Cut, ...]
    media_type: str = ""
    seconds: float = 0.0


class Converting(Protocol):
    """What turns raw content into Markdown, whatever its type."""

    def media_type(self, raw: Raw) -> str:
        """What it is, by its content, by what the connector says, and by its name."""
        ...

    def convert(self, raw: Raw, media_type: str) -> Converted:
        """See `ports.Converter.convert`; `media_type` is what it is, whatever the connector says."""
        ...


class Preparer:
    """Converts and cuts. One per child process."""

    def __init__(self, converting: Converting, chunkers: Mapping[str, Chunker]) -> None:
        self._converting = converting
        self._chunkers = chunkers

    def __call__(self, requests: Sequence[Request]) -> list[Prepared | ConnectorError]:
        """Prepare bodies; for one that is ill, or (`Unreadable`) cannot be read here, the error stands in its place."""
        return [self._attempt(request) for request in requests]

    def _attempt(self, request: Request) -> Prepared | ConnectorError:
        try:
            return self._prepare(request)
        except ConnectorError as error:
            return error

    def _prepare(self, request: Request) -> Prepared:
        began = time.perf_counter()
        media_type = self._converting.media_type(request.raw)
        converted = self._converting.convert(request.raw, media_type)
        cuts = tuple(
            cut_of(tuple(self._chunkers[name].chunk(converted.markdown, rules))) for name, rules in request.cuts
        )
        found = Converted("", converted.title, converted.tags, converted.metadata)
        return Prepared(found, cuts, media_type, time.perf_counter() - began)


def cut_of(chunks: tuple[Chunk, ...]) -> Cut:
    """Name a list of chunks by what is in them: two lists with equal text and metadata have equal fingerprints."""
    return Cut(chunks, digest(*[part for chunk in chunks for part in (chunk.text, _facts(chunk.metadata))]))


def _facts(metadata: Mapping[str, Any]) -> str:
    return repr(sorted(metadata.items())) if metadata else ""
