"""File names: the only place where Intellia keeps a word of ours, so they carry the memory of the sync.

    Travel policy.kc-handbook.<id>.<fingerprint>.<metadata>.<revision>.<count>.<attempt>.md

What stands after the title uses letters, digits, `-`, `_`, `.` and `%` only. Whoever renames the file makes it foreign.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from knowledge_connector import DocumentError, SourceDraft, digest

MAX_BYTES = 255
"""Length of a file name in UTF-8. Intellia does not say; this is what file systems and most stores take."""

_NONE = "-"
_ODD = re.compile(r'[\x00-\x1f\x7f-\x9f%/\\:*?"<>|]')
_OURS = re.compile(
    r"(?P<title>.*)\.kc-(?P<owner>[a-z0-9_-]+)\.(?P<id>[a-z2-7]{26})"
    r"\.(?P<content>[^.]+)\.(?P<facts>[^.]+)\.(?P<revision>[^.]+)\.(?P<count>[0-9]+)\.(?P<attempt>[a-z0-9]+)\.md"
)


@dataclass(frozen=True, slots=True)
class Label:
    """What a file name says.

    Attributes:
        title: Of the document, cut if it was long.
        owner: Name of the connector that the file belongs to.
        chunk_count: How many chunks of ours make up the text.
        attempt: Tells this upload from every other.
    """

    title: str
    owner: str
    external_digest: str
    fingerprint: str
    metadata_fingerprint: str | None
    revision_mark: str | None
    chunk_count: int
    attempt: str


def file_name(owner: str, draft: SourceDraft, attempt: str) -> str:
    """Name the file of a document.

    Raises:
        DocumentError: Its marks alone are longer than a file name may be (code `name-too-long`).
    """
    marks = (draft.fingerprint, draft.metadata_fingerprint, draft.revision_mark)
    ending = ".".join(
        ["", f"kc-{owner}", digest(draft.external_id), *map(_mark, marks), str(draft.chunk_count), attempt, "md"]
    )
    room = MAX_BYTES - len(ending)
    if room < 0:
        raise DocumentError(
            f"its marks make a file name of {len(ending)} characters, and {MAX_BYTES} is the most; shorten its fingerprint",
            code="name-too-long",
            where="target",
            document_id=draft.external_id,
        )
    return _cut(draft.name, room) + ending


def label_of(name: str) -> Label | None:
    """Read a file name; `None` if it is not one of ours."""
    match = _OURS.fullmatch(name)
    if match is None:
        return None
    return Label(
        title=unquote(match["title"]),
        owner=match["owner"],
        external_digest=match["id"],
        fingerprint=unquote(match["content"]),
        metadata_fingerprint=_unmark(match["facts"]),
        revision_mark=_unmark(match["revision"]),
        chunk_count=int(match["count"]),
        attempt=match["attempt"],
    )


def clean(text: str) -> str:
    """Give `text` with U+FFFD for every lone surrogate, which neither JSON nor UTF-8 can carry."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _mark(mark: str | None) -> str:
    if not mark:
        return _NONE
    return quote(mark, safe="").replace(".", "%2E") if mark != _NONE else "%2D"


def _unmark(text: str) -> str | None:
    return None if text == _NONE else unquote(text)


def _cut(title: str, room: int) -> str:
    """Spell a title so that it is a part of a file name everywhere, as much of it as there is room for."""
    letters = [quote(letter, safe="") if _ODD.match(letter) else letter for letter in clean(title)]
    sizes = [len(letter.encode()) for letter in letters]
    if sum(sizes) <= room:
        return "".join(letters)
    size, kept = len("…".encode()), 0
    while kept < len(letters) and size + sizes[kept] <= room:
        size += sizes[kept]
        kept += 1
    return "".join([*letters[:kept], "…"]) if size <= room else ""
