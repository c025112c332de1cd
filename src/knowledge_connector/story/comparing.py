"""What a run changed, or several together, down to the text."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from knowledge_connector.errors import ConfigError
from knowledge_connector.model import StoredSource
from knowledge_connector.ports import ChangeRow, Lane, RunRow, StateStore
from knowledge_connector.story.held import Held
from knowledge_connector.story.past import change_of
from knowledge_connector.sync.plan import Action


@dataclass(frozen=True, slots=True)
class DocumentDiff:
    """What happened to one document in one run, or from one run to another.

    Attributes:
        action: create, update, retag or delete: how what came of it differs from what was before.
        runs: The runs that changed it, oldest first.
        before: The number of the kept version; `None` if there was none, or it is not kept any more.
    """

    lane: Lane
    external_id: str
    name: str
    action: str
    reason: str
    runs: tuple[int, ...]
    before: int | None = None
    previous_id: str | None = None
    chunks_written: int = 0
    chunks_deleted: int = 0


def diff(store: StateStore, run: int, other: int | None = None) -> Iterator[DocumentDiff]:
    """Say which documents a run changed; with `other`, which differ between the end of the one run and the end of the other.

    Raises:
        ConfigError: There is no such run, or the two are not of one connector.
    """
    first = _run_of(store, run)
    if other is None:
        return (_diff_of(run, lane, change) for lane, change in store.changes(run))
    second = _run_of(store, other)
    if first.connector != second.connector:
        raise ConfigError(
            f"run {run} is of connector {first.connector!r} and run {other} of {second.connector!r}; "
            "two runs of one connector can be compared"
        )
    between = range(min(run, other) + 1, max(run, other) + 1)
    return iter(_merged(_changes_between(store, first.connector, between)))


def _run_of(store: StateStore, run: int) -> RunRow:
    row = store.run(run)
    if row is None:
        raise ConfigError(f"there is no run {run}, or it is no longer kept; see: connector history")
    return row


def _diff_of(run: int, lane: Lane, change: ChangeRow) -> DocumentDiff:
    return DocumentDiff(
        lane,
        change.external_id,
        change.name,
        change.action,
        change.reason,
        (run,),
        change.before,
        change.previous_id,
        change.chunks_written,
        change.chunks_deleted,
    )


def _changes_between(store: StateStore, connector: str, numbers: range) -> Iterator[DocumentDiff]:
    for run in reversed(store.runs(connector, numbers.stop)):
        if run.id in numbers:
            for lane, change in store.changes(run.id):
                yield _diff_of(run.id, lane, change)


def _merged(steps: Iterable[DocumentDiff]) -> list[DocumentDiff]:
    """One for each document that is different afterwards."""
    merged: dict[tuple[Lane, str], DocumentDiff] = {}
    for step in steps:
        before = merged.pop((step.lane, step.previous_id or step.external_id), None)
        after = step if before is None else _joined(before, step)
        if after is not None:
            merged[step.lane, step.external_id] = after
    return list(merged.values())


def _joined(before: DocumentDiff, step: DocumentDiff) -> DocumentDiff | None:
    action = _NET.get((before.action, step.action), Action.UPDATE.value)
    if not action:
        return None
    return replace(
        step,
        action=action,
        runs=before.runs + step.runs,
        before=before.before,
        previous_id=before.previous_id or step.previous_id,
        chunks_written=before.chunks_written + step.chunks_written,
        chunks_deleted=before.chunks_deleted + step.chunks_deleted,
    )


_NET = {
    ("create", "update"): "create",
    ("create", "retag"): "create",
    ("create", "delete"): "",
    ("update", "delete"): "delete",
    ("retag", "delete"): "delete",
    ("retag", "retag"): "retag",
}
"""What two changes come to, where that is not an update."""


def text_diff(held: Held, store: StateStore, document: DocumentDiff) -> list[str]:
    """A unified diff of the text before and after; empty if it is the same or not kept any more."""
    if document.action == Action.RETAG:
        return []
    before = None if document.before is None else store.version(document.before)
    after = None if document.action == Action.DELETE else _after(held, store, document)
    if (before is None and document.action != Action.CREATE) or (after is None and document.action != Action.DELETE):
        return []
    old_name, new_name = f"{document.external_id} before run {document.runs[0]}", f"after run {document.runs[-1]}"
    return list(difflib.unified_diff(_lines(before), _lines(after), old_name, new_name, lineterm=""))


def _after(held: Held, store: StateStore, document: DocumentDiff) -> StoredSource | None:
    """What a later run replaced, or else what is held now."""
    run: int | None = document.runs[-1]
    while run is not None and (run := store.changed_since(run, document.lane, document.external_id)) is not None:
        later = change_of(store, run, document.lane, document.external_id)
        if later is not None and later.change.action != Action.RETAG:
            return None if later.change.before is None else store.version(later.change.before)
    known = store.lookup(document.lane, [document.external_id]).get(document.external_id)
    if known is None or known.source_id is None:
        return None
    return held.source(document.lane, document.external_id, known.source_id)


def _lines(source: StoredSource | None) -> list[str]:
    return [] if source is None else "\n\n".join(chunk.text for chunk in source.chunks).splitlines()
