"""Bring back what a run replaced or deleted, from our own store; and hold it so, until the origin changes again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from knowledge_connector.model import StoredSource, digest
from knowledge_connector.ports import ChangeRow, Known, Lane, StateStore
from knowledge_connector.sync.plan import Action, Change, state_of


def undo(store: StateStore, run: int, lane: Lane) -> Iterator[Change]:
    """Plan the way back from everything that a run did in a lane.

    What cannot be undone comes as a Skip with the code `not-undone` and its reason. Holds come last: they are about documents whose
    place in memory the writes before them make free.
    """
    holds: list[Change] = []
    for change_lane, row in store.changes(run):
        if change_lane == lane:
            first, *rest = _inverse(store, run, lane, row)
            yield first
            holds += rest
    yield from holds


def _inverse(store: StateStore, run: int, lane: Lane, row: ChangeRow) -> list[Change]:
    later = store.changed_since(run, lane, row.external_id)
    if later is not None:
        return [_refuse(row, f"changed again by run {later}; undo that one first")]
    known = store.lookup(lane, [row.external_id]).get(row.external_id)
    if row.action == Action.CREATE:
        return [_uncreate(row, run, known)]
    stored = None if row.before is None else store.version(row.before)
    if stored is None:
        return [_refuse(row, "the version before is no longer kept (see retention_days in [history])")]
    if row.action == Action.RETAG:
        return _unretag(row, run, known, stored)
    return [_bring_back(row, run, known, stored)]


def _refuse(row: ChangeRow, why: str) -> Change:
    return Change(Action.SKIP, row.external_id, row.name, why, code="not-undone")


def _uncreate(row: ChangeRow, run: int, known: Known | None) -> Change:
    if known is None or known.source_id is None:
        return _refuse(row, "it is not held any more")
    reason = f"undo of run {run}: it was new"
    held = _held_without_source(known)
    return Change(Action.DELETE, row.external_id, row.name, reason, known.source_id, row=held, before=known)


def _bring_back(row: ChangeRow, run: int, known: Known | None, stored: StoredSource) -> Change:
    """After an update or a delete: write the old version again."""
    replaces = known.source_id if known else None
    draft = replace(stored.draft, replaces=replaces)
    action = Action.UPDATE if replaces else Action.CREATE
    reason = f"undo of run {run}: it was {row.action}d"
    remembered = _held_as(known, stored)
    return Change(action, row.external_id, draft.name, reason, replaces, draft, stored.chunks, remembered, known)


def _unretag(row: ChangeRow, run: int, known: Known | None, stored: StoredSource) -> list[Change]:
    """After a change of name, link, tags, metadata or id: put the old ones back."""
    if known is None or known.source_id is None:
        return [_refuse(row, "it is not held any more")]
    draft = replace(stored.draft, replaces=None)
    renamed = row.previous_id is not None
    remembered = replace(
        _held_as(None if renamed else known, stored), source_id=known.source_id, chunk_count=known.chunk_count
    )
    reason = f"undo of run {run}: its name, link, tags or metadata changed"
    back = Change(Action.RETAG, draft.external_id, draft.name, reason, known.source_id, draft, (), remembered, known)
    if not renamed:
        return [back]
    held = _held_without_source(known)
    return [back, Change(Action.HOLD, row.external_id, row.name, f"undo of run {run}: it was renamed", row=held)]


def _held_as(known: Known | None, stored: StoredSource) -> Known:
    """Memory of a document that is what it was, though its origin (`known`, or nothing at all) says otherwise."""
    draft = stored.draft
    held = state_of(known.fingerprint, known.metadata_fingerprint) if known and known.source_id else ""
    return Known(
        digest(draft.external_id),
        draft.external_id,
        name=draft.name,
        uri=draft.uri,
        revision_mark=draft.revision_mark,
        fingerprint=draft.fingerprint,
        metadata_fingerprint=draft.metadata_fingerprint,
        chunk_count=draft.chunk_count,
        listed=known.listed if known else 0,
        held_revision=known.revision_mark if known else None,
        held_fingerprint=held,
    )


def _held_without_source(known: Known) -> Known:
    """Memory of a document that is listed, and whose knowledge a person does not want."""
    return Known(
        known.external_digest,
        known.external_id,
        name=known.name,
        uri=known.uri,
        listed=known.listed,
        held_revision=known.revision_mark,
        held_fingerprint=state_of(known.fingerprint, known.metadata_fingerprint),
    )
