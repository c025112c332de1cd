"""What is read by whom. Each reader is imported by the child process that meets the first such file, and by nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from knowledge_connector import Converted, Converter, Unreadable
from knowledge_connector.kit.converter import LazyConverter

if TYPE_CHECKING:
    from knowledge_connector import Raw

_OOXML = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."
_WORD, _POWERPOINT, _EXCEL = "application/vnd.ms-word", "application/vnd.ms-powerpoint", "application/vnd.ms-excel"

_DOCX = {
    ".docx": f"{_OOXML}wordprocessingml.document",
    ".dotx": f"{_OOXML}wordprocessingml.template",
    ".docm": f"{_WORD}.document.macroenabled.12",
    ".dotm": f"{_WORD}.template.macroenabled.12",
}
_PPTX = {
    ".pptx": f"{_OOXML}presentationml.presentation",
    ".ppsx": f"{_OOXML}presentationml.slideshow",
    ".potx": f"{_OOXML}presentationml.template",
    ".pptm": f"{_POWERPOINT}.presentation.macroenabled.12",
    ".ppsm": f"{_POWERPOINT}.slideshow.macroenabled.12",
    ".potm": f"{_POWERPOINT}.template.macroenabled.12",
}
_SHEET = {
    ".xlsx": f"{_OOXML}spreadsheetml.sheet",
    ".xltx": f"{_OOXML}spreadsheetml.template",
    ".xlsm": f"{_EXCEL}.sheet.macroenabled.12",
    ".xltm": f"{_EXCEL}.template.macroenabled.12",
    ".xlsb": f"{_EXCEL}.sheet.binary.macroenabled.12",
    ".xls": _EXCEL,
    ".xlt": _EXCEL,
    ".ods": f"{_ODF}spreadsheet",
    ".ots": f"{_ODF}spreadsheet-template",
}
_ODF_TYPES = {
    ".odt": f"{_ODF}text",
    ".ott": f"{_ODF}text-template",
    ".odp": f"{_ODF}presentation",
    ".otp": f"{_ODF}presentation-template",
    ".odg": f"{_ODF}graphics",
    ".otg": f"{_ODF}graphics-template",
    ".fodt": f"{_ODF}text-flat-xml",
    ".fodp": f"{_ODF}presentation-flat-xml",
    ".fodg": f"{_ODF}graphics-flat-xml",
}
_LEGACY = {
    ".doc": "application/msword",
    ".dot": "application/msword",
    ".ppt": _POWERPOINT,
    ".pps": _POWERPOINT,
    ".pot": _POWERPOINT,
}


class DocxConverter(LazyConverter):
    """Word since 2007."""

    name = "docx"
    version = "2"
    media_types: ClassVar[frozenset[str]] = frozenset(_DOCX.values())
    extensions: ClassVar[Mapping[str, str]] = _DOCX
    reader = "knowledge_connector_office.word"


class PptxConverter(LazyConverter):
    """PowerPoint since 2007; the setting `hidden` takes hidden slides in."""

    name = "pptx"
    version = "2"
    media_types: ClassVar[frozenset[str]] = frozenset(_PPTX.values())
    extensions: ClassVar[Mapping[str, str]] = _PPTX
    reader = "knowledge_connector_office.slides"


class SheetConverter(LazyConverter):
    """Excel, old and new and binary, and OpenDocument sheets; settings `hidden`, `max_cells`, `max_sheets`."""

    name = "sheet"
    version = "3"
    media_types: ClassVar[frozenset[str]] = frozenset(_SHEET.values())
    extensions: ClassVar[Mapping[str, str]] = _SHEET
    reader = "knowledge_connector_office.sheets"


class OdfConverter(LazyConverter):
    """OpenDocument text, presentations and drawings, packed or flat; `hidden` takes hidden slides in."""

    name = "odf"
    version = "3"
    media_types: ClassVar[frozenset[str]] = frozenset(_ODF_TYPES.values())
    extensions: ClassVar[Mapping[str, str]] = _ODF_TYPES
    reader = "knowledge_connector_office.opendocument"


class RtfConverter(LazyConverter):
    """Rich Text Format."""

    name = "rtf"
    version = "2"
    media_types: ClassVar[frozenset[str]] = frozenset({"application/rtf", "text/rtf"})
    extensions: ClassVar[Mapping[str, str]] = {".rtf": "application/rtf"}
    reader = "knowledge_connector_office.rich_text"


class LegacyConverter(LazyConverter):
    """Word and PowerPoint before 2007, through LibreOffice; settings `program` and `timeout_seconds`."""

    name = "legacy_office"
    version = "2"
    media_types: ClassVar[frozenset[str]] = frozenset(_LEGACY.values())
    extensions: ClassVar[Mapping[str, str]] = _LEGACY
    reader = "knowledge_connector_office.legacy"


class EncryptedConverter(Converter):
    """Office files behind a password: claimed so that the report says why they are skipped."""

    name = "encrypted_office"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset({"application/x-ole-encrypted"})

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:  # noqa: ARG002  # whatever it holds
        """Refuse it.

        Raises:
            Unreadable: Always, with the code `encrypted`.
        """
        raise Unreadable("this office file is protected by a password", code="encrypted")
