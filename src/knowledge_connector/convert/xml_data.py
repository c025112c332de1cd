"""XML as text that shows its structure: titles as headings, prose as paragraphs, data as bullets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from knowledge_connector.convert.html_page import HtmlConverter
from knowledge_connector.errors import DocumentError
from knowledge_connector.model import Converted
from knowledge_connector.ports import Converter

if TYPE_CHECKING:
    from knowledge_connector.model import Raw

_Element = Any  # lxml ships no types
_XHTML = "{http://www.w3.org/1999/xhtml}html"
_HEADINGS = 6
_TITLES = frozenset({"title", "head", "heading"})
_PROSE = frozenset({"para", "simpara", "p", "abstract", "summary"})
_LISTS = frozenset({"itemizedlist", "orderedlist", "simplelist", "ul", "ol"})
_ITEMS = frozenset({"listitem", "member", "li"})
_VERBATIM = frozenset({"programlisting", "screen", "literallayout", "code-block", "pre"})


class XmlConverter(Converter):
    """Reads any XML. External entities and the network are off, and expansion is bounded."""

    name = "xml"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset(
        {"application/xml", "text/xml", "application/rss+xml", "application/atom+xml", "application/docbook+xml"}
    )
    extensions: ClassVar[Mapping[str, str]] = {
        ".xml": "application/xml",
        ".rss": "application/rss+xml",
        ".atom": "application/atom+xml",
        ".dbk": "application/docbook+xml",
    }

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Give the text; a page in XHTML is read as one.

        Raises:
            DocumentError: It is not well-formed, nests too deeply, or expands beyond reason (code `malformed`).
        """
        root = _parse(raw.content)
        if root.tag == _XHTML:
            return HtmlConverter().convert(raw, settings)
        writer = _Writer()
        writer.element(root, 1)
        return Converted(writer.text(), _title(root))


def _parse(content: bytes) -> _Element:
    from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types; only who meets XML pays

    parser = etree.XMLParser(
        resolve_entities="internal",
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root: _Element = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise DocumentError(f"this is no well-formed XML (line {line})", code="malformed") from error
    return root


class _Writer:
    def __init__(self) -> None:
        self._parts: list[str] = []

    def text(self) -> str:
        return re.sub(r"\n{3,}", "\n\n", "".join(self._parts)).strip("\n") + "\n" if self._parts else ""

    def element(self, element: _Element, level: int) -> None:
        """Write an element: prose, data, or a section."""
        name = _name(element)
        if name in _VERBATIM:
            self._parts.append(f"\n```\n{''.join(_texts(element)).strip(chr(10))}\n```\n\n")
        elif name in _ITEMS:
            self._parts.append(f"- {_flow(element)}\n")
        elif name in _LISTS:
            for child in element:
                self.element(child, level)
            self._parts.append("\n")
        elif len(element) == 0 or _is_mixed(element):
            self._leaf(element, name)
        else:
            self._section(element, name, level)

    def _leaf(self, element: _Element, name: str) -> None:
        text = _flow(element)
        facts = ", ".join(f"{_local(key)}={value}" for key, value in element.attrib.items())
        if name in _PROSE or _is_mixed(element):
            self._parts.append(f"\n{text}\n\n")
        else:
            label = f"{name} ({facts})" if facts else name
            self._parts.append(f"- {label}: {text}\n" if text else f"- {label}\n")

    def _section(self, element: _Element, name: str, level: int) -> None:
        title = _title(element)
        heading = title or name
        self._parts.append(f"\n{'#' * level} {heading}\n\n" if level <= _HEADINGS else f"\n**{heading}**\n\n")
        self._parts += [f"- {_local(key)}: {value}\n" for key, value in element.attrib.items()]
        titled = title is None
        for child in element:
            if not titled and _name(child) in _TITLES:
                titled = True
            else:
                self.element(child, level + 1)


def _is_mixed(element: _Element) -> bool:
    """Whether text stands between the children: prose with inline markup."""
    return len(element) > 0 and any(text and text.strip() for text in (element.text, *(c.tail for c in element)))


def _title(element: _Element) -> str | None:
    return next((_flow(child) for child in element if _name(child) in _TITLES and _flow(child)), None)


def _flow(element: _Element) -> str:
    return " ".join("".join(_texts(element)).split())


def _texts(element: _Element) -> list[str]:
    return [str(text) for text in element.itertext()]


def _name(element: _Element) -> str:
    return _local(element.tag) if isinstance(element.tag, str) else ""


def _local(tag: str | bytes) -> str:
    return str(tag).rpartition("}")[2]
