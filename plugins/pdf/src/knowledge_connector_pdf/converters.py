"""What is read by whom. Each reader is imported by the child process that meets the first such file, and by nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from knowledge_connector import Converted, Converter

if TYPE_CHECKING:
    from knowledge_connector import Raw

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


class PdfConverter(Converter):
    """PDF; settings `max_pages`, `ocr`, `languages` and `dpi`."""

    name = "pdf"
    version = "3"
    media_types: ClassVar[frozenset[str]] = frozenset({"application/pdf"})
    extensions: ClassVar[Mapping[str, str]] = {".pdf": "application/pdf"}

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Give the text in the order of the file, which is the reading order; pages are marked.

        Raises:
            Unreadable: Code `encrypted`, `no-text-layer`, `no-ocr`, `too-many-pages` or `too-long`.
            DocumentError: Code `malformed`.
        """
        from knowledge_connector_pdf.reading import read

        return read(raw.content, settings)


class ImageConverter(Converter):
    """Pictures of text, by OCR; settings `languages`, `max_pages` and `max_pixels`."""

    name = "ocr"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset(_IMAGES.values())
    extensions: ClassVar[Mapping[str, str]] = _IMAGES

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Give what can be read in the picture, or in each page of a TIFF.

        Raises:
            Unreadable: Code `no-ocr` if the extra or a language is not installed, `no-text`, `too-large` or `too-many-pages`.
            DocumentError: Code `malformed`.
        """
        from knowledge_connector_pdf.pictures import read

        return read(raw.content, settings)
