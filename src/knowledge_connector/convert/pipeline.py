"""Which converter reads what, as plain data that a child process can be given; and the one way through it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self, TypeVar

from knowledge_connector.errors import PluginError, Unreadable
from knowledge_connector.kit.text import clean
from knowledge_connector.model import Converted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from knowledge_connector.model import Raw
    from knowledge_connector.ports import Converter

_T = TypeVar("_T")

Settings = Mapping[str, Mapping[str, Any]]
"""The tables `[converters.NAME]`, by name."""

MAX_CHARS = 5_000_000

MAX_ATTACHMENTS = 1000
"""How many documents may lie within one, at all depths together."""

CARRIERS = frozenset(
    {
        *("message/rfc822", "application/vnd.ms-outlook"),
        *("application/zip", "application/x-tar", "application/gzip", "application/x-bzip2", "application/x-xz"),
    }
)
"""Types whose documents hold documents of any type, so that every converter has a say in what becomes of them."""

UNREAD = "attachments_unread"
"""Metadata: the names of attachments that could not be read, each with the code of its reason."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One converter, by reference: its class is imported where and when it is needed."""

    name: str
    version: str
    reference: str


@dataclass(frozen=True, slots=True)
class ConverterSet:
    """The converters of a host. Plain data: pickles to a child process, and knows its recipes without importing a parser.

    Attributes:
        entries: By media type.
        extensions: File name endings (lower-case, with the dot) and the media type each stands for.
    """

    entries: Mapping[str, Entry] = field(default_factory=dict)
    extensions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, converters: Iterable[type[Converter]]) -> Self:
        """Build a set. Where two claim a media type or an ending, the first wins: give plugins before built-ins."""
        entries: dict[str, Entry] = {}
        extensions: dict[str, str] = {}
        for converter in converters:
            entry = Entry(converter.name, converter.version, f"{converter.__module__}:{converter.__qualname__}")
            for media_type in sorted(converter.media_types):
                entries.setdefault(media_type, entry)
            for extension, media_type in converter.extensions.items():
                extensions.setdefault(extension, media_type)
        return cls(entries, extensions)

    def supported(self, media_type: str) -> bool:
        """Whether anyone reads this media type (parameters such as `charset` do not count)."""
        return essence(media_type) in self.entries

    def recipe(self, media_type: str, settings: Settings) -> str:
        """What decides the outcome besides the bytes: converter, version and settings, for the fingerprint.

        Raises:
            Unreadable: Nobody reads this media type (code `unsupported`).
        """
        kind = essence(media_type)
        entry = self._entry(kind)
        if kind not in CARRIERS:
            return _recipe(entry, settings)
        others = {_recipe(other, settings) for other in self.entries.values()}
        return "\n".join([_recipe(entry, settings), *sorted(others)])

    def convert(self, raw: Raw, settings: Settings) -> Converted:
        """Turn bytes into Markdown with Unix line ends, no control characters, and at most `max_chars` characters.

        A longer text is refused, never cut: half a document answers questions wrongly.

        Raises:
            Unreadable: Code `unsupported` or `too-long`, or what the converter says.
            DocumentError: What the converter says.
            PluginError: The converter cannot be imported, or gives something else.
        """
        kind = essence(raw.media_type)
        entry = self._entry(kind)
        own = settings.get(entry.name, {})
        converted = _instance(entry.reference).convert(
            raw if raw.media_type == kind else replace(raw, media_type=kind), own
        )
        if not isinstance(converted, Converted):
            raise PluginError(f"the converter {entry.name} gave a {type(converted).__name__} instead of a Converted")
        checked = _checked(converted, int(own.get("max_chars", MAX_CHARS)))
        return _with_language(checked) if own.get("language") else checked

    def _entry(self, kind: str) -> Entry:
        entry = self.entries.get(kind)
        if entry is None:
            from knowledge_connector.convert.refusals import refusal  # most documents have a converter

            raise refusal(kind)
        return entry


def _recipe(entry: Entry, settings: Settings) -> str:
    own = json.dumps(settings.get(entry.name, {}), sort_keys=True, default=str)
    return f"{entry.name}/{entry.version} {own}"


def essence(media_type: str) -> str:
    """A media type without its parameters, in lower case."""
    return media_type.partition(";")[0].strip().lower()


@lru_cache
def _instance(reference: str) -> Converter:
    module, _, qualname = reference.partition(":")
    try:
        found: Any = import_module(module)
        for name in qualname.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError) as error:
        raise PluginError(f"the converter {reference} cannot be imported: {error}") from error
    converter: Converter = found()
    return converter


def _checked(converted: Converted, max_chars: int) -> Converted:
    if len(converted.markdown) > max_chars:
        raise Unreadable(
            f"its text has {len(converted.markdown)} characters, more than max_chars = {max_chars}", code="too-long"
        )
    markdown = clean(converted.markdown)
    if markdown is converted.markdown and "".join(map(str, _said(converted))).isprintable():
        return converted
    facts = {_storable(key): _storable(value) for key, value in converted.metadata.items()}
    return Converted(
        markdown=markdown,
        title=_storable(converted.title),
        tags=tuple(map(_storable, converted.tags)),
        metadata=facts,
        attachments=tuple(replace(one, name=_storable(one.name)) for one in converted.attachments),
    )


def _with_language(converted: Converted) -> Converted:
    from knowledge_connector.convert.language import language_of  # only who asks for it pays

    language = converted.metadata.get("language") or language_of(converted.markdown)
    return replace(converted, metadata={**converted.metadata, "language": language}) if language else converted


def _said(converted: Converted) -> Iterator[object]:
    """All that is in it besides its text and the bytes of attachments."""
    yield converted.title or ""
    yield from converted.tags
    yield from converted.metadata
    yield from converted.metadata.values()
    yield from (one.name for one in converted.attachments)


def _storable(value: _T) -> _T:
    """Text without what no database takes, see `clean`; other values as they are."""
    return clean(value) if isinstance(value, str) and not value.isprintable() else value  # type: ignore[return-value]  # a str for a str
