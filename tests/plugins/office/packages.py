"""Office files by hand, for what the libraries that write them cannot: tracked changes, notes, text boxes, damage."""

from __future__ import annotations

from collections.abc import Mapping

from samples.packages import zipped

_RELATIONSHIPS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE_RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
_WORD = " ".join(
    (
        'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"',
        'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"',
        'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"',
        'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"',
        f'xmlns:r="{_RELATIONSHIPS}"',
    )
)
_ODF = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in (
        ("office", "office"),
        ("text", "text"),
        ("table", "table"),
        ("style", "style"),
        ("draw", "drawing"),
        ("presentation", "presentation"),
        ("svg", "svg-compatible"),
        ("meta", "meta"),
    )
)
_OTHERS = 'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:dc="http://purl.org/dc/elements/1.1/"'


def package(parts: Mapping[str, str | bytes]) -> bytes:
    """A zip file of these parts; `mimetype` stands first and unpacked, as OpenDocument wants it (1.3, part 2, 3.3)."""
    return zipped(parts, first="mimetype")


def relationships(**targets: str) -> str:
    """Relationships by type; what begins with `http` is outside. Each one's id is its type."""
    rows = "".join(
        f'<Relationship Id="{kind}" Type="{_RELATIONSHIPS}/{kind}" Target="{target}" '
        f'TargetMode="{"External" if target.startswith("http") else "Internal"}"/>'
        for kind, target in targets.items()
    )
    return f'<Relationships xmlns="{_PACKAGE_RELATIONSHIPS}">{rows}</Relationships>'


def word(body: str, **parts: str) -> bytes:
    """A Word document; `parts` are the insides of `styles`, `numbering`, `footnotes`, `endnotes`, and addresses of links."""
    links = {name: text for name, text in parts.items() if text.startswith("http")}
    inner = {name: text for name, text in parts.items() if name not in links}
    return package(
        {
            "_rels/.rels": relationships(officeDocument="word/document.xml"),
            "word/_rels/document.xml.rels": relationships(**{name: f"{name}.xml" for name in inner}, **links),
            "word/document.xml": f"<w:document {_WORD}><w:body>{body}</w:body></w:document>",
            **{f"word/{name}.xml": f"<w:{name} {_WORD}>{text}</w:{name}>" for name, text in inner.items()},
        }
    )


def paragraph(text: str, properties: str = "") -> str:
    """A paragraph of Word with one run."""
    return f'<w:p><w:pPr>{properties}</w:pPr><w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'


def open_document(kind: str, body: str, *, styles: str = "", common: str = "", meta: str = "") -> bytes:
    """An OpenDocument file; `kind` is `text`, `presentation` or `drawing`.

    `styles` are those of the content, `common` those of the document.
    """
    return package(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": f"<office:document-content {_ODF} {_OTHERS}><office:automatic-styles>{styles}</office:automatic-styles>"
            f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>",
            "styles.xml": f"<office:document-styles {_ODF}><office:styles>{common}</office:styles></office:document-styles>",
            "meta.xml": f"<office:document-meta {_ODF} {_OTHERS}><office:meta>{meta}</office:meta></office:document-meta>",
        }
    )


def flat_open_document(kind: str, body: str) -> bytes:
    """The same in one XML file."""
    return (
        f"<office:document {_ODF} {_OTHERS}><office:body><office:{kind}>{body}</office:{kind}></office:body></office:document>"
    ).encode()
