"""A connector that is only asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knowledge_connector.execution import Contexts
from knowledge_connector.model import Document
from knowledge_connector.ports import Connector, Known, Lane, StateStore

if TYPE_CHECKING:
    from knowledge_connector.app import Host
    from knowledge_connector.sync.context import RunContext


@dataclass(frozen=True, slots=True)
class _Memory:
    """`ports.Holdings` for those who only ask."""

    store: StateStore
    lane: Lane

    def rows(self) -> Iterator[Known]:
        """See `ports.Holdings`."""
        return self.store.rows(self.lane)

    def needs_body(self, document: Document) -> bool:  # noqa: ARG002  # nothing is fetched here, whatever it is
        """See `ports.Holdings`."""
        return False


@contextmanager
def asked(host: Host, connector: str) -> Iterator[tuple[Connector[Any], RunContext]]:
    """A connector with what it is lent while it answers."""
    plugin = host.connector(connector)
    with closing(Contexts(host, connector)(None, (), _Memory(host.store, host.lanes(connector)[0]))) as context:
        yield plugin, context
