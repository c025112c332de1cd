"""Reads web services as `connectors.toml` describes them, and emulates three."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knowledge_connector import hookimpl
from knowledge_connector_rest.config import RestConfig
from knowledge_connector_rest.connector import RestConnector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knowledge_connector import Connector

__all__ = ["RestConfig", "RestConnector", "register_connectors", "register_emulators"]


@hookimpl
def register_connectors() -> list[type[Connector]]:
    """Bring `type = "rest"`."""
    return [RestConnector]


@hookimpl
def register_emulators() -> Mapping[str, Any]:
    """Bring `connector emulate rest`."""
    from knowledge_connector_rest.emulator import RestEmulator  # needs the extra `emulator`, which no run does

    return {"rest": RestEmulator}
