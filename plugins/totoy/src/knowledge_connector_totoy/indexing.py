"""Links to one knowledge base, and waiting until files are read and links are indexed: many at a time, by as few calls as possible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from knowledge_connector import DocumentError
from knowledge_connector_totoy.client import COMPLETED, FAILED, IN_PROGRESS

if TYPE_CHECKING:
    from knowledge_connector.kit.patience import Patience
    from knowledge_connector_totoy.client import Source, TotoyClient

MANY = 8
"""From so many sources on, one listing of the knowledge base is asked for, and not each link."""

GONE = "gone"
"""The status of what is not there."""

TIMEOUT = "indexing-timeout"
"""The code of a failure that may still turn out well."""

Statuses = dict[str, str]
Failures = dict[str, DocumentError]


class Indexing:
    """Makes sources part of a knowledge base.

    Args:
        client: Who calls.
        base_id: The knowledge base.
        patience: How to wait.
    """

    def __init__(self, client: TotoyClient, base_id: str, patience: Patience) -> None:
        self._client = client
        self._base_id = base_id
        self._patience = patience

    def read(self, source_ids: Iterable[str]) -> Failures:
        """Wait until Totoy has read the files of document sources; say which it could not read, and why."""

        def look(ids: Iterable[str]) -> Statuses:
            return {source_id: _status(self._client.source(source_id)) for source_id in ids}

        statuses = dict.fromkeys(source_ids, IN_PROGRESS)
        self._wait(statuses, look)
        return _failures(statuses, "reading-failed", "read")

    def index(self, *, new: Sequence[str], changed: Sequence[str]) -> Failures:
        """Wait until sources are indexed; say which are not, and why.

        Args:
            new: Sources to link.
            changed: Sources that are linked, and whose content was replaced.
        """
        statuses = self._link(new) | self._look(changed)
        self._wait(statuses, self._look)
        failed = [source_id for source_id, status in statuses.items() if status == FAILED]
        if failed:  # Totoy gives no reason, and another attempt may go well
            for source_id in failed:
                self._client.unlink(self._base_id, source_id)
            statuses |= self._link(failed)
            self._wait(statuses, self._look)
        return _failures(statuses, "indexing-failed", "index")

    def _wait(self, statuses: Statuses, look: Callable[[Sequence[str]], Statuses]) -> None:
        """Look at what is in progress until nothing is, or the time is over."""
        pending = _pending(statuses)
        for _ in self._patience.looks() if pending else ():
            statuses |= look(pending)
            pending = _pending(statuses)
            if not pending:
                return

    def _link(self, source_ids: Sequence[str]) -> Statuses:
        return {one: _status(link) for one, link in self._client.link(self._base_id, source_ids).items()}

    def _look(self, source_ids: Sequence[str]) -> Statuses:
        if len(source_ids) < MANY:
            return {one: _status(self._client.link_of(self._base_id, one)) for one in source_ids}
        found = {link.id: link for link in self._client.links(self._base_id)}
        return {one: _status(found.get(one)) for one in source_ids}


def _pending(statuses: Statuses) -> list[str]:
    return [source_id for source_id, status in statuses.items() if status == IN_PROGRESS]


def _failures(statuses: Statuses, code: str, verb: str) -> Failures:
    return {one: _failure(one, status, code, verb) for one, status in statuses.items() if status != COMPLETED}


def _failure(source_id: str, status: str, code: str, verb: str) -> DocumentError:
    if status == FAILED:
        return DocumentError(
            f"Totoy could not {verb} source {source_id}, and gives no reason", code=code, where="target"
        )
    if status == GONE:
        message = f"source {source_id} is gone, or in another project than the knowledge base"
        return DocumentError(message, code="source-gone", where="target")
    message = f"Totoy did not {verb} source {source_id} within indexing_timeout_seconds"
    return DocumentError(message, code=TIMEOUT, where="target")


def _status(found: Source | None) -> str:
    return GONE if found is None else found.status or IN_PROGRESS
