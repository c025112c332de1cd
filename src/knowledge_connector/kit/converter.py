"""Converters that are read about at every start, and whose libraries are imported by the first document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from knowledge_connector.ports import Converter

if TYPE_CHECKING:
    from knowledge_connector.model import Converted, Raw


class LazyConverter(Converter):
    """A converter whose work another module does, which is imported when a document is to be converted."""

    reader: ClassVar[str]
    """The full name of that module. Its function `read(raw, settings)` gives and raises what `Converter.convert` does."""

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Give what the reader gives."""
        read: Callable[[Raw, Mapping[str, Any]], Converted] = import_module(self.reader).read
        return read(raw, settings)
