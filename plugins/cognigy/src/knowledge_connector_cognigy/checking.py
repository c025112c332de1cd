"""What `connector check` finds."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from knowledge_connector import Finding
from knowledge_connector_cognigy.client import CognigyClient
from knowledge_connector_cognigy.store import KnowledgeStore, status_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knowledge_connector.kit.clock import Clock
    from knowledge_connector_cognigy.config import CognigyConfig


def findings(config: CognigyConfig, clock: Clock) -> Iterator[Finding]:
    """Ask for the store and say what there is; nothing is written.

    Raises:
        ConnectorError: It cannot be reached, does not take the key, or has several stores of the name.
    """
    with closing(CognigyClient(config, clock)) as client:
        store = KnowledgeStore(client, config).find()
    yield Finding(ok=True, subject="api", message=f"{config.base_url} takes the key")
    if store is not None:
        yield Finding(ok=True, subject="knowledge store", message=status_of(store))
    elif config.create_store and config.project_id:
        message = f"{config.knowledge_store!r} is not there yet; the first run makes it in project {config.project_id}"
        yield Finding(ok=True, subject="knowledge store", message=message)
    else:
        need = "project_id" if config.create_store else "create_store = true and project_id"
        message = f"there is no {config.knowledge_store!r}; name one that is there, or set {need}"
        yield Finding(ok=False, subject="knowledge store", message=message)
    yield Finding(
        ok=True,
        subject="replacing",
        message="for a moment both versions of a document may be found, never none; a change of one chunk shows the old or the new",
    )
    if config.requests_per_5_minutes:
        pace = config.requests_per_5_minutes / 300
        message = f"{config.requests_per_5_minutes} requests in 5 minutes: about {pace:.1f} chunks a second"
        yield Finding(ok=True, subject="pace", message=message)
