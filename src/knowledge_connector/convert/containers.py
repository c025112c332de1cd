"""What is in the box? Zip and OLE files hold documents of many kinds; the names of their parts tell which."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Mapping

OOXML = "application/vnd.openxmlformats-officedocument."
ODF = "application/vnd.oasis.opendocument."
EPUB = "application/epub+zip"
ZIP = "application/zip"
OLE = "application/x-ole-storage"
ENCRYPTED = "application/x-ole-encrypted"
"""An office file in an OLE container that is locked with a password."""

# The first part that is there decides. Templates and files with macros are given as the plain type: they are read alike.
_ZIP_PARTS: tuple[tuple[str, str], ...] = (
    ("word/", OOXML + "wordprocessingml.document"),
    ("xl/workbook.bin", "application/vnd.ms-excel.sheet.binary.macroenabled.12"),
    ("xl/", OOXML + "spreadsheetml.sheet"),
    ("ppt/", OOXML + "presentationml.presentation"),
    ("visio/", "application/vnd.ms-visio.drawing"),
    ("META-INF/container.xml", EPUB),
    ("Index/Document.iwa", "application/vnd.apple.iwork"),
    ("Index.zip", "application/vnd.apple.iwork"),
    ("AndroidManifest.xml", "application/vnd.android.package-archive"),
    ("META-INF/MANIFEST.MF", "application/java-archive"),
)
_OLE_STREAMS: tuple[tuple[str, str], ...] = (
    ("EncryptedPackage", ENCRYPTED),
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
    ("Book", "application/vnd.ms-excel"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
    ("__properties_version1.0", "application/vnd.ms-outlook"),
    ("VisioDocument", "application/vnd.visio"),
)
OLE_TYPES = frozenset(media_type for _, media_type in _OLE_STREAMS)
_MIMETYPE = re.compile(rb"[a-z]+/[a-z0-9.+-]+")
_LOCAL_HEADER_BYTES = 30
_MAX_NAMES = 10_000


def in_zip(content: bytes, named: str | None) -> str:
    """Give the type of what a zip file is.

    Args:
        content: All of it. Of a file that is cut off, or of its first bytes alone, only the beginning is looked at.
        named: What its name or carrier says, for files that do not tell: those that are damaged.
    """
    if content.startswith(b"mimetype", _LOCAL_HEADER_BYTES):
        declared = _declared(content[38:138])  # where it stands first and unpacked, as the standards have it
        if declared:
            return declared
    names, mimetype = _directory(content)
    if mimetype:
        return mimetype
    found = next((kind for part, kind in _ZIP_PARTS if any(name.startswith(part) for name in names)), None)
    return found or (named if named and named.startswith((OOXML, ODF, EPUB)) and _is_broken(names) else ZIP)


def _declared(content: bytes) -> str | None:
    match = _MIMETYPE.match(content)
    return match[0].removesuffix(b"PK").decode("ascii") if match else None


def _directory(content: bytes) -> tuple[list[str], str | None]:
    """The names of the parts, and what a part called `mimetype` says; a damaged file shows the names of its first parts."""
    import lzma  # only who meets zip pays
    import zipfile  # the same
    import zlib  # the same

    damage = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, ValueError, RuntimeError, EOFError)

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            names = package.namelist()[:_MAX_NAMES]
            if "mimetype" not in names:
                return names, None
            with package.open("mimetype") as part:
                return names, _declared(part.read(100))
    except damage:
        return _local_names(content), None


_LOCAL_NAME = re.compile(rb"PK\x03\x04.{22}(..)..", re.DOTALL)


def _local_names(content: bytes) -> list[str]:
    """The names before each part, where there is no directory at the end."""
    found = []
    for match in _LOCAL_NAME.finditer(content[:65536]):
        name = content[match.end() : match.end() + int.from_bytes(match[1], "little")]
        found.append(name.decode("utf-8", "replace"))
    return found


def _is_broken(names: list[str]) -> bool:
    return not names or any(name.startswith(("_rels/", "docProps/", "[Content_Types].xml")) for name in names)


def in_ole(content: bytes, named: str | None) -> str:
    """Give the type of what an OLE file is; `named` is believed if the file is too damaged to tell."""
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(content)) as storage:
            names = {entry[0] for entry in storage.listdir(streams=True, storages=True)}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, struct.error):
        # Over a damaged directory the library stumbles in all these ways.
        return _by_stream_names(content, named)
    return next((kind for stream, kind in _OLE_STREAMS if stream in names), OLE)


def _by_stream_names(content: bytes, named: str | None) -> str:
    head = content[:65536]
    found = (kind for stream, kind in _OLE_STREAMS if len(stream) > 4 and stream.encode("utf-16-le") in head)
    return next(found, named if named in OLE_TYPES else OLE)


ENDINGS: Mapping[str, str] = {
    ".doc": "application/msword",
    ".dot": "application/msword",
    ".xls": "application/vnd.ms-excel",
    ".xlt": "application/vnd.ms-excel",
    ".ppt": "application/vnd.ms-powerpoint",
    ".pps": "application/vnd.ms-powerpoint",
    ".msg": "application/vnd.ms-outlook",
    ".docx": OOXML + "wordprocessingml.document",
    ".docm": OOXML + "wordprocessingml.document",
    ".xlsx": OOXML + "spreadsheetml.sheet",
    ".xlsm": OOXML + "spreadsheetml.sheet",
    ".xlsb": "application/vnd.ms-excel.sheet.binary.macroenabled.12",
    ".pptx": OOXML + "presentationml.presentation",
    ".pptm": OOXML + "presentationml.presentation",
    ".odt": ODF + "text",
    ".ods": ODF + "spreadsheet",
    ".odp": ODF + "presentation",
    ".epub": EPUB,
    ".zip": ZIP,
}
"""Endings of files that are zip or OLE inside."""
