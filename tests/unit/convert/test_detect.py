import pytest

from knowledge_connector.convert.detect import HEAD_BYTES, UNKNOWN, detect
from knowledge_connector.convert.pipeline import ConverterSet
from knowledge_connector.convert.plugin import register_converters

EXTENSIONS = ConverterSet.of(register_converters()).extensions
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ZIP = b"PK\x03\x04" + bytes(26)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)


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
        (ZIP + b"[Content_Types].xml ... word/document.xml", "x.zip", DOCX),
        (ZIP + b"[Content_Types].xml", "x.docx", DOCX),
        (ZIP + b"mimetypeapplication/epub+zipPK\x03\x04", "x", "application/epub+zip"),
        (ZIP + b"a.txt", "x.txt", "application/zip"),
        (OLE, "x.doc", "application/msword"),
        (OLE, "x.txt", "application/x-ole-storage"),
        (OLE + "Workbook".encode("utf-16-le"), "x.doc", "application/vnd.ms-excel"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "x.docx", "application/x-ole-encrypted"),
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


def test_a_bomb_of_comments_is_judged_at_once() -> None:
    assert detect(b"<!-- " * (HEAD_BYTES // 5), "x.html", EXTENSIONS) == "text/html"
