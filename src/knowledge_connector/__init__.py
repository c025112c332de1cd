"""Keep the knowledge of AI agents in step with where it is written: a sync you can see, trust and undo."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knowledge_connector.app import Host
    from knowledge_connector.errors import (
        AuthenticationError,
        BatchError,
        ConfigError,
        ConnectorError,
        DocumentError,
        FatalError,
        PluginError,
        RateLimited,
        RetriableError,
        Unavailable,
        Unreadable,
    )
    from knowledge_connector.execution import RunOptions
    from knowledge_connector.hookspecs import hookimpl
    from knowledge_connector.kit.config import ConnectorConfig, RemoteConfig, TargetConfig
    from knowledge_connector.model import (
        Attachment,
        Checkpoint,
        Chunk,
        Complete,
        Converted,
        Document,
        Estimate,
        Failure,
        Finding,
        Item,
        KnowledgeSource,
        Limits,
        Partition,
        Raw,
        Skip,
        SourceDraft,
        StoredSource,
        Tombstone,
        Workload,
        digest,
    )
    from knowledge_connector.ports.plugins import (
        Chunker,
        ChunkRules,
        Clock,
        Connector,
        Converter,
        Hit,
        KnowledgeApi,
        SyncContext,
        Target,
        TargetSession,
    )
    from knowledge_connector.sync.report import SyncReport
    from knowledge_connector.sync.staging import ApiConnector, HeldSource

# Where each public name lives. Names are imported when first used, so that `connector --help` pays for none of them.
_ROOMS = {
    "app": ("Host",),
    "errors": (
        "AuthenticationError",
        "BatchError",
        "ConfigError",
        "ConnectorError",
        "DocumentError",
        "FatalError",
        "PluginError",
        "RateLimited",
        "RetriableError",
        "Unavailable",
        "Unreadable",
    ),
    "execution": ("RunOptions",),
    "hookspecs": ("hookimpl",),
    "kit.config": ("ConnectorConfig", "RemoteConfig", "TargetConfig"),
    "model": (
        "Attachment",
        "Checkpoint",
        "Chunk",
        "Complete",
        "Converted",
        "Document",
        "Estimate",
        "Failure",
        "Finding",
        "Item",
        "KnowledgeSource",
        "Limits",
        "Partition",
        "Raw",
        "Skip",
        "SourceDraft",
        "StoredSource",
        "Tombstone",
        "Workload",
        "digest",
    ),
    "ports.plugins": (
        "ChunkRules",
        "Chunker",
        "Clock",
        "Connector",
        "Converter",
        "Hit",
        "KnowledgeApi",
        "SyncContext",
        "Target",
        "TargetSession",
    ),
    "sync.report": ("SyncReport",),
    "sync.staging": ("ApiConnector", "HeldSource"),
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "ApiConnector",
    "Attachment",
    "AuthenticationError",
    "BatchError",
    "Checkpoint",
    "Chunk",
    "ChunkRules",
    "Chunker",
    "Clock",
    "Complete",
    "ConfigError",
    "Connector",
    "ConnectorConfig",
    "ConnectorError",
    "Converted",
    "Converter",
    "Document",
    "DocumentError",
    "Estimate",
    "Failure",
    "FatalError",
    "Finding",
    "HeldSource",
    "Hit",
    "Host",
    "Item",
    "KnowledgeApi",
    "KnowledgeSource",
    "Limits",
    "Partition",
    "PluginError",
    "RateLimited",
    "Raw",
    "RemoteConfig",
    "RetriableError",
    "RunOptions",
    "Skip",
    "SourceDraft",
    "StoredSource",
    "SyncContext",
    "SyncReport",
    "Target",
    "TargetConfig",
    "TargetSession",
    "Tombstone",
    "Unavailable",
    "Unreadable",
    "Workload",
    "digest",
    "hookimpl",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
