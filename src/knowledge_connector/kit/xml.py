"""XML from strangers: no external entities, no network, bounded expansion."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from knowledge_connector.errors import DocumentError

Element = Any  # lxml ships no types


def parse_xml(content: bytes) -> Element:
    """Give the root element, without comments and processing instructions.

    Raises:
        DocumentError: It is not well-formed, nests too deeply, or expands beyond reason (code `malformed`).
    """
    from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types; only who meets XML pays

    try:
        return etree.fromstring(content, _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise DocumentError(f"this is no well-formed XML (line {line})", code="malformed") from error


@lru_cache(maxsize=1)  # building one takes as long as reading a page with it
def _parser() -> Any:
    from lxml import etree

    return etree.XMLParser(
        resolve_entities="internal",
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )


def local_name(element: Element) -> str:
    """The name of an element without its namespace; empty for what is no element."""
    return without_namespace(element.tag)


@lru_cache(maxsize=1024)  # few names make a document
def without_namespace(tag: object) -> str:
    """The same for the tag of an element, as lxml gives it."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def flowing_text(element: Element) -> str:
    """All text within, on one line."""
    if len(element) == 0:  # most elements of data; many times faster
        return on_one_line(element.text or "")
    return on_one_line("".join(element.itertext()))


def on_one_line(text: str) -> str:
    """The same text with single blanks. Most text has them already, and looking is five times faster than splitting."""
    return text.strip(" ") if _is_plain(text) else " ".join(text.split())


def paragraphs(texts: Iterable[str | None]) -> str:
    """Each text on one line, and an empty line between. One look at all of them shows that most need but that."""
    there = list(filter(None, texts))
    if not _is_plain(" ".join(["", *there, ""])):  # blanks at an end of one would stand beside these
        there = list(filter(None, map(on_one_line, there)))
    return "\n\n".join(there)


def _is_plain(text: str) -> bool:
    """Whether all blanks in it are single ones; where characters beyond ASCII are in it, there may be others."""
    if not text.isascii() or "\n" in text or "\t" in text or "\r" in text:
        return False
    return text.rfind("  ") < 0  # from its end, for which CPython takes two thirds of the time
