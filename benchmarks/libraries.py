"""The two steps that the floor and the peers share with the connector, so that tools are compared and not libraries.

Imports are made when first used: an unchanged run of the floor needs neither.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from semantic_text_splitter import MarkdownSplitter

MAX_CHARS = 2000

DISTRIBUTIONS = ("lxml", "markdownify", "mdka", "selectolax")
"""What `to_markdown` needs; installed for each peer in the version that is installed here."""


def is_html(name: str) -> bool:
    return name.endswith((".html", ".htm"))


def to_markdown(html: str) -> str:
    from knowledge_connector.kit.markdown import to_markdown as convert

    return convert(html)


def split(markdown: str) -> list[str]:
    return _splitter().chunks(markdown)


@cache
def _splitter() -> MarkdownSplitter:
    from semantic_text_splitter import MarkdownSplitter

    return MarkdownSplitter(MAX_CHARS)
