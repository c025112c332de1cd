"""Links of a page: annotations that lie over its text, written into the lines beneath them."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence

import pypdfium2.raw as pdfium  # type: ignore[import-untyped]  # pypdfium2 ships no types
from pypdfium2 import PdfPage, PdfTextPage

from knowledge_connector_pdf.lines import Line

_MAX_LINKS = 1_000  # of one page
_SCHEMES = ("http://", "https://", "mailto:", "ftp://")
_SLACK_POINTS = 1.0


def with_links(lines: list[Line], page: PdfPage, text_page: PdfTextPage) -> list[Line]:
    """The same lines, with their links in Markdown."""
    for address, box in _links(page):
        label = text_page.get_text_bounded(box.left, box.bottom, box.right, box.top).strip()
        if label and label not in address and "\n" not in label:
            _write(lines, label, address, box)
    return lines


def _links(page: PdfPage) -> Iterator[tuple[str, pdfium.FS_RECTF]]:
    position, link, box = ctypes.c_int(0), pdfium.FPDF_LINK(), pdfium.FS_RECTF()
    for _ in range(_MAX_LINKS):
        if not pdfium.FPDFLink_Enumerate(page, position, link):
            return
        address = _address(page, link)
        if address.lower().startswith(_SCHEMES) and pdfium.FPDFLink_GetAnnotRect(link, box):
            yield address, box


def _address(page: PdfPage, link: pdfium.FPDF_LINK) -> str:
    action = pdfium.FPDFLink_GetAction(link)
    length = pdfium.FPDFAction_GetURIPath(page.pdf, action, None, 0) if action else 0
    if not length:
        return ""
    buffer = ctypes.create_string_buffer(length)
    pdfium.FPDFAction_GetURIPath(page.pdf, action, buffer, length)
    return buffer.value.decode("utf-8", "replace").strip()


def _write(lines: Sequence[Line], label: str, address: str, box: pdfium.FS_RECTF) -> None:
    target = address.replace(" ", "%20").replace("(", "%28").replace(")", "%29")
    for line in lines:
        if box.bottom - _SLACK_POINTS <= line.base <= box.top + _SLACK_POINTS and label in line.text:
            escaped = label.replace("[", r"\[").replace("]", r"\]")
            line.text = line.text.replace(label, f"[{escaped}]({target})", 1)
            return
