"""XML as text that shows its structure: titles as headings, prose as paragraphs, data as bullets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar

from knowledge_connector.convert.html_page import HtmlConverter
from knowledge_connector.convert.reading import lowered
from knowledge_connector.kit.markdown import to_markdown
from knowledge_connector.kit.tables import table
from knowledge_connector.kit.xml import (
    Element,
    flowing_text,
    local_name,
    on_one_line,
    paragraphs,
    parse_xml,
    without_namespace,
)
from knowledge_connector.model import Converted, Scalar
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
_TABLES = frozenset({"table", "informaltable"})
_ROWS = frozenset({"row", "tr"})
_CELLS = frozenset({"entry", "td", "th"})
_HEADS = frozenset({"info", "articleinfo", "bookinfo", "channel", "header"})
_FEED_TEXTS = frozenset({"description", "content", "encoded", "summary", "subtitle"})
_SIMPLE = _PROSE - _FEED_TEXTS  # what cannot be a page
_TAG = re.compile(r"</[a-zA-Z]|<br\b|<p\b")
_EMPHASIS = {"emphasis": "*", "em": "*", "i": "*", "strong": "**", "b": "**"}
_CODE = frozenset({"literal", "code", "command", "filename", "option", "varname", "userinput", "computeroutput"})
_ADDRESSES = ("url", "{http://www.w3.org/1999/xlink}href", "href")
_BREAKS_LINKS = frozenset(" \n()<>")
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


class XmlConverter(Converter):
    """Reads any XML. External entities and the network are off, and expansion is bounded."""

    name = "xml"
    version = "2"
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
        writer = _Writer()
        writer.element(root, 1)
        return Converted(writer.text(), _document_title(root), metadata=_facts(root))


class _Writer:
    def __init__(self) -> None:
        self._parts = ["\n\n"]

    def text(self) -> str:
        return "".join(self._parts).strip("\n") + "\n"

    def _block(self, text: str) -> None:
        """Write something, if there is something, with an empty line before and after it."""
        if text:
            self._end_list()
            self._parts.append(f"{text}\n\n")

    def _end_list(self) -> None:
        if not self._parts[-1].endswith("\n\n"):
            self._parts[-1] += "\n"

    def element(self, element: Element, level: int) -> None:
        """Write an element: prose, data, or a section."""
        name = local_name(element)
        if name in _VERBATIM:
            self._block(f"```\n{''.join(element.itertext()).strip(chr(10))}\n```")
        elif name in _ITEMS:
            self._parts.append(f"- {_inline(element)}\n")
        elif name in _LISTS:
            for child in element:
                self.element(child, level)
            self._end_list()
        elif len(element) == 0:
            self._leaf(element, name, level)
        else:
            self._parent(element, name, level)

    def _parent(self, element: Element, name: str, level: int) -> None:
        children = list(element)  # once: lxml makes an object for each, each time
        if _is_mixed(element, children):
            self._block(_inline(element))
        elif name in _TABLES and (rows := _rows(element)):
            self._table(element, rows)
        else:
            self._section(element, children, name, level)

    def _leaf(self, element: Element, name: str, level: int) -> None:
        text = flowing_text(element)
        if name in _FEED_TEXTS and _TAG.search(text):
            self._block(_page(element.text, level))
        elif name in _PROSE:
            self._block(text)
        else:
            facts = ", ".join(f"{_local(key)}={value}" for key, value in element.items())
            label = f"{name} ({facts})" if facts else name
            self._parts.append(f"- {label}: {text}\n" if text else f"- {label}\n")

    def _table(self, element: Element, rows: list[list[str]]) -> None:
        self._block(f"**{title}**" if (title := _title(element)) else "")
        self._block(table(rows))

    def _section(self, element: Element, children: list[Element], name: str, level: int) -> None:
        title = _title(children)
        heading = title or name
        self._block(f"{'#' * level} {heading}" if level <= _HEADINGS else f"**{heading}**")
        self._parts += [f"- {_local(key)}: {value}\n" for key, value in element.items() if key != _LANGUAGE]
        if title is not None:
            children.remove(next(filter(_is_title, children)))
        for tag, run in groupby(children, attrgetter("tag")):
            elements = list(run)
            if without_namespace(tag) in _SIMPLE and not any(map(len, elements)):
                self._block(paragraphs([element.text for element in elements]))
            else:
                for element in elements:
                    self.element(element, level + 1)


def _is_mixed(element: Element, children: Iterable[Element]) -> bool:
    """Whether text stands between its children: prose with inline markup."""
    texts = filter(None, [element.text, *[child.tail for child in children]])
    return not all(map(str.isspace, texts))


def _is_title(element: Element) -> bool:
    return local_name(element) in _TITLES


def _title(children: Iterable[Element]) -> str | None:
    return next(filter(None, map(flowing_text, filter(_is_title, children))), None)


def _document_title(root: Element) -> str | None:
    heads = (child for child in root if local_name(child) in _HEADS)
    return next(filter(None, map(_title, [root, *heads])), None)


def _facts(root: Element) -> dict[str, Scalar]:
    language = root.get(_LANGUAGE)
    return {"language": language} if language else {}


def _rows(element: Element) -> list[list[str]]:
    """The cells of a table, all rows of one width; none if it is a table of some other kind."""
    rows = [
        [_inline(cell) for cell in row if local_name(cell) in _CELLS]
        for row in element.iter()
        if local_name(row) in _ROWS
    ]
    width = max(map(len, rows), default=0)
    return [row + [""] * (width - len(row)) for row in rows] if width else []


def _page(html: str, level: int) -> str:
    """What a feed brings as a page within a text, with its headings below those that stand above it."""
    markdown = to_markdown(html).strip("\n")
    for _ in range(min(level, _HEADINGS) - 1):
        markdown = lowered(markdown)
    return markdown


def _inline(element: Element) -> str:
    """Prose on one line, with its links, emphasis and code."""
    return on_one_line("".join(_marked(element))) if len(element) else flowing_text(element)


def _marked(element: Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        yield _phrase(child)
        yield child.tail or ""


def _phrase(element: Element) -> str:
    """A part of a paragraph, with the blanks at its ends outside of its marks, or Markdown would not see them."""
    name, text = local_name(element), "".join(_marked(element))
    address = next(filter(None, map(element.get, _ADDRESSES)), "")
    core = text.strip()
    if not core:
        return text or address
    if ":" in address and _BREAKS_LINKS.isdisjoint(address):
        return text.replace(core, f"[{core}]({address})")
    mark = "`" if name in _CODE else _EMPHASIS.get(name, "")
    return text.replace(core, f"{mark}{core}{mark}") if mark and mark not in core else text


def _local(tag: str | bytes) -> str:
    return str(tag).rpartition("}")[2]
