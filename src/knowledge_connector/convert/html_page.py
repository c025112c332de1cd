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
_EMPTY_TAG = re.compile(
    r"<(?!(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr)\b)([a-zA-Z][a-zA-Z0-9]*+)(?:\s[^<>]*)?"
)
# "saved from url=(0023)https://…" is written by browsers, "Page saved with SingleFile url: https://…" by the extension.
_SAVED_FROM = re.compile(r"<!--[^>]{0,200}?\b(?:saved from url=\(\d+\)|url:\s*)(https?://[^\s>]+)", re.IGNORECASE)
_FACTS = ("description", "author")


class HtmlConverter(Converter):
    """Reads pages; the setting `engine` picks `auto` (the fastest faithful one) or `markdownify`."""

    name = "html"
    version = "2"
    media_types: ClassVar[frozenset[str]] = frozenset({"text/html", "application/xhtml+xml"})
    extensions: ClassVar[Mapping[str, str]] = {
        ".html": "text/html",
        ".htm": "text/html",
        ".xhtml": "application/xhtml+xml",
        ".xht": "application/xhtml+xml",
    }

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Give the readable part of the page, what its head says, and as title that of the head or the first heading."""
        encoding = settings.get("default_encoding", DEFAULT_ENCODING)
        page = page_text(raw.content, raw.charset, encoding, xhtml=raw.media_type == "application/xhtml+xml")
        saved_from = _saved_from(page)
        markdown = to_markdown(page, base_url=saved_from or raw.uri, engine=settings.get("engine", "auto"))
        title, tags, metadata = _head(page)
        if saved_from:
            metadata["saved_from"] = saved_from
        return Converted(markdown, title or first_heading(markdown), tags, metadata)


def page_text(
    content: bytes, charset: str | None = None, default: str = DEFAULT_ENCODING, *, xhtml: bool = False
) -> str:
    """Give a page as text, by what it says of its encoding; in XHTML empty elements are closed as HTML wants it."""
    page = decode(content, charset or _declared(content), default).text
    return _with_ends(page) if xhtml else page


def _with_ends(page: str) -> str:
    *parts, last = page.split("/>")
    return "".join([*(f"{part}{_end_of(part)}" for part in parts), last])


def _end_of(part: str) -> str:
    """What belongs behind a text that was followed by `/>`: an end tag, unless HTML knows that the element is empty."""
    tag = _EMPTY_TAG.fullmatch(part, max(part.rfind("<"), 0))
    return f"></{tag[1]}>" if tag else "/>"


def _saved_from(page: str) -> str | None:
    """Where a browser that saved the page says it was: relative links lead from there."""
    match = _SAVED_FROM.search(page[:_PRESCAN_BYTES])
    return match[1] if match else None


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
    title = ""
    for node in tree.css("html[lang],head > title,meta[name][content]"):
        said = node.attributes
        name, content = (said.get("name") or "").lower(), " ".join((said.get("content") or "").split())
        if node.tag == "title":
            title = title or " ".join(node.text().split())
        elif node.tag == "html" and said["lang"]:
            facts["language"] = said["lang"]
        elif name in _FACTS and content:
            facts.setdefault(name, content)
        elif name == "keywords":
            keywords = keywords or content
    tags = dict.fromkeys(word.strip() for word in keywords.split(",") if word.strip())
    return title or None, tuple(tags), facts
