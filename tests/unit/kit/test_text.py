import codecs
import encodings.aliases

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector import Unreadable
from knowledge_connector.kit.text import Decoded, clean, decode

GERMAN = "Grüße aus Köln: Straße, Öl und Äpfel. " * 5
JAPANESE = "これは日本語の文章です。文字コードを推測できるだけの長さがあります。" * 5
RUSSIAN = "Съешь же ещё этих мягких французских булок, да выпей чаю. " * 5


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_a_byte_order_mark_outranks_what_is_declared(mark: bytes, encoding: str) -> None:
    assert decode(mark + GERMAN.encode(encoding), declared="latin-1") == Decoded(GERMAN, encoding)


@pytest.mark.parametrize(
    ("text", "encoding", "declared"),
    [
        (GERMAN, "utf-8", None),
        (GERMAN, "cp1252", "iso-8859-1"),
        (JAPANESE, "shift_jis", "Shift_JIS"),
        (JAPANESE, "euc_jp", "'EUC-JP'"),
        (RUSSIAN, "koi8-r", "koi8-r"),
        (GERMAN, "utf-8", "no-such-charset"),
        (GERMAN, "utf-8", "base64"),
        (GERMAN, "utf-8", "\x00"),
        (GERMAN, "utf-8", "utf-16"),
        (GERMAN, "utf-8", "utf-7"),
        (JAPANESE, "shift_jis", None),
        (RUSSIAN, "cp1251", None),
        (GERMAN, "cp1252", None),
        ("schöne", "cp1252", None),
        ("plain enough", "utf-16-le", None),
        ("plain enough", "utf-16-be", None),
    ],
)
def test_text_is_read_whatever_it_was_written_with(text: str, encoding: str, declared: str | None) -> None:
    assert decode(text.encode(encoding), declared).text == text


def test_windows_is_meant_where_latin_1_is_said() -> None:
    assert decode(b"\x93quoted\x94 \x80", "iso-8859-1").text == "“quoted” €"


def test_a_wrong_declaration_gives_way_to_valid_utf_8() -> None:
    assert decode(GERMAN.encode(), "ascii-us-unknown").text == GERMAN
    assert decode("日本".encode(), "shift_jis_2004x").text == "日本"


def test_control_characters_go_and_line_ends_are_made_equal() -> None:
    assert decode(b"a\x00b\x07c\td\r\ne\rf\ng\x7f").text == "abc\td\ne\nf\ng"
    assert decode("a\x85b\x9fc é".encode()).text == "a\nbc é"
    assert clean("a\r\nb\rc\x00\x1b d\x85\x9fe\t") == "a\nb\nc d\ne\t"


def test_what_could_not_be_read_is_counted() -> None:
    decoded = decode(b"\xef\xbb\xbf" + b"mostly fine text, " * 5 + b"\xff\xfe")
    assert decoded.replaced == 2
    assert decoded.text.endswith("\ufffd\ufffd")


@pytest.mark.parametrize("content", [bytes(range(256)) * 8, b"\xef\xbb\xbf" + b"\xff" * 10 + b"a" * 10])
def test_binary_is_refused(content: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        decode(content)
    assert caught.value.code == "binary"


def test_nothing_is_text_too() -> None:
    assert decode(b"").text == ""


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_utf_8_survives_unchanged(text: str) -> None:
    assert decode(text.encode()).text == text.removeprefix("\ufeff")


@given(st.binary(max_size=300), st.sampled_from(sorted(set(encodings.aliases.aliases.values()))) | st.text(max_size=8))
def test_no_bytes_and_no_declaration_break_it(content: bytes, declared: str) -> None:
    try:
        text = decode(content, declared).text
    except Unreadable:
        return
    text.encode()
    assert clean(text) == text
