"""Reads SharePoint Online through Microsoft Graph, and emulates the part of Graph that it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knowledge_connector import hookimpl
from knowledge_connector_sharepoint.config import SharePointConfig
from knowledge_connector_sharepoint.connector import SharePointConnector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knowledge_connector import Connector

__all__ = ["SharePointConfig", "SharePointConnector", "register_connectors", "register_emulators"]


@hookimpl
def register_connectors() -> list[type[Connector]]:
    """Bring `type = "sharepoint"`."""
    return [SharePointConnector]


@hookimpl
def register_emulators() -> Mapping[str, Any]:
    """Bring `connector emulate sharepoint`."""
    from knowledge_connector_sharepoint.emulator import (
        SharePointEmulator,
    )  # needs the extra `emulator`, which no run does

    return {"sharepoint": SharePointEmulator}
