"""Reads folders: local disks, network mounts, and remote stores through fsspec."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knowledge_connector import hookimpl
from knowledge_connector_filesystem.config import FilesystemConfig
from knowledge_connector_filesystem.connector import FilesystemConnector

if TYPE_CHECKING:
    from knowledge_connector import Connector

__all__ = ["FilesystemConfig", "FilesystemConnector", "register_connectors"]


@hookimpl
def register_connectors() -> list[type[Connector]]:
    """Bring `type = "filesystem"`."""
    return [FilesystemConnector]
