import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector.convert.containers import _names_by_library, _top_names
from knowledge_connector.convert.detect import HEAD_BYTES, UNKNOWN, detect
from knowledge_connector.convert.pipeline import ConverterSet
from knowledge_connector.convert.plugin import register_converters
from samples.ole import write_ole
from samples.packages import zipped

EXTENSIONS = ConverterSet.of(register_converters()).extensions
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSB = "application/vnd.ms-excel.sheet.binary.macroenabled.12"
ODT = "application/vnd.oasis.opendocument.text"
BROKEN_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)
STORED_FIRST = b"PK\x03\x04" + bytes(26)


def office(*names: str) -> bytes:
    """A package with these parts, and padding that puts the telling ones far from both ends."""
    return zipped(
        {
            "[Content_Types].xml": b"<Types/>",
            **{f"media/{n}": bytes(99) for n in range(200)},
            **dict.fromkeys(names, b"x"),
        }
    )


MAILED = b"Received: by x\r\n\tfor y\r\nFrom: a@example.com\r\nSubject: x\r\nDate: today\r\n"


@pytest.mark.parametrize(
    ("head", "name", "media_type"),
    [
        (b"# Title", "a/b.md", "text/markdown"),
        (b"<p align=center><img src=logo.png>", "README.md", "text/markdown"),
        (b"Title\n=====", "x.RST", "text/x-rst"),
        (b"plain", "README", "text/plain"),
        (b"plain", None, "text/plain"),
        (b"", "empty.txt", "text/plain"),
        (b"#!/bin/sh", "run.sh", "text/plain"),
        ("häh".encode("cp1252"), "x.txt", "text/plain"),
        ("wide".encode("utf-16"), "x.txt", "text/plain"),
        ("wide enough".encode("utf-16-le"), "x.txt", "text/plain"),
        (b"a;b\n1;2", "x.csv", "text/csv"),
        (b"a\tb\n1\t2", "x.xls", "text/tab-separated-values"),
        (b"a,b\n1,2", "x.xls", "text/csv"),
        (b'{"a": 1}', None, "application/json"),
        (b'{"a": 1}', "x.jsonl", "application/jsonl"),
        (b"---\ntitle: x\n---\n", None, "text/markdown"),
        (b"\n<!-- made by hand --><!DOCTYPE HTML>", "x.txt", "text/html"),
        (b"\xef\xbb\xbf<html>", "letter.doc", "text/html"),
        (b"<table><tr>", "report.xls", "text/html"),
        (b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">', "x.html", "application/xhtml+xml"),
        (b'<?xml version="1.0"?><book>', None, "application/xml"),
        (b'<?xml version="1.0"?>\n<svg width="1">', "x.xml", "image/svg+xml"),
        (b"{\\rtf1", "letter.doc", "application/rtf"),
        (b"junk\n%PDF-1.7", "x.html", "application/pdf"),
        (office("word/document.xml"), "x.zip", DOCX),
        (office("word/document.xml")[:3000], "x.docx", DOCX),
        (office("word/document.xml")[:60], "x.docm", DOCX),
        (office("xl/workbook.xml"), "x.docx", DOCX.replace("wordprocessingml.document", "spreadsheetml.sheet")),
        (office("xl/workbook.bin"), "x.xls", XLSB),
        (
            office("ppt/presentation.xml"),
            None,
            DOCX.replace("wordprocessingml.document", "presentationml.presentation"),
        ),
        (zipped({"a.txt": b"a", "mimetype": ODT}), "x.zip", ODT),
        (zipped({"mimetype": ODT}, first="mimetype")[:80], "x", ODT),
        (zipped({"mimetype": ODT}), "packed though it should not be", ODT),
        (STORED_FIRST + b"mimetypeapplication/epub+zipPK\x03\x04", "x", "application/epub+zip"),
        (zipped({"META-INF/container.xml": b"", "a.opf": b""}), "x.zip", "application/epub+zip"),
        (zipped({"META-INF/MANIFEST.MF": b"", "A.class": b""}), "x.zip", "application/java-archive"),
        (zipped({"a.txt": b"a"}), "x.docx", "application/zip"),
        (zipped({}), "x", "application/zip"),
        (BROKEN_OLE, "x.doc", "application/msword"),
        (BROKEN_OLE, "x.txt", "application/x-ole-storage"),
        (BROKEN_OLE + "Workbook".encode("utf-16-le"), "x.doc", "application/vnd.ms-excel"),
        (write_ole({"EncryptedPackage": b"x"}), "x.docx", "application/x-ole-encrypted"),
        (
            write_ole({"WordDocument": bytes(9000), **{f"s{n}": bytes(99) for n in range(40)}}),
            "x.xls",
            "application/msword",
        ),
        (write_ole({"Book": b"x"}), None, "application/vnd.ms-excel"),
        (write_ole({"PowerPoint Document": b"x"}), None, "application/vnd.ms-powerpoint"),
        (write_ole({"__properties_version1.0": b"x"}), "x.doc", "application/vnd.ms-outlook"),
        (write_ole({"Storage": {"WordDocument": b"x"}}), "x", "application/x-ole-storage"),
        (MAILED + b"\r\ntext", None, "message/rfc822"),
        (MAILED + b"\r\ntext", "x.doc", "message/rfc822"),
        (MAILED + b"\r\ntext", "x.txt", "text/plain"),
        (MAILED + b"Content-Type: multipart/related; boundary=b\r\n\r\n", "x", "multipart/related"),
        (b"From: me\nTo: you\n\na note", None, "text/plain"),
        (b"WEBVTT\n\n00:01.000 --> 00:02.000\nx", "x.txt", "text/vtt"),
        (b"1\r\n00:00:01,000 --> 00:00:02,000\r\nx", None, "application/x-subrip"),
        (b'{"cells": [], "nbformat": 4}', None, "application/x-ipynb+json"),
        (b'{"cells": []}', "x.ipynb", "application/x-ipynb+json"),
        (b"`version: 1`\n\nx", "x.ctxt", "text/x-cognigy-ctxt"),
        (b'<?xml version="1.0"?><office:document office:mimetype="' + ODT.encode() + b'">', None, ODT + "-flat-xml"),
        (b"BM" + (60).to_bytes(4, "little") + bytes(54), "x", "image/bmp"),
        (b"BMW is a make of cars", "x.txt", "text/plain"),
        (b"II+\x00\x08\x00", "x", "image/tiff"),
        (b"\x00\x00\x00\x18ftypheic", "x", "image/heic"),
        (b"PAR1\x15\x04", "x.csv", "application/vnd.apache.parquet"),
        (b"\x89PNG\r\n\x1a\n", "x.md", "image/png"),
        (b"RIFF\x00\x00\x00\x00WAVE", "x", "audio/wav"),
        (b"\x00\x00\x00\x18ftypmp42", "x", "video/mp4"),
        (b"\x1f\x8b\x08", "x.txt", "application/gzip"),
        (b"\x7fELF\x02", "x", "application/x-elf"),
        (bytes(257) + b"ustar", "x", "application/x-tar"),
        (bytes(range(256)) * 4, "x.txt", UNKNOWN),
        (bytes(1000), "x.md", UNKNOWN),
        (b"Subject: x\n\n", "x.eml", "message/rfc822"),
        (b"text", ".md", "text/plain"),
        (b"text", "folder.md/file", "text/plain"),
    ],
)
def test_content_decides_and_the_name_breaks_ties(head: bytes, name: str | None, media_type: str) -> None:
    assert detect(head, name, EXTENSIONS) == media_type


@pytest.mark.parametrize(
    ("content", "declared", "media_type"),
    [
        (b"<html><body>a line of Markdown", "text/markdown", "text/markdown"),
        (b"%PDF-1.7", "text/markdown", "application/pdf"),
        (b"<!doctype html><p>an error page", "application/pdf", "text/html"),
        (b"{\\rtf1", "application/msword", "application/rtf"),
        (b"a note", "message/rfc822", "message/rfc822"),
        (b"\x00\x01\x02 who knows", "application/x-foo", "application/x-foo"),
        (office("xl/workbook.xml")[:60], DOCX, DOCX),
    ],
)
def test_what_the_carrier_says_is_believed_of_text_and_of_what_does_not_tell(
    content: bytes, declared: str, media_type: str
) -> None:
    assert detect(content, "x.html", EXTENSIONS, declared) == media_type


def test_a_bomb_of_comments_is_judged_at_once() -> None:
    assert detect(b"<!-- " * (HEAD_BYTES // 5), "x.html", EXTENSIONS) == "text/html"


NAMES = st.text(st.characters(codec="utf-16-le", exclude_characters="\0"), min_size=1, max_size=12).filter(
    lambda name: len(name.encode("utf-16-le")) <= 62
)
STREAMS = st.dictionaries(NAMES, st.binary(max_size=99) | st.just(bytes(9000)), max_size=9)


@given(st.dictionaries(NAMES, st.binary(max_size=99) | st.just(bytes(9000)) | STREAMS, min_size=1, max_size=20))
def test_the_quick_look_into_ole_finds_what_the_library_finds(tree: dict[str, bytes | dict[str, bytes]]) -> None:
    content = write_ole(tree)
    assert _top_names(content) == _names_by_library(content) == set(tree)


LETTER = write_ole({"WordDocument": bytes(9000), "Data": {"Book": b"x"}, **{f"s{n}": bytes(99) for n in range(9)}})


@given(st.lists(st.tuples(st.integers(8, len(LETTER) - 1), st.integers(0, 255)), max_size=9), st.integers(0, 9000))
def test_of_damaged_ole_the_quick_look_says_what_the_library_says_or_nothing(
    changes: list[tuple[int, int]], cut: int
) -> None:
    damaged = bytearray(LETTER)
    for place, value in changes:
        damaged[place] = value
    content = bytes(damaged[: len(damaged) - cut])
    try:
        quick = _top_names(content)
    except (ValueError, struct.error):
        return
    assert quick == (_names_by_library(content) or quick)
