"""Whether a connector's origin and targets can be reached, with which rights and limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from knowledge_connector.errors import ConnectorError
from knowledge_connector.model import Finding, Limits
from knowledge_connector.ports import Connector, Target
from knowledge_connector.registry import guarded
from knowledge_connector.story.asked import asked

if TYPE_CHECKING:
    from knowledge_connector.app import Host


def check(host: Host, connector: str) -> Iterator[Finding]:
    """Say whether a connector's origin and targets can be reached, with which rights and limits. Nothing is written.

    Raises:
        ConfigError: There is no such connector, or its configuration is wrong.
    """
    with asked(host, connector) as (plugin, context):
        yield from _findings(host, plugin, f"origin · {plugin.type}", lambda: plugin.check(context))
    for lane in host.lanes(connector):
        target = host.target(lane.target)
        subject = f"target {lane.target} · {target.type}"
        yield from _findings(host, target, subject, target.check)
        yield _within(f"{subject} · limits", target.limits, len(host.connector_settings(connector).tags))


def _findings(
    host: Host, asked: Connector[Any] | Target[Any], subject: str, ask: Callable[[], Iterator[Finding]]
) -> Iterator[Finding]:
    none = True
    try:
        with guarded(host.registry.brought_by(type(asked)).name, "checking"):
            for finding in ask():
                none = False
                yield replace(finding, subject=f"{subject} · {finding.subject}")
    except ConnectorError as error:
        none = False
        yield Finding(ok=False, subject=subject, message=error.message)
    if none:
        yield Finding(ok=True, subject=subject, message="has nothing to check")


def _within(subject: str, limits: Limits, tags: int) -> Finding:
    """The limits in words, and whether the configured tags keep to them."""
    words = [f"{limits.max_chars:,} {limits.unit} a chunk"]
    if limits.max_tags is not None:
        words.append(f"{limits.max_tags} tags ({tags} configured)")
    if limits.max_bytes is not None:
        words.append(f"{limits.max_bytes:,} bytes a document")
    return Finding(limits.max_tags is None or tags <= limits.max_tags, subject, ", ".join(words))
