"""PowerPoint presentations: each slide as a section, with its tables, charts, diagrams and notes.

Reference: ECMA-376, part 1, sections 19 (PresentationML) and 21 (DrawingML).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from knowledge_connector import Converted, DocumentError, Unreadable
from knowledge_connector_office.charts import chart_rows, chart_title
from knowledge_connector_office.ooxml import R_ID, Relationships, facts, main_part, relationships
from knowledge_connector_office.package import Element, Package
from knowledge_connector_office.writing import Markdown, link

if TYPE_CHECKING:
    from knowledge_connector import Raw

MAX_PAGES = 5_000

_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_R = R_ID.removesuffix("id")
_TITLES = frozenset({"title", "ctrTitle"})
_FURNITURE = frozenset({"dt", "ftr", "hdr", "sldNum", "sldImg"})
_BULLETED = frozenset({"body", "obj"})
_MAX_SPAN = 64


def read(raw: Raw, settings: Mapping[str, Any]) -> Converted:
    """Give each slide as a section with its notes; pages are slides.

    Raises:
        Unreadable: Code `encrypted`, `bomb`, `too-many-pages` or `too-long`.
        DocumentError: Code `malformed` or `too-deep`.
    """
    package = Package(raw.content)
    out = Markdown(settings)
    part = main_part(package)
    slides = list(_slides(package, part))
    limit = int(settings.get("max_pages", MAX_PAGES))
    if len(slides) > limit:
        raise Unreadable(f"it has {len(slides)} slides, more than max_pages = {limit}", code="too-many-pages")
    try:
        for number, slide in enumerate(slides, 1):
            _Slide(package, slide, out).write(number, hidden=bool(settings.get("hidden", False)))
    except RecursionError as error:
        raise DocumentError("the presentation is nested too deeply", code="too-deep") from error
    found = facts(package)
    found.metadata["slides"] = len(slides)
    return found.with_text(out.text(), out.title)


def _slides(package: Package, part: str) -> Iterator[str]:
    """Names of the slides' parts, in the order in which they are shown."""
    root, links = package.xml(part), relationships(package, part)
    wanted = () if root is None else root.iter(f"{_P}sldId")
    yield from (links.parts[slide.get(R_ID)] for slide in wanted if slide.get(R_ID) in links.parts)


class _Slide:
    def __init__(self, package: Package, part: str, out: Markdown) -> None:
        self._package = package
        self._links: Relationships = relationships(package, part)
        self._root = package.xml(part)
        self._out = out

    def write(self, number: int, *, hidden: bool) -> None:
        """Write the title, or the number, as a heading; then the shapes in their order; then the notes."""
        if self._root is None or (not hidden and self._root.get("show") in ("0", "false")):
            return
        shapes = list(_shapes(self._root.iterfind(f"{_P}cSld/{_P}spTree")))
        title = next((shape for shape in shapes if _placeholder(shape) in _TITLES), None)
        self._out.page(number)
        name = "" if title is None else " ".join(self._lines(title))
        self._out.heading(2, name or f"Slide {number}")
        for shape in shapes:
            if shape is not title:
                self._shape(shape)
        self._notes()

    def _shape(self, shape: Element) -> None:
        if shape.tag == f"{_P}graphicFrame":
            self._graphic(shape)
        elif shape.tag == f"{_P}pic":
            properties = next(shape.iter(f"{_P}cNvPr"), None)
            self._out.paragraph("" if properties is None else properties.get("descr") or "")
        elif _placeholder(shape) not in _FURNITURE:
            self._prose(shape, bulleted=_placeholder(shape) in _BULLETED)

    def _prose(self, shape: Element, *, bulleted: bool) -> None:
        number = 0
        for paragraph in shape.iter(f"{_A}p"):
            text = self._text(paragraph)
            if not text.strip():
                continue
            properties = paragraph.find(f"{_A}pPr")
            level = _level(properties)
            marked = _is_marked(properties, bulleted=bulleted)
            counted = properties is not None and properties.find(f"{_A}buAutoNum") is not None
            number = number + 1 if counted else 0
            if marked:
                self._out.item(text, level, number or None)
            else:
                self._out.paragraph(text)

    def _graphic(self, frame: Element) -> None:
        for table in frame.iter(f"{_A}tbl"):
            self._out.table([self._row(row) for row in table.iterfind(f"{_A}tr")])
        for chart in frame.iter(f"{_C}chart"):
            root = self._related(chart.get(R_ID))
            if root is not None:
                self._out.paragraph(chart_title(root))
                self._out.table(chart_rows(root))
        for diagram in frame.iter(f"{_DIAGRAM}relIds"):
            root = self._related(diagram.get(f"{_R}dm"))
            for point in () if root is None else root.iter(f"{_DIAGRAM}pt"):
                self._out.item(" ".join(self._lines(point)), 0)

    def _row(self, row: Element) -> list[str]:
        texts: list[str] = []
        for cell in row.iterfind(f"{_A}tc"):
            if cell.get("hMerge") in ("1", "true") and texts:
                texts.append(texts[-1])
            else:
                texts.append("\n".join(self._lines(cell)))
        return texts

    def _notes(self) -> None:
        part = self._links.by_type.get("notesSlide")
        root = self._package.xml(part) if part else None
        bodies = [] if root is None else [shape for shape in root.iter(f"{_P}sp") if _placeholder(shape) == "body"]
        notes = [line for body in bodies for line in self._lines(body)]
        if notes:
            self._out.heading(3, "Notes")
        for line in notes:
            self._out.paragraph(line)

    def _related(self, identity: str | None) -> Element | None:
        part = self._links.parts.get(identity or "")
        return self._package.xml(part) if part else None

    def _lines(self, container: Element) -> Iterator[str]:
        for paragraph in container.iter(f"{_A}p"):
            text = self._text(paragraph).strip()
            if text:
                yield text

    def _text(self, paragraph: Element) -> str:
        out = []
        for element in paragraph:
            if element.tag == f"{_A}br":
                out.append("\n")
                continue
            text = element.findtext(f"{_A}t") or ""
            click = element.find(f"{_A}rPr/{_A}hlinkClick") if text else None
            address = "" if click is None else self._links.links.get(click.get(R_ID, ""), "")
            out.append(link(text, address) if address else text)
        return "".join(out)


def _shapes(containers: Iterable[Element]) -> Iterator[Element]:
    """The shapes of a tree, with those of groups in their places."""
    for container in containers:
        for element in container:
            if element.tag == f"{_P}grpSp":
                yield from _shapes([element])
            elif element.tag == f"{_MC}AlternateContent":
                yield from _shapes(element[:1])
            elif element.tag in (f"{_P}sp", f"{_P}graphicFrame", f"{_P}pic"):
                yield element


def _placeholder(shape: Element) -> str:
    """What a shape stands for in its layout; empty for one of its own."""
    placeholder = shape.find(f"{_P}nvSpPr/{_P}nvPr/{_P}ph")
    return "" if placeholder is None else placeholder.get("type", "obj")


def _level(properties: Element | None) -> int:
    value = "" if properties is None else properties.get("lvl", "")
    return min(int(value), 8) if value.isdecimal() else 0


def _is_marked(properties: Element | None, *, bulleted: bool) -> bool:
    if properties is None:
        return bulleted
    if properties.find(f"{_A}buNone") is not None:
        return False
    return bulleted or any(properties.find(_A + name) is not None for name in ("buChar", "buAutoNum", "buBlip"))
