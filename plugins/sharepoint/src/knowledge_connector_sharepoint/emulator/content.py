"""What the files of the emulated tenant say: made from a number when it is asked for, the same on every machine."""

from __future__ import annotations

import base64
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from html import escape

MEDIA_TYPES: Mapping[str, str] = {
    ".md": "text/markdown",
    ".txt": "text/plain",
    ".html": "text/html",
    ".csv": "text/csv",
    ".aspx": "application/octet-stream",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".mp4": "video/mp4",
    ".one": "application/msonenote",
}
OFFICE = (".docx",)

TOPICS = (
    "Travel expenses", "Onboarding", "Working hours", "Holiday requests", "Security badges", "Data protection", "Meeting rooms",
    "Procurement", "Incident response", "Remote work", "Printing", "Parking", "Pensions", "Sick leave", "Training", "Visitors",
)  # fmt: skip
HEADINGS = ("Who this is for", "What to do", "Exceptions", "Deadlines", "Whom to ask", "Background")
SENTENCES = (
    "Send the form to the service desk before the fifth working day of the month.",
    "Managers approve it in the portal, and both sides receive a confirmation.",
    "Without a receipt nothing can be paid back.",
    "The rule applies to everybody who has a contract for more than three months.",
    "Ask the works council if the case is not described here.",
    "A request that nobody answered within ten days counts as approved.",
    "Keep the original documents for two years.",
    "The amounts are reviewed every January.",
    "People who work abroad follow the rules of the host country.",
    "In an emergency call the duty officer first and write the report afterwards.",
    "The portal is closed for maintenance on the first Sunday of a quarter.",
    "Passwords are never asked for by telephone.",
    "Guests wear their badge where everybody can see it.",
    "Short journeys by train are booked without an approval.",
    "What is older than the current edition no longer counts.",
    "The team lead decides in cases of doubt.",
)
_EXTENSIONS = (".md", ".md", ".txt", ".html", ".csv", ".md")
_HASH_BITS = 160


def _mixed(seed: int, salt: int, choices: int) -> int:
    """A number below `choices` that looks random and depends on nothing else."""
    value = ((seed + 1) * 0x9E3779B1 + salt * 0x85EBCA6B) & 0xFFFFFFFF
    value = ((value ^ (value >> 16)) * 0x7FEB352D) & 0xFFFFFFFF
    return (value ^ (value >> 15)) % choices


def file_name(seed: int) -> str:
    """Give the name of an ordinary file."""
    return f"{topic(seed)} {seed:06d}{_EXTENSIONS[seed % len(_EXTENSIONS)]}"


def topic(seed: int) -> str:
    """Give what such a document is about."""
    return TOPICS[_mixed(seed, 1, len(TOPICS))]


def extension(name: str) -> str:
    """Give the ending in lower case, with its dot; empty if there is none."""
    stem, dot, last = name.rpartition(".")
    return f".{last.lower()}" if dot and stem else ""


def media_type(name: str) -> str:
    """Give the media type that SharePoint shows for a name."""
    return MEDIA_TYPES.get(extension(name), "application/octet-stream")


def paragraphs(seed: int, edition: int) -> list[tuple[str, str]]:
    """Give headings and the paragraphs below them."""
    found = []
    first, heading = _mixed(seed, 2, len(SENTENCES)), _mixed(seed, 3, len(HEADINGS))
    for part in range(2 + _mixed(seed, 4, 3)):
        picked = [SENTENCES[(first + 5 * (4 * part + number)) % len(SENTENCES)] for number in range(4)]
        found.append((HEADINGS[(heading + part) % len(HEADINGS)], " ".join(picked)))
    found.append(("Reference", f"Document {seed:06d}, edition {edition}."))
    return found


def _markdown(seed: int, edition: int) -> str:
    body = "\n\n".join(f"## {heading}\n\n{text}" for heading, text in paragraphs(seed, edition))
    return f"# {topic(seed)}\n\n{body}\n"


def _plain(seed: int, edition: int) -> str:
    body = "\n\n".join(f"{heading.upper()}\n{text}" for heading, text in paragraphs(seed, edition))
    return f"{topic(seed)}\n\n{body}\n"


def _html(seed: int, edition: int) -> str:
    body = "".join(f"<h2>{escape(heading)}</h2><p>{escape(text)}</p>" for heading, text in paragraphs(seed, edition))
    title = escape(topic(seed))
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1>{body}</body></html>\n"


def _csv(seed: int, edition: int) -> str:
    rows = "".join(
        f"{number},{heading},{text}\n" for number, (heading, text) in enumerate(paragraphs(seed, edition), 1)
    )
    return f"number,heading,text\n{rows.replace(', edition', ' edition')}"


def _aspx(seed: int, edition: int) -> str:
    return f'<%@ Page Language="C#" %>\n<!-- page {seed}, edition {edition}: its canvas is in the list item -->\n'


_WRITERS: Mapping[str, Callable[[int, int], str]] = {
    ".md": _markdown,
    ".html": _html,
    ".csv": _csv,
    ".aspx": _aspx,
}
_ZIP_TIME = (2024, 1, 1, 0, 0, 0)


def written(ending: str, seed: int, edition: int) -> bytes:
    """Give the bytes of an ordinary file.

    Args:
        ending: Of a name, such as `.md`; it decides their format.
        seed: What it is about.
        edition: From 1; every edition has other bytes.
    """
    if ending == ".docx":
        return docx(seed, edition)
    if ending == ".pdf":
        return pdf(f"{topic(seed)}, edition {edition}.")
    if ending == ".png":
        return png()
    return _WRITERS.get(ending, _plain)(seed, edition).encode()


def docx(seed: int, edition: int) -> bytes:
    """Give a small Word document of the three parts that are required (ECMA-376, part 2)."""
    lines = [topic(seed), *(line for pair in paragraphs(seed, edition) for line in pair)]
    body = "".join(f"<w:p><w:r><w:t>{escape(line)}</w:t></w:r></w:p>" for line in lines)
    office = "http://schemas.openxmlformats.org"
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{office}/package/2006/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{main}"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{office}/package/2006/relationships"><Relationship Id="rId1" '
        f'Type="{office}/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{office}/wordprocessingml/2006/main"><w:body>{body}</w:body></w:document>',
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, text in parts.items():
            archive.writestr(zipfile.ZipInfo(path, _ZIP_TIME), f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    return packed.getvalue()


def pdf(text: str) -> bytes:
    """Give a PDF of one page with one line (PDF 1.4; ISO 32000-1, annex H)."""
    stream = f"BT /F1 14 Tf 72 720 Td ({text}) Tj ET".encode("latin-1", "replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(out))
    return bytes(out) + b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table) + trailer


def png() -> bytes:
    """Give a picture of one grey point."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\x00\x80")),
        (b"IEND", b""),
    ]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def encrypted() -> bytes:
    """Give what is left of a protected Office file: an OLE container whose directory names an `EncryptedPackage` ([MS-OFFCRYPTO])."""
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 16 + b"\x3e\x00\x03\x00\xfe\xff\x09\x00"
    names = ("Root Entry", "EncryptionInfo", "EncryptedPackage")
    directory = b"".join(name.encode("utf-16-le").ljust(128, b"\x00") for name in names)
    return header.ljust(512, b"\x00") + directory.ljust(512, b"\x00")


def sign_in_page() -> bytes:
    """Give the page that comes, with status 200, where somebody should have logged in."""
    return (
        b"<!DOCTYPE html><html><head><title>Sign in to your account</title></head>"
        b'<body><form action="/common/login" method="post"><input name="loginfmt" type="email"></form></body></html>'
    )


def quick_xor_hash(content: bytes) -> str:
    """Give Microsoft's QuickXorHash in base64: byte i goes to bit 11·i of a ring of 160, and the length into the last eight bytes."""
    folded = 0
    for start in range(0, len(content), _HASH_BITS):  # after 160 bytes the places repeat
        folded ^= int.from_bytes(content[start : start + _HASH_BITS], "little")
    state = 0
    for number, byte in enumerate(folded.to_bytes(_HASH_BITS, "little")):
        state ^= byte << (11 * number % _HASH_BITS)
    ring = (state ^ (state >> _HASH_BITS)) & ((1 << _HASH_BITS) - 1)
    ring ^= len(content) << (_HASH_BITS - 64)
    return base64.b64encode(ring.to_bytes(_HASH_BITS // 8, "little")).decode()
