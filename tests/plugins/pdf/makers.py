"""Small PDF files by hand: text with its size and place, links, bookmarks, rules, pictures."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

FONTS = {"F": "Helvetica", "B": "Helvetica-Bold", "C": "Courier"}
ICONS = "I"
"""A font in which A is read as a smiling face, U+1F600, B as U+100003, which is for private use, and C as the Hebrew letter alef."""

_TO_UNICODE = b"""/CIDInit /ProcSet findresource begin 12 dict begin begincmap
1 begincodespacerange <00> <FF> endcodespacerange
3 beginbfchar <41> <D83DDE00> <42> <DBC0DC03> <43> <05D0> endbfchar
endcmap end end"""


@dataclass
class Page:
    """What is drawn on a page, and the links upon it: address, and the four edges of the place to click."""

    content: str
    links: list[tuple[str, tuple[int, int, int, int]]] = field(default_factory=list)
    has_picture: bool = False


def text(words: str, x: float, y: float, size: float = 11, font: str = "F") -> str:
    """Draw a line of text."""
    escaped = words.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /{font} {size} Tf {x} {y} Td ({escaped}) Tj ET\n"


def lines(
    words: Sequence[str], x: float = 72, y: float = 700, size: float = 11, font: str = "F", leading: float = 14
) -> str:
    """Draw lines one below the other."""
    return "".join(text(line, x, y - at * leading, size, font) for at, line in enumerate(words))


def rule(left: float, bottom: float, right: float, top: float) -> str:
    """Draw a straight line."""
    return f"{left} {bottom} m {right} {top} l S\n"


def pdf(
    pages: Sequence[Page | str], *, info: Mapping[str, str] | None = None, outline: Sequence[tuple[str, int]] = ()
) -> bytes:
    """A whole file; `outline` gives titles and pages (from 0) of bookmarks."""
    objects: list[bytes] = []

    def add(body: str | bytes) -> int:
        objects.append(body if isinstance(body, bytes) else body.encode("cp1252"))
        return len(objects)

    fonts = " ".join(f"/{key} {add(_font(name))} 0 R" for key, name in FONTS.items())
    fonts += f" /{ICONS} {add(_font('Helvetica', f'/ToUnicode {add(_stream(_TO_UNICODE))} 0 R'))} 0 R"
    picture = add(
        _stream(
            b"\x00\xff\x00\xff",
            "/Type /XObject /Subtype /Image /Width 2 /Height 2 /BitsPerComponent 8 /ColorSpace /DeviceGray",
        )
    )
    tree = len(objects) + 1
    objects.append(b"")
    kids = [_page(add, page if isinstance(page, Page) else Page(page), tree, fonts, picture) for page in pages]
    objects[tree - 1] = (
        f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(f'{kid} 0 R' for kid in kids)}] >>".encode()
    )
    bookmarks = _outline(add, outline, kids, len(objects) + 1) if outline else ""
    root = add(f"<< /Type /Catalog /Pages {tree} 0 R {bookmarks} >>")
    said = add("<< " + " ".join(f"/{key} ({value})" for key, value in (info or {}).items()) + " >>")
    return _file(objects, root, said)


def _font(name: str, entries: str = "") -> str:
    return f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding {entries} >>"


def _stream(content: bytes, entries: str = "") -> bytes:
    return f"<< {entries} /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream"


def _page(add: object, page: Page, tree: int, fonts: str, picture: int) -> int:
    assert callable(add)
    drawn = page.content + ("q 400 0 0 600 100 100 cm /Im Do Q\n" if page.has_picture else "")
    content = add(_stream(drawn.encode("cp1252")))
    links = " ".join(
        f"<< /Type /Annot /Subtype /Link /Rect [{' '.join(map(str, box))}] /A << /S /URI /URI ({address}) >> >>"
        for address, box in page.links
    )
    return int(
        add(
            f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 595 842] /Contents {content} 0 R /Annots [{links}] "
            f"/Resources << /Font << {fonts} >> /XObject << /Im {picture} 0 R >> >> >>"
        )
    )


def _outline(add: object, outline: Sequence[tuple[str, int]], kids: Sequence[int], first: int) -> str:
    assert callable(add)
    root = first + len(outline)
    for at, (title, page) in enumerate(outline):
        following = f"/Next {first + at + 1} 0 R" if at + 1 < len(outline) else ""
        add(f"<< /Title ({title}) /Parent {root} 0 R {following} /Dest [{kids[page]} 0 R /Fit] >>")
    add(f"<< /Type /Outlines /First {first} 0 R /Last {root - 1} 0 R /Count {len(outline)} >>")
    return f"/Outlines {root} 0 R"


def _file(objects: Sequence[bytes], root: int, info: int) -> bytes:
    out = io.BytesIO()
    out.write(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    out.write(
        b"trailer << /Size %d /Root %d 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (len(objects) + 1, root, info, start)
    )
    return out.getvalue()
