"""The Knowledge Connector API that Cognigy lends to connectors which run inside it. It has no HTTP form: this is Python.

    with emulator.start_connector(connector_id) as run:
        connector_function(config, run.sources, run.api)

What is known of its behaviour, and what is a guess: `upsert_knowledge_source` drops old chunks and keeps the new hash at the call,
so a run that dies before the last chunk leaves a source whose hash looks current. `chunks_present` tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from knowledge_connector.testing.emulation import Row, Rows
from knowledge_connector_cognigy.emulator.holdings import Holdings
from knowledge_connector_cognigy.emulator.rules import Announcement, NewChunk, Refusal, checked


@dataclass(frozen=True, slots=True)
class Handle:
    """A source that takes chunks."""

    knowledge_source_id: str


@dataclass(frozen=True, slots=True)
class EarlierSource:
    """What a connector is told of a source that an earlier run of it made.

    Attributes:
        chunk_count: As it was announced.
        chunks_present: As it is. Cognigy does not say this.
    """

    knowledge_source_id: str
    name: str
    external_identifier: str
    content_hash_or_timestamp: str
    chunk_count: int
    tags: tuple[str, ...]
    description: str
    chunks_present: int


class ConnectorRun:
    """One execution of a connector.

    Attributes:
        sources: What earlier runs of this very connector made.
        api: The calls.
    """

    def __init__(self, holdings: Holdings, store: Row, connector: Row) -> None:
        self._connectors = holdings.connectors(store["_id"])
        self._holdings = holdings
        self._connector = connector
        self.api = InProcessApi(holdings, store, connector)
        self.sources = [self._earlier(row) for row in self.api.own_sources()]

    def __enter__(self) -> ConnectorRun:
        self._become("active", lastExecution=self._holdings.moment())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._become("error" if kind else "done")

    def _become(self, status: str, **changes: Any) -> None:
        row = self._connectors[self._connector["_id"]]
        self._holdings.change(self._connectors, row, {"lastExecutionStatus": status, **changes})

    def _earlier(self, row: Row) -> EarlierSource:
        return EarlierSource(
            row["_id"],
            row["name"],
            row["external"],
            row["hash"],
            row["announced"],
            tuple(row["metaData"]["tags"]),
            row["description"],
            len(self._holdings.chunks(row["_id"])),
        )


def start_run(holdings: Holdings, connector_id: str) -> ConnectorRun:
    """Find a connector and begin a run of it.

    Raises:
        Refusal: There is none (404), or it is running (409).
    """
    for store in holdings.stores.values():
        connector = holdings.connectors(store["_id"]).get(connector_id)
        if connector and connector["lastExecutionStatus"] == "active":
            raise Refusal(409, "the connector is running")
        if connector:
            return ConnectorRun(holdings, store, connector)
    raise Refusal(404, "there is no such connector")


class InProcessApi:
    """The calls, named as in the host's `KnowledgeApi`. What Cognigy refuses is raised as a `Refusal`."""

    def __init__(self, holdings: Holdings, store: Row, connector: Row) -> None:
        self._holdings = holdings
        self._store = store
        self._connector = connector

    def upsert_knowledge_source(
        self,
        *,
        name: str,
        description: str = "",
        tags: Sequence[str] = (),
        chunk_count: int,
        content_hash_or_timestamp: str,
        external_identifier: str | None = None,
    ) -> Handle | None:
        """Announce a source; `None` if one of this connector has this identifier, hash and announced count already."""
        told = _announcement(name, description, tags, chunk_count, content_hash_or_timestamp, external_identifier)
        external = told.external_identifier or told.name
        row = next((one for one in self.own_sources() if one["external"] == external), None)
        if row is None:
            return self._create(told)
        changes: dict[str, Any] = {"description": told.description, "metaData": {"tags": told.tags}}
        if (row["announced"], row["hash"]) == (told.chunk_count, told.content_hash_or_timestamp):
            self._holdings.change_source(self._store["_id"], row, changes)
            return None
        changes |= {"name": told.name, "announced": told.chunk_count, "hash": told.content_hash_or_timestamp}
        self._holdings.change_source(self._store["_id"], row, changes)
        self._holdings.chunks(row["_id"]).clear()
        return Handle(row["_id"])

    def create_knowledge_source(
        self,
        *,
        name: str,
        description: str = "",
        tags: Sequence[str] = (),
        chunk_count: int,
        content_hash_or_timestamp: str = "",
        external_identifier: str | None = None,
    ) -> Handle:
        """Create a source, whatever is there. Deprecated by Cognigy."""
        return self._create(
            _announcement(name, description, tags, chunk_count, content_hash_or_timestamp, external_identifier)
        )

    def create_knowledge_chunk(
        self, *, knowledge_source_id: str, text: str, data: Mapping[str, Any] | None = None
    ) -> None:
        """Append a chunk; the order is that of the calls."""
        body = checked(NewChunk, {"text": text, "data": dict(data or {})})
        self._holdings.add_chunk(self._row(knowledge_source_id), body.text, data=dict(body.data))

    def delete_knowledge_source(self, *, knowledge_source_id: str) -> None:
        """Remove a source with its chunks."""
        self._holdings.drop_source(self._store["_id"], self._row(knowledge_source_id))

    def own_sources(self) -> list[Row]:
        """The rows of what this connector made."""
        rows = self._rows().values()
        return [row for row in rows if row["connectorReference"] == self._connector["referenceId"] and "hash" in row]

    def _create(self, told: Announcement) -> Handle:
        row = self._holdings.add_source(
            self._store,
            told.name,
            "extension",
            description=told.description,
            metaData={"tags": told.tags},
            connectorReference=self._connector["referenceId"],
            external=told.external_identifier or told.name,
            hash=told.content_hash_or_timestamp,
            announced=told.chunk_count,
        )
        return Handle(row["_id"])

    def _row(self, source_id: str) -> Row:
        rows = self._rows()
        if source_id not in rows:
            raise Refusal(404, "there is no such source")
        return rows[source_id]

    def _rows(self) -> Rows:
        return self._holdings.sources(self._store["_id"])


def _announcement(
    name: str, description: str, tags: Sequence[str], chunk_count: int, content_hash: str, external: str | None
) -> Announcement:
    return checked(
        Announcement,
        {
            "name": name,
            "description": description,
            "tags": list(tags),
            "chunk_count": chunk_count,
            "content_hash_or_timestamp": content_hash,
            "external_identifier": external,
        },
    )
