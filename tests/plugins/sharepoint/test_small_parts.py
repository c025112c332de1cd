"""What can be told from a few bytes, a name or an answer alone."""

from __future__ import annotations

from typing import Any

import pytest

from knowledge_connector import ConfigError, DocumentError, Unreadable
from knowledge_connector_sharepoint.content import check_head
from knowledge_connector_sharepoint.graph import REPEATED_PAGES, BrokenListing, PageGuard, codes_of
from knowledge_connector_sharepoint.lists import fields_to_markdown
from knowledge_connector_sharepoint.media import ending_of, media_type_of
from knowledge_connector_sharepoint.parts import Part

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)
SIGN_IN = b"\xef\xbb\xbf \n<!DOCTYPE html><html><body>Sign in"


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("plan.docx", b"PK\x03\x04..."),
        ("old.doc", OLE),
        ("old.xls", OLE),
        ("a.pdf", b"%PDF-1.7"),
        ("junk first.pdf", b"\r\n\r\n%PDF-1.4"),
        ("a.png", b"\x89PNG\r\n"),
        ("a.txt", b"plain"),
        ("a.txt", b""),
        ("a.html", SIGN_IN),
        ("notes.md", b"<html> can be said in Markdown"),
        ("no ending", b"anything"),
    ],
)
def test_heads_that_fit_their_names(name: str, head: bytes) -> None:
    check_head(head, name, "d/1")


@pytest.mark.parametrize("name", ["plan.docx", "sheet.xlsx", "slides.PPTX"])
def test_office_files_in_an_ole_container_are_encrypted(name: str) -> None:
    with pytest.raises(Unreadable) as caught:
        check_head(OLE, name, "d/1")
    assert caught.value.code == "encrypted"


def test_a_pdf_with_managed_rights_is_encrypted() -> None:
    with pytest.raises(Unreadable, match="sensitivity label"):
        check_head(b"%PDF-1.7 ... /MicrosoftIRMServices", "a.pdf", "d/1")


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("plan.docx", SIGN_IN),
        ("plan.docx", b"The file could not be read"),
        ("a.pdf", b"not a pdf"),
        ("a.png", b"PK\x03\x04"),
        ("a.txt", SIGN_IN),
        ("a.csv", b"<HTML><head>"),
        ("a.json", SIGN_IN),
    ],
)
def test_something_else_in_their_place_is_a_failure(name: str, head: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        check_head(head, name, "d/1")
    assert caught.value.code == "other-content"
    assert caught.value.document_id == "d/1"
    assert not isinstance(caught.value, Unreadable)


@pytest.mark.parametrize(
    ("name", "listed", "expected"),
    [
        ("a.md", "application/octet-stream", "text/markdown"),
        ("a.MD", None, "text/markdown"),
        ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", None),
        ("a.pdf", "Application/PDF; charset=binary", "application/pdf"),
        ("a", "application/octet-stream", None),
        ("a", None, None),
    ],
)
def test_media_types(name: str, listed: str | None, expected: str | None) -> None:
    assert media_type_of(name, listed) == (expected or (listed if listed and "office" in listed else None))


@pytest.mark.parametrize(("name", "ending"), [("a.B.Txt", "txt"), ("a", ""), (".lock", ""), ("a.", "")])
def test_endings(name: str, ending: str) -> None:
    assert ending_of(name) == ending


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ({"error": {"code": "itemNotFound"}}, ("itemNotFound",)),
        ({"error": {"code": "a", "innerError": {"code": "b", "innererror": {"code": "c"}}}}, ("a", "b", "c")),
        ({"error": {"code": "same", "innerError": {"code": "same"}}}, ("same",)),
        ({"error": {"message": "no code", "innererror": {"code": "x"}}}, ("x",)),
        ({"error": "text"}, ()),
        ({"error": {"code": "with a sentence in it"}}, ()),
        ([], ()),
        (None, ()),
    ],
)
def test_error_codes_are_found_at_any_depth(body: Any, codes: tuple[str, ...]) -> None:
    assert codes_of(body) == codes


def page(*ids: str) -> dict[str, Any]:
    return {"value": [{"id": id_, "eTag": "1"} for id_ in ids]}


def test_a_link_that_was_followed_before_ends_a_listing() -> None:
    guard = PageGuard("library")
    guard.see("one", page("a"))
    guard.see("two", page("b"))
    with pytest.raises(BrokenListing, match="library: its pages repeat"):
        guard.see("one", page("c"))


def test_pages_that_were_there_before_end_a_listing_after_a_while() -> None:
    guard = PageGuard("library")
    for number in range(REPEATED_PAGES):
        guard.see(f"link {number}", page("a", "b"))
    with pytest.raises(BrokenListing):
        guard.see("one more", page("a", "b"))


def test_many_different_pages_and_some_empty_ones_do_not() -> None:
    guard = PageGuard("library")
    for number in range(1000):
        guard.see(f"link {number}", page(*([str(number)] if number % 3 else [])))


def test_parts_are_found_again_by_their_keys() -> None:
    part = Part("drive", "host,1-a,2-b", "b!x_Y-z", frozenset({"01B", "01A"}))
    assert Part.of(part.key) == part
    assert part.key == "drive|host,1-a,2-b|b!x_Y-z|01A|01B"
    assert Part.of(Part("pages", "s", name="for people").key) == Part("pages", "s")


@pytest.mark.parametrize("key", ["", "drive", "drive|x", "folder|a|b"])
def test_other_keys_are_refused(key: str) -> None:
    with pytest.raises(ConfigError, match="is no partition"):
        Part.of(key)


def test_columns_of_a_list_become_paragraphs() -> None:
    fields = {
        "@odata.etag": "1",
        "id": "7",
        "Title": "How do I get a badge?",
        "Answer": "<div class='x'><p>Ask <b>Ann</b>.</p></div>",
        "Valid_x0020_until": "2027-01-01",
        "Done": True,
        "Tags": ["a", "b"],
        "Link": {"Description": "the form", "Url": "https://x.example/"},
        "Link@odata.type": "#x",
        "Empty": "",
        "_hidden": 1,
        "Count": 0,
        "Long": "one\ntwo",
    }
    assert fields_to_markdown(fields) == "\n\n".join(
        [
            "**Answer:** Ask **Ann**.",
            "**Valid until:** 2027-01-01",
            "**Done:** yes",
            "**Tags:** a, b",
            "**Link:** the form",
            "**Count:** 0",
            "**Long**\n\none\ntwo",
        ]
    )
