"""Files that are broken or mean harm: each ends with a reason, at once."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping

import pytest

from knowledge_connector import Converter, DocumentError, Raw, Unreadable
from knowledge_connector_office import (
    DocxConverter,
    EncryptedConverter,
    OdfConverter,
    PptxConverter,
    SheetConverter,
)
from plugins.office.makers import docx_file, pptx_file, xlsx_file
from plugins.office.packages import flat_open_document, open_document, package, paragraph, relationships, word

MEGABYTE = 1024 * 1024
PACKED: Mapping[type[Converter], bytes] = {
    DocxConverter: docx_file(lambda document: document.add_paragraph("Because")),
    PptxConverter: pptx_file(lambda presentation: presentation.slides.add_slide(presentation.slide_layouts[6])),
    SheetConverter: xlsx_file(lambda workbook: workbook.add_worksheet().write_row(0, 0, ["a", "b"])),
    OdfConverter: open_document("text", "<text:p>Because</text:p>"),
}
KINDS = pytest.mark.parametrize("kind", PACKED, ids=lambda kind: kind.name)


def outcome(kind: type[Converter], content: bytes) -> str:
    """The code that it is refused with."""
    with pytest.raises(DocumentError) as caught:
        kind().convert(Raw(content, min(kind.media_types)), {})
    return caught.value.code


def repacked(content: bytes, changes: Mapping[str, bytes]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return package({name: file.read(name) for name in file.namelist()} | dict(changes))


@KINDS
def test_a_file_that_is_cut_off(kind: type[Converter]) -> None:
    content = PACKED[kind]
    for end in range(4, len(content), len(content) // 12):
        assert outcome(kind, content[:end]) == "malformed"


@KINDS
def test_a_zip_of_something_else(kind: type[Converter]) -> None:
    assert outcome(kind, package({"readme.txt": "hello"})) == "malformed"


@KINDS
@pytest.mark.parametrize(
    "content", [b"", b"hello", b"<html>", b"%PDF-1.7", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]
)
def test_something_else_altogether(kind: type[Converter], content: bytes) -> None:
    assert outcome(kind, content) == "malformed"


@KINDS
def test_a_package_that_unpacks_too_far(kind: type[Converter]) -> None:
    assert outcome(kind, repacked(PACKED[kind], {"bomb.xml": bytes(64 * MEGABYTE)})) == "bomb"


def test_a_large_package_that_is_just_well_packed_is_read() -> None:
    content = word(paragraph("so " * MEGABYTE))
    assert len(DocxConverter().convert(Raw(content, ""), {}).markdown) > 3 * MEGABYTE - 10


@KINDS
def test_a_package_with_a_password(kind: type[Converter]) -> None:
    content = bytearray(PACKED[kind])
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(signature)
        while at >= 0:
            content[at + offset] |= 1
            at = content.find(signature, at + 4)
    assert outcome(kind, bytes(content)) == "encrypted"


def test_an_encrypted_container() -> None:
    with pytest.raises(Unreadable) as caught:
        EncryptedConverter().convert(Raw(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-encrypted"), {})
    assert caught.value.code == "encrypted"


ENTITIES = {
    "billion laughs": '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    "a file of this machine": '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]>',
    "another machine": '<!DOCTYPE a [<!ENTITY b SYSTEM "http://192.0.2.1/">]>',
    "parameters": '<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]>',
}


@pytest.mark.parametrize("kind", [DocxConverter, OdfConverter], ids=lambda kind: kind.name)
@pytest.mark.parametrize("name", ENTITIES)
def test_entities_are_refused(kind: type[Converter], name: str) -> None:
    if kind is DocxConverter:
        changed = word(paragraph("Because"))
        with zipfile.ZipFile(io.BytesIO(changed)) as file:
            part = file.read("word/document.xml").decode().replace("Because", "&b;")
        content = repacked(changed, {"word/document.xml": (ENTITIES[name] + part).encode()})
    else:
        content = (ENTITIES[name] + flat_open_document("text", "<text:p>&b;</text:p>").decode()).encode()
    assert outcome(kind, content) == "malformed"


@KINDS
def test_xml_that_is_damaged_in_the_middle(kind: type[Converter]) -> None:
    with zipfile.ZipFile(io.BytesIO(PACKED[kind])) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    main = next(
        name
        for name in ("word/document.xml", "ppt/presentation.xml", "xl/workbook.xml", "content.xml")
        if name in parts
    )
    assert outcome(kind, package(parts | {main: parts[main][: len(parts[main]) // 2]})) == "malformed"


@KINDS
def test_a_part_whose_bytes_are_damaged(kind: type[Converter]) -> None:
    content = bytearray(PACKED[kind])
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        names = ("word/document.xml", "ppt/presentation.xml", "xl/workbook.xml", "content.xml")
        entry = next(entry for entry in file.infolist() if entry.filename in names)
    name_length, extra_length = struct.unpack_from("<HH", content, entry.header_offset + 26)
    start = entry.header_offset + 30 + name_length + extra_length
    content[start : start + 20] = bytes(20)
    assert outcome(kind, bytes(content)) == "malformed"


def test_relationships_that_lead_nowhere_or_in_circles() -> None:
    assert (
        outcome(DocxConverter, package({"_rels/.rels": relationships(officeDocument="../../etc/passwd")}))
        == "malformed"
    )
    assert outcome(DocxConverter, package({"_rels/.rels": relationships(officeDocument="_rels/.rels")})) == "malformed"
    assert (
        outcome(DocxConverter, package({"_rels/.rels": relationships(officeDocument="http://192.0.2.1/")}))
        == "malformed"
    )


def test_a_link_to_a_script_is_no_link() -> None:
    body = '<w:p><w:hyperlink r:id="x"><w:r><w:t>click</w:t></w:r></w:hyperlink></w:p>'
    content = word(body, x="http://placeholder.example/")
    script = repacked(
        content,
        {
            "word/_rels/document.xml.rels": relationships(x="http://p/")
            .replace("http://p/", "JavaScript:alert(1)")
            .encode()
        },
    )
    assert DocxConverter().convert(Raw(script, ""), {}).markdown == "click\n"


def test_absurd_spans_and_repetitions_are_bounded() -> None:
    cell = f'<w:tc><w:tcPr><w:gridSpan w:val="99999999"/></w:tcPr>{paragraph("x")}</w:tc>'
    table = f"<w:tbl><w:tr>{cell}{cell}</w:tr></w:tbl>"
    assert len(DocxConverter().convert(Raw(word(table), ""), {}).markdown) < 2_000
    row = '<table:table-cell table:number-columns-repeated="99999999"><text:p>x<text:s text:c="99999999"/></text:p></table:table-cell>'
    body = f"<table:table><table:table-row>{row}{row}</table:table-row></table:table>"
    assert len(OdfConverter().convert(Raw(open_document("text", body), ""), {}).markdown) < 2_000


@pytest.mark.parametrize("pieces", [1_000, 100_000], ids=["few", "many"])
def test_a_paragraph_in_very_many_pieces(pieces: int) -> None:
    link = '<text:a xlink:href="#top">c</text:a>'
    body = f"<text:p>{'<text:span>a</text:span>b' * pieces}{link}</text:p>"
    assert OdfConverter().convert(Raw(open_document("text", body), ""), {}).markdown == "ab" * pieces + "c\n"
