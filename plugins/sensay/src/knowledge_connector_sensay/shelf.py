"""What a listing of entries says about the documents of one owner. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from knowledge_connector import KnowledgeSource
from knowledge_connector_sensay.titles import Label, Version, label_of, retired_of
from knowledge_connector_sensay.wire import LINKS, UNPROCESSABLE, Entry

SPOILT = "spoilt"
"""Fingerprint of a document whose entries are not whole and shall be mended rather than removed: it is no content's, so the next run
sends the document again. A text that Sensay could not process stays, because what it said before may still be answered; and so do
links, because Sensay takes no address twice, and keeps those of deleted entries for a while."""


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
        sources: One for each document that is there, and one for each entry that is in the way: left by a crash, or a twin.
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
    kept = shown or [(label, entry) for label, entry in labelled if _is_mendable(entry)]
    for label, entry in labelled:
        if (label, entry) not in kept:
            _stray(shelf, held_of(label, entry))
    for label, _ in kept[-1:]:
        shelf.sources.append(_source(label, label.version.fingerprint if shown else SPOILT))


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


def _is_mendable(entry: Entry) -> bool:
    return entry.type in LINKS or (entry.type, entry.status) == ("text", UNPROCESSABLE)


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
