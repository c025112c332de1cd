"""A small origin for whole runs: a JSON file that tests rewrite between runs, with every kind of trouble on demand.

The file holds a list of entries. An entry has an `id` and either `text` (converted and cut in a child process), `chunks` (cut already),
or a `kind`: `fail`, `locked` (everything beneath), `complete` (likewise), `excluded`, `tombstone`, `gate` (wait for a pipe), `die` (the
listing breaks off) or `raise` (a fault in the plugin). `body` may be `fail`: listed well, but it cannot be fetched.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from knowledge_connector import (
    ApiConnector,
    Checkpoint,
    Chunk,
    Complete,
    Connector,
    ConnectorConfig,
    Document,
    DocumentError,
    Failure,
    HeldSource,
    Item,
    KnowledgeApi,
    Skip,
    SyncContext,
    Tombstone,
    Unavailable,
    hookimpl,
)

Entry = Mapping[str, Any]


class ShelfConfig(ConnectorConfig):
    path: Path = Field(description="The JSON file.")
    revisions: bool = Field(default=True, description="Whether documents say their revision.")


def _body(entry: Entry) -> Callable[[], str | tuple[Chunk, ...]]:
    def fetch() -> str | tuple[Chunk, ...]:
        if entry.get("body") == "fail":
            raise DocumentError("it would not open", code="locked", where="origin")
        if "chunks" in entry:
            return tuple(Chunk(number, text) for number, text in enumerate(entry["chunks"]))
        return str(entry["text"])

    return fetch


class ShelfConnector(Connector[ShelfConfig]):
    type = "shelf"

    def read(self, context: SyncContext) -> Iterator[Item]:
        for entry in json.loads(self.config.path.read_text(encoding="utf-8")):
            yield self._item(entry)

    def _item(self, entry: Entry) -> Item:
        match entry.get("kind", "document"):
            case "fail":
                return Failure(entry["id"], "it would not open")
            case "locked":
                return Failure(entry["id"], "the folder is locked", beneath=True)
            case "complete":
                return Complete(entry["id"])
            case "excluded":
                return Skip(entry["id"], "excluded", excluded=True)
            case "tombstone":
                return Tombstone(entry["id"])
            case "gate":
                Path(entry["path"]).read_text(
                    encoding="utf-8"
                )  # waits until somebody opens the other end, and closes it
                return Skip(entry["id"], "gate")
            case "die":
                raise Unavailable("the origin went away")
            case "raise":
                raise KeyError("a fault in the plugin")
            case _:
                return self._document(entry)

    def _document(self, entry: Entry) -> Document:
        revision = str(entry.get("revision") or hash_of(entry)) if self.config.revisions else None
        return Document(
            entry["id"],
            title=entry.get("title", ""),
            body=_body(entry),
            uri=entry.get("uri"),
            revision=revision,
            tags=tuple(entry.get("tags", ())),
        )


class DripConnector(ShelfConnector):
    """The same with a checkpoint after every entry; a cursor is the number of entries read."""

    type = "drip"
    resumable = True

    def read(self, context: SyncContext) -> Iterator[Item]:
        entries: Sequence[Entry] = json.loads(self.config.path.read_text(encoding="utf-8"))
        start = context.cursor["read"] if context.cursor else 0
        for entry in entries:
            if entry["id"] in context.retry:
                yield self._item(entry)
        for number, entry in enumerate(entries[start:], start=start + 1):
            yield self._item(entry)
            yield Checkpoint({"read": number})


class ApiShelfConnector(ApiConnector[ShelfConfig]):
    """The same in Cognigy's style. An entry may announce another number of chunks than it has: `announces`."""

    type = "api-shelf"

    def run(self, config: ShelfConfig, sources: Sequence[HeldSource], api: KnowledgeApi) -> None:
        entries: Sequence[Entry] = json.loads(config.path.read_text(encoding="utf-8"))
        for entry in entries:
            if entry.get("kind") == "raise":
                raise KeyError("a fault in the plugin")
            handle = api.upsert_knowledge_source(
                name=entry.get("title") or entry["id"],
                tags=entry.get("tags", ()),
                chunk_count=entry.get("announces", len(entry["chunks"])),
                content_hash_or_timestamp=hash_of(entry),
                external_identifier=entry["id"],
            )
            if handle is None:
                continue
            for text in entry["chunks"]:
                api.create_knowledge_chunk(knowledge_source_id=handle.knowledge_source_id, text=text)
        listed = {entry["id"] for entry in entries}
        for source in sources:
            if source.external_identifier not in listed:
                api.delete_knowledge_source(knowledge_source_id=source.knowledge_source_id)


def hash_of(entry: Entry) -> str:
    content = {key: entry[key] for key in ("text", "chunks") if key in entry}
    return json.dumps(content, sort_keys=True)


@hookimpl
def register_connectors() -> list[type[Connector]]:
    return [ShelfConnector, DripConnector, ApiShelfConnector]
