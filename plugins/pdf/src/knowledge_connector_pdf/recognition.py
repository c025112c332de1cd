"""OCR by tesseract, in this process: one engine for each set of languages, made when it is first asked for.

The engine comes with the extra `ocr`; what it knows of each language comes from the system's packages (`tesseract-ocr-eng`, …).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge_connector import Unreadable
from knowledge_connector.kit.pages import without_marks

if TYPE_CHECKING:
    from tesserocr import PyTessBaseAPI  # type: ignore[import-untyped]  # tesserocr ships no types

_LANGUAGES = ("eng",)
_DATA_FOLDERS = (
    "/usr/share/tesseract-ocr/5/tessdata",
    "/usr/share/tesseract-ocr/4.00/tessdata",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
)
_PARAGRAPH_BREAK = re.compile(r"\n\s*\n")
_DIVIDED_WORD = re.compile(r"(?<=\w)[-\u2010]\n(?=[a-zß-ÿ])")


@dataclass(frozen=True, slots=True)
class Bitmap:
    """A picture in shades of grey, one byte a pixel; `stride` is the length of a row in bytes."""

    pixels: bytes
    width: int
    height: int
    stride: int
    dpi: int = 300


def recognize(bitmap: Bitmap, settings: Mapping[str, Any]) -> list[str]:
    """Give the paragraphs that can be read in a picture.

    Args:
        bitmap: The picture.
        settings: `languages`, a list of tesseract's names for them; `data_folder`, where their data is.

    Raises:
        Unreadable: The extra or a language is not installed (code `no-ocr`).
    """
    named = settings.get("languages", _LANGUAGES)
    languages = (named,) if isinstance(named, str) else tuple(named)
    engine = _engine(languages, _data_folder(languages, settings.get("data_folder")))
    engine.SetImageBytes(bitmap.pixels, bitmap.width, bitmap.height, 1, bitmap.stride)
    engine.SetSourceResolution(bitmap.dpi)
    text: str = engine.GetUTF8Text()
    engine.Clear()
    paragraphs = _PARAGRAPH_BREAK.split(_DIVIDED_WORD.sub("", text))
    return [line for paragraph in paragraphs if (line := without_marks(" ".join(paragraph.split())))]


def _data_folder(languages: tuple[str, ...], named: object) -> str:
    folders = (str(named),) if named else _DATA_FOLDERS
    for folder in folders:
        if all(Path(folder, f"{language}.traineddata").is_file() for language in languages):
            return folder
    raise Unreadable(
        f"tesseract has no data for {'+'.join(languages)} in {', '.join(folders)}; install the packages tesseract-ocr-…",
        code="no-ocr",
    )


@lru_cache(maxsize=4)
def _engine(languages: tuple[str, ...], folder: str) -> PyTessBaseAPI:
    try:
        from tesserocr import PyTessBaseAPI  # only who meets a picture pays for the engine
    except ImportError as error:
        raise Unreadable("OCR needs the extra: pip install 'knowledge-connector-pdf[ocr]'", code="no-ocr") from error
    try:
        return PyTessBaseAPI(path=folder, lang="+".join(languages))
    except RuntimeError as error:
        raise Unreadable(f"tesseract cannot be set up for {'+'.join(languages)} in {folder}", code="no-ocr") from error
