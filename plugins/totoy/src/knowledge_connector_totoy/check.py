"""What `connector check` says of Totoy; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from knowledge_connector import Finding
from knowledge_connector_totoy.place import Place

if TYPE_CHECKING:
    from knowledge_connector_totoy.client import TotoyClient
    from knowledge_connector_totoy.config import TotoyConfig

COUNTERS = {"text_sources": "text sources", "projects": "projects", "knowledge_bases": "knowledge bases"}
"""Limits of the plan that a sync of texts may meet."""


def findings(client: TotoyClient, config: TotoyConfig) -> Iterator[Finding]:
    """Give them one by one.

    Raises:
        ConnectorError: Totoy cannot be reached, or refuses.
    """
    organization = client.organization()
    status = str(organization.get("status", "unknown"))
    yield Finding(status == "active", "organisation", f"{organization.get('name', '')} is {status}")
    yield from _limits(organization)
    yield _place(client, config)


def _limits(organization: Mapping[str, Any]) -> Iterator[Finding]:
    limits, usage = organization.get("limits") or {}, organization.get("usage") or {}
    hard = limits.get("type") == "hard"
    for counter, words in COUNTERS.items():
        limit, used = limits.get(counter), usage.get(counter)
        if isinstance(limit, int) and isinstance(used, int):
            full = hard and used >= limit
            blocked = "; the plan lets no more be made" if full else ""
            yield Finding(not full, words, f"{used} of {limit} ({limits.get('type')} limit){blocked}")


def _place(client: TotoyClient, config: TotoyConfig) -> Finding:
    base = Place(client, config).find()
    if base is None:
        project = config.project or "the default project"
        message = f"none called {config.knowledge_base!r} in {project} yet; the first run makes it"
    else:
        message = f"{base.name} ({base.id}) in project {base.project_id} holds {len(client.links(base.id))} sources"
    return Finding(ok=True, subject="knowledge base", message=message)
