"""The origin of the scenarios and the target of `dying`, as one plugin for `plugins.paths`."""

from plugins.totoy.dying import register_targets
from scenarios.shelf import register_connectors

__all__ = ["register_connectors", "register_targets"]
