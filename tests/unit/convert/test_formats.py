"""What each built-in converter makes of its format."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector import Converted, DocumentError, Raw, Unreadable
from knowledge_connector.convert.pipeline import ConverterSet
from knowledge_connector.convert.plugin import register_converters

BUILT_IN = ConverterSet.of(register_converters())


def convert(content: bytes | str, media_type: str, uri: str | None = None, **settings: Any) -> Converted:
    data = content.encode() if isinstance(content, str) else content
    name = BUILT_IN.entries[media_type].name
    return BUILT_IN.convert(Raw(data, media_type, uri), {name: settings})


def refused(content: bytes | str, media_type: str, **settings: Any) -> str:
    with pytest.raises(DocumentError) as caught:
        convert(content, media_type, **settings)
    return caught.value.code


# ---------------------------------------------------------------------------------------------------------------- markdown


def test_front_matter_is_read_and_taken_off() -> None:
    text = (
        "---\ntitle: 'A: B'\ntags: [x, y, x, 3]\ndate: 2024-05-01\nat: 2024-05-01T10:00:00Z\n"
        "owner: {team: {name: docs}}\nparts: [{a: 1}]\nlevels: [1, 2]\ndraft: false\nnothing:\n---\n\n# Heading\n\ntext\n"
    )
    converted = convert(text, "text/markdown")
    assert (converted.markdown, converted.title, converted.tags) == ("# Heading\n\ntext\n", "A: B", ("x", "y", "3"))
    assert converted.metadata == {
        "date": "2024-05-01",
        "at": "2024-05-01T10:00:00+00:00",
        "owner.team.name": "docs",
        "levels": "1, 2",
        "draft": False,
    }


def test_front_matter_may_be_toml() -> None:
    converted = convert('+++\ntitle = "T"\nkeywords = "a, b"\n[x]\ny = 1.5\n+++\ntext\n', "text/markdown")
    assert converted == Converted("text\n", "T", ("a", "b"), {"x.y": 1.5})


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: [open\n---\ntext\n",
        "---\n- a list\n---\ntext\n",
        "---\ntitle: never closed\n",
        "---\n? {a: 1}\n: 2\n---\ntext\n",
        "---\nwhen: 2024-13-45\n---\ntext\n",
        "---\n" + "[" * 5000 + "\n---\ntext\n",
        "---\n!!python/object/apply:os.system ['true']\n---\ntext\n",
        "--- not a fence\ntext\n---\n",
        "----\ntext\n----\n",
        "+++\nx = \n+++\ntext\n",
        "---",
    ],
)
def test_front_matter_that_cannot_be_read_stays_in_the_text(text: str) -> None:
    assert convert(text, "text/markdown").markdown == text


def test_an_alias_bomb_in_front_matter_stays_small() -> None:
    layers = "".join(f"a{i + 1}: &a{i + 1} {{x: *a{i}, y: *a{i}, z: *a{i}}}\n" for i in range(20))
    converted = convert(f"---\na0: &a0 lol\n{layers}---\ntext\n", "text/markdown")
    assert converted.markdown == "text\n"
    assert len(converted.metadata) <= 100


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("intro\n\n## The *big* [plan](x.md) `now` ##\n", "The big plan now"),
        ("Title\n=====\n", "Title"),
        ("```sh\n# comment\n```\n\n# Real\n", "Real"),
        ("~~~\n```\n# no\n~~~\n# Yes\n", "Yes"),
        ("    # code\n\n#hashtag\n\n# Yes\n", "Yes"),
        ("a\n\n---\n\nb\n", None),
        ("#\n\n# Second\n", "Second"),
        ("", None),
    ],
)
def test_the_first_heading_is_the_title(text: str, title: str | None) -> None:
    assert convert(text, "text/markdown").title == title


# -------------------------------------------------------------------------------------------------------------------- text


def test_plain_text_stays_as_it_is() -> None:
    assert convert("a *b*\r\n  c\n".encode("cp1252"), "text/plain") == Converted("a *b*\n  c\n")


def test_the_default_encoding_can_be_set() -> None:
    assert convert(b"\xe4", "text/plain").markdown == "ä"
    assert convert(b"\xe4", "text/plain", default_encoding="cp1251").markdown == "д"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Title\n=====\n\ntext\n", "Title"),
        ("=======\n Title\n=======\n", "Title"),
        (".. _label:\n\nLong title\n----------\n", "Long title"),
        ("Longer than its line\n=====\n", None),
        ("text only\n", None),
        ("a\n\n=====  =====\nx      y\n=====  =====\n", None),
    ],
)
def test_restructured_text_is_titled_by_its_first_heading(text: str, title: str | None) -> None:
    assert convert(text, "text/x-rst") == Converted(text, title)


# -------------------------------------------------------------------------------------------------------------------- html

PAGE = (
    "<!doctype html><html lang='de'><head><meta charset='iso-8859-1'><title>Ti\n tle</title>"
    "<meta name='Description' content='What it is'><meta name=keywords content='a, b ,a'>"
    "<meta name=author content=''></head><body><h1>Überschrift</h1><a href='x.html'>l</a></body></html>"
)


def test_the_head_of_a_page_tells_of_it() -> None:
    converted = convert(PAGE.encode("cp1252"), "text/html", "https://h.example/d/p.html")
    assert converted.markdown == "# Überschrift\n\n[l](https://h.example/d/x.html)\n"
    assert (converted.title, converted.tags) == ("Ti tle", ("a", "b"))
    assert converted.metadata == {"description": "What it is", "language": "de"}


def test_a_page_without_title_is_named_by_its_heading() -> None:
    assert convert("<body><title></title><h2>Part <b>one</b></h2>", "text/html").title == "Part one"


@pytest.mark.parametrize("engine", ["auto", "markdownify"])
def test_the_engine_is_a_setting(engine: str) -> None:
    assert convert("<p>text", "text/html", engine=engine).markdown == "text\n"


def test_a_page_in_the_wrong_charset_keeps_its_text() -> None:
    assert "plain" in convert("<meta charset=utf-16><p>plain é".encode(), "text/html").markdown
    assert "plain é" in convert("<meta charset=utf-8><p>plain é".encode("cp1252"), "text/html").markdown


# --------------------------------------------------------------------------------------------------------------------- csv


@pytest.mark.parametrize(
    ("content", "table"),
    [
        (b"a,b\n1,2\n", "| a | b |\n| --- | --- |\n| 1 | 2 |\n"),
        (b"\xef\xbb\xbfa;b\r\n1,5;2,5\r\n", "| a | b |\n| --- | --- |\n| 1,5 | 2,5 |\n"),
        (b'a|b\n"x\ny"|"p ""q"""\n', '| a | b |\n| --- | --- |\n| x<br>y | p "q" |\n'),
        (b"a,b\n1\n\n1,2,3|4\n", "| a | b |  |\n| --- | --- | --- |\n| 1 |  |  |\n| 1 | 2 | 3\\|4 |\n"),
        (b"only one\nsecond\n", "| only one |\n| --- |\n| second |\n"),
        (b"\n \n", ""),
        (b"", ""),
    ],
)
def test_delimited_text_becomes_a_table(content: bytes, table: str) -> None:
    assert convert(content, "text/csv").markdown == table


CELL = st.text(alphabet='ab|\\\n\t ,"é\u00a0', max_size=5)


@given(st.lists(st.lists(CELL, max_size=4), max_size=80))
def test_rows_are_written_alike_whatever_stands_beside_them(rows: list[list[str]]) -> None:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([["é", "h"], *rows])

    def escaped(cell: str) -> str:
        return cell.strip().replace("\\", "\\\\").replace("|", "\\|").replace("\n", "<br>")

    kept = [["é", "h"], *(row for row in rows if "".join(row).strip())]
    width = max(map(len, kept))
    lines = [" | ".join([*map(escaped, row), *[""] * (width - len(row))]) for row in kept]
    lines.insert(1, " | ".join(["---"] * width))
    table = "".join(f"| {line} |\n" for line in lines)
    assert convert(written.getvalue(), "text/csv", delimiter=",").markdown == table


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("a;b,c\n1;2\n3;4\n", "| a | b,c |"),  # both part the header, one of them the rows
        ("a;b\n1,5;2,5\n1,5;2,5\n", "| a | b |"),  # one parts the header
        ("a b\n1,5;2,5\n", "| a b |  |  |"),  # none does: the first of those that are there
        (",\t\n" * 8000 + "a,b\tc\n", "| , |  |"),  # by one of them, all rows that are looked at are empty
    ],
)
def test_the_delimiter_is_found_out(text: str, header: str) -> None:
    assert convert(text, "text/csv").markdown.split("\n")[0] == header


@given(st.text('ab "\\|;,\n\t\xa0é'), st.integers(1, 40), st.sampled_from(";,|\t\\"))
def test_lines_that_are_split_give_what_the_library_gives(part: str, times: int, delimiter: str) -> None:
    text = part * times
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if "".join(row).strip()]
    width = max(map(len, rows), default=0)
    lines = ["| " + " | ".join(map(cell, row + [""] * (width - len(row)))) + " |" for row in rows]
    table = "\n".join([*lines[:1], "|" + " --- |" * width, *lines[1:], ""]) if rows else ""
    assert convert(text, "text/csv", delimiter=delimiter).markdown == table


def cell(text: str) -> str:
    return text.strip().replace("\\", r"\\").replace("|", r"\|").replace("\n", "<br>")


def test_tabs_and_the_delimiter_can_be_said() -> None:
    assert convert(b"a,b\tc\n1\t2\n", "text/tab-separated-values").markdown.startswith("| a,b | c |")
    assert convert(b"a:b\n1:2\n", "text/csv", delimiter=":").markdown.startswith("| a | b |")


def test_a_huge_field_and_many_quotes_are_no_trouble() -> None:
    assert len(convert(b'a,"' + b"x" * 1_000_000 + b'"\n', "text/csv").markdown) > 1_000_000
    assert convert(b"'\"," * 100_000, "text/csv").markdown


# -------------------------------------------------------------------------------------------------------------------- json


def test_data_reads_like_a_page() -> None:
    data = (
        '{"name": "Pump", "price": 1.10, "ok": true, "no": null, "tags": ["a", "b"], "grid": [[1, 2], [3, 4]], "text": "one\\ntwo",'
        ' "parts": [{"title": "Bolt", "size": {"w": 1}}, {"w": 2}, "loose"], "price": 2}'
    )
    assert convert(data, "application/json").markdown == (
        "- name: Pump\n- price: 1.10\n- ok: true\n- no: null\n- tags: a, b\n- grid: [1, 2], [3, 4]\n- price: 2\n\n"
        "# text\n\none\ntwo\n\n# parts\n\n## Bolt\n\n- title: Bolt\n\n### size\n\n- w: 1\n\n## #2\n\n- w: 2\n\n- loose\n"
    )


@pytest.mark.parametrize(
    ("content", "markdown"),
    [
        ("12.50", "12.50\n"),
        ("NaN", "NaN\n"),
        ('"a\\u0000\\ud800"', "a\ufffd\n"),
        ("[]", ""),
        ("{}", ""),
        ("[1, [2]]", "- 1\n- 2\n"),
        ("1" * 5000, "1" * 5000 + "\n"),
    ],
)
def test_odd_data_is_data(content: str, markdown: str) -> None:
    assert convert(content, "application/json").markdown == markdown


def test_lines_are_records() -> None:
    assert convert('{"id": "a"}\n\n{"n": 1}\n', "application/jsonl").markdown == "# a\n\n- id: a\n\n# #2\n\n- n: 1\n"
    with pytest.raises(DocumentError, match="line 2, column 1"):
        convert('{"id": 1}\nnot', "application/jsonl")


def test_a_huge_array_is_streamed_to_the_same_text() -> None:
    records = [{"title": f"t{n}", "text": "x" * 1000, "n": n, "n2": [1.5, None]} for n in range(4500)]
    streamed = convert(json.dumps(records), "application/json").markdown
    assert len(json.dumps(records)) > 4 * 1024 * 1024
    assert streamed == "\n".join(convert(json.dumps([record]), "application/json").markdown for record in records)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{", "malformed"),
        ("", "malformed"),
        ("[" * 100_000, "too-deep"),
        ('{"a":' * 100 + "{}" + "}" * 100, "too-deep"),
        ('{"a":' * 100 + "1" + "}" * 100, "too-deep"),
        ("[" + f'{{"a": "{"x" * 1000}"}},' * 4500 + "}", "malformed"),
    ],
)
def test_data_that_is_ill_says_why(content: str, code: str) -> None:
    assert refused(content, "application/json") == code


def test_data_that_grows_too_long_is_refused() -> None:
    with pytest.raises(Unreadable) as caught:
        convert(json.dumps(list(range(1000))), "application/json", max_chars=100)
    assert caught.value.code == "too-long"


# --------------------------------------------------------------------------------------------------------------------- xml


def test_a_book_becomes_chapters() -> None:
    book = (
        '<book xmlns="http://docbook.org/ns/docbook"><title>Manual</title><chapter><title>One</title><para>Hello\n <b>world</b>.</para>'
        "<itemizedlist><listitem><para>first</para></listitem><listitem><para>second</para></listitem></itemizedlist>"
        "<programlisting>a\n  b</programlisting></chapter></book>"
    )
    assert convert(book, "application/xml") == Converted(
        "# Manual\n\n## One\n\nHello **world**.\n\n- first\n- second\n\n```\na\n  b\n```\n", "Manual"
    )


def test_data_in_xml_becomes_bullets() -> None:
    data = '<rows><row id="1"><name>Pump</name><size unit="cm">3</size><none/></row></rows>'
    assert (
        convert(data, "text/xml").markdown == "# rows\n\n## row\n\n- id: 1\n- name: Pump\n- size (unit=cm): 3\n- none\n"
    )


def test_prose_in_xml_keeps_links_emphasis_and_code() -> None:
    prose = (
        '<article xmlns:xlink="http://www.w3.org/1999/xlink"><para>See <ulink url="https://a.example/x">the manual</ulink>,'
        ' <link xlink:href="https://b.example/y"/> or <link linkend="z">below</link>;'
        " <emphasis>never </emphasis>use <command>rm <option>-r</option></command>, <i></i>ever.</para></article>"
    )
    assert convert(prose, "application/xml").markdown == (
        "# article\n\nSee [the manual](https://a.example/x), https://b.example/y or below; *never* use rm `-r`, ever.\n"
    )


def test_a_table_in_xml_is_a_table_if_it_has_cells() -> None:
    book = (
        "<doc><table><title>Pumps</title><tgroup><thead><row><entry>Name</entry><entry>cm</entry></row></thead>"
        "<tbody><row><entry>A|B</entry></row></tbody></tgroup></table><table><row><name>C</name></row></table></doc>"
    )
    assert convert(book, "application/xml").markdown == (
        "# doc\n\n**Pumps**\n\n| Name | cm |\n| --- | --- |\n| A\\|B |  |\n\n## table\n\n### row\n\n- name: C\n"
    )


def test_the_pages_in_a_feed_are_read_and_the_feed_says_its_title_and_language() -> None:
    feed = (
        '<rss xml:lang="de"><channel><title>News</title><item><title>One</title><link>https://a.example/1</link>'
        "<description>&lt;h1&gt;Big&lt;/h1&gt;&lt;p&gt;Hello &lt;b&gt;you&lt;/b&gt;&lt;/p&gt;</description></item></channel></rss>"
    )
    assert convert(feed, "application/rss+xml") == Converted(
        "# rss\n\n## News\n\n### One\n\n- link: https://a.example/1\n\n#### Big\n\nHello **you**\n",
        "News",
        metadata={"language": "de"},
    )


@pytest.mark.parametrize(
    "content",
    ["<a>" * 255 + "x" + "</a>" * 255, "<a>" + "x<b>" * 250 + "y" + "</b>" * 250 + "</a>"],
    ids=["sections", "prose"],
)
def test_xml_as_deep_as_its_parser_bears_is_read(content: str) -> None:
    assert convert(content, "application/xml").markdown.count("x") == content.count("x")


@given(st.lists(st.text(st.sampled_from("ab \t\u00a0é")), min_size=1))
def test_plain_paragraphs_are_the_same_together_and_alone(texts: list[str]) -> None:
    together = "".join(f"<p>{text}</p>" for text in texts)
    apart = "".join(f"<p>{text}<!-- alone --></p><p/>" for text in texts)
    expected = "\n\n".join(["# a", *filter(None, (" ".join(text.split()) for text in texts))]) + "\n"
    assert convert(f"<a>{together}</a>", "text/xml").markdown == expected
    assert convert(f"<a>{apart}</a>", "text/xml").markdown == expected


def test_xhtml_is_read_as_a_page() -> None:
    page = (
        '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>T</title></head><body><p>a <b>b</b></p></body></html>'
    )
    assert convert(page, "application/xml") == Converted("a **b**\n", "T")


def test_entities_of_the_document_itself_are_text() -> None:
    assert (
        convert('<!DOCTYPE a [<!ENTITY c "(C)">]><a>&c; &amp; <![CDATA[<x>]]></a>', "text/xml").markdown
        == "- a: (C) & <x>\n"
    )


LAUGHS = (
    '<!DOCTYPE l [<!ENTITY a0 "lol">'
    + "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    + "]><l>&a9;</l>"
)


@pytest.mark.parametrize(
    "content",
    [
        LAUGHS,
        '<!DOCTYPE a [<!ENTITY b "' + "x" * 100_000 + '">]><a>' + "&b;" * 100_000 + "</a>",
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a>&x;</a>',
        "<a>" * 100_000,
        "<a><b></a>",
        "",
    ],
)
def test_ill_or_hostile_xml_is_a_failure(content: str) -> None:
    assert refused(content, "application/xml") == "malformed"
