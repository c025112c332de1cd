"""From bodies to prepared chunks: what is fetched, what travels together, and whose fault it is."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest

from knowledge_connector import Chunk, ConnectorError, Converted, Document, DocumentError, Unreadable
from knowledge_connector.model import Content
from knowledge_connector.ports import ChunkRules
from knowledge_connector.sync.body import BodyError, Fetcher
from knowledge_connector.sync.prepare import Prepared, Request, cut_of

CUTS = (("markdown", ChunkRules(max_chars=10)),)


def prepare(requests: Sequence[Request]) -> list[Prepared | ConnectorError]:
    """Like a child process that dies over the word "crash", and has its troubles with "ill"."""
    if any(request.raw.content == b"crash" for request in requests):
        raise DocumentError("the child died", code="crashed")
    return [_one(request) for request in requests]


def _one(request: Request) -> Prepared | ConnectorError:
    if request.raw.content == b"ill":
        return DocumentError("it is ill", code="ill")
    chunk = Chunk(0, request.raw.content.decode())
    return Prepared(Converted("", title=request.raw.charset), (cut_of((chunk,)),))


def outcomes(*documents: Document) -> list[str]:
    fetcher = Fetcher(prepare, max_bytes=100)
    return [
        f"{outcome.stage}: {outcome.error.message}"
        if isinstance(outcome, BodyError)
        else outcome.cuts[0].chunks[0].text
        for outcome in fetcher(documents, CUTS)
    ]


def fails(error: Exception) -> Document:
    def fetch() -> Content:
        raise error

    return Document("d", body=fetch)


def test_every_kind_of_body() -> None:
    assert outcomes(
        Document("text", body="one"),
        Document("bytes", body=b"two"),
        Document("deferred", body=lambda: "three"),
        Document("file", body=lambda: io.BytesIO(b"four")),
        Document("cut", body=(Chunk(0, "five"),)),
    ) == ["one", "two", "three", "four", "five"]


def test_one_that_kills_the_child_is_found_out_and_the_others_go_on() -> None:
    assert outcomes(Document("a", body="a"), Document("b", body="crash"), Document("c", body="c")) == [
        *("a", "convert: the child died"),
        "c",
    ]


def test_errors_say_in_which_stage_they_happened() -> None:
    assert outcomes(
        fails(DocumentError("it would not open")),
        fails(KeyError("secret")),
        Document("d", body="ill"),
        Document("d", body=(Chunk(0, "more than ten characters"),)),
    ) == [
        "fetch: it would not open",
        "fetch: reading the body raised KeyError",
        "convert: it is ill",
        "chunk: chunk 0 has 24 characters, the target takes 10",
    ]


@pytest.mark.parametrize("body", [b"x" * 101, "x" * 101, lambda: io.BytesIO(b"x" * 1_000_000)])
def test_what_is_too_large_is_not_prepared(body: bytes) -> None:
    (outcome,) = Fetcher(prepare, max_bytes=100)([Document("d", body=body)], CUTS)
    assert isinstance(outcome, BodyError)
    assert isinstance(outcome.error, Unreadable)
    assert outcome.error.code == "too-large"


def test_an_open_file_is_closed() -> None:
    file = io.BytesIO(b"text")
    outcomes(Document("d", body=file))
    assert file.closed
