"""Pictures and scans, read by tesseract where the extra and its English data are installed."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from knowledge_connector import Converted, DocumentError, Raw, Unreadable
from knowledge_connector.kit.pages import page_mark
from knowledge_connector_pdf import ImageConverter, PdfConverter
from plugins.pdf.makers import Page, lines, pdf

Image = pytest.importorskip("PIL.Image", reason="the extra `ocr` is not installed")
ImageDraw = pytest.importorskip("PIL.ImageDraw", reason="the extra `ocr` is not installed")
ImageFont = pytest.importorskip("PIL.ImageFont", reason="the extra `ocr` is not installed")
pytest.importorskip("tesserocr", reason="the extra `ocr` is not installed")

needs_english = pytest.mark.skipif(
    not list(Path("/usr/share/tesseract-ocr").glob("*/tessdata/eng.traineddata")),
    reason="the Debian package tesseract-ocr-eng is not installed",
)


def picture(words: Sequence[str]) -> Any:
    image = Image.new("L", (1400, 160 + 130 * len(words)), "white")
    for at, line in enumerate(words):
        ImageDraw.Draw(image).text((60, 60 + 130 * at), line, fill="black", font=ImageFont.load_default(size=48))
    return image


def saved(image: Any, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def convert(content: bytes, **settings: Any) -> Converted:
    return ImageConverter().convert(Raw(content, "image/png"), settings)


@needs_english
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "GIF", "WEBP", "BMP"])
def test_pictures_of_text(kind: str) -> None:
    converted = convert(saved(picture(["Because people ask"]), kind))
    assert converted.markdown == "Because people ask\n"
    assert not converted.metadata


@needs_english
def test_each_page_of_a_tiff_is_a_page() -> None:
    first, second = picture(["The first page"]), picture(["The second page"])
    content = saved(first, "TIFF", save_all=True, append_images=[second])
    converted = convert(content)
    assert converted.markdown == f"{page_mark(1)}The first page\n\n{page_mark(2)}The second page\n"
    assert converted.metadata == {"pages": 2}
    with pytest.raises(Unreadable) as caught:
        convert(content, max_pages=1)
    assert caught.value.code == "too-many-pages"


@needs_english
def test_scans_are_read_by_setting() -> None:
    scan = saved(picture(["Found in the attic"]), "PDF")
    with pytest.raises(Unreadable) as caught:
        PdfConverter().convert(Raw(scan, "application/pdf"), {})
    assert caught.value.code == "no-text-layer"
    converted = PdfConverter().convert(Raw(scan, "application/pdf"), {"ocr": True})
    assert converted.markdown == f"{page_mark(1)}\n\nFound in the attic\n"
    assert converted.metadata["pages_without_text"] == 1


@needs_english
def test_a_scan_without_any_text_gives_none() -> None:
    converted = PdfConverter().convert(
        Raw(pdf([lines(("Some text " * 9,)), Page("", has_picture=True)]), ""), {"ocr": True}
    )
    assert converted.markdown.endswith("Some text\n")


@needs_english
def test_a_picture_without_text() -> None:
    with pytest.raises(Unreadable) as caught:
        convert(saved(Image.new("L", (200, 200), "white"), "PNG"))
    assert caught.value.code == "no-text"


def test_pictures_that_unpack_too_far() -> None:
    with pytest.raises(Unreadable, match="max_pixels = 100") as caught:
        convert(saved(Image.new("1", (20, 20)), "PNG"), max_pixels=100)
    assert caught.value.code == "too-large"
    for side in (10_000, 14_000):  # where Pillow warns, and where it refuses
        with pytest.raises(Unreadable) as caught:
            convert(saved(Image.new("1", (side, side)), "PNG"))
        assert caught.value.code == "too-large"


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"II*\x00", b"GIF89a", b"hello"])
def test_what_is_no_picture(content: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        convert(content)
    assert caught.value.code == "malformed"


@pytest.mark.parametrize("settings", [{"languages": ["tlh"]}, {"data_folder": "/nowhere"}])
def test_languages_that_are_not_installed_are_named(settings: dict[str, Any]) -> None:
    with pytest.raises(Unreadable, match=settings.get("data_folder", "tlh")) as caught:
        convert(saved(picture(["x"]), "PNG"), **settings)
    assert caught.value.code == "no-ocr"
