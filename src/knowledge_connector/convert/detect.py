"""What is it? The first bytes say; the name only breaks ties. A `.doc` that holds HTML is HTML."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD_BYTES = 8192
"""How much of a document `detect` wants to see; less is fine."""

UNKNOWN = "application/octet-stream"

_OOXML = "application/vnd.openxmlformats-officedocument."
_WORD, _SHEET, _SLIDES = (
    _OOXML + "wordprocessingml.document",
    _OOXML + "spreadsheetml.sheet",
    _OOXML + "presentationml.presentation",
)

WELL_KNOWN: Mapping[str, str] = {
    ".pdf": "application/pdf",
    ".doc": "application/msword",
    ".xls": "application/vnd.ms-excel",
    ".ppt": "application/vnd.ms-powerpoint",
    ".msg": "application/vnd.ms-outlook",
    ".docx": _WORD,
    ".xlsx": _SHEET,
    ".pptx": _SLIDES,
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".epub": "application/epub+zip",
    ".rtf": "application/rtf",
    ".eml": "message/rfc822",
    ".zip": "application/zip",
    ".svg": "image/svg+xml",
}

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"\x00\x00\x01\x00", "image/vnd.microsoft.icon"),
    (b"\x1f\x8b", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\x7fELF", "application/x-elf"),
    (b"MZ\x90\x00", "application/vnd.microsoft.portable-executable"),
    (b"\xca\xfe\xba\xbe", "application/java-vm"),
    (b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (b"\x00asm", "application/wasm"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"\x1aE\xdf\xa3", "video/x-matroska"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"%!PS", "application/postscript"),
    (b"{\\rtf", "application/rtf"),
)
_RIFF = {b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo", b"WEBP": "image/webp"}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_STREAMS = (
    ("EncryptedPackage", "application/x-ole-encrypted"),
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
    ("__substg1.0_", "application/vnd.ms-outlook"),
)
_ZIP_PARTS = ((b"word/", _WORD), (b"xl/", _SHEET), (b"ppt/", _SLIDES))

_SPACE_AND_COMMENTS = rb"(?:\xef\xbb\xbf)?(?:\s|<!--.*?-->|<\?xml.*?\?>)*+"
_IS_HTML = re.compile(_SPACE_AND_COMMENTS + rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_IS_MARKUP = re.compile(rb"\s*<(?:!--|[a-z][a-z0-9]*[\s>/])", re.IGNORECASE)
_IS_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|!doctype)\b", re.IGNORECASE)
_IS_SVG = re.compile(_SPACE_AND_COMMENTS + rb"(?:<!doctype\s+svg[^>]*>\s*)?<svg\b", re.IGNORECASE | re.DOTALL)
_XHTML = b"http://www.w3.org/1999/xhtml"
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)


def detect(head: bytes, hint: str | None = None, extensions: Mapping[str, str] | None = None) -> str:
    """Give the media type of a document.

    Args:
        head: Its first bytes, `HEAD_BYTES` if there are so many.
        hint: Its name or path.
        extensions: Endings that converters know, `ConverterSet.extensions`; they go before `WELL_KNOWN`.

    Returns:
        A media type; `text/plain` for text that says nothing of itself, `application/octet-stream` for the rest.
    """
    ending = _ending(hint)
    named = (extensions or {}).get(ending) or WELL_KNOWN.get(ending)
    return _binary(head, named) or _text(head, named, ending)


def _ending(hint: str | None) -> str:
    name = (hint or "").replace("\\", "/").rpartition("/")[2].lower()
    stem, dot, ending = name.rpartition(".")
    return dot + ending if stem else ""


def _binary(head: bytes, named: str | None) -> str | None:
    if b"%PDF-" in head[:1024]:
        return "application/pdf"
    if head.startswith(b"PK\x03\x04"):
        return _zip(head, named)
    if head.startswith(_OLE):
        return _ole(head, named)
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12], UNKNOWN)
    if head[4:8] == b"ftyp":
        return "video/mp4"
    if head[257:262] == b"ustar":
        return "application/x-tar"
    return next((media_type for magic, media_type in _MAGIC if head.startswith(magic)), None)


def _zip(head: bytes, named: str | None) -> str:
    if head[30:38] == b"mimetype":
        match = re.match(rb"[a-z]+/[a-z0-9.+-]+", head[38:138])
        if match:
            return match[0].removesuffix(b"PK").decode("ascii")
    if b"[Content_Types].xml" in head or b"_rels/" in head:
        found = next((media_type for part, media_type in _ZIP_PARTS if part in head), None)
        return found or (named if named and named.startswith(_OOXML) else "application/zip")
    return named if named and named.startswith((_OOXML, "application/vnd.oasis")) else "application/zip"


def _ole(head: bytes, named: str | None) -> str:
    for stream, media_type in _OLE_STREAMS:
        if stream.encode("utf-16-le") in head:
            return media_type
    known = {media_type for _, media_type in _OLE_STREAMS}
    return named if named in known else "application/x-ole-storage"


def _text(head: bytes, named: str | None, ending: str) -> str:
    if not _is_text(head):
        return UNKNOWN
    if _IS_SVG.match(head):
        return "image/svg+xml"
    if _IS_HTML.match(head):
        return "application/xhtml+xml" if _IS_XML.match(head) and _XHTML in head else "text/html"
    says_text = named is not None and named not in WELL_KNOWN.values()
    if says_text and named is not None:
        return named
    return _unnamed_text(head, ending)


def _unnamed_text(head: bytes, ending: str) -> str:
    """Text whose name says nothing, or something wrong."""
    if _IS_XML.match(head):
        return "application/xml"
    if ending == ".eml":
        return WELL_KNOWN[ending]
    if ending in WELL_KNOWN or not ending:
        if _IS_MARKUP.match(head):
            return "text/html"
        if head.lstrip()[:1] in (b"{", b"["):
            return "application/json"
        if head.startswith(b"---\n"):
            return "text/markdown"
    if ending == ".xls":
        return "text/tab-separated-values" if b"\t" in head else "text/csv"
    return "text/plain"


def _is_text(head: bytes) -> bool:
    """No control characters to speak of; NULs only where UTF-16 has them."""
    if head.startswith(_MARKS):
        return True
    nuls = head.count(0)
    if nuls > 0.3 * len(head):
        even, odd = head[0::2].count(0), head[1::2].count(0)
        return max(even, odd) > 0.7 * len(head) / 2 and min(even, odd) < 0.05 * len(head)
    controls = len(head) - len(head.translate(None, bytes(b for b in range(32) if b not in b"\t\n\r\f\b\x1b\0")))
    return nuls <= 0.15 * len(head) and controls <= 0.05 * len(head)
