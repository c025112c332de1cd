"""A mail, whatever file it came in: who wrote what to whom, and what was enclosed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from knowledge_connector import Attachment, ConfigError, Converted
from knowledge_connector.kit.markdown import to_markdown

UNREAD = "attachments_unread"
"""Metadata of what could not be read; the host adds its own."""

_ENOUGH = 0.8
_BODIES = ("auto", "plain", "html")
_BLANKS = b" \t\n\v\f\r"
_BLANKS_AND_LEADS = _BLANKS + b"\x1c\x1d\x1e\x1f\xc2\xe1\xe2\xe3"
"""All that parts words begins with one of these in UTF-8; most of what begins with the last four parts none."""
_SHAPE = bytes(ord(" ") if byte in _BLANKS else ord("x") for byte in range(256))
_SIGNATURE = re.compile(r"^--[ \t]*$", re.MULTILINE)


@dataclass(slots=True)
class Letter:
    """A mail as it was read. `facts` are its metadata: `from`, `to`, `cc`, `created`, `message_id`, as far as it says."""

    subject: str = ""
    body: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    attachments: list[Attachment] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def converted(self) -> Converted:
        """The letter as the host takes it; its subject is its title."""
        facts = {key: text for key, value in self.facts.items() if (text := one_line(value))}
        if facts.get("from"):
            facts["author"] = facts["from"]
        if self.attachments:
            facts["attachments"] = "; ".join(attachment.name for attachment in self.attachments)
        if self.unread:
            facts[UNREAD] = "; ".join(self.unread)
        return Converted(self.body, one_line(self.subject) or None, (), facts, tuple(self.attachments))


def wanted_body(settings: Mapping[str, Any]) -> str:
    """The setting `body`.

    Raises:
        ConfigError: It is none of `auto`, `plain`, `html`.
    """
    body = str(settings.get("body", "auto"))
    if body not in _BODIES:
        raise ConfigError(
            f"[converters] body = {body!r} is not known to the mail plugin; right are {', '.join(_BODIES)}"
        )
    return body


def best_body(plain: str, page: str, wanted: str, *, flowed: bool = False) -> str:
    """Choose between two versions of one text, as Markdown.

    The page keeps tables, lists and links, so it is taken, unless it says less: some programs write "your reader shows no HTML" into one of
    the two.

    Args:
        plain: The version without markup; empty if there is none.
        page: The one in HTML; empty if there is none.
        wanted: See `wanted_body`.
        flowed: Of the version without markup, see `from_plain`.
    """
    if not page or page.isspace():
        return from_plain(plain, flowed=flowed)
    if not plain or plain.isspace():
        return from_page(page)
    if wanted != "plain":
        markdown = from_page(page)
        if wanted == "html" or _says_enough(markdown, plain):
            return markdown
    return from_plain(plain, flowed=flowed)


def _says_enough(markdown: str, plain: str) -> bool:
    """Whether it has nearly as many words as the other. Mostly their bounds tell, which are found in a third of the time."""
    return _fewest_words(markdown) >= _ENOUGH * _most_words(plain) or (
        len(markdown.split()) >= _ENOUGH * len(plain.split())
    )


def _fewest_words(text: str) -> int:
    return text.encode("utf-8", "surrogatepass").translate(_SHAPE).count(b"x ")


def _most_words(text: str) -> int:
    raw = text.encode("utf-8", "surrogatepass")
    return 1 + len(raw) - len(raw.translate(None, _BLANKS_AND_LEADS))


def from_page(page: str, base_url: str | None = None) -> str:
    """A text in HTML as Markdown."""
    return to_markdown(page, base_url=base_url).strip("\n")


def from_plain(text: str, *, flowed: bool = False) -> str:
    """A text without markup as Markdown.

    Args:
        text: With line ends of any kind.
        flowed: Lines that end in a blank go on in the next (RFC 3676).
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if flowed:
        text = re.sub(r"(?<!^--) \n(?!>)", " ", text, flags=re.MULTILINE)
    if "--" in text:
        text = _SIGNATURE.sub("\n---\n", text)  # right below a line it would make a heading of that
    return text.strip("\n")


def one_line(text: str) -> str:
    """The same text on one line."""
    return " ".join(text.split())
