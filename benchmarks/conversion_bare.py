"""The libraries that one would take without us, used in the plainest way that gives text: what ours are measured against.

Of a format that has a library of its own, that one; else the parser. What we read past the library of a format, with a parser alone, is
besides measured against that: `PARSED`.

Where a format keeps what a document says of itself (who wrote it, when, to whom) in parts of its own, those are read too, for a converter
gives it. Nothing is done for structure: no headings, tables, lists or links, except where the library gives them unasked.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from email import message_from_bytes, policy
from functools import partial
from typing import Any


def _html(content: bytes) -> str:
    from mdka import html_to_markdown
    from selectolax.lexbor import LexborHTMLParser

    return html_to_markdown(LexborHTMLParser(content.decode()).html or "")


def _csv(content: bytes, delimiter: str = ";") -> str:
    rows = csv.reader(io.StringIO(content.decode(), newline=""), delimiter=delimiter)
    return "\n".join(" | ".join(row) for row in rows)


def _json(content: bytes) -> str:
    return str(json.loads(content))


def _json_lines(content: bytes) -> str:
    return "\n".join(str(json.loads(line)) for line in content.splitlines())


def _xml(content: bytes) -> str:
    from lxml import etree  # type: ignore[import-untyped]  # it ships no types

    return "\n".join(map(str, etree.fromstring(content).itertext()))


def _docx(content: bytes) -> str:
    import docx

    document = docx.Document(io.BytesIO(content))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


def _pptx(content: bytes) -> str:
    import pptx

    shapes = (shape for slide in pptx.Presentation(io.BytesIO(content)).slides for shape in slide.shapes)
    return "\n".join(shape.text_frame.text for shape in shapes if shape.has_text_frame)


def _properties(content: bytes) -> str:
    """What office files in zip packages keep beside their text."""
    if not content.startswith(b"PK"):
        return ""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        there = [name for name in ("meta.xml", "docProps/core.xml") if name in package.NameToInfo]
        return "\n".join(_xml(package.read(name)) for name in there)


def _sheet(content: bytes) -> str:
    import python_calamine

    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    rows = (str(row) for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python())
    return "\n".join([_properties(content), *rows])


def _odf(content: bytes) -> str:
    import odfdo

    document = odfdo.Document(io.BytesIO(content))
    said = map(str, (document.meta.title, document.meta.creator))
    headings = (heading.inner_text for heading in document.body.get_headers())
    return "\n".join([*said, *headings, *(paragraph.inner_text for paragraph in document.body.get_paragraphs())])


_TEXTS = re.compile(r"content\.xml|meta\.xml|docProps/core\.xml|word/document\.xml|ppt/slides/slide\d+\.xml")


def _parsed(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return "\n".join(_xml(package.read(name)) for name in package.namelist() if _TEXTS.fullmatch(name))


def _rich_text(content: bytes) -> str:
    from striprtf.striprtf import rtf_to_text

    text = rtf_to_text(content.decode("cp1252", "replace"), errors="replace")  # type: ignore[no-untyped-call]  # it has no types
    return str(text)


def _pdf(content: bytes) -> str:
    import pypdfium2  # type: ignore[import-untyped]  # it ships no types

    with pypdfium2.PdfDocument(content) as document:
        said = document.get_metadata_dict().values()
        return "\n".join([*said, *(page.get_textpage().get_text_bounded() for page in document)])


def _epub(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        readers = {"opf": _xml, "xhtml": _html}
        parts = [(readers.get(name.rpartition(".")[2]), name) for name in package.namelist()]
        return "\n".join(read(package.read(name)) for read, name in parts if read)


def _notebook(content: bytes) -> str:
    notebook: Any = json.loads(content)
    return "\n".join("".join(cell["source"]) for cell in notebook["cells"])


def _mail(content: bytes) -> str:
    body = message_from_bytes(content, policy=policy.default).get_body(("html", "plain"))
    return _html(body.get_content().encode()) if body else ""


def _outlook(content: bytes) -> str:
    import olefile

    with olefile.OleFileIO(io.BytesIO(content)) as storage:
        streams = {path[-1]: storage.openstream(path).read() for path in storage.listdir()}
    return _html(streams["__substg1.0_10130102"])


BARE: Mapping[str, tuple[str, Callable[[bytes], str]]] = {
    "html": ("selectolax, mdka", _html),
    "xhtml": ("selectolax, mdka", _html),
    "mhtml": ("email, selectolax, mdka", _mail),
    "csv": ("csv", _csv),
    "tsv": ("csv", partial(_csv, delimiter="\t")),
    "json": ("json", _json),
    "jsonl": ("json", _json_lines),
    "xml": ("lxml", _xml),
    "docx": ("python-docx", _docx),
    "pptx": ("python-pptx", _pptx),
    "xlsx": ("python-calamine", _sheet),
    "xls": ("python-calamine", _sheet),
    "ods": ("python-calamine", _sheet),
    "odt": ("odfdo", _odf),
    "odp": ("odfdo", _odf),
    "rtf": ("striprtf", _rich_text),
    "pdf": ("pypdfium2", _pdf),
    "epub": ("zipfile, selectolax, mdka", _epub),
    "ipynb": ("json", _notebook),
    "eml": ("email, selectolax, mdka", _mail),
    "msg": ("olefile, selectolax, mdka", _outlook),
}
"""By the ending of the file: what the library is called, and what it does."""

PARSED: Mapping[str, Callable[[bytes], str]] = dict.fromkeys(("docx", "pptx", "odt", "odp"), _parsed)
"""By the ending of the file: no more than to unpack its parts, parse them and string their text together, without any meaning."""
