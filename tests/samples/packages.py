"""Makes documents that are zip files, for tests."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

CONTAINER = (
    b'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    b'<rootfile full-path="book/content.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)


def zipped(parts: Mapping[str, bytes | str], *, first: str = "") -> bytes:
    """Give a zip file; the part called `first` stands first and is not packed, as `mimetype` has to."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in sorted(parts.items(), key=lambda item: item[0] != first):
            kind = zipfile.ZIP_STORED if name == first else zipfile.ZIP_DEFLATED
            package.writestr(zipfile.ZipInfo(name), content, kind)
    return file.getvalue()


def book(chapters: Mapping[str, str], *, more: Mapping[str, bytes | str] | None = None, contents: str = "") -> bytes:
    """Give an EPUB of chapters: file names and what stands in their body; `contents` is the body of a navigation page."""
    items = "".join(f'<item id="{name}" href="{name}" media-type="application/xhtml+xml"/>' for name in chapters)
    spine = "".join(f'<itemref idref="{name}"/>' for name in chapters)
    nav = '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>' if contents else ""
    opf = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
        "<dc:title>On Engines</dc:title><dc:creator>Ada Lovelace</dc:creator><dc:creator>L. Menabrea</dc:creator>"
        "<dc:language>en</dc:language><dc:subject>mathematics</dc:subject></metadata>"
        f"<manifest>{items}{nav}</manifest><spine>{spine}</spine></package>"
    )
    pages = {
        f"book/{name}": xhtml(body)
        for name, body in {**chapters, **({"nav.xhtml": contents} if contents else {})}.items()
    }
    parts: dict[str, bytes | str] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "book/content.opf": opf,
        **pages,
    }
    return zipped({**parts, **(more or {})}, first="mimetype")


def xhtml(body: str) -> str:
    """Give a page in XHTML."""
    return f'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>{body}</body></html>'
