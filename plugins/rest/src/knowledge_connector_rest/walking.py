"""From page to page, with guards against services that lead in circles.

Every position is met once, no page comes twice in a row, and an end is in sight; where not, it is an error, and nothing is deleted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from knowledge_connector import FatalError, digest

if TYPE_CHECKING:
    from knowledge_connector_rest.paging import Call, Page, Paginator, Position

MAX_EMPTY_PAGES = 1000
"""So many in a row are no listing any more."""

MAX_STEPS_BACK = 20
"""How often a listing whose records move is read again from a little before."""


@dataclass(frozen=True, slots=True)
class Step:
    """One page, and where it leads.

    Attributes:
        records: What of the page is new.
        following: `None` at the end.
        moved: Whether records may have been missed, because the listing did not hold still.
    """

    page: Page
    records: list[Any]
    following: Position | None
    moved: bool


@dataclass(slots=True)
class _Guard:
    """What a listing has shown so far, in a few bytes a page."""

    positions: set[str] = field(default_factory=set)
    former: str = ""
    empty: int = 0

    def check(self, page: Page, fresh: list[Any], following: Position | None) -> None:
        """See that it goes forward.

        Raises:
            FatalError: It does not.
        """
        if fresh or following is not None:  # the last page may well be a repetition of the record before
            self._check_page(page)
        if following is None:
            return
        mark = digest(json.dumps(following, sort_keys=True, default=str))[:16]
        if mark in self.positions:
            raise FatalError(f"{_subject(page)} leads back to a page that was read already", where="origin")
        self.positions.add(mark)

    def _check_page(self, page: Page) -> None:
        self.empty = 0 if page.records else self.empty + 1
        if self.empty > MAX_EMPTY_PAGES:
            raise FatalError(f"{_subject(page)}: {MAX_EMPTY_PAGES} empty pages in a row", where="origin")
        mark = _mark(page.records)
        if mark and mark == self.former:
            raise FatalError(
                f"{_subject(page)} gave the same page twice; perhaps it does not know the parameter of the paginator",
                where="origin",
            )
        self.former = mark


def _mark(records: list[Any]) -> str:
    return digest(json.dumps(records, sort_keys=True, default=str)) if records else ""


def walk(paginator: Paginator, call: Call, position: Position | None, ask: Callable[[Call], Page]) -> Iterator[Step]:
    """Read page after page, from a position or from the first.

    Raises:
        FatalError: It leads in a circle.
    """
    guard = _Guard()
    position = paginator.begin() if position is None else position
    while True:
        page = ask(paginator.place(call, position))
        records, back = paginator.fresh(position, page)
        restless = bool(back) and position.get("back", 0) >= MAX_STEPS_BACK
        following = paginator.following(position, page) if back is None or restless else back
        guard.check(page, records, following)
        yield Step(page, records, following, restless or paginator.moved(position, page))
        if following is None:
            return
        position = following


def _subject(page: Page) -> str:
    return page.url.partition("?")[0]
