"""What is read by whom. Each reader is imported by the child process that meets the first such file, and by nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from knowledge_connector import Converted, Converter, Unreadable

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


class DocxConverter(Converter):
    """Word since 2007."""

    name = "docx"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset(_DOCX.values())
    extensions: ClassVar[Mapping[str, str]] = _DOCX

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Give the text as its author would see it with all changes accepted and no comments.

        Raises:
            Unreadable: Code `encrypted`, `bomb` or `too-long`.
            DocumentError: Code `malformed` or `too-deep`.
        """
        from knowledge_connector_office.word import read

        return read(raw.content, settings)


class PptxConverter(Converter):
    """PowerPoint since 2007; the setting `hidden` takes hidden slides in."""

    name = "pptx"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset(_PPTX.values())
    extensions: ClassVar[Mapping[str, str]] = _PPTX

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Give each slide as a section with its notes; pages are slides.

        Raises:
            Unreadable: Code `encrypted`, `bomb`, `too-many-pages` or `too-long`.
            DocumentError: Code `malformed` or `too-deep`.
        """
        from knowledge_connector_office.slides import read

        return read(raw.content, settings)


class SheetConverter(Converter):
    """Excel, old and new and binary, and OpenDocument sheets; settings `hidden`, `max_cells`, `max_sheets`."""

    name = "sheet"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset(_SHEET.values())
    extensions: ClassVar[Mapping[str, str]] = _SHEET

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Give each sheet as a section of tables; what was calculated, not how.

        Workbooks from before Excel 97 go through LibreOffice.

        Raises:
            Unreadable: Code `encrypted`, `bomb`, `too-many-cells`, `too-many-pages`, `too-long` or `no-libreoffice`.
            DocumentError: Code `malformed`.
        """
        from knowledge_connector_office.sheets import read

        return read(raw.content, settings)


class OdfConverter(Converter):
    """OpenDocument text, presentations and drawings, packed or flat; `hidden` takes hidden slides in."""

    name = "odf"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset(_ODF_TYPES.values())
    extensions: ClassVar[Mapping[str, str]] = _ODF_TYPES

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Give the text, or each page of a presentation as a section with its notes.

        Raises:
            Unreadable: Code `encrypted`, `bomb`, `too-many-pages` or `too-long`.
            DocumentError: Code `malformed` or `too-deep`.
        """
        from knowledge_connector_office.opendocument import read

        return read(raw.content, settings)


class RtfConverter(Converter):
    """Rich Text Format."""

    name = "rtf"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset({"application/rtf", "text/rtf"})
    extensions: ClassVar[Mapping[str, str]] = {".rtf": "application/rtf"}

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Give the text with its headings, lists and tables.

        Raises:
            Unreadable: Code `too-long`.
            DocumentError: Code `malformed` or `too-deep`.
        """
        from knowledge_connector_office.rich_text import read

        return read(raw.content, settings)


class LegacyConverter(Converter):
    """Word and PowerPoint before 2007, through LibreOffice; settings `program` and `timeout_seconds`."""

    name = "legacy_office"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset(_LEGACY.values())
    extensions: ClassVar[Mapping[str, str]] = _LEGACY

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Let LibreOffice write OpenDocument, and read that.

        Raises:
            Unreadable: Code `no-libreoffice`, or what OpenDocument says.
            DocumentError: Code `malformed` or `timeout`.
        """
        from knowledge_connector_office.legacy import read

        return read(raw.content, raw.media_type, settings)


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
