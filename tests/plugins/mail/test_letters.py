from __future__ import annotations

import io
from base64 import b64encode
from typing import Any

import olefile
import pytest
from compressed_rtf import compress  # type: ignore[import-untyped]  # it ships no types
from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector import ConfigError, Converted, DocumentError, Raw, Unreadable
from knowledge_connector_mail.eml import MailConverter
from knowledge_connector_mail.letter import _fewest_words, _most_words
from knowledge_connector_mail.mhtml import SavedPageConverter
from knowledge_connector_mail.msg import OutlookConverter, content_of
from samples.letters import (
    CODE_PAGE,
    CONTENT_ID,
    DATA,
    FILE_NAME,
    HIDDEN,
    HTML,
    MIME,
    PLAIN,
    RTF,
    SENDER_NAME,
    SENDER_SMTP,
    SUBJECT,
    SUBMITTED,
    TO,
    Values,
    enclosed_file,
    mail,
    outlook,
    outlook_tree,
    saved_page,
)
from samples.ole import write_ole

TABLE = "<table><tr><th>Card</th><th>Operation</th></tr><tr><td>1</td><td>multiply</td></tr></table>"


def read(content: bytes, **settings: Any) -> Converted:
    return MailConverter().convert(Raw(content, "message/rfc822"), settings)


def read_outlook(content: bytes, **settings: Any) -> Converted:
    return OutlookConverter().convert(Raw(content, "application/vnd.ms-outlook"), settings)


def named(converted: Converted) -> list[str]:
    return [attachment.name for attachment in converted.attachments]


# ------------------------------------------------------------------------------------------------------------------ EML


def test_headers_are_metadata_and_the_subject_is_the_title() -> None:
    converted = read(mail("The engine weaves patterns.", subject="Über die Maschine"))
    assert converted.title == "Über die Maschine"
    assert converted.markdown == "The engine weaves patterns."
    assert converted.metadata == {
        "from": "Ada Lovelace <ada@example.com>",
        "author": "Ada Lovelace <ada@example.com>",
        "to": "Charles Babbage <charles@example.com>, notes@example.com",
        "message_id": "<note-g@example.com>",
        "created": "2024-03-05T10:30:00+01:00",
    }


@pytest.mark.parametrize(
    ("text", "html", "body", "expected"),
    [
        ("Card Operation 1 multiply", TABLE, "auto", "| Card | Operation |"),
        ("Card Operation 1 multiply", TABLE, "plain", "Card Operation 1 multiply"),
        ("Much is said here, and in ten words or more.", "<p>Use another reader</p>", "auto", "Much is said"),
        ("Much is said here, and in ten words or more.", "<p>Use another reader</p>", "html", "Use another reader"),
        ("Your reader shows no HTML.", "<p>The whole story with all of its words.</p>", "auto", "The whole story"),
    ],
)
def test_of_two_versions_the_better_one_is_taken(text: str, html: str, body: str, expected: str) -> None:
    markdown = read(mail(text, html=html), body=body).markdown
    assert expected in markdown
    assert len(markdown.split("\n\n")) == 1


def test_a_body_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigError, match=r"'best'.*auto, plain, html"):
        read(mail("x"), body="best")


def test_what_is_enclosed_comes_along_with_name_and_type() -> None:
    files = [
        ("table.csv", b"a,b\n", "text/csv"),
        ("überblick.txt", b"t", "text/plain"),
        ("x.pdf", b"%PDF-", "application/octet-stream"),
    ]
    converted = read(mail("See below.", files=files))
    assert named(converted) == ["table.csv", "überblick.txt", "x.pdf"]
    assert [attachment.media_type for attachment in converted.attachments] == ["text/csv", None, None]
    assert converted.attachments[0].content == b"a,b\n"
    assert converted.metadata["attachments"] == "table.csv; überblick.txt; x.pdf"


def test_a_mail_within_a_mail_is_enclosed_whole() -> None:
    converted = read(mail("Forwarded.", mails=[mail("The first letter.", subject="First")]))
    [inner] = converted.attachments
    assert (inner.name, inner.media_type) == ("First", "message/rfc822")
    assert read(inner.content).markdown == "The first letter."


def test_pictures_within_the_text_and_signatures_are_passed_over() -> None:
    content = (
        b"Content-Type: multipart/mixed; boundary=b\n\n"
        b"--b\nContent-Type: multipart/related; boundary=r\n\n--r\nContent-Type: text/html\n\n<p>Shown <img src=cid:i></p>\n"
        b"--r\nContent-Type: image/png; name=i.png\nContent-ID: <i>\n\nx\n--r--\n"
        b"--b\nContent-Type: application/pkcs7-signature; name=smime.p7s\n\nx\n"
        b"--b\nContent-Type: image/png; name=photo.png\nContent-Disposition: attachment\nContent-ID: <p>\n\nx\n--b--\n"
    )
    converted = read(content)
    assert (converted.markdown, named(converted)) == ("Shown", ["photo.png"])


@pytest.mark.parametrize(
    ("content", "markdown"),
    [
        (b"Subject: x\n\nplain old text\n", "plain old text"),
        (b"Content-Type: text/plain; charset=iso-8859-1\n\nh\xe4h\n", "häh"),
        (b"Content-Type: text/plain; charset=unknown-8bit\n\nh\xc3\xa4h\n", "häh"),
        (b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\naGVsbG8=\n", "hello"),
        (b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\naGVsb!!!\n", "aGVsb!!!"),
        (
            b"Content-Type: text/plain; format=flowed\n\nOne line \nthat goes on.\n> quoted\n",
            "One line that goes on.\n> quoted",
        ),
        (b"Content-Type: text/plain\n\nAda\n-- \nAnalytical Engines\n", "Ada\n\n---\n\nAnalytical Engines"),
        (b"Content-Type: multipart/mixed\n\nno boundary at all\n", "no boundary at all"),
        (b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nnever closed\n", "never closed"),
        (b"Content-Type: nonsense\n\ntext\n", "text"),
        (b"", ""),
    ],
)
def test_texts_of_all_kinds_are_read(content: bytes, markdown: str) -> None:
    assert read(content).markdown == markdown


@pytest.mark.parametrize(
    ("header", "title"),
    [
        (b"=?utf-8?q?h=C3=A4h?=", "häh"),
        (b"=?utf-8?b?aMOkaA==?= =?utf-8?b?aMOk?=", "hähhä"),
        (b"=?no-such-charset?q?x?=", "=?no-such-charset?q?x?="),
        ("roh: häh".encode(), "roh: häh"),
        (b"two\n lines", "two lines"),
    ],
)
def test_subjects_are_read_however_they_are_written(header: bytes, title: str) -> None:
    assert read(b"Subject: " + header + b"\n\nx").title == title


def test_a_date_that_is_none_is_left_out() -> None:
    assert "created" not in read(b"Date: the day before yesterday\n\nx").metadata


def test_an_encrypted_mail_is_no_failure() -> None:
    with pytest.raises(Unreadable) as caught:
        read(b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\n\nMIIB\n")
    assert caught.value.code == "encrypted"


def test_a_part_that_is_no_text_is_named() -> None:
    noise = b64encode(bytes(range(256)) * 4)
    converted = read(b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + noise)
    assert converted.metadata["attachments_unread"] == "a part of the text (binary)"


def test_parts_nested_beyond_reason_are_an_error_of_the_document() -> None:
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(2000))
    with pytest.raises(DocumentError) as caught:
        read(deep + b"\ntext\n")
    assert caught.value.code == "too-deep"


# ------------------------------------------------------------------------------------------------------------------ MSG

SINCE_1601 = 133_541_046_000_000_000  # 2024-03-05 09:30 UTC


def test_a_mail_of_outlook_says_the_same() -> None:
    values: Values = {
        SUBJECT: "Note G",
        PLAIN: "The engine weaves patterns.\r\nAda",
        SENDER_NAME: "Ada Lovelace",
        SENDER_SMTP: "ada@example.com",
        TO: "Charles Babbage",
        SUBMITTED: SINCE_1601,
    }
    converted = read_outlook(outlook(values))
    assert converted.title == "Note G"
    assert converted.markdown == "The engine weaves patterns.\nAda"
    assert converted.metadata == {
        "from": "Ada Lovelace <ada@example.com>",
        "author": "Ada Lovelace <ada@example.com>",
        "to": "Charles Babbage",
        "created": "2024-03-05T09:30:00+00:00",
    }


def test_outlooks_page_keeps_its_table() -> None:
    values: Values = {PLAIN: "Card Operation 1 multiply", HTML: TABLE.encode()}
    assert "| Card | Operation |" in read_outlook(outlook(values)).markdown
    assert "|" not in read_outlook(outlook(values), body="plain").markdown


def test_texts_in_a_code_page_are_read() -> None:
    content = outlook({SUBJECT: "Дизайн", PLAIN: "Машина", CODE_PAGE: 1251}, narrow="cp1251")
    converted = read_outlook(content)
    assert (converted.title, converted.markdown) == ("Дизайн", "Машина")


def test_long_texts_lie_outside_the_small_stream_and_are_read_too() -> None:
    text = "A sentence of some length. " * 1000
    assert read_outlook(outlook({PLAIN: text})).markdown == text


def test_a_text_in_rtf_alone_goes_to_whoever_reads_rtf() -> None:
    rtf = rb"{\rtf1\ansi The engine weaves patterns.}"
    [attachment] = read_outlook(outlook({SUBJECT: "x", RTF: compress(rtf)})).attachments
    assert (attachment.name, attachment.content, attachment.media_type) == ("message.rtf", rtf, "application/rtf")


def test_outlooks_enclosures_come_along() -> None:
    inner = outlook_tree(
        {SUBJECT: "First", PLAIN: "The first letter."}, [enclosed_file({FILE_NAME: "b.txt", DATA: b"b"})]
    )
    enclosed = [
        enclosed_file({FILE_NAME: "a.csv", DATA: b"a,b\n"}),
        enclosed_file({FILE_NAME: "x"}, inner),
        enclosed_file({FILE_NAME: "i.png", DATA: b"i", MIME: "image/png", CONTENT_ID: "i"}),
        enclosed_file({FILE_NAME: "h.bin", DATA: b"h", HIDDEN: 1}),
    ]
    converted = read_outlook(outlook({PLAIN: "See below."}, enclosed))
    assert named(converted) == ["a.csv", "First", "b.txt"]
    assert b"The first letter." in converted.attachments[1].content


def test_mails_within_mails_end_somewhere() -> None:
    tree = outlook_tree({SUBJECT: "0", PLAIN: "the last"})
    for number in range(1, 8):
        tree = outlook_tree({SUBJECT: str(number), PLAIN: "x"}, [enclosed_file({FILE_NAME: "m"}, tree)])
    converted = read_outlook(outlook({PLAIN: "x"}, [enclosed_file({FILE_NAME: "m"}, tree)]))
    assert named(converted) == ["7", "6", "5"]
    assert converted.metadata["attachments_unread"] == "m (too-deep)"


@pytest.mark.parametrize("content", [b"", b"text", write_ole({"WordDocument": b"x"}), outlook({PLAIN: "x"})[:1000]])
def test_what_is_no_mail_of_outlook_says_so(content: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        read_outlook(content)
    assert caught.value.code == "malformed"


# ---------------------------------------------------------------------------------------------------------------- MHTML


def test_a_saved_page_is_read_as_it_was_on_the_web() -> None:
    content = saved_page("<h1>Größe</h1><p><a href='b.html'>next</a>", subject="Die Größe")
    converted = SavedPageConverter().convert(Raw(content, "multipart/related"), {})
    assert converted.title == "Die Größe"
    assert converted.markdown == "# Größe\n\n[next](https://example.com/a/b.html)"
    assert converted.metadata == {"saved_from": "https://example.com/a/page.html"}


def test_a_file_without_a_page_says_so() -> None:
    with pytest.raises(DocumentError, match="no page") as caught:
        SavedPageConverter().convert(Raw(mail("text"), "multipart/related"), {})
    assert caught.value.code == "malformed"


# ------------------------------------------------------------------------------------------------------- the quick ways


@given(
    st.text(st.sampled_from("ab –é中\t\n\r\v\f\x1c\x1f\x85\xa0\u1680\u2003\u2028\u205f\u3000\ud800") | st.characters())
)
def test_words_are_as_many_as_their_bounds_allow(text: str) -> None:
    assert _fewest_words(text) <= len(text.split()) <= _most_words(text)


@given(
    st.lists(st.integers(0, 9000).map(lambda size: bytes(range(1, 200)) * 50 + bytes(size)), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 127), st.integers(0, 60)), max_size=5),
)
def test_streams_are_what_the_library_reads_of_them(contents: list[bytes], links: list[tuple[int, int]]) -> None:
    """Also where the chains of their sectors lead elsewhere than on to the next."""
    whole = bytearray(write_ole({f"s{n}": content for n, content in enumerate(contents)}))
    table = 512 * (1 + int.from_bytes(whole[76:80], "little"))
    for row, sector in links:
        whole[table + 4 * row : table + 4 * row + 4] = sector.to_bytes(4, "little")
    with olefile.OleFileIO(io.BytesIO(whole)) as opened:
        storage: Any = opened
        for entry in storage.root.kids:
            assert content_of(storage, entry) == storage.openstream(entry.name).read()
