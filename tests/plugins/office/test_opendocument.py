from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector import Converted, DocumentError, Raw, Unreadable
from knowledge_connector.kit.pages import page_mark
from knowledge_connector_office import OdfConverter
from knowledge_connector_office.opendocument_script import Script
from knowledge_connector_office.writing import Markdown
from plugins.office.packages import flat_open_document, open_document, package

STYLES = (
    '<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Title"/>'
    '<style:style style:name="P2" style:family="paragraph" style:parent-style-name="Preformatted_20_Text"/>'
    '<text:list-style style:name="L1"><text:list-level-style-number text:level="1" style:num-format="1"/>'
    '<text:list-level-style-bullet text:level="2"/></text:list-style>'
    '<style:style style:name="dp1"><style:drawing-page-properties presentation:visibility="hidden"/></style:style>'
)


def convert(content: bytes, **settings: Any) -> Converted:
    return OdfConverter().convert(Raw(content, ""), settings)


def markdown(body: str) -> str:
    return convert(open_document("text", body, styles=STYLES)).markdown


def p(text: str, style: str = "") -> str:
    return f'<text:p text:style-name="{style}">{text}</text:p>'


def test_headings_titles_code_and_blanks() -> None:
    body = p("Guide", "P1") + '<text:h text:outline-level="2">Why<text:s text:c="2"/>so</text:h>'
    body += p("Because\n   it<text:tab/>is<text:line-break/>so") + p("a<text:s/>=<text:s/>1", "P2") + p("b", "P2")
    assert markdown(body) == "# Guide\n\n## Why so\n\nBecause it\tis\nso\n\n```\na = 1\nb\n```\n"


def test_styles_of_the_document_count_as_those_of_the_content() -> None:
    common = (
        '<style:style style:name="Cover" style:parent-style-name="Title"/><style:style style:name="Book" style:parent-style-name="Cover"/>'
        '<text:list-style style:name="Steps"><text:list-level-style-number text:level="1" style:num-format="1"/></text:list-style>'
    )
    own = '<style:style style:name="P9" style:parent-style-name="Book"/>'
    steps = f'<text:list text:style-name="Steps"><text:list-item>{p("ask")}</text:list-item></text:list>'
    body = p("Guide", "P9") + steps + p("Mine", "P8")
    assert convert(open_document("text", body, styles=own, common=common)).markdown == "# Guide\n\n1. ask\n\nMine\n"


def test_lists_nest_go_on_and_hold_headings() -> None:
    inner = f"<text:list><text:list-item>{p('b')}</text:list-item></text:list>"
    items = f"<text:list-item>{p('a')}{inner}</text:list-item><text:list-item>{p('c')}</text:list-item>"
    body = f'<text:list text:style-name="L1">{items}</text:list>'
    body += p("between")
    body += f'<text:list text:style-name="L1" text:continue-numbering="true"><text:list-item>{p("d")}{p("e")}</text:list-item></text:list>'
    body += (
        f'<text:list text:style-name="L1"><text:list-item text:start-value="7">{p("f")}</text:list-item></text:list>'
    )
    body += '<text:list><text:list-item><text:h text:outline-level="1">Chapter</text:h></text:list-item></text:list>'
    assert markdown(body) == "1. a\n    - b\n2. c\n\nbetween\n\n3. d\n    e\n7. f\n\n# Chapter\n"


def test_merged_repeated_and_nested_cells() -> None:
    def cell(text: str, attributes: str = "") -> str:
        return f"<table:table-cell {attributes}>{p(text)}</table:table-cell>"

    covered = "<table:covered-table-cell/>"
    rows = (
        cell("All", 'table:number-columns-spanned="3"') + covered * 2,
        cell("N", 'table:number-rows-spanned="2"') + cell("both", 'table:number-columns-spanned="2"') + covered,
        covered + cell("x|y", 'table:number-columns-repeated="2"'),
    )
    body = "<table:table>" + "".join(f"<table:table-row>{row}</table:table-row>" for row in rows) + "</table:table>"
    assert markdown(body) == "| All |  |  |\n| --- | --- | --- |\n| N | both | both |\n| N | x\\|y | x\\|y |\n"


def test_changes_comments_and_contents_are_left_out() -> None:
    deletion = f"<text:changed-region><text:deletion>{p('gone')}</text:deletion></text:changed-region>"
    body = f"<text:tracked-changes>{deletion}</text:tracked-changes>"
    body += p(
        'Kept<office:annotation><text:p>Really?</text:p></office:annotation> <text:change text:change-id="1"/>text'
    )
    body += f"<text:table-of-content><text:index-body>{p('Kept 3')}</text:index-body></text:table-of-content>"
    assert markdown(body) == "Kept text\n"


def test_links_notes_and_text_boxes() -> None:
    body = p(
        'See <text:a xlink:href="https://a.example/">there</text:a> or <text:a xlink:href="#top">above</text:a>.'
        '<text:note text:note-class="footnote"><text:note-citation>1</text:note-citation>'
        "<text:note-body><text:p>Says who?</text:p></text:note-body></text:note>"
        f"<draw:frame><draw:text-box>{p('In a box')}</draw:text-box></draw:frame>"
        "<draw:frame><draw:image/><svg:desc>A red button</svg:desc></draw:frame>"
    )
    assert markdown(body) == (
        "See [there](https://a.example/) or above.[^1]\n\nIn a box\n\nA red button\n\n[^1]: Says who?\n"
    )


def test_what_only_surrounds_words_changes_nothing() -> None:
    bare = p("one  two") + f"<text:list><text:list-item>{p('three')}</text:list-item></text:list>"
    around = p("<text:bookmark-start/>o<text:span>ne <text:span> tw</text:span></text:span>o<text:soft-page-break/>")
    around += (
        f"<text:list><text:list-item>{p('<text:a>thr</text:a><text:span>ee</text:span>')}</text:list-item></text:list>"
    )
    assert markdown(bare) == markdown(around) == "one two\n\n- three\n"


@given(
    st.lists(st.lists(st.sampled_from(["", "a", "b|c", " d ", "e\\"]), min_size=2, max_size=3), min_size=2, max_size=4)
)
def test_tables_are_the_same_whether_or_not_cells_are_looked_at_for_merges(rows: list[list[str]]) -> None:
    def table(attributes: str) -> str:
        cells = (
            "".join(f"<table:table-cell {attributes}>{p(text)}</table:table-cell>" for text in row) for row in rows
        )
        return (
            "<table:table>" + "".join(f"<table:table-row>{row}</table:table-row>" for row in cells) + "</table:table>"
        )

    assert markdown(table("")) == markdown(table('table:number-columns-repeated="1"'))


def test_pages_of_a_presentation() -> None:
    def frame(role: str, text: str) -> str:
        return f'<draw:frame presentation:class="{role}"><draw:text-box>{text}</draw:text-box></draw:frame>'

    notes = f"<presentation:notes>{frame('notes', p('Speak slowly.'))}</presentation:notes>"
    bullets = f"<text:list><text:list-item>{p('Because')}</text:list-item></text:list>"
    body = f"<draw:page>{frame('footer', p('ACME'))}{frame('outline', bullets)}{frame('title', p('Why'))}{notes}</draw:page>"
    body += f'<draw:page draw:style-name="dp1">{frame("title", p("Unseen"))}</draw:page>'
    content = open_document("presentation", body, styles=STYLES)
    converted = convert(content)
    assert converted.markdown == f"{page_mark(1)}\n\n## Why\n\n- Because\n\n### Notes\n\nSpeak slowly.\n"
    assert converted.metadata == {"slides": 2}
    assert "## Unseen" in convert(content, hidden=True).markdown
    with pytest.raises(Unreadable) as caught:
        convert(content, max_pages=1)
    assert caught.value.code == "too-many-pages"


def test_what_the_document_says_of_itself() -> None:
    meta = (
        "<dc:title>Travel</dc:title><meta:initial-creator>Finance</meta:initial-creator><meta:keyword>money</meta:keyword>"
        "<meta:creation-date>2024-05-01T10:11:12.345</meta:creation-date><dc:date>yesterday</dc:date>"
        '<dc:language>de-DE</dc:language><meta:document-statistic meta:page-count="3"/>'
    )
    converted = convert(open_document("text", p("x"), meta=meta))
    assert (converted.title, converted.tags) == ("Travel", ("money",))
    assert converted.metadata == {
        "author": "Finance",
        "created": "2024-05-01T10:11:12",
        "language": "de-DE",
        "pages": 3,
    }


def test_flat_documents_are_read_as_well() -> None:
    assert convert(flat_open_document("text", p("Because"))).markdown == "Because\n"


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        (package({"META-INF/manifest.xml": "<m:encryption-data/>", "content.xml": "x"}), Unreadable, "encrypted"),
        (package({"mimetype": "application/vnd.oasis.opendocument.text"}), DocumentError, "malformed"),
        (b"<office:document/>", DocumentError, "malformed"),
        (b"<a/>", DocumentError, "malformed"),
    ],
)
def test_what_cannot_be_read(content: bytes, kind: type[DocumentError], code: str) -> None:
    with pytest.raises(kind) as caught:
        convert(content)
    assert caught.value.code == code


@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                "b c",
                " ",
                "\t",
                "\r",
                "\n",
                "H1 x",
                "<",
                "\nc",
                "\r|",
                "\rM",
                "\r=",
                "\r-9",
                "\n[",
                "\n(",
                "\n)",
                "\n^",
            ]
        )
    )
)
def test_a_script_may_hold_anything(pieces: list[str]) -> None:
    script = Script(Markdown({}), lambda style, depth: bool(style) and depth > 0)
    script.read("".join(pieces))
    assert isinstance(script.out.text(), str)


@given(
    st.lists(
        st.sampled_from(["one", " two", "<text:s/>", "<text:span>three</text:span>", "\t", "\n ", "&#9;", "&#13;H1 x"])
    )
)
def test_all_blanks_in_a_text_are_spaces(pieces: list[str]) -> None:
    text = "".join(pieces)
    spaces = text.replace("\t", " ").replace("\n", " ").replace("&#9;", " ").replace("&#13;", " ")
    assert markdown(p(text)) == markdown(p(spaces))


@given(st.lists(st.sampled_from(["a", "", " b ", "# c", "1"]), min_size=1, max_size=4), st.sampled_from(["L1", ""]))
def test_lists_of_plain_items_are_as_those_that_hold_more(texts: list[str], style: str) -> None:
    def listed(start: str) -> str:
        items = "".join(
            f"<text:list-item {start if at == 0 else ''}>{p(text)}</text:list-item>" for at, text in enumerate(texts)
        )
        return markdown(f'<text:list text:style-name="{style}">{items}</text:list>')

    assert listed("") == listed('text:start-value="1"')


def test_numbers_that_make_no_sense_do_not_count() -> None:
    huge = "9" * 5000
    item = f'<text:list-item text:start-value="{huge}">{p("b")}</text:list-item>'
    body = f'<text:h text:outline-level="{huge}">a</text:h><text:list>{item}</text:list>'
    meta = f'<meta:document-statistic meta:page-count="{huge}"/>'
    converted = convert(open_document("text", body, meta=meta))
    assert (converted.markdown, converted.metadata) == ("# a\n\n- b\n", {})
