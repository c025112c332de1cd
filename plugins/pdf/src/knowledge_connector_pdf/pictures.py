"""Pictures of text → Markdown, by OCR; each page of a TIFF is a page."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from knowledge_connector import Converted, DocumentError, Unreadable
from knowledge_connector.kit.pages import page_mark
from knowledge_connector_pdf.recognition import Bitmap, recognize

if TYPE_CHECKING:
    from PIL.Image import Image

    from knowledge_connector import Raw

MAX_PIXELS = 50_000_000
MAX_PAGES = 500
_FORMATS = ("PNG", "JPEG", "TIFF", "GIF", "WEBP", "BMP")
_FORMAT_OF_PAGES = "TIFF"


def read(raw: Raw, settings: Mapping[str, Any]) -> Converted:
    """Give what can be read in the picture, or in each page of a TIFF.

    Raises:
        Unreadable: Code `no-ocr` if the extra or a language is not installed, `no-text`, `too-large` or `too-many-pages`.
        DocumentError: Code `malformed`.
    """
    pages = [recognize(bitmap, settings) for bitmap in _bitmaps(raw.content, settings)]
    if not any(pages):
        raise Unreadable("there is no text to be seen in this picture", code="no-text")
    if len(pages) == 1:
        return Converted("\n\n".join(pages[0]) + "\n")
    texts = [page_mark(number) + "\n\n".join(page) for number, page in enumerate(pages, 1)]
    return Converted("\n\n".join(texts) + "\n", metadata={"pages": len(pages)})


def _bitmaps(content: bytes, settings: Mapping[str, Any]) -> Iterator[Bitmap]:
    """Each page in shades of grey.

    Raises:
        Unreadable: It has too many pixels (code `too-large`) or pages (`too-many-pages`), or Pillow is not installed (`no-ocr`).
        DocumentError: It is damaged (code `malformed`).
    """
    try:
        from PIL import Image, ImageOps  # only who meets a picture pays for it
    except ImportError as error:
        raise Unreadable("OCR needs the extra: pip install 'knowledge-connector-pdf[ocr]'", code="no-ocr") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)  # odd metadata
            with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                for at in range(_pages(image, settings)):
                    image.seek(at)
                    _check_size(image, settings)
                    grey = ImageOps.exif_transpose(image).convert("L")
                    yield Bitmap(grey.tobytes(), grey.width, grey.height, grey.width)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise Unreadable("the picture has more pixels than a computer should unpack", code="too-large") from error
    except (OSError, ValueError, SyntaxError, EOFError, OverflowError) as error:
        raise DocumentError("this is no picture, or a damaged one", code="malformed") from error


def _pages(image: Image, settings: Mapping[str, Any]) -> int:
    count = getattr(image, "n_frames", 1) if image.format == _FORMAT_OF_PAGES else 1
    limit = int(settings.get("max_pages", MAX_PAGES))
    if count > limit:
        raise Unreadable(f"it has {count} pages, more than max_pages = {limit}", code="too-many-pages")
    return int(count)


def _check_size(image: Image, settings: Mapping[str, Any]) -> None:
    limit = int(settings.get("max_pixels", MAX_PIXELS))
    if image.width * image.height > limit:
        raise Unreadable(
            f"it has {image.width} × {image.height} pixels, more than max_pixels = {limit}", code="too-large"
        )
