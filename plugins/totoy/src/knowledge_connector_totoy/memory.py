"""What the sync remembers at Totoy: pairs of `custom_metadata`, which every list carries, so that no local state is needed.

managed_by    kc-by-<connector>                                    whose source it is
external_id   the document's id                                    for people
fingerprint   of the content
sync_state    key part/parts chunks base digest metadata revision  for the sync; one pair, because Totoy takes ten
tags          JSON list
updated_at    ISO 8601, as the origin says
…             the document's own metadata, as `metadata_keys` asks

All pairs are always sent, empty ones as empty text: should a PATCH merge instead of replacing, nothing old stays behind.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from knowledge_connector import SourceDraft, digest

MANAGED_BY, EXTERNAL_ID, FINGERPRINT, STATE = "managed_by", "external_id", "fingerprint", "sync_state"
TAGS, UPDATED_AT = "tags", "updated_at"

_NOTHING = "-"
_UNSENDABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Marks:
    """The memory of one source at Totoy.

    Attributes:
        key: Names all sources of one version of one document; made anew for each, so that a lost answer can be looked up.
        base: Id of the knowledge base it was made for.
        digest: Of the document's id.
        chunk_count: Chunks that the text was put together from.
        part: From 1 to `parts`, for texts that are longer than one source may be.
    """

    key: str
    base: str
    digest: str
    fingerprint: str
    metadata_fingerprint: str
    chunk_count: int
    revision_mark: str | None = None
    part: int = 1
    parts: int = 1

    def of_part(self, part: int, parts: int) -> Marks:
        """The marks of one of several parts."""
        return replace(self, part=part, parts=parts)


def owner_mark(owner: str) -> str:
    """What tells the sources of a connector from all others."""
    return f"kc-by-{owner}"


def marks_of(draft: SourceDraft, key: str, base: str) -> Marks:
    """The marks of a source that is about to be made of `draft`."""
    return Marks(
        key=key,
        base=base,
        digest=digest(draft.external_id),
        fingerprint=draft.fingerprint,
        metadata_fingerprint=draft.metadata_fingerprint,
        chunk_count=draft.chunk_count,
        revision_mark=draft.revision_mark,
    )


def write_pairs(owner: str, draft: SourceDraft, marks: Marks, metadata_keys: Sequence[str] = ()) -> dict[str, str]:
    """Give the pairs to send; always the same names, all values text."""
    place, chunks = f"{marks.part}/{marks.parts}", str(marks.chunk_count)
    state = (marks.key, place, chunks, marks.base, marks.digest, marks.metadata_fingerprint, marks.revision_mark)
    facts = {**draft.metadata, "description": draft.description}
    pairs = {
        MANAGED_BY: owner_mark(owner),
        EXTERNAL_ID: draft.external_id,
        FINGERPRINT: marks.fingerprint,
        STATE: " ".join(word or _NOTHING for word in state),
        TAGS: json.dumps([sendable(tag) for tag in draft.tags], ensure_ascii=False),
        UPDATED_AT: draft.updated_at.isoformat() if draft.updated_at else "",
        **{key: str(facts.get(key, "")) for key in metadata_keys},
    }
    return {name: sendable(value) for name, value in pairs.items()}


def read_marks(pairs: Mapping[str, Any], owner: str) -> Marks | None:
    """Give the marks that pairs hold; `None` if they are not of this owner, or somebody has changed them."""
    if pairs.get(MANAGED_BY) != owner_mark(owner):
        return None
    try:
        key, place, chunks, base, digest_, metadata_fingerprint, revision = str(pairs[STATE]).split(" ")
        part, parts = (int(number) for number in place.split("/"))
        return Marks(
            key=key,
            base=base,
            digest=digest_,
            fingerprint=str(pairs[FINGERPRINT]),
            metadata_fingerprint=metadata_fingerprint,
            chunk_count=int(chunks),
            revision_mark=None if revision == _NOTHING else revision,
            part=part,
            parts=parts,
        )
    except (KeyError, ValueError):
        return None


def read_external_id(pairs: Mapping[str, Any], marks: Marks) -> str | None:
    """The document's id; `None` if it could not be written as it is."""
    external_id = str(pairs.get(EXTERNAL_ID, ""))
    return external_id if digest(external_id) == marks.digest else None


def read_tags(pairs: Mapping[str, Any]) -> tuple[str, ...]:
    """The tags; none if somebody has changed the pair into something else."""
    try:
        tags = json.loads(str(pairs.get(TAGS, "[]")))
    except ValueError:
        return ()
    return tuple(str(tag) for tag in tags) if isinstance(tags, list) else ()


def sendable(text: str) -> str:
    """Replace what JSON in UTF-8 cannot carry (lone surrogates), and NUL, by U+FFFD."""
    return _UNSENDABLE.sub("\ufffd", text)
