"""A document as a Cognigy source says it: tags, data and names. Pure functions.

tags   kc-by-<connector>  kc-id-<document>  the user's tags  kc-rev-<revision>  kc-fp-<content>    the last on whole sources only
data   externalId  url  updatedAt  the document's metadata                                         for flows and for people
       kcSource  kcHead  kcPart  kcChunks  kcMetadata                                              for the next run
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import TYPE_CHECKING

from knowledge_connector import DocumentError, digest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from knowledge_connector import SourceDraft

    Scalar = str | int | float | bool

BY, ID, REVISION, FINGERPRINT = "kc-by-", "kc-id-", "kc-rev-", "kc-fp-"

MAX_USER_TAGS = 6
MAX_PAIRS = 20
MAX_VALUE = 1000
MAX_KEY = 200
MAX_NAME = 200

EXTERNAL_ID, URL, UPDATED_AT = "externalId", "url", "updatedAt"
SOURCE, HEAD, PART, CHUNKS, METADATA = "kcSource", "kcHead", "kcPart", "kcChunks", "kcMetadata"
_RESERVED = {EXTERNAL_ID, URL, UPDATED_AT, SOURCE, HEAD, PART, CHUNKS, METADATA}
MAX_USER_PAIRS = MAX_PAIRS - len(_RESERVED) + 1
"""`kcSource` and `kcHead` never stand together."""


def mark(tags: Sequence[str], prefix: str) -> str | None:
    """Give what stands behind a prefix of ours."""
    return next((tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)), None)


def user_tags(tags: Sequence[str]) -> list[str]:
    """Give the tags that are not marks."""
    return [tag for tag in tags if not tag.startswith((BY, ID, REVISION, FINGERPRINT))]


def unfinished_tags(owner: str, document: str) -> list[str]:
    """Say whose source this is, and of which document; it is not whole yet."""
    return [f"{BY}{owner}", f"{ID}{document}"]


def finished_tags(owner: str, draft: SourceDraft) -> list[str]:
    """Say all of it; with these tags a source is whole."""
    revision = [f"{REVISION}{_word(draft.revision_mark)}"] if draft.revision_mark else []
    own = unfinished_tags(owner, digest(draft.external_id))
    return [*own, *dict.fromkeys(map(tag_for, draft.tags)), *revision, f"{FINGERPRINT}{_word(draft.fingerprint)}"]


def held_back_tags(tags: Sequence[str], why: str) -> list[str]:
    """Give the tags of a whole source whose content is about to change: no revision and no text has this fingerprint.

    Whatever happens next, it counts as whole, answers, and is written again by the next run.
    """
    return [*(tag for tag in tags if not tag.startswith((REVISION, FINGERPRINT))), f"{FINGERPRINT}{why}"]


def tag_for(tag: str) -> str:
    """Write a user's tag in Cognigy's alphabet (`a-z 0-9 _ -`).

    Lower case, accents and ligatures taken apart, anything else a hyphen. A tag of which nothing would be left becomes `tag-` and a
    digest; one that looks like a mark gets an `x-` before it.
    """
    plain = unicodedata.normalize("NFKD", tag.casefold()).encode("ascii", "ignore").decode()
    kept = re.sub(r"[^a-z0-9_]+", "-", plain).strip("-")
    if not kept:
        return f"tag-{digest(tag)[:10]}"
    return f"x-{kept}" if kept.startswith("kc-") else kept


def _word(text: str) -> str:
    """Digests as they are; anything else that somebody calls a fingerprint by its digest."""
    return text if re.fullmatch(r"[a-z0-9_-]{1,64}", text) else digest(text)


def clean(text: str) -> str:
    """Give `text` with U+FFFD for what JSON or a database may not take: lone surrogates, NUL."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")


def data_of(metadata: Mapping[str, Scalar], *, reserved: Collection[str] = ()) -> dict[str, Scalar]:
    """Write metadata as Cognigy's data: keys in its alphabet, values within its length.

    Args:
        metadata: Of a chunk or of a document.
        reserved: Keys that get an `m_` before them.

    Raises:
        DocumentError: A value is too long, or two keys become the same.
    """
    data: dict[str, Scalar] = {}
    for key, value in metadata.items():
        name = _key(key, reserved)
        if name in data:
            raise _ill(f"the metadata keys {key!r} and another one both become {name!r}")
        data[name] = _value(key, value)
    return data


def _key(key: str, reserved: Collection[str]) -> str:
    plain = unicodedata.normalize("NFKD", key)
    name = re.sub(r"[^A-Za-z0-9_$]", "_", "".join(char for char in plain if not unicodedata.combining(char)))
    if not re.match(r"[A-Za-z]", name) or name in reserved:
        name = f"m_{name}"
    return name[:MAX_KEY]


def _value(key: str, value: Scalar) -> Scalar:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if not isinstance(value, str):
        return value
    text = clean(value)
    if len(text) > MAX_VALUE:
        raise _ill(f"metadata {key!r} has {len(text)} characters, and Cognigy takes {MAX_VALUE}")
    return text


def source_data(draft: SourceDraft, keys: Collection[str] | None) -> dict[str, Scalar]:
    """Give the data of a source that people and flows read: id, link, date and metadata.

    An id or a link that is longer than a value may be stays out; the document is known by its digest all the same.

    Args:
        draft: The document.
        keys: Which of its metadata to take; `None` for all.

    Raises:
        DocumentError: There is more metadata than room.
    """
    told = {
        EXTERNAL_ID: draft.external_id if clean(draft.external_id) == draft.external_id else None,
        URL: draft.uri,
        UPDATED_AT: draft.updated_at.isoformat() if draft.updated_at else None,
    }
    chosen = {key: value for key, value in draft.metadata.items() if keys is None or key in keys}
    if len(chosen) > MAX_USER_PAIRS:
        raise _ill(
            f"{len(chosen)} metadata pairs, and a source has room for {MAX_USER_PAIRS}; choose them with metadata_keys"
        )
    kept = {key: clean(value) for key, value in told.items() if value and len(value) <= MAX_VALUE}
    return {**kept, **data_of(chosen, reserved=_RESERVED)}


def names_for(draft: SourceDraft, part: int, parts: int) -> list[str]:
    """Give names for a source, the best first: the title, the title with the document's id, the title with its digest.

    Names are unique within a store, titles are not. What does not fit is shortened with an ellipsis.
    """
    suffix = f" (part {part} of {parts})" if parts > 1 else ""
    endings = ("", f" ({_line(draft.external_id)})", f" ({digest(draft.external_id)})")
    return [_fit(draft.name, ending + suffix) for ending in endings]


def passing_name(title: str, what: str, nonce: str) -> str:
    """Give a name that nobody else has, for a source on its way in or out."""
    return _fit(title, f" ({what} {nonce})")


def _fit(title: str, ending: str) -> str:
    if len(ending) > MAX_NAME // 2:
        ending = f" (…{ending[3 - MAX_NAME // 2 :]}"
    title, room = _line(title) or "Untitled", MAX_NAME - len(ending)
    return f"{title if len(title) <= room else title[: room - 1].rstrip() + '…'}{ending}"


def _line(text: str) -> str:
    """One line without control characters and doubled blanks."""
    printable = "".join(" " if unicodedata.category(char) == "Cc" else char for char in clean(text))
    return " ".join(printable.split())


def _ill(message: str) -> DocumentError:
    return DocumentError(message, code="metadata", where="target")
