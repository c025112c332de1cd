"""HTML and XHTML pages: the readable part as Markdown, the head as title and metadata."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from knowledge_connector.convert.markdown_text import first_heading
from knowledge_connector.kit.markdown import to_markdown
from knowledge_connector.kit.text import DEFAULT_ENCODING, decode
from knowledge_connector.model import Converted, Scalar
from knowledge_connector.ports import Converter

if TYPE_CHECKING:
    from knowledge_connector.model import Raw

_PRESCAN_BYTES = 4096  # HTML 5 asks for 1024; some pages begin with long comments
_CHARSET = re.compile(rb"<meta[^>]{1,500}charset\s*=\s*[\"']?\s*([a-zA-Z0-9_:.-]+)", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"^\s*<\?xml[^>]{1,200}encoding\s*=\s*[\"']([a-zA-Z0-9_:.-]+)")
_HEAD_CHARS = 64 * 1024
_BODY = re.compile(r"<body\b", re.IGNORECASE)
_FACTS = ("description", "author")


class HtmlConverter(Converter):
    """Reads pages; the setting `engine` picks `auto` (the fastest faithful one) or `markdownify`."""

    name = "html"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset({"text/html", "application/xhtml+xml"})
    extensions: ClassVar[Mapping[str, str]] = {
        ".html": "text/html",
        ".htm": "text/html",
        ".xhtml": "application/xhtml+xml",
        ".xht": "application/xhtml+xml",
    }

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Give the readable part of the page, what its head says, and as title that of the head or the first heading."""
        page = decode(
            raw.content, raw.charset or _declared(raw.content), settings.get("default_encoding", DEFAULT_ENCODING)
        ).text
        markdown = to_markdown(page, base_url=raw.uri, engine=settings.get("engine", "auto"))
        title, tags, metadata = _head(page)
        return Converted(markdown, title or first_heading(markdown), tags, metadata)


def _declared(content: bytes) -> str | None:
    start = content[:_PRESCAN_BYTES]
    match = _CHARSET.search(start) or _XML_ENCODING.match(start)
    return match[1].decode("ascii") if match else None


def _head(page: str) -> tuple[str | None, tuple[str, ...], dict[str, Scalar]]:
    """Title, keywords and facts. Only the head is parsed: the body is somebody else's work."""
    from selectolax.lexbor import LexborHTMLParser  # loaded already by `to_markdown`

    start = page[:_HEAD_CHARS]
    body = _BODY.search(start)
    tree = LexborHTMLParser(start[: body.start()] if body else start)
    facts: dict[str, Scalar] = {}
    keywords = ""
    for node in tree.css("meta[name][content]"):
        name, content = (node.attributes["name"] or "").lower(), " ".join((node.attributes["content"] or "").split())
        if name in _FACTS and content:
            facts.setdefault(name, content)
        elif name == "keywords":
            keywords = keywords or content
    language = tree.css_first("html[lang]")
    if language is not None and language.attributes["lang"]:
        facts["language"] = language.attributes["lang"]
    title = tree.css_first("head > title")
    tags = dict.fromkeys(word.strip() for word in keywords.split(",") if word.strip())
    return " ".join(title.text().split()) or None if title else None, tuple(tags), facts
