"""Zip packages of XML, as all office formats since 2006 are: opened with distrust."""

from __future__ import annotations

import io
import lzma
import re
import struct
import zipfile
import zlib
from typing import Any

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from knowledge_connector import DocumentError, Unreadable

Element = Any
"""An element of lxml."""

_NEVER_A_BOMB = 16 * 1024 * 1024
_MAX_RATIO = 100
_MAX_UNPACKED = 512 * 1024 * 1024
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
    ValueError,
    struct.error,
)
# Before the bytes of a part: how long its name and its extra field are, which are in between (APPNOTE 4.3.7).
_HEADER = struct.Struct("<26xHH")
# ISO/IEC 29500 Strict: the same elements under other names.
_STRICT_NAMES = b"http://purl.oclc.org/ooxml/"
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/(\w+)")
# Nobody asks for elements by their ids, and OpenDocument gives one to each list: keeping none saves a thirtieth.
_PARSER = etree.XMLParser(
    resolve_entities=False,
    no_network=True,
    huge_tree=False,
    load_dtd=False,
    remove_comments=True,
    remove_pis=True,
    collect_ids=False,
)


class Package:
    """The parts of a package, by name."""

    def __init__(self, content: bytes) -> None:
        """Look at the directory; nothing is unpacked yet.

        Raises:
            Unreadable: It is encrypted (code `encrypted`), or unpacks to far more than it is (`bomb`).
            DocumentError: It is no zip file, or not a whole one (code `malformed`).
        """
        self._content = content
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except _BROKEN as error:
            raise DocumentError(f"the file is damaged or cut off: {type(error).__name__}", code="malformed") from error
        entries = self._zip.infolist()
        if any(entry.flag_bits & 1 for entry in entries):
            raise Unreadable("the file is protected by a password", code="encrypted")
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > min(_MAX_UNPACKED, max(_NEVER_A_BOMB, _MAX_RATIO * len(content))):
            raise Unreadable(f"its {len(content)} bytes would unpack to {unpacked}", code="bomb")
        self._names = {entry.filename.replace("\\", "/").lower(): entry for entry in entries}

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._names

    def read(self, name: str) -> bytes | None:
        """Unpack a part; `None` if there is none of this name (case does not count).

        Raises:
            DocumentError: It is damaged (code `malformed`).
        """
        entry = self._names.get(name.lower())
        if entry is None:
            return None
        try:
            return self._inflated(entry) if entry.compress_type == zipfile.ZIP_DEFLATED else self._zip.read(entry)
        except _BROKEN as error:
            raise DocumentError(f"its part {name} is damaged: {type(error).__name__}", code="malformed") from error

    def _inflated(self, entry: zipfile.ZipInfo) -> bytes:
        """What `ZipFile.read` gives, without a file object in between: most parts are small, and their text is in memory."""
        names = _HEADER.unpack_from(self._content, entry.header_offset)
        start = entry.header_offset + _HEADER.size + sum(names)
        packed = self._content[start : start + entry.compress_size]
        part = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, entry.file_size + 1)
        if len(part) != entry.file_size or zlib.crc32(part) != entry.CRC:
            raise zipfile.BadZipFile(f"{entry.filename} is not what the directory says")
        return part

    def xml(self, name: str) -> Element | None:
        """Parse a part; `None` if there is none of this name.

        Raises:
            DocumentError: It is damaged, or no such XML as an office program writes (code `malformed`).
        """
        content = self.read(name)
        if content is None:
            return None
        if _STRICT_NAMES in content:
            content = _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/\2", content)
        return parse(content, name)


def parse(content: bytes, name: str) -> Element:
    """Parse XML without entities, document type or network; gives the root.

    Raises:
        DocumentError: It is not well-formed, nested too deeply, or has a document type, which no office program writes (code `malformed`).
    """
    try:
        root: Element = etree.fromstring(content, _PARSER)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise DocumentError(f"its part {name} is no well-formed XML (line {line})", code="malformed") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise DocumentError(f"its part {name} defines a document type", code="malformed")
    return root
