"""Converters and chunkers at work: names their recipes, and keeps the child processes that run them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from knowledge_connector.config import ConversionSettings
from knowledge_connector.convert.pipeline import ConverterSet
from knowledge_connector.errors import ConnectorError
from knowledge_connector.model import digest
from knowledge_connector.ports import ChunkRules
from knowledge_connector.refs import class_ref
from knowledge_connector.registry import Registry

if TYPE_CHECKING:
    from knowledge_connector.convert.sandbox import Sandbox
    from knowledge_connector.sync.prepare import Prepared, Request


class Workshop:
    """Makes chunks from bodies, in child processes that start when the first body comes.

    Args:
        settings: Of each converter, by its name.
        bounds: Time and memory of a child process.
    """

    def __init__(
        self, registry: Registry, settings: Mapping[str, Mapping[str, Any]], bounds: ConversionSettings
    ) -> None:
        self._registry = registry
        self._settings = settings
        self._bounds = bounds
        self._converters = ConverterSet.of(registry.converters())

    def recipe(self, media_type: str | None, chunker: str, rules: ChunkRules) -> str | None:
        """Name all that decides what becomes of a body of this type, besides the body; `None` if nothing can read it.

        Without a type the content will decide, so any converter may.

        Raises:
            ConfigError: There is no such chunker.
        """
        if media_type is not None and not self._converters.supported(media_type):
            return None
        known = [media_type] if media_type is not None else sorted(self._converters.entries)
        converting = [self._converters.recipe(name, self._settings) for name in known]
        return digest(*converting, chunker, self._registry.chunker(chunker).version, repr(rules))

    def prepare(self, requests: Sequence[Request]) -> list[Prepared | ConnectorError]:
        """Convert and cut some bodies in one child process; see `sync.prepare`. Callable from many threads.

        Raises:
            DocumentError: The child took too long, too much memory, or crashed, over one of them.
        """
        return cast("list[Prepared | ConnectorError]", self._sandbox.call(requests))

    def close(self) -> None:
        """End the child processes."""
        if "_sandbox" in self.__dict__:
            self._sandbox.close()

    @cached_property
    def _sandbox(self) -> Sandbox:
        from knowledge_connector.convert.sandbox import Sandbox, WorkerSpec  # an unchanged run starts none
        from knowledge_connector.worker import FACTORY, Outfit

        refs = [class_ref(cls) for cls in self._registry.converters()]
        outfit = Outfit(
            self._converters,
            tuple(ref for ref in refs if ref.file is not None),
            tuple(class_ref(cls) for cls in self._registry.chunkers()),
            self._settings,
        )
        return Sandbox(
            WorkerSpec(FACTORY, outfit),
            processes=self._bounds.processes,
            timeout_seconds=self._bounds.timeout_seconds,
            memory_bytes=self._bounds.memory_bytes,
        )
