"""Titles of entries: the only place where Sensay keeps a word of ours, so they carry the memory of the sync.

    Travel policy [kc-by-handbook <id> <fingerprint> <metadata> <revision> 1/1]     an entry of ours; the last is its part of all
    Travel policy [kc-gone-by-handbook <id>]                                        retired: about to be deleted, or deleted with delay

Sensay may list an entry for a day after it was deleted. So an entry is retired before it is deleted, and a listing tells what is
meant to be there from what lingers. Whoever changes what stands in brackets makes the entry foreign.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from knowledge_connector import SourceDraft, digest
from knowledge_connector.kit import text as kit_text

NAME_CHARS = 200
"""Sensay names no bound for titles. This one keeps lists readable."""

UNCOUNTED = 0
"""Stands for part and parts until it is known how many entries a playlist makes; never a whole version."""

_NONE = "-"
_OURS = re.compile(
    r"(?:(?P<name>.*) )?\[kc-by-(?P<owner>\S+) (?P<id>[a-z2-7]{26}) (?P<content>\S+) (?P<facts>\S+) (?P<revision>\S+)"
    r" (?P<part>\d+)/(?P<parts>\d+)\]",
    re.DOTALL,
)
_RETIRED = re.compile(r"(?:(?P<name>.*) )?\[kc-gone-by-(?P<owner>\S+) (?P<id>[a-z2-7]{26})\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Version:
    """What all entries of one version of one document have in common."""

    external_digest: str
    fingerprint: str
    metadata_fingerprint: str | None
    revision_mark: str | None
    parts: int


@dataclass(frozen=True, slots=True)
class Label:
    """What a title says. `part` counts from 1."""

    name: str
    owner: str
    version: Version
    part: int


@dataclass(frozen=True, slots=True)
class Retired:
    """What the title of a retired entry says."""

    name: str
    owner: str
    external_digest: str


def title_of(owner: str, draft: SourceDraft, part: int = 1, parts: int = 1) -> str:
    """Give the title of one of the entries of a document."""
    marks = (draft.fingerprint, draft.metadata_fingerprint, draft.revision_mark)
    words = (f"kc-by-{owner}", digest(draft.external_id), *map(_mark, marks), f"{part}/{parts}")
    return f"{short_name(draft.name)} [{' '.join(words)}]".lstrip()


def retired_title(owner: str, name: str, external_digest: str) -> str:
    """Give the title that an entry bears from just before it is deleted."""
    return f"{name} [kc-gone-by-{owner} {external_digest}]".lstrip()


def label_of(title: str) -> Label | None:
    """Read a title; `None` if it is not one of ours, or of a retired entry."""
    match = _OURS.fullmatch(title)
    if match is None:
        return None
    version = Version(
        external_digest=match["id"],
        fingerprint=unquote(match["content"]),
        metadata_fingerprint=_unmark(match["facts"]),
        revision_mark=_unmark(match["revision"]),
        parts=int(match["parts"]),
    )
    return Label(match["name"] or "", match["owner"], version, int(match["part"]))


def retired_of(title: str) -> Retired | None:
    """Read the title of a retired entry; `None` if it is none."""
    match = _RETIRED.fullmatch(title)
    return match and Retired(match["name"] or "", match["owner"], match["id"])


def sendable(text: str) -> str:
    """Give a text without control characters, and with U+FFFD for lone surrogates, which JSON in UTF-8 cannot carry."""
    return kit_text.clean(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def short_name(name: str) -> str:
    """Give a name on one line, and cut if it is long."""
    line = " ".join(sendable(name).split())
    return line if len(line) <= NAME_CHARS else line[: NAME_CHARS - 1] + "…"


def _mark(mark: str | None) -> str:
    if not mark:
        return _NONE
    return quote(mark, safe="") if mark != _NONE else "%2D"


def _unmark(text: str) -> str | None:
    return None if text == _NONE else unquote(text)
