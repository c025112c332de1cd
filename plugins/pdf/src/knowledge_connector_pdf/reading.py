"""PDF → Markdown.

    pdfium ─ text and type of each line ─▶ without running heads ─▶ sizes and bookmarks say what is a heading ─▶ blocks ─▶ Markdown

pdfium is not thread-safe; a converter process has one thread.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pypdfium2  # type: ignore[import-untyped]  # pypdfium2 ships no types
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]  # the same

from knowledge_connector import Converted, DocumentError, Unreadable
from knowledge_connector_pdf.calls import bookmarks
from knowledge_connector_pdf.columns import aligned_tables
from knowledge_connector_pdf.composing import compose
from knowledge_connector_pdf.facts import facts
from knowledge_connector_pdf.layout import Outline, Page, Typography, drop_furniture, plain
from knowledge_connector_pdf.lines import Line, Probe, is_gappy, lines_of
from knowledge_connector_pdf.links import with_links
from knowledge_connector_pdf.recognition import Bitmap, recognize
from knowledge_connector_pdf.tables import Table, ruled_tables

if TYPE_CHECKING:
    from knowledge_connector import Raw

MAX_PAGES = 5_000
MAX_CHARS = 5_000_000

_MAX_BOOKMARKS = 20_000
_BOOKMARK_DEPTH = 6
_SCANNED_BELOW_CHARS = 50
_MIN_GAPPY_LINES = 2
_DPI = 300
_POINTS_PER_INCH = 72
_MAX_PIXELS = 40_000_000


def read(raw: Raw, settings: Mapping[str, Any]) -> Converted:
    """Give the text in the order of the file, which is the reading order; pages are marked.

    Raises:
        Unreadable: Code `encrypted`, `no-text-layer`, `no-ocr`, `too-many-pages` or `too-long`.
        DocumentError: Code `malformed`.
    """
    with closing(_open(raw.content)) as document:
        limit = int(settings.get("max_pages", MAX_PAGES))
        if len(document) > limit:
            raise Unreadable(f"it has {len(document)} pages, more than max_pages = {limit}", code="too-many-pages")
        pages, scanned = _pages(document, settings)
        outline = _outline(document)
        found = facts(document)
    drop_furniture(pages)
    markdown, heading = compose(pages, Typography.of(pages, outline))
    found.metadata["pages"] = len(pages)
    if scanned:
        found.metadata["pages_without_text"] = scanned
    return found.with_text(markdown, heading)


def _open(content: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise Unreadable("the document is protected by a password", code="encrypted") from error
        raise DocumentError("this is no PDF, or a damaged one", code="malformed") from error


def _pages(document: pypdfium2.PdfDocument, settings: Mapping[str, Any]) -> tuple[list[Page], int]:
    """The pages with their lines, and how many of them are but pictures of text.

    Raises:
        Unreadable: All of them are (code `no-text-layer`), or there is more text than `max_chars` (`too-long`).
    """
    with_ocr, left = bool(settings.get("ocr", False)), int(settings.get("max_chars", MAX_CHARS))
    pages, scanned, probe = [], 0, Probe()
    with closing(_each(document)) as each:
        for number, page in each:
            content, shown = _read_page(document, number, page, probe)
            if shown < _SCANNED_BELOW_CHARS and (not shown or _has_picture(document, number)):
                scanned += 1
                if with_ocr:
                    content = Page(number, recognized=recognize(_bitmap(document, number, settings), settings))
            left -= shown + sum(map(len, content.recognized))
            if left < 0:
                raise Unreadable("its text has more characters than max_chars allows", code="too-long")
            pages.append(content)
    if scanned == len(pages) and not with_ocr:
        raise Unreadable(
            "it has no text layer: it is a scan, or empty; the setting `ocr` reads scans", code="no-text-layer"
        )
    return pages, scanned


def _each(document: pypdfium2.PdfDocument) -> Generator[tuple[int, Any], None, None]:
    """Each page by its number; the handle is pdfium's own, as the objects around it cost a tenth of the time of a short page."""
    for index in range(len(document)):
        page = pdfium.FPDF_LoadPage(document.raw, index)
        if not page:
            raise _damaged(index)
        try:
            yield index + 1, page
        finally:
            pdfium.FPDF_ClosePage(page)


def _damaged(index: int) -> DocumentError:
    return DocumentError(f"page {index + 1} is damaged", code="malformed")


@contextmanager
def _whole_page(document: pypdfium2.PdfDocument, number: int) -> Iterator[pypdfium2.PdfPage]:
    """A page as an object, for what is seldom asked of one."""
    try:
        page = document[number - 1]
    except pypdfium2.PdfiumError as error:
        raise _damaged(number - 1) from error
    with closing(page):
        yield page


def _read_page(document: pypdfium2.PdfDocument, number: int, page: Any, probe: Probe) -> tuple[Page, int]:
    """A page, and how many characters its text has, with those that are left out as they say nothing new."""
    text_page = pdfium.FPDFText_LoadPage(page)
    if not text_page:
        return Page(number), 0  # without any content
    try:
        lines = lines_of(text_page, probe)
        shown = sum([len(line.text) for line in lines])
        if shown < _SCANNED_BELOW_CHARS:
            shown = len(probe.text(text_page)[0].strip())
        tables = _tables(lines, page, text_page)
        return Page(number, with_links(lines, document.raw, page, text_page), tables=tables), shown
    finally:
        pdfium.FPDFText_ClosePage(text_page)


def _tables(lines: Sequence[Line], page: Any, text_page: Any) -> list[Table]:
    """The tables of a page; looked for only where the text has gaps as rows of cells have."""
    if sum(map(is_gappy, lines)) < _MIN_GAPPY_LINES:
        return []
    ruled = ruled_tables(page, text_page)
    return ruled + aligned_tables([line for line in lines if not any(table.holds(line) for table in ruled)], text_page)


def _has_picture(document: pypdfium2.PdfDocument, number: int) -> bool:
    with _whole_page(document, number) as page:
        return next(page.get_objects([pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3), None) is not None


def _bitmap(document: pypdfium2.PdfDocument, number: int, settings: Mapping[str, Any]) -> Bitmap:
    """A page as a picture; a huge one with fewer dots an inch."""
    dpi = int(settings.get("dpi", _DPI))
    with _whole_page(document, number) as page:
        width, height = page.get_size()
        scale = min(dpi / _POINTS_PER_INCH, (_MAX_PIXELS / (width * height)) ** 0.5)
        with closing(page.render(scale=scale, grayscale=True)) as drawn:
            return Bitmap(bytes(drawn.buffer), drawn.width, drawn.height, drawn.stride, round(scale * _POINTS_PER_INCH))


def _outline(document: pypdfium2.PdfDocument) -> Outline:
    found: dict[int, dict[str, int]] = {}
    for title, level, index in bookmarks(document.raw, _BOOKMARK_DEPTH, _MAX_BOOKMARKS):
        name = plain(title)
        if name:
            found.setdefault(index + 1, {}).setdefault(name, level)
    return found
