"""Bring back what a run replaced or deleted, from our own store; and hold it so, until the origin changes again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from knowledge_connector.model import StoredSource, digest
from knowledge_connector.ports import ChangeRow, Known, Lane, StateStore
from knowledge_connector.sync.plan import Action, Change, state_of


def undo(store: StateStore, run: int, lane: Lane) -> Iterator[Change]:
    """Plan the way back from everything that a run did in a lane.

    What cannot be undone comes as a Skip with the code `not-undone` and its reason.
    """
    for change_lane, row in store.changes(run):
        if change_lane == lane:
            yield _inverse(store, run, lane, row)


def _inverse(store: StateStore, run: int, lane: Lane, row: ChangeRow) -> Change:
    later = store.changed_since(run, lane, row.external_id)
    if later is not None:
        return _refuse(row, f"changed again by run {later}; undo that one first")
    known = store.lookup(lane, [row.external_id]).get(row.external_id)
    if row.action == Action.CREATE:
        return _uncreate(row, run, known)
    stored = None if row.before is None else store.version(row.before)
    if stored is None:
        return _refuse(row, "the version before is no longer kept (see retention_days in [history])")
    if row.action == Action.RETAG:
        return _unretag(row, run, known, stored)
    return _bring_back(row, run, known, stored)


def _refuse(row: ChangeRow, why: str) -> Change:
    return Change(Action.SKIP, row.external_id, row.name, why, code="not-undone")


def _uncreate(row: ChangeRow, run: int, known: Known | None) -> Change:
    if known is None or known.source_id is None:
        return _refuse(row, "it is not held any more")
    return Change(
        Action.DELETE,
        row.external_id,
        row.name,
        f"undo of run {run}: it was new",
        known.source_id,
        intent=(_held(known),),
        row=_without_source(known),
        before=known,
    )


def _bring_back(row: ChangeRow, run: int, known: Known | None, stored: StoredSource) -> Change:
    """After an update or a delete: write the old version again."""
    replaces = known.source_id if known else None
    draft = replace(stored.draft, replaces=replaces)
    return Change(
        Action.UPDATE if replaces else Action.CREATE,
        row.external_id,
        draft.name,
        f"undo of run {run}: it was {row.action}d",
        replaces,
        draft,
        stored.chunks,
        intent=(_held(known) if known else _absent(row.external_id),),
        row=_as_stored(known, stored),
        before=known,
    )


def _unretag(row: ChangeRow, run: int, known: Known | None, stored: StoredSource) -> Change:
    """After a change of name, link, tags, metadata or id: put the old ones back."""
    if known is None or known.source_id is None:
        return _refuse(row, "it is not held any more")
    draft = replace(stored.draft, replaces=None)
    renamed = row.previous_id is not None
    remembered = replace(
        _as_stored(None if renamed else known, stored), source_id=known.source_id, chunk_count=known.chunk_count
    )
    return Change(
        Action.RETAG,
        draft.external_id,
        draft.name,
        f"undo of run {run}: its name, link, tags or metadata changed",
        known.source_id,
        draft,
        intent=(_held(known), _absent(draft.external_id)) if renamed else (_held(known),),
        row=remembered,
        also=(_without_source(known),) if renamed else (),
        before=known,
    )


def _held(known: Known) -> Known:
    """A document as it is, held against what its origin says now."""
    state = state_of(known.fingerprint, known.metadata_fingerprint) if known.source_id else ""
    return replace(known, held_revision=known.revision_mark, held_fingerprint=state, doomed=None)


def _absent(external_id: str) -> Known:
    """A document that its origin does not have, and that is wanted nevertheless."""
    return Known(digest(external_id), external_id, held_fingerprint="")


def _without_source(known: Known) -> Known:
    """Memory of a document that is listed, and whose knowledge a person does not want."""
    held = _held(known)
    return Known(
        held.external_digest,
        held.external_id,
        name=held.name,
        uri=held.uri,
        listed=held.listed,
        held_revision=held.held_revision,
        held_fingerprint=held.held_fingerprint,
    )


def _as_stored(known: Known | None, stored: StoredSource) -> Known:
    """Memory of a document that is what it was, though its origin (`known`, or nothing at all) says otherwise."""
    draft = stored.draft
    held = _held(known) if known else _absent(draft.external_id)
    return Known(
        held.external_digest,
        draft.external_id,
        name=draft.name,
        uri=draft.uri,
        revision_mark=draft.revision_mark,
        fingerprint=draft.fingerprint,
        metadata_fingerprint=draft.metadata_fingerprint,
        chunk_count=draft.chunk_count,
        listed=held.listed,
        held_revision=held.held_revision,
        held_fingerprint=held.held_fingerprint,
    )
