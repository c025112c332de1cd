"""What is gone from an origin: found out, told apart from what only has another name, and deleted if the guard lets it pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from knowledge_connector.ports import Known, Lane, StateStore
from knowledge_connector.sync.guard import DeleteRules, withhold_reason
from knowledge_connector.sync.plan import NOT_LISTED, Action, Change, as_orphan, as_renamed
from knowledge_connector.sync.report import SyncReport
from knowledge_connector.sync.spool import Spool

ROWS_AT_ONCE = 500
"""How many deletes are planned between two looks at the state store."""


class Departures:
    """The documents of one lane that may be gone.

    Args:
        dry: In a plan nothing of this reaches the state store.
        take: Carries a change out (or, in a plan, counts it).
        emit: Tells of a change that is not carried out.
        settle: Returns when everything taken so far is in the state store.
    """

    def __init__(
        self,
        lane: Lane,
        store: StateStore,
        report: SyncReport,
        *,
        dry: bool,
        take: Callable[[Change], None],
        emit: Callable[[Change], None],
        settle: Callable[[], None],
    ) -> None:
        self._lane, self._store, self._report, self._dry = lane, store, report, dry
        self._take, self._emit, self._settle = take, emit, settle
        self._newcomers = Spool[Change]()
        self._claimed: dict[str, str] = {}
        self._renamed: set[str] = set()
        self._doomed: dict[str, str] = {}

    def doom(self, ids: Iterable[str], reason: str) -> None:
        """The origin, or the user's rules, say that these are gone."""
        ids = list(ids)
        if self._dry:
            self._doomed.update(dict.fromkeys(ids, reason))
        else:
            self._store.doom(self._lane, ids, reason)

    def complete(self, beneath: str, listing: int) -> None:
        """What a part of the origin has not shown is gone."""
        for ids in self._store.unlisted_beneath(self._lane, beneath, listing, batch=ROWS_AT_ONCE):
            self.doom(ids, NOT_LISTED)

    def postpone(self, change: Change, listing: int) -> bool:
        """Put a create off to the end, if the same text is held under an id that this listing has not shown yet."""
        if not self._store.by_fingerprint(self._lane, _text_of(change), not_listed=listing):
            return False
        self._newcomers.append(replace(change, sequence=None))
        return True

    def settle_newcomers(self, listing: int, *, gone: bool) -> None:
        """A new document with the text of one that is gone is that document under another name. All others are new.

        Args:
            listing: Its number.
            gone: Whether what the listing has not shown is gone.
        """
        for change in self._newcomers:
            old = self._claim(_text_of(change), listing) if gone else None
            if old is not None:
                self._renamed.add(old.external_digest)
            self._take(change if old is None else as_renamed(change, old))

    def delete(self, listing: int | None, rules: DeleteRules, *, holdings: int, allowed: int | None) -> None:
        """Delete what is gone, if the guard lets it pass.

        Args:
            listing: The complete listing that did not show them; `None` if only what the origin said is gone may go.
            rules: Bounds of the guard.
            holdings: How many documents were held when the run began.
            allowed: The ceiling that a person approved.
        """
        doomed = list(self._doomed_rows(listing))
        count = self._store.count_orphans(self._lane, listing) + len(doomed) - (len(self._renamed) if self._dry else 0)
        why_not = withhold_reason(
            rules,
            deletes=count,
            holdings=holdings,
            listed=self._report.listed,
            complete=listing is not None,
            allowed=allowed,
        )
        if why_not is not None:
            self._withhold(count, why_not)
            if not self._dry:
                return
        self._delete_rows(doomed, why_not)
        for rows in self._store.orphans(self._lane, listing, batch=ROWS_AT_ONCE):
            self._delete_rows((row for row in rows if row.external_digest not in self._renamed), why_not)
            self._settle()

    def close(self) -> None:
        """Let go of disk space."""
        self._newcomers.close()

    def _claim(self, text: str, listing: int) -> Known | None:
        """The first document with this text that is gone; each serves once."""
        rows = self._store.by_fingerprint(self._lane, text, not_listed=listing, after=self._claimed.get(text, ""))
        if not rows or rows[0].external_id is None:
            return None
        self._claimed[text] = rows[0].external_id
        return rows[0]

    def _doomed_rows(self, listing: int | None) -> Iterator[Known]:
        """In a plan, what was doomed and is not among the orphans that the state store knows of."""
        ids = list(self._doomed)
        for start in range(0, len(ids), ROWS_AT_ONCE):
            for row in self._store.lookup(self._lane, ids[start : start + ROWS_AT_ONCE]).values():
                orphan = row.doomed is not None or (listing is not None and row.listed < listing)
                if row.source_id and not orphan:
                    yield row

    def _delete_rows(self, rows: Iterable[Known], why_not: str | None) -> None:
        for row in rows:
            doomed = self._doomed.get(row.external_id or "")
            change = as_orphan(row if doomed is None else replace(row, doomed=doomed))
            if why_not is None:
                self._take(change)
            else:
                self._emit(replace(change, action=Action.WITHHOLD, reason=f"{change.reason}; withheld: {why_not}"))

    def _withhold(self, count: int, why: str) -> None:
        self._report.withheld = count
        self._report.message = (
            f"Deletes withheld: {why}. To approve them: connector run {self._lane.connector} --allow-deletes {count}"
        )


def _text_of(change: Change) -> str:
    return change.draft.fingerprint if change.draft else ""
