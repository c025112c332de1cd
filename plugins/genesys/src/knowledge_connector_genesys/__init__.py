"""Genesys Cloud as a target of knowledge-connector, and an emulator of the part of its API that this takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knowledge_connector import hookimpl
from knowledge_connector_genesys.config import GenesysConfig
from knowledge_connector_genesys.target import GenesysTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from knowledge_connector import Target

__all__ = ["GenesysConfig", "GenesysTarget", "register_emulators", "register_targets"]


@hookimpl
def register_targets() -> list[type[Target]]:
    """Bring `type = "genesys"`."""
    return [GenesysTarget]


@hookimpl
def register_emulators() -> Mapping[str, Callable[..., object]]:
    """Bring `connector emulate genesys`; what it needs is imported then."""
    from knowledge_connector_genesys.emulator import GenesysEmulator

    return {GenesysEmulator.name: GenesysEmulator}
