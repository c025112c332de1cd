"""Storage format → a tree. It is XML without a root, with undeclared prefixes and HTML's entities; and now and then not even that.

strict XML ─ not well-formed ─▶ mended by an HTML parser, then XML ─ text lost ─▶ none: the caller takes it as plain HTML
"""

from __future__ import annotations

import html
import re
from html.entities import name2codepoint
from typing import Any

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

Element = Any
"""An element of lxml."""

AC = "{http://atlassian.com/content}"
RI = "{http://atlassian.com/resource/identifier}"

_OWN_ENTITIES = {"amp", "lt", "gt", "quot"}
_ENTITIES = "".join(
    f'<!ENTITY {name} "&#{code};">' for name, code in name2codepoint.items() if name not in _OWN_ENTITIES
)
_HEAD = (
    f"<!DOCTYPE page [{_ENTITIES}]>"
    f'<page xmlns:ac="{AC[1:-1]}" xmlns:ri="{RI[1:-1]}" xmlns:at="http://atlassian.com/template">'
)
_NO_XML_CHARS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_END = "kcEndOfPage"


def parse(storage: str) -> Element | None:
    """Give the root of a page's tree; CDATA has become text. `None` if no parser gets to the end of it.

    Neither external entities nor entities of the page's own are followed.
    """
    text = _NO_XML_CHARS.sub("", storage)
    try:
        return _read(text, recover=False)
    except etree.XMLSyntaxError:
        return _mended(text)


def without_cdata(storage: str) -> str:
    """The same markup with CDATA sections spelt as text; HTML parsers would drop them, and every code block with them."""
    return _CDATA.sub(lambda section: html.escape(section[1], quote=False), storage)


def _read(text: str, *, recover: bool) -> Element:
    parser = etree.XMLParser(
        resolve_entities="internal",
        no_network=True,
        load_dtd=False,
        recover=recover,
        remove_comments=True,
        remove_pis=True,
    )
    return etree.fromstring(f"{_HEAD}{text}</page>", parser)


def _mended(text: str) -> Element | None:
    """Close what is open and quote what is bare; a mark behind the last character shows whether all of it arrived."""
    from bs4 import BeautifulSoup  # only malformed pages pay for it

    try:
        soup = BeautifulSoup(without_cdata(text), "html.parser")
        root = _read(str(soup) + _END, recover=True)
    except (RecursionError, etree.XMLSyntaxError):
        return None
    if root is None or not "".join(root.itertext()).endswith(_END):
        return None
    last = root[-1] if len(root) else None
    if last is None:
        root.text = root.text.removesuffix(_END)
    else:
        last.tail = (last.tail or "").removesuffix(_END)
    return root
