"""Reads what office programs write: Word, PowerPoint, Excel, OpenDocument, RTF."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knowledge_connector import hookimpl
from knowledge_connector_office.converters import (
    DocxConverter,
    EncryptedConverter,
    LegacyConverter,
    OdfConverter,
    PptxConverter,
    RtfConverter,
    SheetConverter,
)

if TYPE_CHECKING:
    from knowledge_connector import Converter

__all__ = [
    "DocxConverter",
    "EncryptedConverter",
    "LegacyConverter",
    "OdfConverter",
    "PptxConverter",
    "RtfConverter",
    "SheetConverter",
    "register_converters",
]


@hookimpl
def register_converters() -> list[type[Converter]]:
    """Bring the converters `docx`, `pptx`, `sheet`, `odf`, `rtf`, `legacy_office` and `encrypted_office`."""
    return [
        DocxConverter,
        PptxConverter,
        SheetConverter,
        OdfConverter,
        RtfConverter,
        LegacyConverter,
        EncryptedConverter,
    ]
