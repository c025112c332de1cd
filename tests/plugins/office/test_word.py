from __future__ import annotations

from typing import Any

import pytest
from docx.document import Document

from knowledge_connector import Converted, DocumentError, Raw, Unreadable
from knowledge_connector_office import DocxConverter
from plugins.office.makers import docx_file
from plugins.office.packages import package, paragraph, relationships, word

NUMBERING = (
    '<w:abstractNum w:abstractNumId="7">'
    '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1"/></w:lvl>'
    '<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerRoman"/><w:lvlText w:val="%1.%2"/></w:lvl>'
    '</w:abstractNum><w:abstractNum w:abstractNumId="8">'
    '<w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val="x"/></w:lvl></w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="8"/></w:num>'
    '<w:num w:numId="3"><w:abstractNumId w:val="7"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>'
)
STYLES = (
    '<w:style w:styleId="H"><w:name w:val="heading 2"/></w:style>'
    '<w:style w:styleId="Mine"><w:name w:val="Mine"/><w:basedOn w:val="H"/></w:style>'
    '<w:style w:styleId="Outlined"><w:name w:val="Clause"/><w:pPr><w:outlineLvl w:val="2"/></w:pPr></w:style>'
    '<w:style w:styleId="Toc"><w:name w:val="toc 1"/></w:style>'
    '<w:style w:styleId="Pre"><w:name w:val="HTML Preformatted"/></w:style>'
    '<w:style w:styleId="Loop"><w:name w:val="Loop"/><w:basedOn w:val="Loop"/></w:style>'
)


def convert(content: bytes, **settings: Any) -> Converted:
    return DocxConverter().convert(Raw(content, ""), settings)


def markdown(body: str, **parts: str) -> str:
    return convert(word(body, **parts)).markdown


def styled(name: str) -> str:
    return f'<w:pStyle w:val="{name}"/>'


def listed(number: int, level: int = 0) -> str:
    return f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'


def test_a_document_of_python_docx() -> None:
    def fill(document: Document) -> None:
        document.core_properties.title = "Travel"
        document.core_properties.author = "Finance"
        document.core_properties.keywords = "travel, money"
        document.add_heading("Expenses", 1)
        document.add_paragraph("Because money is short.")
        document.add_paragraph("trains", style="List Bullet")
        document.add_paragraph("night trains", style="List Bullet 2")
        document.add_paragraph("ask", style="List Number")
        document.add_paragraph("book", style="List Number")
        table = document.add_table(rows=2, cols=2)
        for at, text in enumerate(("City", "Rate|day", "Bonn", "120")):
            table.cell(at // 2, at % 2).text = text

    converted = convert(docx_file(fill))
    assert converted.markdown == (
        "# Expenses\n\nBecause money is short.\n\n- trains\n    - night trains\n1. ask\n2. book\n\n"
        "| City | Rate\\|day |\n| --- | --- |\n| Bonn | 120 |\n"
    )
    assert converted.title == "Travel"
    assert converted.tags == ("travel", "money")
    assert converted.metadata["author"] == "Finance"
    assert converted.metadata["created"] == "2013-12-23T23:15:00+00:00"  # of the library's template


def test_headings_come_from_styles_and_from_outline_levels() -> None:
    body = paragraph("One", styled("H")) + paragraph("Two", styled("Mine")) + paragraph("Three", styled("Outlined"))
    body += paragraph("Four", '<w:outlineLvl w:val="3"/>') + paragraph(
        "Prose", styled("Mine") + '<w:outlineLvl w:val="9"/>'
    )
    body += paragraph("More", styled("Loop")) + paragraph("Nobody's", styled("Unknown"))
    assert markdown(body, styles=STYLES) == "## One\n\n## Two\n\n### Three\n\n#### Four\n\nProse\n\nMore\n\nNobody's\n"


def test_the_contents_are_left_out_because_they_say_nothing_new() -> None:
    assert (
        markdown(paragraph("Intro ... 3", styled("Toc")) + paragraph("Intro", styled("H")), styles=STYLES)
        == "## Intro\n"
    )


def test_preformatted_lines_form_one_block() -> None:
    body = (
        paragraph("  a = 1", styled("Pre"))
        + paragraph("", styled("Pre"))
        + paragraph("```", styled("Pre"))
        + paragraph("End")
    )
    assert markdown(body, styles=STYLES) == "````\n  a = 1\n\n```\n````\n\nEnd\n"


def test_numbers_go_on_nest_and_begin_anew() -> None:
    body = (
        paragraph("a", listed(1))
        + paragraph("b", listed(1, 1))
        + paragraph("c", listed(1, 1))
        + paragraph("d", listed(1))
    )
    body += (
        paragraph("e", listed(1, 1)) + paragraph("f", listed(2)) + paragraph("g", listed(3)) + paragraph("h", listed(1))
    )
    assert markdown(body, numbering=NUMBERING) == ("1. a\n    1. b\n    2. c\n2. d\n    1. e\n- f\n1. g\n3. h\n")


def test_numbered_headings_keep_their_numbers() -> None:
    body = paragraph("Scope", '<w:outlineLvl w:val="0"/>' + listed(1)) + paragraph(
        "Terms", '<w:outlineLvl w:val="1"/>' + listed(1, 1)
    )
    body += paragraph("Who", '<w:outlineLvl w:val="1"/>' + listed(1, 1))
    assert markdown(body, numbering=NUMBERING) == "# 1 Scope\n\n## 1.i Terms\n\n## 1.ii Who\n"


def test_tracked_changes_are_accepted() -> None:
    body = (
        "<w:p><w:r><w:t>We </w:t></w:r><w:del><w:r><w:delText>never </w:delText></w:r></w:del><w:ins><w:r><w:t>always </w:t></w:r></w:ins>"
        "<w:moveFrom><w:r><w:t>here </w:t></w:r></w:moveFrom><w:r><w:t>pay</w:t></w:r>"
        "<w:moveTo><w:r><w:t> there</w:t></w:r></w:moveTo></w:p>"
    )
    merged = '<w:p><w:pPr><w:rPr><w:del w:id="1"/></w:rPr></w:pPr><w:r><w:t>First half </w:t></w:r></w:p>' + paragraph(
        "second half"
    )
    row = "<w:tr>{}<w:tc>{}</w:tc><w:tc>{}</w:tc></w:tr>"
    table = "<w:tbl>" + row.format("", paragraph("a"), paragraph("b"))
    table += row.format("<w:trPr><w:del/></w:trPr>", paragraph("gone"), paragraph("too")) + "</w:tbl>"
    assert markdown(body + merged + table) == (
        "We always pay there\n\nFirst half second half\n\n| a | b |\n| --- | --- |\n"
    )


def test_comments_and_hidden_text_are_left_out() -> None:
    body = (
        '<w:p><w:commentRangeStart w:id="0"/><w:r><w:t>Seen</w:t></w:r><w:commentRangeEnd w:id="0"/>'
        '<w:r><w:commentReference w:id="0"/></w:r><w:r><w:rPr><w:vanish/></w:rPr><w:t> unseen</w:t></w:r></w:p>'
    )
    assert markdown(body, comments='<w:comment w:id="0">' + paragraph("Really?") + "</w:comment>") == "Seen\n"


def test_text_boxes_are_kept_once() -> None:
    box = f"<w:txbxContent>{paragraph('In a box')}</w:txbxContent>"
    body = (
        f"<w:p><w:r><w:t>Beside it</w:t></w:r><w:r><mc:AlternateContent><mc:Choice><w:drawing>{box}</w:drawing></mc:Choice>"
        f"<mc:Fallback><w:pict>{box}</w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
    assert markdown(body) == "Beside it\n\nIn a box\n"


def test_links_by_relationship_and_by_field() -> None:
    body = (
        '<w:p><w:hyperlink r:id="wiki"><w:r><w:t>the [wiki]</w:t></w:r></w:hyperlink>'
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> HYPERLINK "https://b.example/x (1)" </w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t> or that</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>'
        '<w:hyperlink w:anchor="top"><w:r><w:t> (above)</w:t></w:r></w:hyperlink></w:p>'
    )
    assert markdown(body, wiki="https://a.example/") == (
        "[the \\[wiki\\]](https://a.example/) [or that](https://b.example/x) (above)\n"
    )


def test_what_a_field_was_made_from_is_not_text() -> None:
    body = (
        '<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>PAGEREF x</w:instrText><w:t>cached</w:t></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>12</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>'
    )
    assert markdown(body) == "12\n"


def test_notes_stand_at_the_end() -> None:
    note = '<w:{0} w:id="{1}"><w:p><w:r><w:t>{2}</w:t></w:r></w:p></w:{0}>'
    body = '<w:p><w:r><w:t>So</w:t><w:footnoteReference w:id="2"/></w:r><w:r><w:t> it is</w:t><w:endnoteReference w:id="2"/></w:r></w:p>'
    footnotes = note.format("footnote", "-1", "separator") + note.format("footnote", "2", "Says who?")
    endnotes = note.format("endnote", "2", "Says everybody.")
    assert markdown(body, footnotes=footnotes, endnotes=endnotes) == (
        "So[^1] it is[^2]\n\n[^1]: Says who?\n\n[^2]: Says everybody.\n"
    )


def test_merged_cells_are_repeated() -> None:
    cell = "<w:tc><w:tcPr>{}</w:tcPr>{}</w:tc>"
    rows = (
        cell.format('<w:gridSpan w:val="3"/>', paragraph("Rates")),
        cell.format('<w:vMerge w:val="restart"/>', paragraph("North"))
        + cell.format('<w:gridSpan w:val="2"/>', paragraph("both")),
        cell.format("<w:vMerge/>", paragraph(""))
        + cell.format("", paragraph("a"))
        + cell.format("", paragraph("b") + paragraph("c")),
    )
    body = "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"
    assert markdown(body) == ("| Rates |  |  |\n| --- | --- | --- |\n| North | both | both |\n| North | a | b<br>c |\n")


def test_a_table_within_a_table_and_a_table_as_a_frame() -> None:
    inner = f"<w:tbl><w:tr><w:tc>{paragraph('x')}</w:tc><w:tc>{paragraph('y')}</w:tc></w:tr></w:tbl>"
    outer = f"<w:tbl><w:tr><w:tc>{paragraph('a')}{inner}</w:tc><w:tc>{paragraph('b')}</w:tc></w:tr></w:tbl>"
    frame = f"<w:tbl><w:tr><w:tc>{paragraph('Note', styled('H'))}{paragraph('Framed.')}</w:tc></w:tr></w:tbl>"
    assert markdown(outer + frame, styles=STYLES) == "| a<br>x y | b |\n| --- | --- |\n\n## Note\n\nFramed.\n"


def test_content_controls_formulas_pictures_and_odd_characters() -> None:
    body = f"<w:sdt><w:sdtContent>{paragraph('Controlled')}</w:sdtContent></w:sdt>"
    body += "<w:p><m:oMath><m:r><m:t>a+b</m:t></m:r></m:oMath><w:r><w:noBreakHyphen/><w:tab/><w:t>c</w:t><w:br/><w:t>d</w:t>"
    body += '<w:sym w:font="Symbol" w:char="F0B7"/><w:sym w:font="Arial" w:char="2192"/></w:r></w:p>'
    body += '<w:p><w:r><w:drawing><wp:docPr descr="A red\nbutton"/></w:drawing></w:r></w:p>'
    assert markdown(body) == "Controlled\n\na+b-\tc\nd→\n\nA red button\n"


def test_text_that_looks_like_markdown_stays_text() -> None:
    assert markdown(paragraph("# no heading") + paragraph("---") + paragraph("#hashtag")) == (
        "\\# no heading\n\n\\---\n\n#hashtag\n"
    )


def test_strict_documents_are_read_as_well() -> None:
    content = word(paragraph("Strict"))
    strict = package(
        {
            "_rels/.rels": relationships(officeDocument="word/document.xml").replace(
                "http://schemas.openxmlformats.org/officeDocument/2006", "http://purl.oclc.org/ooxml/officeDocument"
            ),
            "word/document.xml": '<w:document xmlns:w="http://purl.oclc.org/ooxml/wordprocessingml/main"><w:body>'
            + paragraph("Strict")
            + "</w:body></w:document>",
        }
    )
    assert convert(strict).markdown == convert(content).markdown == "Strict\n"


def test_the_main_part_may_have_any_name() -> None:
    content = package(
        {
            "_rels/.rels": relationships(officeDocument="/word/document2.xml"),
            "word/document2.xml": '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
            + paragraph("Because")
            + "</w:body></w:document>",
        }
    )
    assert convert(content).markdown == "Because\n"


def test_a_long_text_is_refused_while_it_is_read() -> None:
    with pytest.raises(Unreadable, match="max_chars = 10") as caught:
        convert(word(paragraph("x" * 11)), max_chars=10)
    assert caught.value.code == "too-long"


def test_deep_nesting_is_refused() -> None:
    body = "<w:sdt><w:sdtContent>" * 200 + paragraph("deep") + "</w:sdtContent></w:sdt>" * 200
    with pytest.raises(DocumentError) as caught:
        convert(word(body))
    assert caught.value.code == "malformed"
