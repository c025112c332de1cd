"""Links to one knowledge base, and waiting until they are indexed: one call for all the threads that want one at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from knowledge_connector import ConnectorError, DocumentError
from knowledge_connector_totoy.client import FAILED, IN_PROGRESS, Source

if TYPE_CHECKING:
    from knowledge_connector_totoy.client import TotoyClient
    from knowledge_connector_totoy.clock import Clock
    from knowledge_connector_totoy.config import TotoyConfig

MANY = 8
"""From so many sources on, one listing of the knowledge base is asked for, and not each link."""

GONE = "gone"
"""The status of a link that is not there."""

Statuses = dict[str, str]


class Patience:
    """How often to look whether something is ready, and for how long."""

    def __init__(self, config: TotoyConfig, clock: Clock) -> None:
        self._first = config.poll_seconds
        self._timeout = config.indexing_timeout_seconds
        self._clock = clock

    def looks(self) -> Iterator[None]:
        """Sleep before each look, a little longer each time; end when the time is over."""
        until = self._clock.monotonic() + self._timeout
        pause = self._first
        while self._clock.monotonic() < until:
            self._clock.sleep(pause)
            pause = min(pause * 1.5, self._first * 10)
            yield


@dataclass(slots=True)
class _Question:
    ids: Sequence[str]
    answer: Statuses = field(default_factory=dict)
    error: ConnectorError | None = None


class Together:
    """Answers the questions of many threads by one call: those who come while it is made wait for the next.

    Args:
        call: Gives the status of each of the sources asked for.
    """

    def __init__(self, call: Callable[[Sequence[str]], Mapping[str, str]]) -> None:
        self._call = call
        self._turn = Lock()
        self._lock = Lock()
        self._open: list[_Question] = []

    def ask(self, ids: Sequence[str]) -> Statuses:
        """Give the status of each.

        Raises:
            ConnectorError: The call failed; everybody whom it was made for hears of it.
        """
        question = _Question(ids)
        with self._lock:
            self._open.append(question)
        with self._turn:  # whoever comes first asks for all who wait; for them nothing is left to do
            with self._lock:
                asked, self._open = self._open, []
            if asked:
                self._answer(asked)
        if question.error:
            raise question.error
        return question.answer

    def _answer(self, asked: Sequence[_Question]) -> None:
        try:
            statuses = self._call([source_id for question in asked for source_id in question.ids])
        except ConnectorError as error:
            for question in asked:
                question.error = error
            return
        for question in asked:
            question.answer = {source_id: statuses[source_id] for source_id in question.ids}


class Indexing:
    """Makes sources part of a knowledge base. Safe to use from several threads.

    Args:
        client: Who calls.
        base_id: The knowledge base.
        patience: How to wait.
    """

    def __init__(self, client: TotoyClient, base_id: str, patience: Patience) -> None:
        self._client = client
        self._base_id = base_id
        self._patience = patience
        self._links = Together(self._link)
        self._looks = Together(self._look)

    def link(self, source_ids: Sequence[str]) -> None:
        """Link sources and return when all are indexed.

        Raises:
            DocumentError: One of them cannot be linked or indexed, also when tried again; or it takes too long.
        """
        self._settle(self._links.ask(source_ids))

    def wait(self, source_ids: Sequence[str]) -> None:
        """Return when sources that are linked, and were changed, are indexed.

        Raises:
            DocumentError: As for `link`.
        """
        self._settle(self._looks.ask(source_ids))

    def _settle(self, statuses: Statuses) -> None:
        failed = self._failed_of(statuses)
        if failed:  # Totoy gives no reason for a failure, and another attempt may go well
            for source_id in failed:
                self._client.unlink(self._base_id, source_id)
            failed = self._failed_of(self._links.ask(failed))
        if failed:
            raise DocumentError(
                f"Totoy could not index source {failed[0]} and gives no reason", code="indexing-failed", where="target"
            )

    def _failed_of(self, statuses: Statuses) -> list[str]:
        """Wait until nothing is in progress, and give what has failed."""
        settled = dict(statuses)
        for _ in self._patience.looks() if IN_PROGRESS in settled.values() else ():
            settled |= self._looks.ask([one for one, status in settled.items() if status == IN_PROGRESS])
            if IN_PROGRESS not in settled.values():
                break
        _refuse(settled, GONE, "gone, or cannot be linked", "source-gone")
        _refuse(settled, IN_PROGRESS, "still not indexed after indexing_timeout_seconds", "indexing-timeout")
        return [source_id for source_id, status in settled.items() if status == FAILED]

    def _link(self, source_ids: Sequence[str]) -> Statuses:
        return {one: _status(link) for one, link in self._client.link(self._base_id, source_ids).items()}

    def _look(self, source_ids: Sequence[str]) -> Statuses:
        if len(source_ids) < MANY:
            return {one: _status(self._client.link_of(self._base_id, one)) for one in source_ids}
        found = {link.id: link for link in self._client.links(self._base_id)}
        return {one: _status(found.get(one)) for one in source_ids}


def _refuse(statuses: Statuses, bad: str, why: str, code: str) -> None:
    hit = next((source_id for source_id, status in statuses.items() if status == bad), None)
    if hit is not None:
        raise DocumentError(f"source {hit} is {why}", code=code, where="target")


def _status(link: Source | None) -> str:
    return GONE if link is None else link.status or IN_PROGRESS
