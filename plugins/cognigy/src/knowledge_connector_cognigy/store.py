"""One knowledge store: found by id or name, made if asked, with its sources and chunks."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from knowledge_connector import ConfigError, DocumentError, FatalError
from knowledge_connector_cognigy.client import CognigyClient, Item, Missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knowledge_connector_cognigy.config import CognigyConfig
    from knowledge_connector_cognigy.marks import Scalar

_STORES = "/knowledgestores"
_ID = re.compile(r"[a-z0-9]{24}")


class KnowledgeStore:
    """The configured store. It is looked for when first needed, and created when first written to.

    Args:
        client: Calls the API.
        config: Says which store.
    """

    def __init__(self, client: CognigyClient, config: CognigyConfig) -> None:
        self._client = client
        self._config = config
        self._lock = threading.Lock()
        self._path: str | None = None

    def find(self) -> Item | None:
        """Give the store as the API tells it; `None` if there is none.

        Raises:
            ConfigError: Several have this name.
        """
        wanted = self._config.knowledge_store
        if _ID.fullmatch(wanted):
            try:
                return self._client.get(f"{_STORES}/{wanted}", "stores")
            except Missing:
                pass  # a name may look like an id
        named = [store for store in self._stores() if store["name"] == wanted]
        if len(named) > 1:
            ids = ", ".join(store["_id"] for store in named)
            raise ConfigError(
                f"{len(named)} knowledge stores are called {wanted!r} ({ids}); set project_id, or knowledge_store to an id",
                where="target",
            )
        return named[0] if named else None

    def create(self) -> Item:
        """Create the store in the configured project.

        Raises:
            ConfigError: That was not asked for, or no project is named.
        """
        config = self._config
        if not config.create_store or config.project_id is None:
            need = "project_id" if config.create_store else "create_store = true and project_id"
            place = f" in project {config.project_id}" if config.project_id else ""
            raise ConfigError(
                f"there is no knowledge store {config.knowledge_store!r}{place}, by name or id; to create it, set {need}",
                where="target",
            )
        body = {"name": config.knowledge_store, "projectId": config.project_id, "language": config.language}
        return self._client.create(_STORES, "stores", body, self.find)

    def sources(self) -> Iterator[Item]:
        """Give all sources; none if the store is yet to be made.

        Raises:
            ConfigError: There is no such store, and none shall be made.
        """
        path = self._locate(create=not self._config.create_store)
        if path:
            with _fatal():
                yield from self._client.pages(f"{path}/sources", "sources")

    def source(self, source: str) -> Item:
        """Give one source."""
        return self._client.get(self._source(source), "sources")

    def create_source(self, name: str, tags: list[str]) -> str:
        """Create an empty source under a name that nobody else has, and give its id."""
        body = {"name": name, "type": "manual", "metaData": {"tags": tags}}

        def find() -> Item | None:
            return next((source for source in self.sources() if source["name"] == name), None)

        path = self._locate(create=True)
        made = self._client.create(f"{path}/sources", "sources", body, find)
        return str(made.get("knowledgeSource", made)["_id"])  # the answer is wrapped, what is listed is not

    def patch_source(self, source: str, fields: Item) -> None:
        """Change a source."""
        self._client.patch(self._source(source), "sources", fields)

    def delete_source(self, source: str) -> None:
        """Remove a source with its chunks; gone already is success."""
        self._client.delete(self._source(source), "sources")

    def chunks(self, source: str) -> list[Item]:
        """Give the chunks of a source in their order."""
        found = self._client.pages(f"{self._source(source)}/chunks", "chunks")
        return sorted(found, key=lambda chunk: float(chunk.get("order") or 0))

    def create_chunk(self, source: str, order: int, text: str, data: dict[str, Scalar]) -> None:
        """Create a chunk at a place of the source that is free."""

        def find() -> Item | None:
            return next((chunk for chunk in self.chunks(source) if chunk.get("order") == order), None)

        body = {"text": text, "order": order, "data": data}
        self._client.create(f"{self._source(source)}/chunks", "chunks", body, find)

    def patch_chunk(self, source: str, chunk: str, fields: Item) -> None:
        """Change a chunk."""
        self._client.patch(f"{self._source(source)}/chunks/{chunk}", "chunks", fields)

    def delete_chunk(self, source: str, chunk: str) -> None:
        """Remove a chunk; gone already is success."""
        self._client.delete(f"{self._source(source)}/chunks/{chunk}", "chunks")

    def _stores(self) -> Iterator[Item]:
        project = self._config.project_id
        return self._client.pages(_STORES, "stores", {"projectId": project} if project else None)

    def _source(self, source: str) -> str:
        return f"{self._locate(create=True)}/sources/{source}"

    def _locate(self, *, create: bool) -> str | None:
        with self._lock:
            if self._path is None:
                with _fatal():
                    store = self.find() or (self.create() if create else None)
                self._path = f"{_STORES}/{store['_id']}" if store else None
            return self._path


@contextmanager
def _fatal() -> Iterator[None]:
    """What is refused of the store itself is no document's failure."""
    try:
        yield
    except DocumentError as error:
        raise FatalError(error.message, where="target") from error


def status_of(store: Item) -> str:
    """Say in words what the API tells of a store."""
    return f"{store['name']} ({store['_id']}), {store.get('status', 'status unknown')}"
