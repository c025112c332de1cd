"""What the emulator holds: stores, sources, chunks, connectors, and the rules that join them."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from typing import Any

from knowledge_connector.testing.emulation import Row, Rows, Services, Store
from knowledge_connector_cognigy.emulator.rules import MAX_CHUNKS, Refusal, check_chunk

ORGANISATION = "65e0a1b2c3d4e5f600000000"
PROJECT = "65e0a1b2c3d4e5f600000001"
OTHER_PROJECT = "65e0a1b2c3d4e5f600000002"
USER = "65e0a1b2c3d4e5f6000000aa"

_PRIVATE = ("announced", "hash", "external", "connector")


class Holdings:
    """The tables of one emulated installation.

    Names of sources are unique within a store. `options["cognigy.duplicate_names"]` may be `allow`, or `suffix`: ` (2)` is appended.
    """

    def __init__(self, services: Services, store: Store) -> None:
        self._services = services
        self._store = store
        self._last_id = 0

    # -- tables

    @property
    def stores(self) -> Rows:
        """Stores by id."""
        return self._store.table("stores")

    @property
    def tasks(self) -> Rows:
        """Tasks by id."""
        return self._store.table("tasks")

    def sources(self, store_id: str) -> Rows:
        """Sources of a store by id."""
        return self._store.table(f"sources/{store_id}")

    def connectors(self, store_id: str) -> Rows:
        """Connectors of a store by id."""
        return self._store.table(f"connectors/{store_id}")

    def chunks(self, source_id: str) -> Rows:
        """Chunks of a source by id."""
        return self._store.table(f"chunks/{source_id}")

    def _names(self, store_id: str) -> Rows:
        return self._store.table(f"names/{store_id}")

    # -- everything

    def moment(self) -> int:
        """The time in seconds, as Cognigy tells it."""
        return int(self._services.clock.now().timestamp())

    def stamped(self, **values: Any) -> Row:
        """Give a new row: ids, times, and what is said; ids grow with time."""
        now = self._services.clock.now().timestamp()
        self._last_id = max(int(now * 1e6), self._last_id + 1)
        return {
            "_id": f"{self._last_id:016x}{secrets.token_hex(4)}",
            "referenceId": str(uuid.uuid4()),
            **values,
            "createdAt": int(now),
            "createdBy": USER,
            "lastChanged": int(now),
            "lastChangedBy": USER,
        }

    def change(self, table: Rows, row: Row, changes: dict[str, Any]) -> Row:
        """Keep changes of a row; without any it stays as it is."""
        if changes:
            row = {**row, **changes, "lastChanged": self.moment()}
            table[row["_id"]] = row
        return row

    # -- stores

    def add_store(self, project: str, name: str, description: str = "", language: str = "en-US") -> Row:
        """Create an empty store."""
        row = self.stamped(
            name=name,
            description=description,
            language=language,
            documents=[],
            projectReference=project,
            organisationReference=ORGANISATION,
        )
        self.stores[row["_id"]] = row
        return row

    def drop_store(self, store_id: str) -> None:
        """Delete a store with everything in it."""
        for source_id in self.sources(store_id):
            self.chunks(source_id).clear()
        for table in (self.sources(store_id), self.connectors(store_id), self._names(store_id)):
            table.clear()
        del self.stores[store_id]

    def store_json(self, row: Row) -> Row:
        """Give a store as the API shows it."""
        states = {source["status"] for source in self.sources(row["_id"]).values()}
        status = "ingesting" if "ingesting" in states else "warning" if "failure" in states else "ready"
        return {**row, "status": status if states else "empty"}

    # -- sources

    def add_source(self, store: Row, name: str, kind: str = "manual", **values: Any) -> Row:
        """Create a source without chunks.

        Raises:
            Refusal: The name is taken (409).
        """
        row = self.stamped(
            name=self._free_name(store["_id"], name),
            description="",
            type=kind,
            status="ready",
            metaData={"tags": []},
            data={},
            storeReference=store["referenceId"],
            connectorReference=None,
            projectReference=store["projectReference"],
        )
        row |= values
        self.sources(store["_id"])[row["_id"]] = row
        self._names(store["_id"])[row["name"]] = {"id": row["_id"]}
        return row

    def change_source(self, store_id: str, row: Row, changes: dict[str, Any]) -> Row:
        """Keep changes of a source.

        Raises:
            Refusal: The new name is taken (409).
        """
        if changes.get("name", row["name"]) != row["name"]:
            changes = {**changes, "name": self._free_name(store_id, changes["name"])}
            self._release_name(store_id, row)
            self._names(store_id)[changes["name"]] = {"id": row["_id"]}
        if "metaData" in changes:
            changes = {**changes, "metaData": {**row["metaData"], **changes["metaData"]}}
        return self.change(self.sources(store_id), row, changes)

    def drop_source(self, store_id: str, row: Row) -> None:
        """Delete a source with its chunks."""
        self.chunks(row["_id"]).clear()
        self._release_name(store_id, row)
        del self.sources(store_id)[row["_id"]]

    def source_json(self, row: Row) -> Row:
        """Give a source as the API shows it: chunks are counted, never believed."""
        shown = {name: value for name, value in row.items() if name not in _PRIVATE}
        return {**shown, "chunkCount": len(self.chunks(row["_id"]))}

    def _free_name(self, store_id: str, name: str) -> str:
        taken, ways = self._names(store_id), self._services.options.get("cognigy.duplicate_names", "refuse")
        if name not in taken or ways == "allow":
            return name
        if ways != "suffix":
            raise Refusal(409, "a source of this name is in the store already")
        return next(other for number in range(2, len(taken) + 3) if (other := f"{name} ({number})") not in taken)

    def _release_name(self, store_id: str, row: Row) -> None:
        names = self._names(store_id)
        if names.get(row["name"], {}).get("id") == row["_id"]:
            del names[row["name"]]

    # -- chunks

    def add_chunk(self, source: Row, text: str, order: int | None = None, data: dict[str, Any] | None = None) -> Row:
        """Append a chunk. Nothing is compared: the same twice is a twin.

        Raises:
            Refusal: It is too long, one too many (400), or the quota is used up (402).
        """
        chunks = self.chunks(source["_id"])
        check_chunk(text, data or {})
        if len(chunks) >= MAX_CHUNKS:
            raise Refusal(400, f"the source has {MAX_CHUNKS} chunks, which is all it may have")
        self._check_quota()
        row = self.stamped(order=len(chunks) if order is None else order, text=text, data=data or {}, disabled=False)
        chunks[row["_id"]] = row
        return row

    def _check_quota(self) -> None:
        quota = self._services.options.get("cognigy.chunk_quota")
        used_up = quota is not None and self.count_chunks() >= int(quota)
        if used_up or self._services.faults.take("cognigy", "quota", "POST chunks"):
            raise Refusal(402, "the organisation's quota of knowledge chunks is used up")

    def count_chunks(self) -> int:
        """All chunks of all stores."""
        return sum(len(self.chunks(source_id)) for store_id in self.stores for source_id in self.sources(store_id))

    # -- what a flow's search node would find

    def search(self, store_id: str, query: str, tags: Sequence[str] = (), top: int = 10) -> list[Row]:
        """Give the chunks that hold most words of `query`; those of sources that are not ready, and disabled ones, are not there."""
        words = set(query.casefold().split())
        found = []
        for source in self.sources(store_id).values():
            if source["status"] == "ready" and set(tags) <= set(source["metaData"]["tags"]):
                found += [
                    self._hit(source, chunk, words)
                    for chunk in self.chunks(source["_id"]).values()
                    if not chunk["disabled"]
                ]
        best = sorted((hit for hit in found if hit["distance"] < 1), key=lambda hit: hit["distance"])
        return best[:top]

    def _hit(self, source: Row, chunk: Row, words: set[str]) -> Row:
        there = words & set(chunk["text"].casefold().split())
        return {
            "text": chunk["text"],
            "distance": 1 - len(there) / max(1, len(words)),
            "sourceMetaData": {"title": source["name"], "tags": source["metaData"]["tags"], **source["data"]},
            "chunkMetaData": chunk["data"],
        }
