"""One listing, page by page: past cursors that expired, pages that are too large, and entries that are ill."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from knowledge_connector import FatalError, Unavailable
from knowledge_connector_confluence.wiki import Batch, Space, Wiki
from knowledge_connector_confluence.wire import BadRequest

SMALLEST = 5
"""Pages of listings that fail are asked for in halves, down to this size, and then one by one."""

MOST_SKIPPED = 5
"""If more entries of one listing cannot be listed even by themselves, it is not for the entries."""


class Pages:
    """The pages of one listing, smaller where the wiki cannot make large ones.

    Attributes:
        skipped: Entries that it could not even list by themselves.
    """

    def __init__(self, wiki: Wiki, space: Space, kind: str, *, bodies: bool) -> None:
        self._wiki, self._space, self._kind, self._bodies = wiki, space, kind, bodies
        self._limit = wiki.largest_with_bodies if bodies else wiki.largest
        self._is_restarted = False
        self.skipped = 0

    def batches(self, at: str | None) -> Iterator[Batch]:
        """All pages from a cursor on.

        Raises:
            Circle: A page leads back to one that was there before.
            BadRequest: Cursors are refused.
            DocumentError: The space is not there, or not for us.
            Unavailable: A page cannot be had in any size.
        """
        seen: set[str | None] = set()
        while at not in seen:
            seen.add(at)
            batch = self._batch(at)
            yield batch
            if batch.following is None:
                return
            at = batch.following
        raise Circle(f"the listing of {self._kind}s leads back to itself", where="origin")

    def _batch(self, at: str | None) -> Batch:
        while True:
            try:
                return self._wiki.batch(self._space, self._kind, at, self._limit, bodies=self._bodies)
            except BadRequest:
                if at is None or self._is_restarted:
                    raise
                at, self._is_restarted = None, True  # the cursor has expired: from the beginning, once
            except Unavailable as error:
                at = self._smaller(at, error)

    def _smaller(self, at: str | None, error: Unavailable) -> str | None:
        """Ask for less, and at last step over the one entry that cannot be had."""
        if isinstance(error.__cause__, httpx.HTTPError):
            raise error  # nobody answered: it is not for the size
        if self._limit > SMALLEST:
            self._limit = max(SMALLEST, self._limit // 2)
            return at
        behind = self._wiki.behind(at)
        if behind is None or self.skipped == MOST_SKIPPED:
            raise error
        if self._limit > 1:
            self._limit = 1
            return at
        self._limit = SMALLEST
        self.skipped += 1
        return behind


class Circle(FatalError):
    """A listing that would never end."""
