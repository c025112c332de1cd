"""OpenDocument text, presentations and drawings, packed or flat.

    content.xml ─ prepared ─▶ body ─ opendocument.xslt ─▶ script ─ Script ─▶ Markdown

The style sheet, which runs in C, knows the elements of text. What it could not look up is put into the body before: what paragraphs are by
their styles, and the numbers of pages.

Reference: OASIS OpenDocument 1.3, part 3.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from knowledge_connector import Converted, DocumentError, Unreadable
from knowledge_connector_office.opendocument_facts import facts
from knowledge_connector_office.opendocument_script import Script
from knowledge_connector_office.opendocument_styles import OFFICE, TEXT, Styles
from knowledge_connector_office.package import Element, Package, parse
from knowledge_connector_office.writing import Markdown

if TYPE_CHECKING:
    from knowledge_connector import Raw

MAX_PAGES = 5_000

_DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_PARAGRAPHS = (TEXT + "p", TEXT + "h", "title", "code")
_DRAW_LINK = _DRAW + "a"
_ITEMS = frozenset((TEXT + "list-item", TEXT + "list-header"))
_STYLE_NAME = TEXT + "style-name"
_PACKAGE = b"PK\x03\x04"
_BLANKS = bytes.maketrans(b"\t\r\n", b"   ")
_REFERENCE = re.compile(rb"&#(?:0*(?:9|10|13)|x0*[9aAdD]);")
"""A tab or the end of a line, written as a reference to a character."""

_script_of = etree.XSLT(etree.parse(Path(__file__).with_name("opendocument.xslt")))


def read(raw: Raw, settings: Mapping[str, Any]) -> Converted:
    """Give the text, or each page of a presentation as a section with its notes.

    Raises:
        Unreadable: Code `encrypted`, `bomb`, `too-many-pages` or `too-long`.
        DocumentError: Code `malformed`.
    """
    parts = _packed(Package(raw.content)) if raw.content.startswith(_PACKAGE) else _flat(raw.content)
    body = parts.root.find(OFFICE + "body")
    if body is None or not len(body):
        raise DocumentError("this is no OpenDocument file: it has no body", code="malformed")
    styles = Styles(parts.root, parts.content, parts.styles)
    found = facts(parts.meta())
    pages = body[0].findall(_DRAW + "page")
    if pages:
        found.metadata["slides"] = len(pages)
        _number(pages, styles, settings)
    else:
        _name(body, styles.kinds())
    _put_aside(body)
    script = Script(Markdown(settings), styles.is_ordered)
    script.read(str(_script_of(body)))
    return found.with_text(script.out.text(), script.out.title)


# ----------------------------------------------------------------------------------------------------------------- parts


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a document is made of; parts beside the content are unpacked when they are asked for.

    Attributes:
        content: As it was written.
        root: The same, parsed.
        styles: Gives those that the content does not define itself.
    """

    content: bytes
    root: Element
    styles: Callable[[], bytes]
    meta: Callable[[], Element | None]


def _flat(content: bytes) -> _Parts:
    """A document that has them all in one."""
    root = _parsed(content, "document")
    return _Parts(content, root, bytes, lambda: root)


def _packed(package: Package) -> _Parts:
    """The parts of a package. Whether it is encrypted is asked only if it cannot be read."""
    content = package.read("content.xml")
    if content is None:
        raise DocumentError("this package holds no OpenDocument content", code="malformed")
    try:
        root = _parsed(content, "content.xml")
    except DocumentError:
        if b"encryption-data" in (package.read("META-INF/manifest.xml") or b""):
            raise Unreadable("the document is protected by a password", code="encrypted") from None
        raise
    return _Parts(content, root, lambda: package.read("styles.xml") or b"", lambda: package.xml("meta.xml"))


def _parsed(content: bytes, name: str) -> Element:
    """The root. Tabs and line ends mean blanks (1.3, part 3, 6.1.2), and become some, as in a script they are marks."""
    if b"\0" in content:  # UTF-16 may have the byte of a tab in its letters
        return parse(content, name)
    start = content.find(b"<", 1)  # behind the declaration and the end of its line
    blank = content.translate(_BLANKS) if max(content.find(mark, start) for mark in (b"\n", b"\t")) >= 0 else content
    try:
        return parse(_REFERENCE.sub(b" ", blank) if b"#" in blank else blank, name)
    except DocumentError:
        return parse(content, name)  # its error tells the line


# ----------------------------------------------------------------------------------------------------------- preparation


def _number(pages: list[Element], styles: Styles, settings: Mapping[str, Any]) -> None:
    """Give pages their numbers, and take away those that are not to be shown."""
    most = int(settings.get("max_pages", MAX_PAGES))
    if len(pages) > most:
        raise Unreadable(f"it has {len(pages)} pages, more than max_pages = {most}", code="too-many-pages")
    hidden = frozenset() if settings.get("hidden", False) else styles.hidden()
    for number, page in enumerate(pages, 1):
        page.set("number", str(number))
        if page.get(_DRAW + "style-name") in hidden:
            page.getparent().remove(page)


def _name(body: Element, kinds: Mapping[str, str]) -> None:
    """Name paragraphs after the kinds that their styles mean; items stay what they are."""
    if not kinds:
        return
    for paragraph in body.iter(TEXT + "p"):
        kind = kinds.get(paragraph.get(_STYLE_NAME))
        if kind and paragraph.getparent().tag not in _ITEMS:
            paragraph.tag = kind


def _put_aside(body: Element) -> None:
    """Put what floats beside the words of a paragraph behind it, so that it is made of words alone."""

    @cache
    def paragraph_around(parent: Element) -> Element | None:
        """The paragraph that this is, or is in; `None` if a shape is in between."""
        for element in (parent, *parent.iterancestors(*_PARAGRAPHS, _DRAW + "*")):
            if element.tag in _PARAGRAPHS:
                return element
            if element.tag.startswith(_DRAW) and element.tag != _DRAW_LINK:
                break
        return None

    shapes = [shape for shape in body.iter(_DRAW + "*") if shape.tag != _DRAW_LINK]
    for shape in reversed(shapes):
        paragraph = paragraph_around(parent := shape.getparent())
        if paragraph is not None:
            words = etree.Element(TEXT + "span")
            words.tail, shape.tail = shape.tail, None
            parent.replace(shape, words)
            paragraph.addnext(shape)
