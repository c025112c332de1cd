"""Writes to Intellia knowledge bases, and brings an emulator of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knowledge_connector import hookimpl
from knowledge_connector_intellia.config import IntelliaConfig
from knowledge_connector_intellia.target import IntelliaTarget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knowledge_connector import Target

__all__ = ["IntelliaConfig", "IntelliaTarget", "register_emulators", "register_targets"]


@hookimpl
def register_targets() -> list[type[Target]]:
    """Bring `type = "intellia"`."""
    return [IntelliaTarget]


@hookimpl
def register_emulators() -> Mapping[str, Any]:
    """Bring `connector emulate intellia`."""
    from knowledge_connector_intellia.emulator import IntelliaEmulator  # needs the extra `emulator`, which no run does

    return {"intellia": IntelliaEmulator}
