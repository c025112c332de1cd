"""What shall happen to one document, and why: pure functions of what was read, what is known, and the recipe.

Three looks, each dearer than the one before. `at_sight` sees the listing only; most documents of most runs end there. `by_content` sees
the chunks. `as_orphan` sees that a document is gone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from knowledge_connector.model import Chunk, Converted, Document, SourceDraft, digest, id_digest
from knowledge_connector.ports import Known


class Action(StrEnum):
    """The kinds of change."""

    CREATE = "create"
    UPDATE = "update"
    RETAG = "retag"
    DELETE = "delete"
    KEEP = "keep"
    HOLD = "hold"
    SKIP = "skip"
    FAIL = "fail"
    WITHHOLD = "withhold"

    @property
    def writes(self) -> bool:
        """Whether it has an effect at the target."""
        return self in _WRITING


_WRITING = {Action.CREATE, Action.UPDATE, Action.RETAG, Action.DELETE}


@dataclass(frozen=True, slots=True)
class Change:
    """One planned change, with its reason.

    Attributes:
        source_id: The source it acts upon, if there is one already.
        draft, chunks: What shall be written, for those that write.
        row: What to remember once it has happened; `None` to leave the memory as it is.
        intent: What to remember before it is tried: a decision of a person, which stands even if the outcome gets lost.
        also: Further rows to remember with `row`.
        before: The memory it was planned on.
        code: Reason code of a skip, or of a failure.
        stage: Where a failure happened: list, fetch, convert, chunk or write.
        sequence: Number of the document in the listing; `None` for what is no longer listed.
    """

    action: Action
    external_id: str
    name: str
    reason: str
    source_id: str | None = None
    draft: SourceDraft | None = None
    chunks: tuple[Chunk, ...] = ()
    row: Known | None = None
    before: Known | None = None
    intent: tuple[Known, ...] = ()
    also: tuple[Known, ...] = ()
    code: str = ""
    stage: str = ""
    sequence: int | None = None

    @property
    def previous_id(self) -> str | None:
        """The id that a renamed document had before."""
        before = self.before.external_id if self.before else None
        return before if before != self.external_id else None


SAME_REVISION = Change(Action.KEEP, "", "", "same revision")
"""What `at_sight` says of nearly every document of nearly every run: one value for all of them, because making one takes its time."""


class Sighting(NamedTuple):
    """A listed document with everything that can be said of it without its body.

    Attributes:
        tags: Its own and those of the configuration.
        recipe: What will turn its body into chunks, with versions and settings.
        revision_mark: Digest of revision, recipe and listed metadata; `None` without a revision.
    """

    document: Document
    sequence: int
    tags: tuple[str, ...]
    recipe: str
    revision_mark: str | None

    @property
    def content_mark(self) -> str | None:
        """Digest of revision and recipe alone; `None` without a revision."""
        revision = self.document.revision
        return None if revision is None else digest(self.recipe, revision)


def sight(document: Document, sequence: int, tags: tuple[str, ...], recipe: str) -> Sighting:
    """Compute the marks of a listed document.

    Args:
        document: As the connector yielded it.
        sequence: Its number in this listing.
        tags: Those of the configuration, which every document gets.
        recipe: See `Sighting`.
    """
    all_tags = tuple(dict.fromkeys(tags + document.tags)) if tags else document.tags
    if document.revision is None:
        return Sighting(document, sequence, all_tags, recipe, None)
    listed = repr((document.title, document.uri, all_tags, document.acl, sorted(document.metadata.items())))
    return Sighting(document, sequence, all_tags, recipe, digest(recipe, document.revision, listed))


def at_sight(
    seen: Sighting, known: Known | None, *, trust_revisions: bool = True, can_retag: bool = True
) -> Change | None:
    """Decide without the body, or give `None` if the body is needed.

    Args:
        seen: The document.
        known: What is remembered of it.
        trust_revisions: Whether an equal revision means an equal body.
        can_retag: Whether the target can change name, link, tags and metadata without being sent the text again.
    """
    if known is None or seen.revision_mark is None or not trust_revisions:
        return None
    document, name = seen.document, known.name
    if known.held_fingerprint:
        same = known.held_revision == seen.revision_mark
        return Change(Action.HOLD, document.id, name, "undone by hand; the origin is unchanged since") if same else None
    if known.revision_mark == seen.revision_mark:
        if known.skipped:
            return Change(Action.SKIP, document.id, name, "still cannot be read", code=known.skipped)
        if known.source_id is not None:
            return SAME_REVISION
    if known.source_id is None or known.derived is None or known.content_mark != seen.content_mark:
        return None
    change = _same_text(seen, known, known.derived, reason="same revision")
    return change if can_retag or change.action is Action.KEEP else None


def by_content(
    seen: Sighting,
    known: Known | None,
    found: Converted,
    chunks: tuple[Chunk, ...],
    fingerprint: str,
    *,
    can_retag: bool = True,
) -> Change:
    """Decide with the chunks in hand.

    Args:
        seen: The document.
        known: What is remembered of it.
        found: What the content says of itself; its Markdown is not looked at.
        chunks: The chunks, at least one.
        fingerprint: Of the chunks.
        can_retag: As for `at_sight`.
    """
    derived = _dump_derived(found)
    document = seen.document
    draft = _draft(seen, derived, len(chunks), fingerprint)
    if known is not None and known.held_fingerprint == state_of(fingerprint, draft.metadata_fingerprint):
        row = replace(known, held_revision=seen.revision_mark)
        return Change(Action.HOLD, document.id, known.name, "undone by hand; the origin is unchanged since", row=row)
    if known is not None and known.source_id is not None and known.fingerprint == fingerprint:
        change = _same_text(seen, known, derived, reason="same text")
        if can_retag or change.action is Action.KEEP:
            return change
        rewritten = replace(draft, replaces=known.source_id)
        return replace(change, action=Action.UPDATE, draft=rewritten, chunks=chunks)
    row = _row(seen, draft, derived, known)
    if known is None or known.source_id is None:
        reason = "changed since it was undone" if known is not None and known.held_fingerprint else "new"
        return Change(Action.CREATE, document.id, draft.name, reason, draft=draft, chunks=chunks, row=row, before=known)
    reason = "changed since it was undone" if known.held_fingerprint else _why_changed(seen, known)
    draft = replace(draft, replaces=known.source_id)
    return Change(Action.UPDATE, document.id, draft.name, reason, known.source_id, draft, chunks, row, known)


def state_of(fingerprint: str | None, metadata_fingerprint: str | None) -> str:
    """Name what an origin says of a document: text and metadata. Compared with what it said when a person undid it."""
    return digest(fingerprint or "", metadata_fingerprint or "")


def as_renamed(change: Change, old: Known) -> Change:
    """Turn a planned create into a retag of the source `old`, which holds the same text under an id that is gone."""
    reason = f"renamed from {old.external_id}"
    row = change.row and replace(change.row, source_id=old.source_id, chunk_count=old.chunk_count)
    return Change(Action.RETAG, change.external_id, change.name, reason, old.source_id, change.draft, (), row, old)


NOT_LISTED = "no longer listed at the origin"


def as_orphan(known: Known) -> Change:
    """Plan the delete of a document that is gone."""
    external_id = known.external_id or known.external_digest
    reason = known.doomed or NOT_LISTED
    return Change(Action.DELETE, external_id, known.name or external_id, reason, known.source_id, before=known)


def as_skip(seen: Sighting, known: Known | None, code: str, message: str) -> Change:
    """Plan to leave a document out, and to remember it, so that it is not fetched again until its revision changes."""
    document = seen.document
    name = known.name if known and known.name else document.title or document.id
    if known is not None and known.source_id is not None:
        message += "; the version held stays"
    row = replace(
        known or Known(id_digest(document.id), document.id, name=name, uri=document.uri),
        revision=document.revision,
        revision_mark=seen.revision_mark,
        content_mark=None,
        skipped=code,
        doomed=None,
    )
    return Change(Action.SKIP, document.id, name, message, row=row, code=code)


def as_failure(id_: str, row: Known | None, stage: str, code: str, message: str, sequence: int | None) -> Change:
    """A document that could not be read or written; what is held of it stays."""
    name = row.name if row and row.name else id_
    return Change(Action.FAIL, id_, name, message, before=row, code=code, stage=stage, sequence=sequence)


def _same_text(seen: Sighting, known: Known, derived: str, *, reason: str) -> Change:
    """The text is the same; what about name, link, tags and metadata?"""
    draft = _draft(seen, derived, known.chunk_count, known.fingerprint or "")
    row = replace(_row(seen, draft, derived, known), source_id=known.source_id)
    document = seen.document
    if known.metadata_fingerprint in (None, draft.metadata_fingerprint):
        return Change(Action.KEEP, document.id, draft.name, reason, known.source_id, row=row if row != known else None)
    why = f"{reason}; name, link, tags or metadata changed"
    return Change(Action.RETAG, document.id, draft.name, why, known.source_id, draft, (), row, known)


def _why_changed(seen: Sighting, known: Known) -> str:
    old, new = known.revision, seen.document.revision
    if old and new and old != new:
        return f"revision changed from {_short(old)} to {_short(new)}"
    if old and old == new:
        return "same revision, but another text (the recipe changed, or the revision lied)"
    return "the text changed"


def _short(text: str, limit: int = 40) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _draft(seen: Sighting, derived: str, chunk_count: int, fingerprint: str) -> SourceDraft:
    """The source as it shall become. The origin's word on title and metadata goes before what the content says."""
    document, said = seen.document, _load_derived(derived)
    name = document.title or said.get("title") or document.id
    tags = tuple(dict.fromkeys([*seen.tags, *said.get("tags", ())]))
    metadata = {**said.get("metadata", {}), **document.metadata}
    description = str(metadata.pop("description", ""))
    facts = repr((document.id, name, description, document.uri, tags, document.acl, sorted(metadata.items())))
    return SourceDraft(
        external_id=document.id,
        name=name,
        chunk_count=chunk_count,
        fingerprint=fingerprint,
        metadata_fingerprint=digest(facts),
        revision_mark=seen.revision_mark,
        description=description,
        tags=tags,
        uri=document.uri,
        updated_at=document.updated_at,
        metadata=metadata,
        acl=document.acl,
    )


def _row(seen: Sighting, draft: SourceDraft, derived: str, known: Known | None) -> Known:
    return Known(
        external_digest=known.external_digest
        if known and known.external_id == draft.external_id
        else id_digest(draft.external_id),
        external_id=draft.external_id,
        name=draft.name,
        uri=draft.uri,
        revision=seen.document.revision,
        revision_mark=seen.revision_mark,
        content_mark=seen.content_mark,
        fingerprint=draft.fingerprint,
        metadata_fingerprint=draft.metadata_fingerprint,
        derived=derived,
        chunk_count=draft.chunk_count,
        listed=known.listed if known else 0,
    )


def _dump_derived(found: Converted) -> str:
    said: dict[str, Any] = {}
    if found.title:
        said["title"] = found.title
    if found.tags:
        said["tags"] = list(found.tags)
    if found.metadata:
        said["metadata"] = dict(found.metadata)
    return json.dumps(said, ensure_ascii=False, sort_keys=True) if said else "{}"


def _load_derived(derived: str) -> Mapping[str, Any]:
    said: Mapping[str, Any] = {} if derived == "{}" else json.loads(derived)
    return said
