"""What a document becomes at Sensay: a text, a Markdown file, or an address that Sensay reads by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qs, urlsplit

import yaml

from knowledge_connector import DocumentError, SourceDraft
from knowledge_connector_sensay.titles import sendable, short_name

if TYPE_CHECKING:
    from knowledge_connector_sensay.config import SensayConfig

FILE_NAME_CHARS = 80

_NO_FILE_NAME = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class Form:
    """The content of an entry.

    Attributes:
        kind: Which field of a request it goes into.
        text: The text, the file's text, or the address.
        playlist: Id of the YouTube playlist that the address leads to. Every video of it becomes an entry.
    """

    kind: Literal["text", "filename", "url"]
    text: str
    playlist: str | None = None

    def fields(self, name: str) -> Mapping[str, Any]:
        """Give what a request carries that makes the entry of a document of this name."""
        if self.kind == "filename":
            return {"filename": file_name(name)}
        if self.kind == "url":
            return {"url": self.text, "autoRefresh": False}  # nobody changes content behind our fingerprint
        return {"text": self.text}


def form_of(draft: SourceDraft, text: str, config: SensayConfig) -> Form:
    """Decide what a document becomes.

    Raises:
        DocumentError: Its address is none, or its text is longer than a file may be.
    """
    if config.url_key in draft.metadata:
        return _link(draft, str(draft.metadata[config.url_key]).strip(), config.url_key)
    whole = rendered(draft, text)
    if config.entries == "text" and len(whole) <= config.max_text_chars:
        return Form("text", whole)
    size = len(whole.encode())
    if size > config.max_file_bytes:
        message = f"its text has {size} bytes, more than max_file_bytes = {config.max_file_bytes}"
        raise DocumentError(message, code="too-long", where="target", document_id=draft.external_id)
    return Form("filename", whole)


def rendered(draft: SourceDraft, text: str) -> str:
    """Give the text below a small front matter (title, link, date, tags), since Sensay has no other place for these."""
    facts = {
        "title": draft.name,
        "link": draft.uri,
        "updated": draft.updated_at and draft.updated_at.isoformat(),
        "tags": ", ".join(draft.tags),
    }
    said = {key: sendable(value) for key, value in facts.items() if value}
    head = yaml.safe_dump(said, allow_unicode=True, sort_keys=False, width=1_000_000)
    return f"---\n{head}---\n\n{sendable(text)}\n"


def file_name(name: str) -> str:
    """Give a file name that people recognise; it need not be unique."""
    stem = _NO_FILE_NAME.sub("-", short_name(name)).strip("-.")[:FILE_NAME_CHARS]
    return f"{stem or 'document'}.md"


def _link(draft: SourceDraft, url: str, key: str) -> Form:
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        message = f"its metadata {key!r} is no web address, such as https://www.example.com/page"
        raise DocumentError(message, code="bad-url", where="target", document_id=draft.external_id)
    return Form("url", url, _playlist(parts.hostname, parts.path, parts.query))


def _playlist(host: str, path: str, query: str) -> str | None:
    """The id in `https://www.youtube.com/playlist?list=ID`; a video that is watched as part of a list is one video."""
    is_playlist = host.removeprefix("www.") in ("youtube.com", "m.youtube.com") and path.rstrip("/") == "/playlist"
    return next(iter(parse_qs(query).get("list", ())), None) if is_playlist else None
