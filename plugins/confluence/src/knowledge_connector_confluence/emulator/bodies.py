"""Bodies of pages that were written by hand, in the storage format; and the bytes of files."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from html import escape

from knowledge_connector_confluence.emulator.elements import every_element, link, macro, page_ref, plain, rich
from knowledge_connector_confluence.emulator.generated import attachment_bytes, page_body
from knowledge_connector_confluence.emulator.model import Content
from knowledge_connector_confluence.emulator.people import Mention

HUGE = 2_000_000


def _huge() -> str:
    line = "<p>A long page goes on and on, and every paragraph of it has a number: {}.</p>"
    return "".join(line.format(n) for n in range(HUGE // len(line) + 1))


def _include(title: str) -> str:
    return macro("include", f'<ac:parameter ac:name="">{link(page_ref(title))}</ac:parameter>')


BODIES: Mapping[str, Callable[[Mention], str]] = {
    "plain": lambda _: "<p>A plain page with one paragraph.</p>",
    "elements": every_element,
    "excerpt": lambda _: "<p>Before.</p>" + macro("excerpt", rich("<p>This much is for others.</p>")) + "<p>After.</p>",
    "self": lambda _: f"<p>This page includes itself.</p>{_include('Page that includes itself')}",
    "ping": lambda _: f"<p>Ping.</p>{_include('Pong')}",
    "pong": lambda _: f"<p>Pong.</p>{_include('Ping')}",
    "secret-include": lambda _: f"<p>Borrows from a restricted page:</p>{_include('Salaries')}",
    "empty": lambda _: "",
    "macros-only": lambda _: macro("children") + macro("toc"),
    "unclosed": lambda _: (
        "<p>Begun <strong>and never closed<ul><li>one<li>two &nbsp; & three</ul>"
        + macro("code", plain("still = verbatim"))
        + "<p>The last paragraph."
    ),
    "rtl": lambda _: (
        '<p dir="rtl">\u05d3\u05e3 \u05d1\u05e2\u05d1\u05e8\u05d9\u05ea</p><p>\u0645\u0631\u062d\u0628\u0627 \U0001f30d</p>'
    ),
    "huge": lambda _: _huge(),
    "live": lambda _: "<p>A live document; it is written while you read.</p>",
    "blog": lambda _: "<p>What happened in the spring.</p>",
    "old": lambda _: "<p>This is how it used to be.</p>",
    "salaries": lambda _: "<p>What everybody earns.</p>",
}


def storage(content: Content, mention: Mention) -> str:
    """Give the storage format of a content."""
    if content.kind == "comment":
        return f"<p>{escape(content.body)}</p>"
    if not content.body:
        return page_body(content)
    body = BODIES[content.body](mention)
    return body if content.edition == 1 else f"{body}<p>Edition {content.edition}.</p>"


def _pixel() -> bytes:
    """A PNG of one grey pixel (PNG specification, section 5)."""
    chunks = ((b"IHDR", b"\0\0\0\1\0\0\0\1\x08\0\0\0\0"), (b"IDAT", zlib.compress(b"\0\x80")), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big") for name, data in chunks
    )


def _pdf() -> bytes:
    """A page with one line (ISO 32000-1, section 7.5)."""
    stream = b"BT /F1 12 Tf 72 720 Td (The yearly report of the wiki) Tj ET"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    out, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + end


FILES: Mapping[str, Callable[[], bytes]] = {
    "pdf": _pdf,
    "png": _pixel,
    "notes": lambda: b"Notes of a meeting: all is well.\n",
    "empty": lambda: b"",
    "drawing": lambda: b"<mxfile><diagram>not for readers</diagram></mxfile>",
    "video": lambda: b"\0\0\0\x18ftypmp42 not really a film",
    "large": lambda: b"0123456789abcdef" * 65_536,
}

WITHOUT_SIZE = "notes"
"""The one file whose size no listing tells."""


def file_bytes(attachment: Content) -> bytes:
    """Give the bytes of an attachment; a new version has a line more."""
    if not attachment.file:
        return attachment_bytes(attachment)
    told = FILES[attachment.file]()
    return told if attachment.version == 1 else told + f"\nVersion {attachment.version}\n".encode()
