"""One connector's knowledge source at the vendor, and the rounds of it that this session knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from knowledge_connector import FatalError, KnowledgeSource, Unavailable, digest
from knowledge_connector.kit.patience import Patience
from knowledge_connector_genesys import history
from knowledge_connector_genesys.client import GenesysClient, Round

if TYPE_CHECKING:
    from knowledge_connector.kit.clock import Clock

FIRST_PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 15.0


def source_name(name: str, owner: str) -> str:
    """Give the name of an owner's source: what people call it, and our mark."""
    return f"{name} (kc-by-{owner})"


def sources_named(entities: list[dict[str, Any]], name: str) -> list[str]:
    """Ids of the sources of this name that take files, oldest first; names need not be unique."""
    fitting = [
        entity
        for entity in entities
        if entity.get("name") == name
        and entity.get("type", "FileUpload") == "FileUpload"
        and entity.get("status") != "Deleted"
    ]
    return [str(entity["id"]) for entity in sorted(fitting, key=lambda entity: str(entity.get("dateCreated", "")))]


class Shelf:
    """Finds the source, makes it when it is first written to, and keeps watch over its rounds.

    Args:
        patience_seconds: How long to wait for a round that has been completed.
    """

    def __init__(self, client: GenesysClient, name: str, owner: str, clock: Clock, *, patience_seconds: float) -> None:
        self._client, self._owner = client, owner
        self._name = source_name(name, owner)
        self._patience = Patience(clock, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, patience_seconds)
        self._source: str | None = None
        self._rounds: list[Round] | None = None
        self._forgotten = False

    # ------------------------------------------------------------------------------------------------------------ looking

    @property
    def rounds(self) -> list[Round]:
        """Its rounds, oldest first, as they were when first asked for, and those of this session."""
        if self._rounds is None:
            source = self._found()
            self._rounds = self._client.rounds(source) if source else []
        return self._rounds

    def token(self) -> str | None:
        """A digest of the last round that may have changed something; `None` where none is known to have landed."""
        last = history.newest(self.rounds)
        landed = any(one.state == "landed" for one in self.rounds)
        return digest(self._source or "", last.id, last.state) if last and landed else None

    def files(self) -> Iterator[KnowledgeSource]:
        """The owner's files. Where the vendor has forgotten how they came there: none, and the next round is to be `Full`."""
        self._rounds = rounds = self._all_settled(self.rounds)
        source = self._source
        self._forgotten = not history.begins(rounds)
        if source is None or self._forgotten:
            return
        yield from history.held(
            self._owner,
            rounds,
            lambda one: self._client.uploads(source, one.id),
            lambda one: self._client.deletions(source, one.id),
        )

    @property
    def holds_nothing(self) -> bool:
        """Whether nothing of ours is there that we could know of."""
        return self._forgotten or not history.newest(self.rounds)

    def _found(self) -> str | None:
        self._source = self._source or next(iter(sources_named(self._client.sources(), self._name)), None)
        return self._source

    # ------------------------------------------------------------------------------------------------------------ a round

    def start(self) -> Round:
        """Start a round, after whatever a dead run left open has been cancelled.

        Raises:
            FatalError: Rounds were started that this session has not seen: it was overtaken.
        """
        known = {one.id for one in self.rounds}
        source = self._found() or self._client.create_source(self._name, self._found)
        self._source = source
        now = self._client.rounds(source)
        if any(one.id not in known for one in now):
            raise FatalError(f"Another run of {self._owner!r} took over; this one stops.", where="target")
        self._rounds = [self._ended(one) for one in self._all_settled(now)]
        known |= {one.id for one in now}
        full = self.holds_nothing

        def find() -> Round | None:
            new = [one for one in self._client.rounds(source) if one.id not in known and one.state == "open"]
            return new[0] if new else None

        started = self._client.start(source, "Full" if full else "Incremental", find)
        self._rounds.append(started)
        return started

    def complete(self, id_: str) -> Round:
        """Complete a round and wait until it has been taken in, or has failed."""
        ended = self._settled(self._client.end(self.source, id_, "Completed"), is_ours=True)
        self._note(ended)
        if ended.full and ended.completed:
            self._forgotten = False
        return ended

    def cancel(self, id_: str) -> None:
        """Cancel a round: it changes nothing."""
        self._note(self._client.end(self.source, id_, "Cancelled"))

    @property
    def source(self) -> str:
        """The vendor's id of it.

        Raises:
            FatalError: It has not been made yet.
        """
        if self._source is None:
            raise FatalError(f"there is no knowledge source {self._name!r} yet", where="target")
        return self._source

    def _note(self, ended: Round) -> None:
        self._rounds = [ended if one.id == ended.id else one for one in self.rounds]

    def _ended(self, one: Round) -> Round:
        return self._client.end(self.source, one.id, "Cancelled") if one.state == "open" else one

    def _all_settled(self, rounds: list[Round]) -> list[Round]:
        """Wait for the last ones. What came before a round that has landed is through, whatever the vendor says of it."""
        last = max((number for number, one in enumerate(rounds) if one.state == "landed"), default=-1)
        return [*rounds[: last + 1], *(self._settled(one) for one in rounds[last + 1 :])]

    def _settled(self, one: Round, *, is_ours: bool = False) -> Round:
        """Ask again and again, until the vendor is through with a round.

        Args:
            one: As it was.
            is_ours: It was completed by this session. What it is called until it is taken in is then of no interest.

        Raises:
            Unavailable: It took longer than our patience; the next run will see what became of it.
        """

        def is_moving(one: Round) -> bool:
            return one.state == "settling" or (is_ours and one.state == "open")

        one = self._patience.settled(one, is_moving, lambda: self._client.round(self.source, one.id))
        if is_moving(one):
            raise Unavailable(
                f"Genesys has not taken in synchronization {one.id} within {self._patience.total_seconds:.0f} s "
                "(patience_seconds); the next run looks again",
                where="target",
            )
        return one
