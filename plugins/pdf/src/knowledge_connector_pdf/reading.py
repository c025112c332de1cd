"""PDF → Markdown.

    pdfium ─ text and type of each line ─▶ without running heads ─▶ sizes and bookmarks say what is a heading ─▶ blocks ─▶ Markdown

pdfium is not thread-safe; a converter process has one thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

import pypdfium2  # type: ignore[import-untyped]  # pypdfium2 ships no types
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]  # the same

from knowledge_connector import Converted, DocumentError, Unreadable
from knowledge_connector_pdf.columns import aligned_tables
from knowledge_connector_pdf.composing import compose
from knowledge_connector_pdf.facts import facts
from knowledge_connector_pdf.layout import Outline, Page, Typography, drop_furniture, plain
from knowledge_connector_pdf.lines import Line, Probe, is_entry, is_gappy, lines_of
from knowledge_connector_pdf.links import with_links
from knowledge_connector_pdf.recognition import Bitmap, recognize
from knowledge_connector_pdf.tables import Table, ruled_tables

MAX_PAGES = 5_000
MAX_CHARS = 5_000_000

_MAX_BOOKMARKS = 20_000
_BOOKMARK_DEPTH = 6
_SCANNED_BELOW_CHARS = 50
_MIN_GAPPY_LINES = 2
_DPI = 300
_POINTS_PER_INCH = 72
_MAX_PIXELS = 40_000_000


def read(content: bytes, settings: Mapping[str, Any]) -> Converted:
    """Convert a document; see `PdfConverter`."""
    with closing(_open(content)) as document:
        limit = int(settings.get("max_pages", MAX_PAGES))
        if len(document) > limit:
            raise Unreadable(f"it has {len(document)} pages, more than max_pages = {limit}", code="too-many-pages")
        pages, scanned = _pages(document, settings)
        outline = _outline(document)
        found = facts(document)
    drop_furniture(pages)
    markdown, heading = compose(pages, Typography.of(pages, outline))
    metadata = {**found.metadata, "pages": len(pages)}
    if scanned:
        metadata["pages_without_text"] = scanned
    return Converted(markdown, found.title or heading, found.tags, metadata)


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
    for number, page in _each(document):
        content = _read_page(number, page, probe)
        chars = sum(len(line.text) for line in content.lines)
        if chars < _SCANNED_BELOW_CHARS and (_has_picture(page) or not chars):
            scanned += 1
            if with_ocr:
                content = Page(number, recognized=recognize(_bitmap(page, settings), settings))
        left -= chars + sum(map(len, content.recognized))
        if left < 0:
            raise Unreadable("its text has more characters than max_chars allows", code="too-long")
        pages.append(content)
    if scanned == len(pages) and not with_ocr:
        raise Unreadable(
            "it has no text layer: it is a scan, or empty; the setting `ocr` reads scans", code="no-text-layer"
        )
    return pages, scanned


def _each(document: pypdfium2.PdfDocument) -> Iterator[tuple[int, pypdfium2.PdfPage]]:
    for index in range(len(document)):
        try:
            page = document[index]
        except pypdfium2.PdfiumError as error:
            raise DocumentError(f"page {index + 1} is damaged", code="malformed") from error
        with closing(page):
            yield index + 1, page


def _read_page(number: int, page: pypdfium2.PdfPage, probe: Probe) -> Page:
    try:
        text_page = page.get_textpage()
    except pypdfium2.PdfiumError:
        return Page(number)  # without any content
    with closing(text_page):
        probe.forget_fonts()
        lines = [line for line in lines_of(text_page, probe) if not is_entry(line)]
        tables = _tables(lines, page, text_page)
        return Page(number, with_links(lines, page, text_page), tables=tables)


def _tables(lines: Sequence[Line], page: pypdfium2.PdfPage, text_page: pypdfium2.PdfTextPage) -> list[Table]:
    """The tables of a page; looked for only where the text has gaps as rows of cells have."""
    if sum(map(is_gappy, lines)) < _MIN_GAPPY_LINES:
        return []
    ruled = ruled_tables(page, text_page)
    return ruled + aligned_tables([line for line in lines if not any(table.holds(line) for table in ruled)], text_page)


def _has_picture(page: pypdfium2.PdfPage) -> bool:
    return next(page.get_objects([pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3), None) is not None


def _bitmap(page: pypdfium2.PdfPage, settings: Mapping[str, Any]) -> Bitmap:
    """The page as a picture; a huge one with fewer dots an inch."""
    dpi = int(settings.get("dpi", _DPI))
    width, height = page.get_size()
    scale = min(dpi / _POINTS_PER_INCH, (_MAX_PIXELS / (width * height)) ** 0.5)
    with closing(page.render(scale=scale, grayscale=True)) as drawn:
        return Bitmap(bytes(drawn.buffer), drawn.width, drawn.height, drawn.stride, round(scale * _POINTS_PER_INCH))


def _outline(document: pypdfium2.PdfDocument) -> Outline:
    found: dict[int, dict[str, int]] = {}
    for bookmark in islice(document.get_toc(max_depth=_BOOKMARK_DEPTH), _MAX_BOOKMARKS):
        destination, title = bookmark.get_dest(), plain(bookmark.get_title())
        index = destination.get_index() if destination else None
        if index is not None and title:
            found.setdefault(index + 1, {}).setdefault(title, bookmark.level + 1)
    return found
