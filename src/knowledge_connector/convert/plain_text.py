"""Text that is read as it stands: plain text, logs, source code, reStructuredText."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from knowledge_connector.kit.text import DEFAULT_ENCODING, decode
from knowledge_connector.model import Converted
from knowledge_connector.ports import Converter

if TYPE_CHECKING:
    from knowledge_connector.model import Raw

# A title is a line underlined, and perhaps overlined, with one repeated punctuation character at least as long as the line
# (docutils' specification, "Sections").
_TITLE = re.compile(
    r"^(?:([!-/:-@\[-`{-~])\1{2,}[ \t]*\n)?[ \t]*(\S[^\n]*?)[ \t]*\n(([!-/:-@\[-`{-~])\4{2,})[ \t]*$", re.MULTILINE
)
_TITLE_SEARCH_CHARS = 20_000


class TextConverter(Converter):
    """Plain text in any encoding; the setting `default_encoding` is for what cannot be told."""

    name = "text"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset({"text/plain", "application/x-tex"})
    extensions: ClassVar[Mapping[str, str]] = {
        ".txt": "text/plain",
        ".text": "text/plain",
        ".log": "text/plain",
        ".tex": "application/x-tex",
    }

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Give the text; it has no title of its own."""
        return Converted(decode(raw.content, raw.charset, settings.get("default_encoding", DEFAULT_ENCODING)).text)


class RestructuredTextConverter(Converter):
    """reStructuredText as text, titled by its first heading."""

    name = "restructuredtext"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset({"text/x-rst", "text/prs.fallenstein.rst"})
    extensions: ClassVar[Mapping[str, str]] = dict.fromkeys((".rst", ".rest"), "text/x-rst")

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Give the text and its title."""
        text = decode(raw.content, raw.charset, settings.get("default_encoding", DEFAULT_ENCODING)).text
        return Converted(text, _title(text))


def _title(text: str) -> str | None:
    for match in _TITLE.finditer(text[:_TITLE_SEARCH_CHARS]):
        if len(match[3]) >= len(match[2]) and not re.fullmatch(r"[!-/:-@\[-`{-~]+", match[2]):
            return match[2]
    return None
