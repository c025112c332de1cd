"""Writes knowledge into Totoy, and brings an emulator of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from knowledge_connector import hookimpl
from knowledge_connector_totoy.config import TotoyConfig
from knowledge_connector_totoy.target import TotoyTarget

if TYPE_CHECKING:
    from knowledge_connector import Target

__all__ = ["TotoyConfig", "TotoyTarget", "register_emulators", "register_targets"]


@hookimpl
def register_targets() -> list[type[Target]]:
    """Bring `type = "totoy"`."""
    return [TotoyTarget]


@hookimpl
def register_emulators() -> Mapping[str, Callable[..., Any]]:
    """Bring `connector emulate totoy`."""
    from knowledge_connector_totoy.emulator import TotoyEmulator  # needs the extra `emulator`

    return {TotoyEmulator.name: TotoyEmulator}
