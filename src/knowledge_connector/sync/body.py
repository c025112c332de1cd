"""From a document's body to prepared chunks: the only place where a body is fetched. Runs on threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import BinaryIO

from knowledge_connector.errors import ConnectorError, DocumentError, Unreadable
from knowledge_connector.model import Chunk, Content, Converted, Document, Raw, length
from knowledge_connector.ports import ChunkRules
from knowledge_connector.sync.prepare import Prepared, Request, cut_of

Cuts = tuple[tuple[str, ChunkRules], ...]


class BodyError(Exception):
    """A `ConnectorError` with the stage in which it happened."""

    def __init__(self, stage: str, error: ConnectorError) -> None:
        super().__init__(error.message)
        self.stage = stage
        self.error = error


Prepare = Callable[[Sequence[Request]], list[Prepared | ConnectorError]]
"""Converts and cuts some bodies; blocks until a child process has answered. Raises a DocumentError if the child did not live to do so."""


class Fetcher:
    """Fetches bodies and has them prepared.

    Args:
        prepare: See `Prepare`.
        max_bytes: Larger bodies are not read to their end.
    """

    def __init__(self, prepare: Prepare, *, max_bytes: int) -> None:
        self._prepare = prepare
        self._max_bytes = max_bytes

    def __call__(self, documents: Sequence[Document], cuts: Cuts) -> list[Prepared | BodyError]:
        """Prepare some documents; for one that could not be fetched, converted or cut, the error stands in its place."""
        outcomes = [self._requested(document, cuts) for document in documents]
        prepared = iter(self._prepared([outcome for outcome in outcomes if isinstance(outcome, Request)]))
        return [next(prepared) if isinstance(outcome, Request) else outcome for outcome in outcomes]

    def _requested(self, document: Document, cuts: Cuts) -> Request | Prepared | BodyError:
        """What a child process has to do; or the outcome, if there is nothing left to do."""
        try:
            content = self._fetch(document)
            if isinstance(content, tuple):
                return _already_cut(content, cuts)
        except BodyError as error:
            return error
        charset = "utf-8" if isinstance(document.body, str) else None
        return Request(Raw(content, document.media_type or "", document.uri, charset), cuts)

    def _prepared(self, requests: Sequence[Request]) -> list[Prepared | BodyError]:
        if not requests:
            return []
        try:
            answers = self._prepare(requests)
        except ConnectorError as error:
            if len(requests) == 1:
                return [BodyError("convert", error)]
            # One of them was too much for the child; which one shows when each has a child to itself.
            return [outcome for request in requests for outcome in self._prepared([request])]
        return [BodyError("convert", answer) if isinstance(answer, ConnectorError) else answer for answer in answers]

    def _fetch(self, document: Document) -> bytes | tuple[Chunk, ...]:
        try:
            body = document.body
            return self._read(body() if callable(body) else body)
        except ConnectorError as error:
            raise BodyError("fetch", error) from error
        except Exception as error:  # the plugin-call edge: a body is a plugin's code
            ill = DocumentError(f"reading the body raised {type(error).__name__}", code="plugin-error", where="origin")
            raise BodyError("fetch", ill) from error

    def _read(self, content: Content) -> bytes | tuple[Chunk, ...]:
        if isinstance(content, tuple):
            return content
        if isinstance(content, str):
            content = content.encode("utf-8", "surrogatepass")
        if not isinstance(content, bytes):
            content = self._drain(content)
        if len(content) > self._max_bytes:
            raise Unreadable(
                f"the body is larger than max_document_bytes = {self._max_bytes}", code="too-large", where="origin"
            )
        return content

    def _drain(self, file: BinaryIO) -> bytes:
        with file:
            return file.read(self._max_bytes + 1)


def _already_cut(chunks: tuple[Chunk, ...], cuts: Cuts) -> Prepared:
    """Chunks that the connector cut itself are taken as they are, if they fit."""
    for _, rules in cuts:
        for chunk in chunks:
            if measure(chunk, rules) > rules.max_chars:
                message = f"chunk {chunk.ordinal} has {measure(chunk, rules)} {rules.unit}, the target takes {rules.max_chars}"
                raise BodyError("chunk", DocumentError(message, code="chunk-too-long", where="origin"))
    return Prepared(Converted(""), tuple(cut_of(chunks) for _ in cuts))


def measure(chunk: Chunk, rules: ChunkRules) -> int:
    """The size of a chunk as its target counts it."""
    size = length(chunk.text, rules.unit)
    if rules.counts_metadata:
        size += sum(length(key, rules.unit) + length(str(value), rules.unit) for key, value in chunk.metadata.items())
    return size
