"""connectors.toml and the environment become Settings, in two passes.

    environment ─▶ .env ─▶ file      merged, key by key (sources)
                    │
                    ▼
    host tables ─▶ Settings          names, types and wiring (tables, settings)
                    │ bind
                    ▼
    plugin's own model               its part of a table, with secrets fetched and paths made absolute

This room alone reads the environment of the process.
"""

from knowledge_connector.config.names import CONFIG_VARIABLE, FILE_NAME, variable_for
from knowledge_connector.config.settings import Settings, load
from knowledge_connector.config.tables import (
    ChunkSettings,
    ConnectorSettings,
    ConversionSettings,
    DeleteSettings,
    ErrorSettings,
    HistorySettings,
    JobSettings,
    NotificationSettings,
    PluginSettings,
    ServeSettings,
    StateSettings,
    TargetSettings,
    TraceSettings,
)

__all__ = [
    "CONFIG_VARIABLE",
    "FILE_NAME",
    "ChunkSettings",
    "ConnectorSettings",
    "ConversionSettings",
    "DeleteSettings",
    "ErrorSettings",
    "HistorySettings",
    "JobSettings",
    "NotificationSettings",
    "PluginSettings",
    "ServeSettings",
    "Settings",
    "StateSettings",
    "TargetSettings",
    "TraceSettings",
    "load",
    "variable_for",
]
