"""Writes to Cognigy.AI knowledge stores, and emulates their REST API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knowledge_connector import hookimpl
from knowledge_connector_cognigy.config import CognigyConfig
from knowledge_connector_cognigy.target import CognigyTarget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knowledge_connector import Target

__all__ = ["CognigyConfig", "CognigyTarget", "register_emulators", "register_targets"]


@hookimpl
def register_targets() -> list[type[Target]]:
    """Bring `type = "cognigy"`."""
    return [CognigyTarget]


@hookimpl
def register_emulators() -> Mapping[str, Any]:
    """Bring `connector emulate cognigy`."""
    from knowledge_connector_cognigy.emulator import CognigyEmulator  # needs the extra `emulator`, which no run does

    return {"cognigy": CognigyEmulator}
