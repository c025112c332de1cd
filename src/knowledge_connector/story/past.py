"""What a run did to a document."""

from __future__ import annotations

from dataclasses import dataclass

from knowledge_connector.ports import ChangeRow, Lane, RunRow, StateStore


@dataclass(frozen=True, slots=True)
class PastChange:
    """What a run did to a document."""

    run: RunRow
    change: ChangeRow


def change_of(store: StateStore, run: int, lane: Lane, external_id: str) -> PastChange | None:
    """Find it in the history; also under the id that a rename took from it."""
    row = store.run(run)
    if row is None:
        return None
    concerned = (
        change
        for where, change in store.changes(run)
        if where == lane and external_id in (change.external_id, change.previous_id)
    )
    return next((PastChange(row, change) for change in concerned), None)
