"""Sources to write to a target: for the contract, and for tests of targets."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from knowledge_connector.model import Chunk, SourceDraft, digest
from knowledge_connector.ports import Target, TargetSession

OWNER = "contract"
"""The owner of the sources that the contract writes."""

ODD_TEXTS = {
    "astral characters": "\U0001f600 \U0001d11e \U00020bb7",
    "combining marks": "e\u0301 \u0928\u092e\u0938\u094d\u0924\u0947",
    "right to left": "\u05e9\u05dc\u05d5\u05dd \u202bx\u202c",
    "NUL": "before\0after",
    "control characters": "bell\x07 tab\t line\r\nend\x1b",
    "quotes and markup": "'; DROP TABLE x; -- \" <b>&amp;</b> {{x}} %s \\",
    "lone surrogates": "half \ud83d of a pair",
}
"""Texts that a target takes without an error; where it keeps content it gives them back, surrogates as U+FFFD."""


def draft_of(external_id: str, chunks: Sequence[Chunk], **changes: object) -> SourceDraft:
    """Give a draft that announces these chunks, with fields changed as said."""
    draft = SourceDraft(
        external_id=external_id,
        name=f"Name of {external_id}",
        chunk_count=len(chunks),
        fingerprint=digest(external_id, *(chunk.text for chunk in chunks)),
        metadata_fingerprint=digest(external_id, "metadata"),
        revision_mark=digest(external_id, "revision"),
        tags=("handbook",),
    )
    return replace(draft, **changes)  # type: ignore[arg-type]  # as `dataclasses.replace` itself: checked when it runs


def write(session: TargetSession, draft: SourceDraft, chunks: Iterable[Chunk]) -> str:
    """Write one whole source, without a flush, and give its id."""
    source_id = session.begin(draft)
    for chunk in chunks:
        session.add(source_id, chunk)
    session.commit(source_id)
    return source_id


def story(
    session: TargetSession, chunks: Sequence[Chunk], newer: Sequence[Chunk], *, retags: bool = True
) -> Iterator[None]:
    """Create, replace, retag (where the target can) and delete one document, stopping before each call."""
    source_id = ""
    for version in (chunks, newer):
        draft = draft_of("d", version, replaces=source_id or None)
        yield
        source_id = session.begin(draft)
        for chunk in version:
            yield
            session.add(source_id, chunk)
        yield
        session.commit(source_id)
        yield
        session.flush()
    if retags:
        yield
        session.retag(source_id, draft_of("d", newer, tags=("other",)))
        yield
        session.flush()
    yield
    session.delete(source_id)
    yield
    session.flush()


def tell_until_killed(target: Target, chunks: Sequence[Chunk], newer: Sequence[Chunk], calls: int) -> None:
    """Kill this process before call number `calls` of `story`; end well if it has fewer."""
    with target.open(OWNER, fence=1) as session:
        for number, _ in enumerate(story(session, chunks, newer, retags=target.limits.can_retag)):
            if number == calls:
                os.kill(os.getpid(), signal.SIGKILL)
