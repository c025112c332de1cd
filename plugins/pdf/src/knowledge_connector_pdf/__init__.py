"""Reads PDF, and by OCR scans and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knowledge_connector import hookimpl
from knowledge_connector_pdf.converters import ImageConverter, PdfConverter

if TYPE_CHECKING:
    from knowledge_connector import Converter

__all__ = ["ImageConverter", "PdfConverter", "register_converters"]


@hookimpl
def register_converters() -> list[type[Converter]]:
    """Bring the converters `pdf` and `ocr`."""
    return [PdfConverter, ImageConverter]
