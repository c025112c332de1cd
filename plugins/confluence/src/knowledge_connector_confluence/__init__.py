"""Reads Confluence Cloud and Data Center, and emulates their APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knowledge_connector import hookimpl
from knowledge_connector_confluence.config import ConfluenceConfig
from knowledge_connector_confluence.connector import ConfluenceConnector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knowledge_connector import Connector

__all__ = ["ConfluenceConfig", "ConfluenceConnector", "register_connectors", "register_emulators"]


@hookimpl
def register_connectors() -> list[type[Connector]]:
    """Bring `type = "confluence"`."""
    return [ConfluenceConnector]


@hookimpl
def register_emulators() -> Mapping[str, Any]:
    """Bring `connector emulate confluence`."""
    from knowledge_connector_confluence.emulator import (
        ConfluenceEmulator,  # needs the extra `emulator`, which no run does
    )

    return {"confluence": ConfluenceEmulator}
