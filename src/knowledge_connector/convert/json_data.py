"""JSON and JSON lines as readable Markdown: keys and values in bullets, lists of objects as records with headings of their own."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from knowledge_connector.errors import DocumentError, Unreadable
from knowledge_connector.kit.text import decode
from knowledge_connector.model import Converted
from knowledge_connector.ports import Converter

if TYPE_CHECKING:
    from knowledge_connector.model import Raw

_LINES = "application/jsonl"
_MAX_CHARS = 5_000_000
_STREAM_CHARS = 4 * 1024 * 1024  # a parsed tree takes some ten times the memory of its text
_MAX_DEPTH = 60
_HEADINGS = 6
_NAMES = ("title", "name", "label", "id", "key")


class _Object:
    """The members of an object, in order and with repeated keys. Built at once by json, member by member by ijson."""

    def __init__(self, members: list[tuple[str, Any]] | None = None) -> None:
        self.members = members or []

    def __setitem__(self, key: str, value: Any) -> None:
        self.members.append((key, value))


class JsonConverter(Converter):
    """Reads data; numbers stay as they are written, repeated keys all count."""

    name = "json"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset(
        {"application/json", "text/json", "application/ld+json", "application/geo+json", _LINES, "application/x-ndjson"}
    )
    extensions: ClassVar[Mapping[str, str]] = {
        ".json": "application/json",
        ".jsonl": _LINES,
        ".ndjson": _LINES,
        ".jsonld": "application/ld+json",
        ".geojson": "application/geo+json",
    }

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Give the data as text.

        Raises:
            DocumentError: It is no JSON (code `malformed`) or nested too deeply (`too-deep`).
            Unreadable: It grows too long (`too-long`).
        """
        text = decode(raw.content, raw.charset or "utf-8").text
        writer = _Writer(int(settings.get("max_chars", _MAX_CHARS)))
        try:
            if raw.media_type in (_LINES, "application/x-ndjson"):
                writer.records(_each_line(text), 1)
            elif len(text) > _STREAM_CHARS and text.lstrip()[:1] == "[":
                writer.records(_each_item(text), 1)
            else:
                writer.value(_parse(text), 1)
        except RecursionError as error:
            raise DocumentError("the data is nested too deeply", code="too-deep") from error
        return Converted(writer.text())


def _parse(text: str, line: int | None = None) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_Object, parse_int=str, parse_float=str, parse_constant=str)
    except json.JSONDecodeError as error:
        raise DocumentError(
            f"this is no JSON: {error.msg} in line {line or error.lineno}, column {error.colno}", code="malformed"
        ) from error


def _each_line(text: str) -> Iterator[Any]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _parse(line, number)


def _each_item(text: str) -> Iterator[Any]:
    import ijson  # type: ignore[import-untyped]  # ijson ships no types; only huge arrays pay

    try:
        yield from ijson.items(io.BytesIO(text.encode()), "item", map_type=_Object)
    except ijson.JSONError as error:
        raise DocumentError("this is no JSON that can be streamed", code="malformed") from error


class _Writer:
    """Collects Markdown, and gives up when it grows beyond what is allowed."""

    def __init__(self, max_chars: int) -> None:
        self._parts: list[str] = []
        self._left = max_chars
        self._max_chars = max_chars

    def text(self) -> str:
        return "".join(self._parts).strip("\n") + "\n" if self._parts else ""

    def _write(self, part: str) -> None:
        self._left -= len(part)
        if self._left < 0:
            raise Unreadable(f"its text has more than max_chars = {self._max_chars} characters", code="too-long")
        self._parts.append(part)

    def value(self, value: Any, level: int) -> None:
        """Write a value as a section of its own."""
        if isinstance(value, _Object):
            self._members(value.members, level)
        elif isinstance(value, list):
            self.records(value, level)
        else:
            self._write(f"{_scalar(value)}\n\n")

    def records(self, items: Iterable[Any], level: int) -> None:
        """Write objects one after the other, each beneath a heading that names it; plain items as bullets."""
        for number, item in enumerate(items, 1):
            if _has_members(item):
                self._heading(_label(item) or f"#{number}", level)
                self.value(item, level + 1)
            else:
                self._write(f"- {_inline(item)}\n")

    def _members(self, members: list[tuple[str, Any]], level: int) -> None:
        """What fits on a line comes first, lest it seem to belong to the section before it."""
        long = [(key, value) for key, value in members if _is_section(value)]
        short = [f"- {_inline(key)}: {_inline(value)}\n" for key, value in members if not _is_section(value)]
        if short:
            self._write("".join(short) + "\n")
        for key, value in long:
            self._heading(key, level)
            self.value(value, level + 1)

    def _heading(self, title: str, level: int) -> None:
        if level > _MAX_DEPTH:
            raise DocumentError(f"the data is nested more than {_MAX_DEPTH} levels deep", code="too-deep")
        name = " ".join(str(title).split())
        gap = "" if not self._parts or self._parts[-1].endswith("\n\n") else "\n"
        self._write(f"{gap}{'#' * level} {name}\n\n" if level <= _HEADINGS else f"{gap}**{name}**\n\n")


def _is_section(value: Any) -> bool:
    return _has_members(value) or (isinstance(value, str) and "\n" in value.strip())


def _has_members(value: Any) -> bool:
    if isinstance(value, _Object):
        return bool(value.members)
    return isinstance(value, list) and any(_has_members(item) for item in value)


def _label(record: Any) -> str | None:
    if not isinstance(record, _Object):
        return None
    members = {
        key.lower(): value for key, value in reversed(record.members) if isinstance(value, str) and value.strip()
    }
    return next((members[name] for name in _NAMES if name in members and len(members[name]) <= 200), None)


def _inline(value: Any) -> str:
    if isinstance(value, _Object):
        return ", ".join(f"{key}: {_inline(inner)}" for key, inner in value.members)
    if isinstance(value, list):
        return ", ".join(f"[{_inline(item)}]" if isinstance(item, list) else _inline(item) for item in value)
    return " ".join(_scalar(value).split())


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    return ("false", "true")[value] if isinstance(value, bool) else str(value)
