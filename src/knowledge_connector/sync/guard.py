"""Deletion is earned: the guard before the deletes, and the budget that turns many failures into one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeleteRules:
    """How many deletes need no approval: up to `max_documents`, or up to `max_percent` of what the connector holds."""

    max_documents: int = 10
    max_percent: float = 10.0


def withhold_reason(
    rules: DeleteRules, *, deletes: int, holdings: int, listed: int, complete: bool, allowed: int | None
) -> str | None:
    """Say why `deletes` must wait for a person, or `None` if they may go ahead.

    Args:
        rules: The connector's bounds.
        deletes: How many documents would lose their knowledge.
        holdings: How many the connector held when the run began.
        listed: How many documents the origin showed.
        complete: Whether the listing was a full one (a delta may rightly be empty).
        allowed: The ceiling a person gave by `--allow-deletes`, if any.
    """
    if not deletes or (allowed is not None and deletes <= allowed):
        return None
    if complete and not listed:
        return f"the origin listed no document at all, and {holdings} are held"
    if not complete and deletes >= holdings > 1:  # parts may be complete and empty, and that is as hard to believe
        return f"all {holdings} documents that are held would be deleted"
    if deletes > rules.max_documents and deletes * 100 > rules.max_percent * holdings:
        percent = deletes * 100 / max(holdings, 1)
        bounds = f"{rules.max_documents} documents and {rules.max_percent:g} %"
        return f"{deletes} of {holdings} documents ({percent:.0f} %) would be deleted, which is more than {bounds}"
    return None


@dataclass(frozen=True, slots=True)
class ErrorRules:
    """How many failures are one document's trouble, and from where on they are the run's."""

    max_consecutive: int = 10
    max_percent: float = 15.0
    min_documents: int = 100


class Ledger:
    """Keeps the outcomes of documents in the order of the listing, though they arrive in another.

    It answers two questions: up to where is everything done (for checkpoints), and have too many failed (for the error budget)? Only
    outcomes that are ahead of an unfinished document are stored, so it stays as small as the window of work in flight.
    """

    def __init__(self, rules: ErrorRules) -> None:
        self._rules = rules
        self._early: dict[int, bool] = {}
        self._in_a_row = 0
        self._failed = 0
        self.done = 0
        """Number of documents at the head of the listing that are finished."""

    def note(self, sequence: int, *, failed: bool) -> None:
        """Document number `sequence` (from 0) is finished."""
        if sequence != self.done:
            self._early[sequence] = failed
            return
        self._count(failed)
        self.done += 1
        while self.done in self._early:
            self._count(self._early.pop(self.done))
            self.done += 1

    def _count(self, failed: bool) -> None:
        self._failed += failed
        self._in_a_row = self._in_a_row + 1 if failed else 0

    def overdrawn(self) -> str | None:
        """Say why the run must stop, or `None`."""
        if self._in_a_row >= self._rules.max_consecutive:
            return f"{self._in_a_row} documents in a row failed"
        enough = self.done >= self._rules.min_documents
        if enough and self._failed * 100 > self._rules.max_percent * self.done:
            return f"{self._failed} of {self.done} documents failed, more than {self._rules.max_percent:g} %"
        return None
