"""XML as text that shows its structure: titles as headings, prose as paragraphs, data as bullets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from knowledge_connector.convert.html_page import HtmlConverter
from knowledge_connector.kit.xml import Element, flowing_text, local_name, on_one_line, parse_xml
from knowledge_connector.model import Converted
from knowledge_connector.ports import Converter

if TYPE_CHECKING:
    from knowledge_connector.model import Raw

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
        root = parse_xml(raw.content)
        if root.tag == _XHTML:
            return HtmlConverter().convert(raw, settings)
        writer = _Writer(_mixed(root))
        writer.element(root, 1)
        return Converted(writer.text(), _title(root))


class _Writer:
    def __init__(self, mixed: Set[Element]) -> None:
        self._parts = ["\n\n"]
        self._mixed = mixed

    def text(self) -> str:
        text = "".join(self._parts)
        while "\n\n\n" in text:
            text = text.replace("\n\n\n", "\n\n")
        return text.strip("\n") + "\n"

    def _block(self, text: str) -> None:
        """Write something with an empty line before and after it; two would have to be taken away again."""
        self._parts.append(f"{text}\n\n" if self._parts[-1].endswith("\n\n") else f"\n{text}\n\n")

    def element(self, element: Element, level: int) -> None:
        """Write an element: prose, data, or a section."""
        name = local_name(element)
        if name in _VERBATIM:
            self._block(f"```\n{''.join(_texts(element)).strip(chr(10))}\n```")
        elif name in _ITEMS:
            self._parts.append(f"- {flowing_text(element)}\n")
        elif name in _LISTS:
            for child in element:
                self.element(child, level)
            self._parts.append("\n")
        elif len(element) == 0:
            self._leaf(element, name)
        elif element in self._mixed:
            self._block(flowing_text(element))
        else:
            self._section(element, name, level)

    def _leaf(self, element: Element, name: str) -> None:
        text = flowing_text(element)
        if name in _PROSE:
            self._block(text)
        else:
            facts = ", ".join(f"{_local(key)}={value}" for key, value in element.items())
            label = f"{name} ({facts})" if facts else name
            self._parts.append(f"- {label}: {text}\n" if text else f"- {label}\n")

    def _section(self, element: Element, name: str, level: int) -> None:
        title = _title(element)
        heading = title or name
        self._block(f"{'#' * level} {heading}" if level <= _HEADINGS else f"**{heading}**")
        self._parts += [f"- {_local(key)}: {value}\n" for key, value in element.attrib.items()]
        self._children(element, level + 1, titled=title is None)

    def _children(self, element: Element, level: int, *, titled: bool) -> None:
        """Write what stands in a section; unless it is titled already, less its first title. Plain paragraphs are written together."""
        prose: list[str] = []
        for child in element:
            name = local_name(child)
            if name in _PROSE and len(child) == 0:
                prose.append(on_one_line(child.text or ""))
                continue
            if prose:
                self._block("\n\n".join(prose))
                prose = []
            if not titled and name in _TITLES:
                titled = True
            else:
                self.element(child, level)
        if prose:
            self._block("\n\n".join(prose))


def _mixed(root: Element) -> frozenset[Element]:
    """The elements in which text stands between children: prose with inline markup."""
    return frozenset(filter(_is_mixed, _having_text_and_children()(root)))


@lru_cache(maxsize=1)
def _having_text_and_children() -> Callable[[Element], Iterable[Element]]:
    """What finds them all in one go, besides such as have blanks that XML does not know."""
    from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types; only who meets XML pays

    found: Callable[[Element], Iterable[Element]] = etree.XPath("descendant-or-self::*[*][text()[normalize-space()]]")
    return found


def _is_mixed(element: Element) -> bool:
    return any(text and not text.isspace() for text in (element.text, *(child.tail for child in element)))


def _title(element: Element) -> str | None:
    titles = (flowing_text(child) for child in element if local_name(child) in _TITLES)
    return next(filter(None, titles), None)


def _texts(element: Element) -> list[str]:
    return [str(text) for text in element.itertext()]


def _local(tag: str | bytes) -> str:
    return str(tag).rpartition("}")[2]
