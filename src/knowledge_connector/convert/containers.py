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
    try:
        names: set[str] | None = _top_names(content)
    except (ValueError, struct.error):
        names = _names_by_library(content)
    if names is None:
        return _by_stream_names(content, named)
    return next((kind for stream, kind in _OLE_STREAMS if stream in names), OLE)


def _names_by_library(content: bytes) -> set[str] | None:
    """What lies at the top of an OLE file that is not as the standard has it; nothing is known of one that is too damaged."""
    import olefile

    try:
        with olefile.OleFileIO(io.BytesIO(content)) as storage:
            return {entry[0] for entry in storage.listdir(streams=True, storages=True)}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, struct.error):
        return None  # over a damaged directory the library stumbles in all these ways


_ENTRY_BYTES = 128
_ENTRY = struct.Struct("<64sHBx3I")  # name, its length in bytes, kind; entries before, after and below
_NUMBER = struct.Struct("<I")
_STORAGE, _STREAM, _ROOT = 1, 2, 5
_NO_ENTRY, _END_OF_CHAIN = 0xFFFFFFFF, 0xFFFFFFFE
_TABLES_IN_HEADER = 109
_SECTOR_BYTES = (512, 4096)


def _top_names(content: bytes) -> set[str]:
    """The names at the top of an OLE file, by [MS-CFB] 2.6: a tenth of the time in which the library opens all of it.

    Raises:
        ValueError: Something is out of the ordinary; so `struct.error`, where a number leads out of the file.
    """
    directory = _ole_directory(content)
    _, _, kind, _, _, top = _ENTRY.unpack_from(directory)
    if kind != _ROOT:
        raise ValueError("the first entry is not the root")
    names, seen, waiting = set(), {0, top}, [top]
    while waiting:
        name, size, kind, before, after, _ = _ENTRY.unpack_from(directory, waiting.pop() * _ENTRY_BYTES)
        if not 2 <= size <= len(name) or kind not in (_STORAGE, _STREAM):
            raise ValueError("this is no entry of a directory")
        names.add(name[: size - 2].decode("utf-16-le"))
        further = {before, after} - {_NO_ENTRY}
        if further & seen:
            raise ValueError("its entries go in a circle")
        seen |= further
        waiting += further
    return names


def _ole_directory(content: bytes) -> bytes:
    """Its sectors, one after another as the allocation table chains them."""
    size = 1 << content[30] if len(content) > _SECTOR_BYTES[0] else 0
    if size not in _SECTOR_BYTES:
        raise ValueError("its sectors have an odd size")
    (sector,) = _NUMBER.unpack_from(content, 48)
    found: list[bytes] = []
    while sector != _END_OF_CHAIN:
        part = content[(sector + 1) * size : (sector + 2) * size]
        table, row = divmod(sector * _NUMBER.size, size)
        if len(part) < size or table >= _TABLES_IN_HEADER or len(found) * size > len(content):
            raise ValueError("its directory is cut off, too far behind or a circle")
        found.append(part)
        (table_sector,) = _NUMBER.unpack_from(content, 76 + table * _NUMBER.size)
        (sector,) = _NUMBER.unpack_from(content, (table_sector + 1) * size + row)
    return b"".join(found)


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
