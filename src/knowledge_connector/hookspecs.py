"""The doors of the house: what a plugin may answer. Hooks return values, so the host always knows who brought what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knowledge_connector.ports import Chunker, Connector, Converter, Target
    from knowledge_connector.sync.report import SyncReport

PROJECT = "knowledge_connector"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_connectors() -> list[type[Connector]]:  # type: ignore[empty-body]  # a hook specification has no body
    """Connector classes, each with its own `type`."""


@hookspec
def register_targets() -> list[type[Target]]:  # type: ignore[empty-body]  # a hook specification has no body
    """Target classes, each with its own `type`."""


@hookspec
def register_converters() -> list[type[Converter]]:  # type: ignore[empty-body]  # a hook specification has no body
    """Converter classes. Where two claim a media type, a plugin's goes before the built-in one."""


@hookspec
def register_chunkers() -> list[type[Chunker]]:  # type: ignore[empty-body]  # a hook specification has no body
    """Chunker classes, chosen by their `name`."""


@hookspec
def register_emulators() -> Mapping[str, Any]:  # type: ignore[empty-body]  # a hook specification has no body
    """Names and factories of servers for `connector emulate`."""


@hookspec
def run_started(run: int, connector: str) -> None:
    """A run has begun. What a hook raises is logged and never stops the run."""


@hookspec
def run_finished(run: int, report: SyncReport) -> None:
    """A run has ended; one call per target, with its report."""
