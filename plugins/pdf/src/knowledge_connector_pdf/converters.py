"""What is read by whom. Each reader is imported by the child process that meets the first such file, and by nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from knowledge_connector.kit.converter import LazyConverter

_IMAGES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
}


class PdfConverter(LazyConverter):
    """PDF; settings `max_pages`, `ocr`, `languages` and `dpi`."""

    name = "pdf"
    version = "5"
    media_types: ClassVar[frozenset[str]] = frozenset({"application/pdf"})
    extensions: ClassVar[Mapping[str, str]] = {".pdf": "application/pdf"}
    reader = "knowledge_connector_pdf.reading"


class ImageConverter(LazyConverter):
    """Pictures of text, by OCR; settings `languages`, `max_pages` and `max_pixels`."""

    name = "ocr"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset(_IMAGES.values())
    extensions: ClassVar[Mapping[str, str]] = _IMAGES
    reader = "knowledge_connector_pdf.pictures"
