"""OpenDocument text, presentations and drawings, packed or flat.

    content.xml ─ blocks ─▶ paragraphs · headings · items · tables · pages ─▶ Markdown

Tracked changes keep what was deleted in a place of its own, and comments stand apart: neither is read.

Reference: OASIS OpenDocument 1.3, part 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from knowledge_connector import Converted, DocumentError, Unreadable
from knowledge_connector_office.opendocument_facts import facts
from knowledge_connector_office.opendocument_styles import OFFICE, TABLE, TEXT, Styles
from knowledge_connector_office.opendocument_tables import rows_of, texts_of
from knowledge_connector_office.package import Element, Package, parse
from knowledge_connector_office.writing import Markdown, link

if TYPE_CHECKING:
    from knowledge_connector import Raw

MAX_PAGES = 5_000

_DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_PRESENTATION = "{urn:oasis:names:tc:opendocument:xmlns:presentation:1.0}"
_SVG = "{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}"
_PARAGRAPH, _HEADING, _LIST, _TABLE = TEXT + "p", TEXT + "h", TEXT + "list", TABLE + "table"
_ITEMS = (TEXT + "list-item", TEXT + "list-header")
_LINK, _NOTE, _DRAW_LINK = TEXT + "a", TEXT + "note", _DRAW + "a"
_BLANKS, _TAB, _LINE_BREAK = TEXT + "s", TEXT + "tab", TEXT + "line-break"
_STYLE_NAME, _LEVEL, _START = TEXT + "style-name", TEXT + "outline-level", TEXT + "start-value"
_PLACEHOLDER = _PRESENTATION + "placeholder"
_HREF = "{http://www.w3.org/1999/xlink}href"
_PACKAGE = b"PK\x03\x04"
_MAX_REPEATED = 64
_DEEPEST = 8

_UNSEEN = frozenset(
    (
        TEXT + "tracked-changes",
        TEXT + "table-of-content",
        TEXT + "alphabetical-index",
        TEXT + "hidden-paragraph",
        TEXT + "hidden-text",
        TEXT + "ruby-text",
        OFFICE + "annotation",
        OFFICE + "forms",
        OFFICE + "event-listeners",
        _DRAW + "glue-point",
        _PRESENTATION + "notes",
    )
)
_TRANSPARENT = tuple(
    TEXT + name for name in ("span", "bookmark", "bookmark-start", "bookmark-end", "soft-page-break", "change")
)
_IS_HUGE = etree.XPath("boolean(descendant::*[100000])")
_INWARD = etree.XPath(
    ".//t:a[not(contains(@x:href, ':')) or starts-with(@x:href, '#')]",
    namespaces={"t": TEXT[1:-1], "x": "http://www.w3.org/1999/xlink"},
)
"""Links to another place in the same document, or to a file beside it."""
_FURNITURE = frozenset({"date-time", "footer", "header", "page-number", "page"})


def read(raw: Raw, settings: Mapping[str, Any]) -> Converted:
    """Give the text, or each page of a presentation as a section with its notes.

    Raises:
        Unreadable: Code `encrypted`, `bomb`, `too-many-pages` or `too-long`.
        DocumentError: Code `malformed` or `too-deep`.
    """
    parts = _packed(Package(raw.content)) if raw.content.startswith(_PACKAGE) else _flat(raw.content)
    body = parts.content.find(OFFICE + "body")
    if body is None or not len(body):
        raise DocumentError("this is no OpenDocument file: it has no body", code="malformed")
    _flatten(body)
    reader = _Reader(Styles(parts.content, parts.styles), Markdown(settings), settings)
    found = facts(parts.meta)
    try:
        found.metadata.update(reader.read(body[0]))
    except RecursionError as error:
        raise DocumentError("the document is nested too deeply", code="too-deep") from error
    return found.with_text(reader.out.text(), reader.out.title)


def _flatten(body: Element) -> None:
    """Take away what stands around or between words and changes nothing about them, so that most paragraphs are text alone.

    In huge documents it stays: lxml takes quadratic time to give a text that lies in very many pieces.
    """
    for anchor in _INWARD(body):
        anchor.tag = _TRANSPARENT[0]
    if not _IS_HUGE(body):
        etree.strip_tags(body, *_TRANSPARENT)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a document is made of; the styles are those that its content does not define itself."""

    content: Element
    styles: bytes
    meta: Element | None


def _flat(content: bytes) -> _Parts:
    """A document that has them all in one."""
    root = parse(content, "document")
    return _Parts(root, b"", root)


def _packed(package: Package) -> _Parts:
    """The parts of a package. Whether it is encrypted is asked only if it cannot be read."""
    damage = DocumentError("this package holds no OpenDocument content", code="malformed")
    try:
        content = package.xml("content.xml")
    except DocumentError as error:
        content, damage = None, error
    if content is not None:
        return _Parts(content, package.read("styles.xml") or b"", package.xml("meta.xml"))
    if b"encryption-data" in (package.read("META-INF/manifest.xml") or b""):
        raise Unreadable("the document is protected by a password", code="encrypted")
    raise damage


class _Reader:
    """Goes through a document once; knows which notes it has met."""

    def __init__(self, styles: Styles, out: Markdown, settings: Mapping[str, Any]) -> None:
        self.out = out
        self._styles = styles
        self._hidden = bool(settings.get("hidden", False))
        self._max_pages = int(settings.get("max_pages", MAX_PAGES))
        self._notes = 0
        self._frames: list[Element] = []
        self._continued: dict[tuple[str, int], int] = {}

    def read(self, document: Element) -> dict[str, int]:
        """Write the document; gives counts for its metadata."""
        pages = document.findall(_DRAW + "page")
        if not pages:
            self._blocks(document)
            return {}
        if len(pages) > self._max_pages:
            raise Unreadable(
                f"it has {len(pages)} pages, more than max_pages = {self._max_pages}", code="too-many-pages"
            )
        for number, page in enumerate(pages, 1):
            if self._hidden or not self._styles.is_hidden(page.get(_DRAW + "style-name", "")):
                self._page(number, page)
        return {"slides": len(pages)}

    # ---------------------------------------------------------------------------------------------------------- blocks

    def _page(self, number: int, page: Element) -> None:
        title = next((frame for frame in page.iter(_DRAW + "frame") if _role(frame) == "title"), None)
        name = "" if title is None else " ".join(self._lines(title))
        self.out.page(number)
        self.out.heading(2, name or f"Slide {number}")
        for shape in page:
            if shape is not title and _role(shape) not in _FURNITURE:
                self._block(shape)
        notes = page.find(_PRESENTATION + "notes")
        shapes = [] if notes is None else [shape for shape in notes if _role(shape) == "notes"]
        lines = [line for shape in shapes for line in self._lines(shape)]
        if lines:
            self.out.heading(3, "Notes")
        for line in lines:
            self.out.paragraph(line)

    def _blocks(self, container: Element) -> None:
        prose: list[str] = []
        means_nothing = self._styles.kinds.keys().isdisjoint
        for element in container:
            if element.tag == _PARAGRAPH and not len(element) and means_nothing(element.values()):
                prose.append(element.text or "")
                continue
            if prose:
                self.out.paragraphs(_all_collapsed(prose))
                prose = []
            self._block(element)
        self.out.paragraphs(_all_collapsed(prose))

    def _block(self, element: Element) -> None:
        tag = element.tag
        if tag == _PARAGRAPH:
            self._paragraph(element)
        elif tag == _HEADING:
            level = element.get(_LEVEL, "1")
            self.out.heading(int(level) if level.isdecimal() else 1, self._text(element))
            self._framed()
        elif tag == _LIST:
            self._list(element, element.get(_STYLE_NAME, ""), 0)
        elif tag == _TABLE:
            self._table(element)
        elif tag not in _UNSEEN and element.get(_PLACEHOLDER) != "true":
            self._description(element)
            self._blocks(element)

    def _paragraph(self, element: Element) -> None:
        text = self._text(element)
        kind = self._styles.kinds.get(element.get(_STYLE_NAME, ""))
        if kind == "code":
            self.out.code(text)
        elif kind == "title":
            self.out.heading(1, text)
        else:
            self.out.paragraph(text)
        self._framed()

    def _framed(self) -> None:
        """Write what floats beside the last paragraph."""
        if not self._frames:
            return
        frames, self._frames = self._frames, []
        for frame in frames:
            self._block(frame)

    def _description(self, element: Element) -> None:
        if element.tag == _DRAW + "frame" and element.find(_DRAW + "image") is not None:
            self.out.paragraph(element.findtext(_SVG + "desc") or element.findtext(_SVG + "title") or "")

    def _list(self, element: Element, style: str, depth: int) -> None:
        ordered = self._styles.is_ordered(style, depth)
        goes_on = element.get(TEXT + "continue-numbering") == "true" or element.get(TEXT + "continue-list") is not None
        number = self._continued.get((style, depth), 0) if goes_on else 0
        plain: list[tuple[str, int | None]] = []
        for item in element.iterchildren(*_ITEMS):
            start = item.get(_START, "") if item.keys() else ""
            number = int(start) if start.isdecimal() else number + 1
            text = _only_text(item)
            if text is not None:
                plain.append((text, number if ordered else None))
                continue
            self.out.items(plain, min(depth, _DEEPEST))
            plain = []
            self._item(item, style, depth, number if ordered else None)
        self.out.items(plain, min(depth, _DEEPEST))
        self._continued[style, depth] = number

    def _item(self, item: Element, style: str, depth: int, number: int | None) -> None:
        lines: list[str] = []
        for element in item:
            if element.tag == _PARAGRAPH:
                lines.append(self._text(element))
                continue
            self.out.item("\n".join(lines), min(depth, _DEEPEST), number)
            lines = []
            if element.tag == _LIST:
                self._list(element, element.get(_STYLE_NAME, style), depth + 1)
            else:
                self._block(element)
        self.out.item("\n".join(lines), min(depth, _DEEPEST), number)
        self._framed()

    # ---------------------------------------------------------------------------------------------------------- tables

    def _table(self, table: Element) -> None:
        rows = list(rows_of(table))
        if len(rows) == 1 and len(rows[0]) == 1:
            self._blocks(rows[0][0])  # a frame, drawn as a table
        else:
            self.out.table(texts_of(table, rows, self._cell))

    def _cell(self, cell: Element) -> str:
        only = _only_text(cell)
        return "\n".join(self._lines(cell)) if only is None else only.strip()

    def _lines(self, container: Element) -> Iterator[str]:
        """The text of a cell, a note or a shape, line by line; tables in it as one line a row."""
        for element in container:
            if element.tag in (_PARAGRAPH, _HEADING):
                text = self._text(element).strip()
                frames, self._frames = self._frames, []
                if text:
                    yield text
                for frame in frames:
                    yield from self._lines(frame)
            elif element.tag == TABLE + "table":
                yield from (" ".join(self._lines(row)) for row in rows_of(element))
            elif element.tag not in _UNSEEN:
                yield from self._lines(element)

    # ---------------------------------------------------------------------------------------------------------- inline

    def _text(self, element: Element) -> str:
        if not len(element):  # most paragraphs
            return _collapsed(element.text or "")
        out: list[str] = []
        self._inline(element, out)
        return "".join(out)

    def _inline(self, element: Element, out: list[str]) -> None:
        text = element.text
        if text:
            out.append(_collapsed(text))
        for child in element:
            tag = child.tag
            if tag == _LINK:
                out.append(link(self._text(child), child.get(_HREF, "")))
            else:
                self._inline_child(child, tag, out)
            text = child.tail
            if text:
                out.append(_collapsed(text))

    def _inline_child(self, child: Element, tag: str, out: list[str]) -> None:
        if tag == _BLANKS:
            count = child.get(TEXT + "c", "1")
            out.append(" " * min(int(count) if count.isdecimal() else 1, _MAX_REPEATED))
        elif tag == _TAB:
            out.append("\t")
        elif tag == _LINE_BREAK:
            out.append("\n")
        elif tag == _NOTE:
            self._note(child, out)
        elif tag.startswith(_DRAW) and tag != _DRAW_LINK:
            self._frames.append(child)
        elif tag not in _UNSEEN:
            self._inline(child, out)

    def _note(self, note: Element, out: list[str]) -> None:
        self._notes += 1
        number = str(self._notes)
        out.append(f"[^{number}]")
        body = note.find(TEXT + "note-body")
        if body is not None:
            self.out.note(number, " ".join(self._lines(body)))


def _role(shape: Element) -> str:
    role: str = shape.get(_PRESENTATION + "class", "")
    return role


def _only_text(container: Element) -> str | None:
    """The text of what holds one paragraph, and that nothing but text, as most cells and items do; else `None`."""
    if len(container) != 1:
        return None
    only = container[0]
    return _collapsed(only.text or "") if only.tag == _PARAGRAPH and not len(only) else None


def _collapsed(text: str) -> str:
    """Blanks in XML count as one (1.3, part 3, 6.1.2)."""
    return text if _is_collapsed(text) else _squeezed(text)


def _all_collapsed(texts: list[str]) -> Iterable[str]:
    return texts if _is_collapsed("".join(texts)) else map(_collapsed, texts)


def _is_collapsed(text: str) -> bool:
    return "\n" not in text and "  " not in text and "\t" not in text


def _squeezed(text: str) -> str:
    inner = " ".join(text.split())
    if not inner:
        return " "
    return (" " if text[0].isspace() else "") + inner + (" " if text[-1].isspace() else "")
