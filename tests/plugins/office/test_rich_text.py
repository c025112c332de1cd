from __future__ import annotations

import pytest

from knowledge_connector import Converted, DocumentError, Raw
from knowledge_connector_office import RtfConverter


def convert(body: str, encoding: str = "cp1252") -> Converted:
    return RtfConverter().convert(Raw(rf"{{\rtf1\ansi\ansicpg1252 {body}}}".encode(encoding), ""), {})


def markdown(body: str) -> str:
    return convert(body).markdown


def test_headings_by_style_and_by_outline_level() -> None:
    styles = r"{\stylesheet{\s0 Normal;}{\s3\sb240 heading 2;}{\s4\outlinelevel3 Clause;}{\*\cs10 Default;}}"
    body = (
        styles + r"\pard\s3 Why {\b now}?\par\pard\s4 Then\par\pard\s0 Because.\par\pard\outlinelevel0 Top\par\pard End"
    )
    assert markdown(body) == "## Why now?\n\n#### Then\n\nBecause.\n\n# Top\n\nEnd\n"


def test_characters_in_every_way_of_writing_them() -> None:
    fonts = r"{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Arial Cyr;}{\f2\fcharset128 MS Gothic;}}"
    body = (
        fonts
        + r"\f0 caf\'e9 \u8364? \u-10179?\u-8704? {\f1\'cf\'f0\'e8} {\f2\'93\'fa} \{x\}\~\\ a\_b\emdash c\line d\u233\'e9"
    )
    assert markdown(body) == "café € 😀 При 日 {x}\xa0\\ a-b—c\ndé\n"


def test_lists_with_their_marks() -> None:
    item = r"{{\listtext\pard\plain {0}\tab}}\pard\ls1\ilvl{1} {2}\par "
    body = (
        item.format(r"\'b7", 0, "a")
        + item.format(r"\'b7", 1, "b")
        + item.format("1.", 0, "c")
        + item.format("2.", 0, "d")
    )
    assert markdown(body + r"\pard End\par") == "- a\n    - b\n1. c\n2. d\n\nEnd\n"


def test_tables() -> None:
    row = r"\trowd\cellx100\cellx200\pard\intbl {0}\cell {1}\cell\row "
    assert markdown("Before" + r"\par " + row.format("a", r"b|c\par d") + row.format("e", "") + r"\pard After\par") == (
        "Before\n\n| a | b\\|c<br>d |\n| --- | --- |\n| e |  |\n\nAfter\n"
    )


def test_links_notes_and_contents() -> None:
    field = r"{{\field{{\*\fldinst {{ {0} }}}}{{\fldrslt {{\ul {1}}}}}}}"
    body = (
        field.format('HYPERLINK "https://a.example/"', "there")
        + r"{\super\chftn}{\footnote\pard\plain {\chftn} Says who?}. "
    )
    body += field.format("PAGE", "12") + field.format(r"TOC \\o", "Intro 3")
    assert markdown(body) == "[there](https://a.example/)[^1]. 12\n\n[^1]: Says who?\n"


def test_what_is_not_the_document_is_left_out() -> None:
    body = (
        r"{\header Confidential}{\*\generator Some;}{\pict\wmetafile8 0102}{\v unseen}{\deleted gone}{\*\annotation Really?}"
        r"Seen{\bin5 }}}}}{\shp{\*\shpinst{\sp{\sn x}{\sv y}}{\shptxt In a box\par}}}"
    )
    assert markdown(body) == "Seen\nIn a box\n"


def test_what_the_document_says_of_itself() -> None:
    info = (
        r"{\info{\title Travel}{\author Finance}{\keywords money, trips}{\doccomm How}{\creatim\yr2024\mo5\dy1\hr10}{\nofpages3}"
        r"{\*\company ACME}}"
    )
    converted = convert(info + "x")
    assert (converted.markdown, converted.title, converted.tags) == ("x\n", "Travel", ("money", "trips"))
    assert converted.metadata == {
        "author": "Finance",
        "description": "How",
        "created": "2024-05-01T10:00:00",
        "pages": 3,
    }


@pytest.mark.parametrize(("content", "code"), [(b"Hello", "malformed"), (b"{\\rtf1 " + b"{" * 600, "too-deep")])
def test_what_cannot_be_read(content: bytes, code: str) -> None:
    with pytest.raises(DocumentError) as caught:
        RtfConverter().convert(Raw(content, ""), {})
    assert caught.value.code == code


def test_what_is_cut_off_gives_what_there_is() -> None:
    assert RtfConverter().convert(Raw(rb"{\rtf1 Because{\b of", ""), {}).markdown == "Becauseof\n"
