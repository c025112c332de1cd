"""What is it? The content says; the name only breaks ties. A `.doc` that holds HTML is HTML."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from knowledge_connector.convert.containers import ENDINGS, in_ole, in_zip
from knowledge_connector.kit.text import has_controls

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD_BYTES = 8192
"""How much of a text is looked at."""

UNKNOWN = "application/octet-stream"
MAIL = "message/rfc822"
SAVED_PAGE = "multipart/related"
NOTEBOOK = "application/x-ipynb+json"

WELL_KNOWN: Mapping[str, str] = {
    **ENDINGS,
    ".pdf": "application/pdf",
    ".rtf": "application/rtf",
    ".eml": MAIL,
    ".mht": SAVED_PAGE,
    ".mhtml": SAVED_PAGE,
    ".svg": "image/svg+xml",
}
"""Endings of files that are no plain text, or not to be read as such."""

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"II+\x00", "image/tiff"),
    (b"MM\x00+", "image/tiff"),
    (b"\x00\x00\x01\x00", "image/vnd.microsoft.icon"),
    (b"8BPS", "image/vnd.adobe.photoshop"),
    (b"AT&TFORM", "image/vnd.djvu"),
    (b"\x00\x00\x00\x0cjP  ", "image/jp2"),
    (b"\x1f\x8b", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"MSCF", "application/vnd.ms-cab-compressed"),
    (b"!<arch>\n", "application/x-archive"),
    (b"ITSF", "application/vnd.ms-htmlhelp"),
    (b"!BDN", "application/vnd.ms-outlook-pst"),
    (b"\x78\x9f\x3e\x22", "application/vnd.ms-tnef"),
    (b"\x7fELF", "application/x-elf"),
    (b"MZ\x90\x00", "application/vnd.microsoft.portable-executable"),
    (b"\xca\xfe\xba\xbe", "application/java-vm"),
    (b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (b"\x00asm", "application/wasm"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf1", "audio/aac"),
    (b"\xff\xf9", "audio/aac"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"MThd", "audio/midi"),
    (b"\x1aE\xdf\xa3", "video/x-matroska"),
    (b"\x00\x00\x01\xba", "video/mpeg"),
    (b"\x00\x00\x01\xb3", "video/mpeg"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-asf"),
    (b"FLV\x01", "video/x-flv"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (b"PAR1", "application/vnd.apache.parquet"),
    (b"\x89HDF\r\n\x1a\n", "application/x-hdf5"),
    (b"<stata_dta>", "application/x-stata-dta"),
    (b"HEADER RECORD*******LIBRARY HEADER RECORD", "application/x-sas-xport"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"OTTO", "font/otf"),
    (b"\x00\x01\x00\x00\x00", "font/ttf"),
    (b"%!PS", "application/postscript"),
    (b"{\\rtf", "application/rtf"),
)
_RIFF = {b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo", b"WEBP": "image/webp"}
_BRANDS = {b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif", b"avif": "image/avif"}
_MORE_BRANDS = {b"qt  ": "video/quicktime", b"M4A ": "audio/mp4"}
_MAGIC_AT: tuple[tuple[int, bytes, str], ...] = (
    (60, b"BOOKMOBI", "application/x-mobipocket-ebook"),
    (84, b"SAS FILE", "application/x-sas-data"),
    (257, b"ustar", "application/x-tar"),
    (32769, b"CD001", "application/x-iso9660-image"),
)
_MAGICS = tuple(magic for magic, _ in _MAGIC)
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_SPACE_AND_COMMENTS = rb"(?:\xef\xbb\xbf)?(?:\s|<!--.*?-->|<\?xml.*?\?>)*+"
_IS_HTML = re.compile(_SPACE_AND_COMMENTS + rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_IS_MARKUP = re.compile(rb"\s*<(?:!--|[a-z][a-z0-9]*[\s>/])", re.IGNORECASE)
_IS_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|!doctype)\b", re.IGNORECASE)
_IS_SVG = re.compile(_SPACE_AND_COMMENTS + rb"(?:<!doctype\s+svg[^>]*>\s*)?<svg\b", re.IGNORECASE | re.DOTALL)
_FLAT_ODF = re.compile(rb"office:mimetype=\"(application/vnd\.oasis\.opendocument\.[a-z-]+)\"")
_XHTML = b"http://www.w3.org/1999/xhtml"
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)

_IS_SUBTITLES = re.compile(rb"(?:\xef\xbb\xbf)?\s*\d+[ \t]*\r?\n\d+:\d\d:\d\d[,.]\d+[ \t]*-->")
_HEADER_LINE = re.compile(rb"(?:[!-9;-~]+:[^\n]*\n(?:[ \t][^\n]*\n)*)", re.IGNORECASE)
_OF_MAIL = re.compile(
    rb"^(?:received|return-path|from|to|cc|subject|date|message-id|mime-version|content-type|delivered-to|reply-to):",
    re.IGNORECASE | re.MULTILINE,
)
_OF_SAVED_PAGE = re.compile(rb"^(?:snapshot-content-location:|content-type:\s*multipart/related)", re.I | re.M)
_ENOUGH_OF_MAIL = 3
_CONTROLS = bytes(b for b in range(32) if b not in b"\t\n\r\f\b\x1b\0")


def detect(
    content: bytes, hint: str | None = None, extensions: Mapping[str, str] | None = None, declared: str | None = None
) -> str:
    """Give the media type of a document.

    Args:
        content: All of it. The beginning will do for most types, but what is in a zip file says the directory at its end.
        hint: Its name or path.
        extensions: Endings that converters know, `ConverterSet.extensions`; they go before `WELL_KNOWN`.
        declared: What its carrier says. It goes before the name; and of text, whatever it looks like, it is believed.

    Returns:
        A media type; `text/plain` for text of which nobody says anything, `application/octet-stream` for the rest.
    """
    ending = _ending(hint)
    named = declared or (extensions or {}).get(ending) or WELL_KNOWN.get(ending)
    binary = _binary(content, named)
    if binary is not None:
        return binary
    head = content[:HEAD_BYTES]
    if declared and declared not in WELL_KNOWN.values():
        return declared
    return _text(content, head, named, ending) if _is_text(head) else declared or UNKNOWN


def _ending(hint: str | None) -> str:
    name = (hint or "").replace("\\", "/").rpartition("/")[2].lower()
    stem, dot, ending = name.rpartition(".")
    return dot + ending if stem else ""


def _binary(content: bytes, named: str | None) -> str | None:
    if content.find(b"%PDF-", 0, 1024) >= 0:
        return "application/pdf"
    if content.startswith(b"PK\x03\x04"):
        return in_zip(content, named)
    if content.startswith(b"PK\x05\x06"):
        return "application/zip"
    if content.startswith(_OLE_MAGIC):
        return in_ole(content, named)
    if content.startswith(b"RIFF"):
        return _RIFF.get(content[8:12], UNKNOWN)
    if content[4:8] == b"ftyp":
        return _BRANDS.get(content[8:12]) or _MORE_BRANDS.get(content[8:12], "video/mp4")
    if content.startswith(b"BM") and int.from_bytes(content[2:6], "little") == len(content):
        return "image/bmp"
    for offset, magic, media_type in _MAGIC_AT:
        if content.startswith(magic, offset):
            return media_type
    known = _MAGIC if content.startswith(_MAGICS) else ()
    return next((media_type for magic, media_type in known if content.startswith(magic)), None)


def _text(content: bytes, head: bytes, named: str | None, ending: str) -> str:
    found = _told_by_text(head)
    if found is None and named is not None and named not in WELL_KNOWN.values():
        return named
    return found or _unnamed_text(content, head, named, ending)


def _told_by_text(head: bytes) -> str | None:
    """What a text says of itself, loud enough to go before any name."""
    if _IS_SVG.match(head):
        return "image/svg+xml"
    if _IS_HTML.match(head):
        return "application/xhtml+xml" if _IS_XML.match(head) and _XHTML in head else "text/html"
    if head.removeprefix(codecs.BOM_UTF8).startswith(b"WEBVTT"):
        return "text/vtt"
    return "application/x-subrip" if _IS_SUBTITLES.match(head) else None


def _unnamed_text(content: bytes, head: bytes, named: str | None, ending: str) -> str:
    """Text whose name says nothing, or something wrong."""
    if _IS_XML.match(head):
        flat = _FLAT_ODF.search(head)
        return f"{flat[1].decode()}-flat-xml" if flat else "application/xml"
    if named in (MAIL, SAVED_PAGE) or _is_mail(head):
        return SAVED_PAGE if named == SAVED_PAGE or _is_saved_page(head) else MAIL
    if ending in WELL_KNOWN or not ending:
        if _IS_MARKUP.match(head):
            return "text/html"
        if head.lstrip()[:1] in (b"{", b"["):
            return NOTEBOOK if b'"nbformat"' in content and b'"cells"' in content else "application/json"
        if head.startswith(b"---\n"):
            return "text/markdown"
    if ending == ".xls":
        return "text/tab-separated-values" if b"\t" in head else "text/csv"
    return "text/plain"


def _is_mail(head: bytes) -> bool:
    """Whether it begins with the headers of a message: several that mails have, and nothing between them that is none."""
    end = 0
    text = head.replace(b"\r\n", b"\n")
    while match := _HEADER_LINE.match(text, end):
        end = match.end()
    return len(set(_OF_MAIL.findall(text[:end].lower()))) >= _ENOUGH_OF_MAIL


def _is_saved_page(head: bytes) -> bool:
    return _OF_SAVED_PAGE.search(head.replace(b"\r\n", b"\n").partition(b"\n\n")[0]) is not None


def _is_text(head: bytes) -> bool:
    """No control characters to speak of; NULs only where UTF-16 has them."""
    if head.startswith(_MARKS):
        return True
    nuls = head.count(0) if 0 in head else 0  # looking is thirty times faster than counting
    if nuls > 0.3 * len(head):
        even, odd = head[0::2].count(0), head[1::2].count(0)
        return max(even, odd) > 0.7 * len(head) / 2 and min(even, odd) < 0.05 * len(head)
    controls = len(head) - len(head.translate(None, _CONTROLS)) if has_controls(head) else 0
    return nuls <= 0.15 * len(head) and controls <= 0.05 * len(head)
