"""Word documents: what a reader would see with all changes accepted.

    document.xml ─ blocks ─▶ paragraphs · headings · items · tables ─▶ Markdown
                      └ inline: runs, links, fields, notes, text boxes

Reference: ECMA-376, part 1, section 17 (WordprocessingML).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from knowledge_connector import Converted, DocumentError
from knowledge_connector_office.ooxml import R_ID, facts, main_part, pages, relationships
from knowledge_connector_office.package import Element, Package
from knowledge_connector_office.word_styles import PROSE, VAL, Lists, Style, W, list_of, outline_level, styles, value_of
from knowledge_connector_office.writing import Markdown, link

if TYPE_CHECKING:
    from knowledge_connector import Raw

_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_DRAWING_PROPERTIES = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}docPr"
_MAX_SPAN = 64
_HYPERLINK = re.compile(r'\s*HYPERLINK\s+(?:\\[lL]\s+)?"?([^"\s]+)"?', re.IGNORECASE)
_NO_NUMBER = "0"  # a paragraph that leaves the list of its style (17.9.18)
# Elements around others that change nothing about them.
_TRANSPARENT = frozenset(
    W + name for name in ("ins", "moveTo", "smartTag", "customXml", "sdt", "sdtContent", "fldSimple", "bdo", "dir")
)


def read(raw: Raw, settings: Mapping[str, Any]) -> Converted:
    """Give the text as its author would see it with all changes accepted and no comments.

    Raises:
        Unreadable: Code `encrypted`, `bomb` or `too-long`.
        DocumentError: Code `malformed` or `too-deep`.
    """
    package = Package(raw.content)
    reader = _Reader(package, Markdown(settings))
    try:
        reader.read()
    except RecursionError as error:
        raise DocumentError("the document is nested too deeply", code="too-deep") from error
    found = facts(package)
    found.metadata.update(pages(package))
    return found.with_text(reader.out.text(), reader.out.title)


class _Reader:
    """Goes through a document once; knows where it is in lists, fields and notes."""

    def __init__(self, package: Package, out: Markdown) -> None:
        self.out = out
        self._package = package
        self._part = main_part(package)
        self._links = relationships(package, self._part)
        self._styles = styles(self._related("styles"))
        self._lists = Lists(self._related("numbering"))
        self._notes: list[tuple[str, str]] = []
        self._boxes: list[Element] = []
        self._carried = ""
        self._inline: dict[str, Callable[[Element, list[str]], None]] = {
            W + "r": self._run,
            W + "hyperlink": self._hyperlink,
            _MC + "AlternateContent": self._alternative,
            _MATH + "oMath": self._math,
            _MATH + "oMathPara": self._math,
            **dict.fromkeys(_TRANSPARENT, self._children),
        }
        self._in_run: dict[str, Callable[[Element, list[str]], None]] = {
            W + "t": lambda element, out: out.append(element.text or ""),
            W + "tab": lambda _, out: out.append("\t"),
            W + "br": lambda _, out: out.append("\n"),
            W + "cr": lambda _, out: out.append("\n"),
            W + "noBreakHyphen": lambda _, out: out.append("-"),
            W + "sym": _symbol,
            W + "footnoteReference": lambda element, out: self._note("footnotes", element, out),
            W + "endnoteReference": lambda element, out: self._note("endnotes", element, out),
            W + "drawing": self._drawing,
            W + "pict": self._drawing,
            W + "object": self._drawing,
            _MC + "AlternateContent": self._alternative,
        }

    def read(self) -> None:
        """Write the body, then its notes."""
        root = self._package.xml(self._part)
        body = None if root is None else root.find(W + "body")
        if body is None:
            raise DocumentError("this is no Word document: it has no body", code="malformed")
        self._blocks(body)
        for kind in ("footnotes", "endnotes"):
            self._write_notes(kind)

    def _related(self, kind: str) -> Element | None:
        part = self._links.by_type.get(kind)
        return self._package.xml(part) if part else None

    # ---------------------------------------------------------------------------------------------------------- blocks

    def _blocks(self, container: Element) -> None:
        for element in container:
            if element.tag == W + "p":
                self._paragraph(element)
            elif element.tag == W + "tbl":
                self._table(element)
            elif element.tag in _TRANSPARENT:
                self._blocks(element)
            elif element.tag == _MC + "AlternateContent":
                self._blocks(_chosen(element))

    def _paragraph(self, element: Element) -> None:
        properties = element.find(W + "pPr")
        text = self._carried + self._text(element)
        mark = None if properties is None else properties.find(W + "rPr")
        self._carried = text if mark is not None and mark.find(W + "del") is not None else ""
        if not self._carried:
            self._write(text, properties)
        boxes, self._boxes = self._boxes, []
        for box in boxes:
            self._blocks(box)

    def _write(self, text: str, properties: Element | None) -> None:
        style = self._styles.get(value_of(properties, "pStyle") or "", PROSE)
        level = outline_level(properties)
        level = style.heading if level is None else level
        if style.is_contents:
            return
        if style.is_code:
            self.out.code(text)
        elif text.strip():
            self._write_listed(text, level, *self._listed(properties, style), style.depth)

    def _listed(self, properties: Element | None, style: Style) -> tuple[str | None, int]:
        list_id, level = list_of(properties)
        list_id = list_id or style.list_id
        level = level if level is not None else style.list_level or 0
        return (None, 0) if list_id == _NO_NUMBER else (list_id, min(level, 8))

    def _write_listed(self, text: str, heading: int, list_id: str | None, level: int, depth: int) -> None:
        ordered = self._lists.is_ordered(list_id, level) if list_id else None
        number = self._lists.count(list_id, level) if list_id and ordered else None
        if heading:
            label = self._lists.label(list_id, level) if list_id and number else ""
            self.out.heading(heading, f"{label} {text}")
        elif ordered is None:
            self.out.paragraph(text)
        else:
            self.out.item(text, level + depth, number)

    # ---------------------------------------------------------------------------------------------------------- tables

    def _table(self, table: Element) -> None:
        rows = list(_rows(table))
        if len(rows) == 1 and len(list(_cells(rows[0]))) == 1:
            self._blocks(next(_cells(rows[0])))  # a frame, drawn as a table
            return
        written: list[list[str]] = []
        for row in rows:
            written.append(self._row(row, written[-1] if written else []))
        self.out.table(written)

    def _row(self, row: Element, above: list[str]) -> list[str]:
        """The texts of a row; what is merged is repeated, unless it is all there is in the row."""
        texts: list[str] = []
        cells = list(_cells(row))
        for cell in cells:
            properties = cell.find(W + "tcPr")
            span = value_of(properties, "gridSpan") or "1"
            merged = None if properties is None else properties.find(W + "vMerge")
            goes_on = merged is not None and merged.get(VAL) != "restart"
            text = above[len(texts)] if goes_on and len(texts) < len(above) else "\n".join(self._lines(cell))
            texts += [text] * (min(int(span), _MAX_SPAN) if span.isdecimal() else 1)
        return texts if len(cells) > 1 else [texts[0], *[""] * (len(texts) - 1)] if texts else []

    def _lines(self, container: Element) -> Iterator[str]:
        """The text of a cell or a note, line by line; tables in it as one line a row."""
        for element in container:
            if element.tag == W + "p":
                text = self._text(element).strip()
                boxes, self._boxes = self._boxes, []
                if text:
                    yield text
                for box in boxes:
                    yield from self._lines(box)
            elif element.tag == W + "tbl":
                yield from (" ".join(self._lines(row)) for row in _rows(element))
            elif element.tag in _TRANSPARENT or element.tag == W + "tc":
                yield from self._lines(element)

    # ---------------------------------------------------------------------------------------------------------- inline

    def _text(self, paragraph: Element) -> str:
        out: list[str] = []
        self._fields: list[_Field] = []
        self._children(paragraph, out)
        return "".join(out)

    def _children(self, container: Element, out: list[str]) -> None:
        for element in container:
            handle = self._inline.get(element.tag)
            if handle is not None:
                handle(element, out)

    def _run(self, run: Element, out: list[str]) -> None:
        for element in run:
            tag = element.tag
            handle = self._in_run.get(tag)
            if handle is not None:
                handle(element, out)
            elif tag == W + "fldChar" or tag == W + "instrText":
                self._field(element, out)
            elif tag == W + "rPr" and element.find(W + "vanish") is not None:
                return

    def _hyperlink(self, element: Element, out: list[str]) -> None:
        inner: list[str] = []
        self._children(element, inner)
        address = self._links.links.get(element.get(R_ID, ""), "")
        out.append(link("".join(inner), address))

    def _field(self, element: Element, out: list[str]) -> None:
        """Fields are three marks in a row of runs: begin, separate, end. Only what stands behind `separate` is seen."""
        kind = element.get(W + "fldCharType")
        if kind == "begin":
            self._fields.append(_Field(len(out)))
        elif not self._fields:
            return
        elif element.tag == W + "instrText":
            self._fields[-1].instruction += element.text or ""
        elif kind == "separate":
            del out[self._fields[-1].start :]
        elif kind == "end":
            field = self._fields.pop()
            match = _HYPERLINK.match(field.instruction)
            if match and ":" in match[1]:
                out[field.start :] = [link("".join(out[field.start :]), match[1])]

    def _alternative(self, element: Element, out: list[str]) -> None:
        chosen = _chosen(element)
        for child in chosen:
            handle = self._in_run.get(child.tag) or self._inline.get(child.tag)
            if handle is not None:
                handle(child, out)

    def _drawing(self, element: Element, out: list[str]) -> None:
        self._boxes += element.iter(W + "txbxContent")
        descriptions = (child.get("descr") for child in element.iter(_DRAWING_PROPERTIES))
        out += [" ".join(text.split()) for text in descriptions if text]

    def _math(self, element: Element, out: list[str]) -> None:
        out.append("".join(text.text or "" for text in element.iter(_MATH + "t")))

    # ----------------------------------------------------------------------------------------------------------- notes

    def _note(self, kind: str, element: Element, out: list[str]) -> None:
        self._notes.append((kind, element.get(W + "id", "")))
        out.append(f"[^{len(self._notes)}]")

    def _write_notes(self, kind: str) -> None:
        wanted = {identity: number for number, (of, identity) in enumerate(self._notes, 1) if of == kind}
        root = self._related(kind) if wanted else None
        for element in () if root is None else root:
            number = wanted.get(element.get(W + "id", ""))
            if number is not None:
                self.out.note(str(number), " ".join(self._lines(element)))


class _Field:
    """A field that has begun: where its result starts in the output, and what it says it is."""

    __slots__ = ("instruction", "start")

    def __init__(self, start: int) -> None:
        self.start = start
        self.instruction = ""


def _chosen(alternative: Element) -> Element:
    """What a program of today shows: the first choice, else the fallback."""
    choice = alternative.find(_MC + "Choice")
    found = choice if choice is not None else alternative.find(_MC + "Fallback")
    return () if found is None else found


def _symbol(element: Element, out: list[str]) -> None:
    try:
        code = int(element.get(W + "char", ""), 16)
    except ValueError:
        return
    if not 0xE000 <= code <= 0xF8FF and 0 < code < 0xD800:  # a place in a symbol font says nothing
        out.append(chr(code))


def _rows(table: Element) -> Iterator[Element]:
    for element in table:
        if element.tag == W + "tr":
            properties = element.find(W + "trPr")
            if properties is None or properties.find(W + "del") is None:
                yield element
        elif element.tag in _TRANSPARENT:
            yield from _rows(element)


def _cells(row: Element) -> Iterator[Element]:
    for element in row:
        if element.tag == W + "tc":
            yield element
        elif element.tag in _TRANSPARENT:
            yield from _cells(element)
