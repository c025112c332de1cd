"""What a listing of entries says about the documents of one owner. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from knowledge_connector import KnowledgeSource
from knowledge_connector_sensay.titles import Label, Version, label_of, retired_of
from knowledge_connector_sensay.wire import UNPROCESSABLE, Entry

SPOILT = "unprocessable"
"""Fingerprint of a text entry that was given a text which Sensay could not process. It is no document's, so the text is sent again in
the next run; and the entry stays, because what it said before may still be answering."""


@dataclass(frozen=True, slots=True)
class Held:
    """What has to be known of an entry of ours to replace or to remove it.

    Attributes:
        name: What its title says before our brackets.
        external_digest: Of the document it belongs to.
        is_retired: Whether its title says so already.
    """

    id: int
    type: str
    name: str
    external_digest: str
    url: str | None = None
    playlist: str | None = None
    is_retired: bool = False


@dataclass(slots=True)
class Shelf:
    """The entries of one owner.

    Attributes:
        sources: One for each document that is there whole, and one for each entry that is in nobody's way but ours: left by a crash,
            or a twin.
        documents: All entries of each document, by its digest.
        strays: Entries that a source of their own stands for, by the id of that source.
    """

    sources: list[KnowledgeSource] = field(default_factory=list)
    documents: dict[str, tuple[Held, ...]] = field(default_factory=dict)
    strays: dict[str, Held] = field(default_factory=dict)


def survey(entries: Iterable[Entry], owner: str) -> Shelf:
    """Sort out a listing. Entries that Sensay still lists after their deletion must have been left out."""
    shelf = Shelf()
    documents: dict[str, list[tuple[Label, Entry]]] = {}
    for entry in entries:
        label, retired = label_of(entry.title), retired_of(entry.title)
        if label is not None and label.owner == owner:
            documents.setdefault(label.version.external_digest, []).append((label, entry))
        elif retired is not None and retired.owner == owner:
            _stray(shelf, Held(entry.id, entry.type, retired.name, retired.external_digest, is_retired=True))
    for external_digest, labelled in documents.items():
        shelf.documents[external_digest] = tuple(held_of(label, entry) for label, entry in labelled)
        _sort_out(shelf, labelled)
    return shelf


def is_ours(entry: Entry, owner: str) -> bool:
    """Whether an entry bears the owner's mark, retired or not."""
    marked = label_of(entry.title) or retired_of(entry.title)
    return marked is not None and marked.owner == owner


def held_of(label: Label, entry: Entry) -> Held:
    """Give what is remembered of an entry."""
    return Held(entry.id, entry.type, label.name, label.version.external_digest, entry.url, entry.playlist)


def _sort_out(shelf: Shelf, labelled: Sequence[tuple[Label, Entry]]) -> None:
    shown = _newest_whole(labelled)
    spoilt = [] if shown else [pair for pair in labelled if _is_spoilt(*pair)][-1:]
    for label, entry in labelled:
        if (label, entry) not in shown and (label, entry) not in spoilt:
            _stray(shelf, held_of(label, entry))
    for label, _ in (*shown[:1], *spoilt):
        shelf.sources.append(_source(label, SPOILT if spoilt else label.version.fingerprint))


def _newest_whole(labelled: Sequence[tuple[Label, Entry]]) -> list[tuple[Label, Entry]]:
    """The entries of the newest version of which every part is known to the replica; of twins the oldest."""
    versions: dict[Version, dict[int, tuple[Label, Entry]]] = {}
    for label, entry in labelled:
        if entry.is_done:
            versions.setdefault(label.version, {}).setdefault(label.part, (label, entry))
    whole = [list(parts.values()) for version, parts in versions.items() if _is_whole(version, parts)]
    return max(whole, key=lambda pairs: max(entry.id for _, entry in pairs), default=[])


def _is_whole(version: Version, parts: Iterable[int]) -> bool:
    return version.parts > 0 and set(parts) == set(range(1, version.parts + 1))


def _is_spoilt(label: Label, entry: Entry) -> bool:
    return entry.type == "text" and entry.status == UNPROCESSABLE and label.version.parts == 1


def _source(label: Label, fingerprint: str) -> KnowledgeSource:
    return KnowledgeSource(
        source_id=label.version.external_digest,
        external_digest=label.version.external_digest,
        external_id=None,
        name=label.name,
        fingerprint=fingerprint,
        chunk_count=1,
        revision_mark=label.version.revision_mark,
        metadata_fingerprint=label.version.metadata_fingerprint,
    )


def _stray(shelf: Shelf, held: Held) -> None:
    source_id = f"#{held.id}"
    shelf.strays[source_id] = held
    shelf.sources.append(
        KnowledgeSource(
            source_id=source_id,
            external_digest=held.external_digest,
            external_id=None,
            name=held.name,
            fingerprint=None,
            chunk_count=0,
        )
    )
