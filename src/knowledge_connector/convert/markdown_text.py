"""Markdown as it is, less its front matter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, ClassVar

from knowledge_connector.kit.text import decode
from knowledge_connector.model import Converted, Scalar
from knowledge_connector.ports import Converter

if TYPE_CHECKING:
    from knowledge_connector.model import Raw

_FENCES = {"---": ("---", "..."), "+++": ("+++",)}
_MAX_NESTING = 3
_MAX_METADATA = 100  # an alias bomb in YAML is small as a graph and endless as a tree

_ATX = re.compile(r" {0,3}#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*")
_CODE_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_SETEXT = re.compile(r" {0,3}(?:=+|-+)[ \t]*")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_LINES = re.compile(r"[^\n]+|\n(?=\n)")
_MARKUP = re.compile(r"(?<!\\)[*`]|<[^<>]*>|\\(?=[!-/:-@\[-`{-~])")


class MarkdownConverter(Converter):
    """Reads title, tags and metadata from YAML (`---`) or TOML (`+++`) front matter; the title else from the first heading."""

    name = "markdown"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset({"text/markdown", "text/x-markdown"})
    extensions: ClassVar[Mapping[str, str]] = dict.fromkeys(
        (".md", ".markdown", ".mdown", ".mkd", ".mdx"), "text/markdown"
    )

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:  # noqa: ARG002  # there is nothing to set
        """Give the text without its front matter. Front matter that cannot be read stays in the text."""
        text = decode(raw.content, raw.charset).text
        facts, body = _split(text)
        title = facts.pop("title", None)
        tags = _labels(facts.pop("tags", None)) or _labels(facts.pop("keywords", None))
        return Converted(body, str(title) if title else first_heading(body), tags, _flat(facts))


def first_heading(markdown: str) -> str | None:
    """The text of the first heading outside code, without its markup; `None` if there is none."""
    fence, before = "", ""
    for match in _LINES.finditer(markdown):
        line = match[0]
        code = _CODE_FENCE.match(line)
        if code and (not fence or line.strip().startswith(fence)):
            fence = "" if fence else code[1]
        elif not fence:
            heading = _ATX.fullmatch(line)
            text = heading[1] if heading else before if before and _SETEXT.fullmatch(line) else ""
            if plain := _plain(text):
                return plain
            before = "" if line.startswith(("    ", "\t", "|", ">", "- ", "* ", "#")) else line.strip()
    return None


def _plain(inline: str) -> str:
    words = inline.split()
    return " ".join(words if "".join(words).isalnum() else _MARKUP.sub("", _LINK.sub(r"\1", inline)).split())


def _split(text: str) -> tuple[dict[str, Any], str]:
    """Front matter and body; nothing and everything if it has none, or none that can be read."""
    opening = text[:3]
    if opening not in _FENCES or text[3:4] not in ("\n", " ", "\t"):
        return {}, text
    start = text.find("\n") + 1
    if not start or text[3:start].strip():
        return {}, text
    ends = "|".join(re.escape(fence) for fence in _FENCES[opening])
    end = re.compile(rf"^(?:{ends})[ \t]*(?:\n|\Z)", re.MULTILINE).search(text, start)
    facts = _parse(opening, text[start : end.start()]) if end else None
    return ({}, text) if facts is None or end is None else (facts, text[end.end() :].lstrip("\n"))


def _parse(opening: str, source: str) -> dict[str, Any] | None:
    facts = _toml(source) if opening == "+++" else _yaml(source)
    if facts is None and not source.strip():
        return {}
    return {str(key): value for key, value in facts.items()} if isinstance(facts, dict) else None


def _toml(source: str) -> object:
    import tomllib  # only documents with such front matter pay

    try:
        return tomllib.loads(source)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None


def _yaml(source: str) -> object:
    import yaml  # only documents with such front matter pay

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(source, Loader=loader)  # noqa: S506  # a safe loader, in C where it is built
    except (
        yaml.YAMLError,
        ValueError,
        RecursionError,
        TypeError,
    ):  # ValueError: 2024-13-45; TypeError: unhashable keys
        return None


def _labels(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list):
        return ()
    labels = (str(item).strip() for item in value if isinstance(item, str | int | float))
    return tuple(dict.fromkeys(label for label in labels if label))


def _flat(facts: Mapping[str, Any]) -> dict[str, Scalar]:
    """Nested tables become dotted keys, lists of plain values are joined; what is left is left out."""
    flat: dict[str, Scalar] = {}

    def add(prefix: str, value: object, nesting: int) -> None:
        if len(flat) >= _MAX_METADATA:
            return
        scalar = _scalar(value)
        if scalar is not None:
            flat[prefix] = scalar
        elif isinstance(value, dict) and nesting < _MAX_NESTING:
            for key, inner in value.items():
                add(f"{prefix}.{key}", inner, nesting + 1)

    for key, value in facts.items():
        add(key, value, 0)
    return flat


def _scalar(value: object) -> Scalar | None:
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, list) and value and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(str(item) for item in value)
    return None
