"""Cognigy's text format: chunks with their metadata in back-ticked lines, as a document again.

Reference: Cognigy documentation, "Cognigy Text Format (CTXT)".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from knowledge_connector.kit.text import DEFAULT_ENCODING, decode
from knowledge_connector.model import Converted
from knowledge_connector.ports import Converter

if TYPE_CHECKING:
    from knowledge_connector.model import Raw

_CTXT = "text/x-cognigy-ctxt"
_PAIR = re.compile(r"`([\w-]+):[ \t]*(.*)`[ \t]*")
_OF_THE_FORMAT = ("version", "title", "tags")


class CtxtConverter(Converter):
    """Reads `.ctxt` files."""

    name = "ctxt"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset({_CTXT})
    extensions: ClassVar[Mapping[str, str]] = {".ctxt": _CTXT}

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Give the chunks as paragraphs, each beneath its `heading` or `title` if it says one; title, tags and metadata are the file's."""
        text = decode(raw.content, raw.charset, settings.get("default_encoding", DEFAULT_ENCODING)).text
        head, *chunks = [_taken_apart(block) for block in re.split(r"\n[ \t]*\n+", text.strip("\n"))]
        facts, first = head
        parts = [first, *(_section(pairs, body) for pairs, body in chunks)]
        tags = tuple(tag for tag in map(str.strip, facts.get("tags", "").strip("[]").split(",")) if tag)
        metadata = {key: value for key, value in facts.items() if key not in _OF_THE_FORMAT and value}
        return Converted("\n\n".join(filter(None, parts)), facts.get("title") or None, tags, metadata)


def _taken_apart(block: str) -> tuple[dict[str, str], str]:
    """The pairs at the head of a block, and the text beneath them."""
    pairs: dict[str, str] = {}
    lines = block.split("\n")
    for position, line in enumerate(lines):
        match = _PAIR.fullmatch(line)
        if match is None:
            return pairs, "\n".join(lines[position:])
        pairs[match[1]] = match[2].strip()
    return pairs, ""


def _section(pairs: Mapping[str, str], body: str) -> str:
    heading = pairs.get("heading") or pairs.get("title")
    return f"## {heading}\n\n{body}" if heading and heading not in body[:200] else body
