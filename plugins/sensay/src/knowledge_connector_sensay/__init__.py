"""Writes to the knowledge base of a Sensay replica, and emulates its API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knowledge_connector import hookimpl
from knowledge_connector_sensay.config import SensayConfig
from knowledge_connector_sensay.target import SensayTarget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knowledge_connector import Target

__all__ = ["SensayConfig", "SensayTarget", "register_emulators", "register_targets"]


@hookimpl
def register_targets() -> list[type[Target]]:
    """Bring `type = "sensay"`."""
    return [SensayTarget]


@hookimpl
def register_emulators() -> Mapping[str, Any]:
    """Bring `connector emulate sensay`."""
    from knowledge_connector_sensay.emulator import SensayEmulator  # needs the extra `emulator`, which no run does

    return {"sensay": SensayEmulator}
