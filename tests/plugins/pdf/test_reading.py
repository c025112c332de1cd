from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pypdf
import pytest

from knowledge_connector import Converted, DocumentError, Raw, Unreadable
from knowledge_connector.kit.pages import page_mark
from knowledge_connector_pdf import PdfConverter
from plugins.pdf.makers import ICONS, Page, lines, pdf, rule, text

PROSE = (
    "Knowledge that nobody can find is knowledge that nobody has,",
    "and so we keep it where people look for it first of all,",
    "which is wherever they ask.",
)
PARAGRAPH = " ".join(PROSE)


def convert(content: bytes, **settings: Any) -> Converted:
    return PdfConverter().convert(Raw(content, "application/pdf"), settings)


def markdown(*pages: Page | str, **settings: Any) -> str:
    """The Markdown without the marks of pages."""
    text = convert(pdf(pages), **settings).markdown
    for number in range(1, len(pages) + 1):
        text = text.replace(page_mark(number) + "\n\n", "").replace(page_mark(number), "")
    return text


def test_lines_become_paragraphs_and_gaps_part_them() -> None:
    assert markdown(lines(PROSE) + lines(PROSE, y=640)) == f"{PARAGRAPH}\n\n{PARAGRAPH}\n"


def test_only_the_beginning_of_a_block_can_be_taken_for_markup() -> None:
    assert markdown(text("# no heading, but C# or F# or ``` within", 72, 700)) == (
        "\\# no heading, but C# or F# or ``` within\n"
    )
    assert markdown(text("It runs on C# or F# --", 72, 700)) == "It runs on C# or F# --\n"


def test_indented_and_listed_lines_begin_anew() -> None:
    drawn = (
        lines(PROSE) + lines(("  ",)) + text("Indented lines begin another paragraph, as in books of old they", 90, 658)
    )
    drawn += text("do.", 72, 644)
    assert markdown(drawn) == f"{PARAGRAPH}\n\nIndented lines begin another paragraph, as in books of old they do.\n"
    drawn = (
        text("• one thing that takes more than a single", 72, 700) + text("line", 84, 686) + text("• another", 72, 672)
    )
    assert markdown(drawn) == "- one thing that takes more than a single line\n- another\n"


def test_headings_by_size_and_by_boldness() -> None:
    drawn = text("The Handbook", 72, 780, 24) + text("Why we keep it", 72, 740, 16) + lines(PROSE)
    drawn += (
        text("How we keep it", 72, 630, 16)
        + lines(PROSE, y=600)
        + text("In short", 72, 530, 11, "B")
        + lines(PROSE, y=500)
    )
    found = markdown(drawn)
    assert [line for line in found.split("\n") if line.startswith("#")] == [
        "# The Handbook", "## Why we keep it", "## How we keep it", "### In short",
    ]  # fmt: skip
    assert convert(pdf([drawn])).title == "The Handbook"


def test_headings_of_two_lines_are_one() -> None:
    drawn = text("A handbook for those who", 72, 780, 24) + text("have lost the old one", 72, 752, 24) + lines(PROSE)
    assert markdown(drawn).startswith("# A handbook for those who have lost the old one\n")


def test_bookmarks_say_what_is_a_heading_and_on_which_level() -> None:
    drawn = text("Scope", 72, 740) + lines(PROSE, y=700) + text("Aside", 72, 640, 16) + lines(PROSE, y=600)
    found = convert(pdf([drawn], outline=[("1. Scope", 0), ("Aside", 0)])).markdown
    assert "# Scope\n" in found
    assert "\n# Aside\n" in found


def test_words_divided_between_lines_are_whole_again() -> None:
    assert markdown(lines(("We are respon-", "sible for state-of-the-", "art knowledge."))).startswith(
        "We are responsible for state-of-the"
    )


def test_code_keeps_its_lines_and_its_indent() -> None:
    drawn = (
        lines(PROSE) + text("if a:", 90, 640, 10, "C") + text("b = 1", 114, 628, 10, "C") + text("c", 90, 604, 10, "C")
    )
    assert markdown(drawn) == f"{PARAGRAPH}\n\n```\nif a:\n    b = 1\n\nc\n```\n"


def test_running_heads_and_page_numbers_are_left_out() -> None:
    pages = [
        text("Handbook 2024", 72, 800, 9) + lines(PROSE) + text(f"- {number} -", 300, 40, 9) for number in range(1, 5)
    ]
    assert markdown(*pages) == "\n\n".join([PARAGRAPH] * 4) + "\n"


def test_running_heads_whose_words_change_are_known_by_their_numbers() -> None:
    heads = ("4 Chapter 1. Scope", "1.1. Why 5", "6 Chapter 1. Scope", "1.2. Whom 7")
    assert markdown(*(text(head, 72, 800) + lines(PROSE) for head in heads)) == "\n\n".join([PARAGRAPH] * 4) + "\n"


def test_titles_with_numbers_are_no_running_heads() -> None:
    words = ("Aims", "Ways", "Ends")
    larger = [text(f"{number} {word}", 72, 800, 16) + lines(PROSE) for number, word in enumerate(words, 1)]
    assert markdown(*larger).count("# ") == 3
    bare = [text(f"{number} {word}", 72, 800) + lines(PROSE) for number, word in enumerate(words, 1)]
    assert all(f"{number} {word}" in markdown(*bare) for number, word in enumerate(words, 1))
    chapters = [text(f"Chapter {number}", 72, 800, 16) + lines(PROSE) for number in range(1, 5)]
    assert markdown(*chapters).count("# Chapter") == 4
    listed = [text(f"{number}. {word}", 72, 800) + lines(PROSE) for number, word in enumerate(words, 1)]
    assert all(f"{number}. {word}" in markdown(*listed) for number, word in enumerate(words, 1))


def test_entries_of_contents_are_left_out() -> None:
    drawn = text("1 Scope . . . . . . . . . . 12", 72, 760) + text("A.1 Terms......iv", 72, 746) + lines(PROSE)
    assert markdown(drawn + text("And so on . . .", 72, 600)) == f"{PARAGRAPH}\n\nAnd so on . . .\n"


def test_a_paragraph_may_go_on_over_the_page() -> None:
    found = convert(pdf([lines(PROSE[:2]), lines(PROSE[2:])])).markdown
    assert found == f"{page_mark(1)}\n\n{PROSE[0]} {PROSE[1]} {page_mark(2)}{PROSE[2]}\n"


def test_pages_are_marked_and_counted() -> None:
    converted = convert(pdf([lines(PROSE), "", lines(PROSE)]))
    assert converted.markdown == f"{page_mark(1)}\n\n{PARAGRAPH}\n\n{page_mark(3)}\n\n{PARAGRAPH}\n"
    assert converted.metadata["pages"] == 3


def test_links_are_kept() -> None:
    page = Page(
        lines(("See the wiki or https://b.example for more.",)),
        [("https://a.example/(x)", (94, 695, 132, 712)), ("javascript:x", (72, 695, 92, 712))],
    )
    assert "See [the wiki](https://a.example/%28x%29) or https://b.example for more.\n" in markdown(page)


def linked(*written: str, links: Sequence[tuple[int, str, str]]) -> Page:
    """Lines in letters of 6 points; links by the number of the line, the words in it, and the address."""
    page = Page(lines(written, size=10, font="C"))
    for number, words, address in links:
        left, base = 72 + 6 * written[number].rindex(words), 700 - 14 * number
        page.links.append((address, (left, base - 3, left + 6 * len(words), base + 9)))
    return page


def test_links_of_one_line_stand_where_their_words_do() -> None:
    page = linked(
        "The wiki or the wiki?", links=[(0, "the wiki", "https://b.example"), (0, "The wiki", "https://a.example")]
    )
    assert markdown(page) == "[The wiki](https://a.example) or [the wiki](https://b.example)?\n"


def test_characters_beyond_the_basic_plane_move_nothing() -> None:
    page = linked("", "see the wiki now", links=[(1, "the wiki", "https://a.example")])
    page.content += text("AA", 20, 686, 10, ICONS)
    page.content += text("A", 20, 640, 10, ICONS) + text("go", 72, 640, 10, "C")
    assert markdown(page) == "\U0001f600\U0001f600 see [the wiki](https://a.example) now\n\n\U0001f600 go\n"


def test_characters_that_could_be_taken_for_marks_of_pages_are_left_out() -> None:
    assert markdown(text("B", 72, 740, 10, ICONS) + text("BA", 72, 700, 10, ICONS)) == "\U0001f600\n"


def test_links_in_what_is_read_from_right_to_left() -> None:
    page = Page(text("CC CCC", 100, 700, 10, ICONS), [("https://a.example", (100, 697, 114, 709))])
    assert markdown(page) == "אאא [אא](https://a.example)\n"


def test_links_that_lie_upon_each_other_are_one() -> None:
    page = linked("The wiki", links=[(0, "The wiki", "https://a.example"), (0, "wiki", "https://b.example")])
    assert markdown(page) == "[The wiki](https://a.example)\n"


def test_addresses_that_are_read_as_such_are_whole() -> None:
    page = linked(
        "See https://a.example/ or go to https:",
        "//b.example/long for more.",
        links=[
            (0, "https://a.example/", "https://a.example"),
            (0, "https:", "https://b.example/long"),
            (1, "//b.example/long", "https://b.example/long"),
        ],
    )
    assert markdown(page) == "See <https://a.example/> or go to <https://b.example/long> for more.\n"


def test_a_part_of_an_address_stays_as_it_is_and_a_word_of_it_is_a_link() -> None:
    address = "https://www.a.example/help"
    page = linked("www.a.example help", links=[(0, "www.a.example", address), (0, "help", address)])
    assert markdown(page) == f"www.a.example [help]({address})\n"


def grid(left: float, top: float, columns: tuple[float, ...], rows: int) -> str:
    places = [left + sum(columns[:at]) for at in range(len(columns) + 1)]
    across = "".join(rule(places[0], top - 20 * at, places[-1], top - 20 * at) for at in range(rows + 1))
    return across + "".join(rule(at, top - 20 * rows, at, top) for at in places)


def test_ruled_tables() -> None:
    drawn = lines(PROSE) + grid(72, 640, (150, 150, 150), 3)
    for row, cells in enumerate((("City", "Rate|day", "Note"), ("Bonn", "120", ""), ("Ulm", "90", "busy in May"))):
        drawn += "".join(text(cell, 76 + 150 * at, 626 - 20 * row) for at, cell in enumerate(cells))
    drawn += text("After the table.", 72, 540)
    assert markdown(drawn) == (
        f"{PARAGRAPH}\n\n| City | Rate\\|day | Note |\n| --- | --- | --- |\n| Bonn | 120 |  |\n"
        "| Ulm | 90 | busy in May |\n\nAfter the table.\n"
    )


def test_tables_without_rules() -> None:
    drawn = lines(PROSE)
    for row, cells in enumerate((("City", "Rate", "Note"), ("Bad Honnef", "1,120", "busy in May"), ("Ulm", "90", ""))):
        for at, cell in enumerate(cells):
            drawn += text(cell, 72 + 150 * at + (30 - 5 * len(cell) if at == 1 else 0), 640 - 16 * row)
    drawn += text("After the table.", 72, 560)
    assert markdown(drawn) == (
        f"{PARAGRAPH}\n\n| City | Rate | Note |\n| --- | --- | --- |\n| Bad Honnef | 1,120 | busy in May |\n"
        "| Ulm | 90 |  |\n\nAfter the table.\n"
    )


def test_words_that_share_no_columns_are_no_table() -> None:
    drawn = (
        text("one", 72, 700)
        + text("two", 300, 700)
        + text("a line that reaches from the first to the second one", 85, 686)
        + text("three", 400, 686)
    )
    assert "|" not in markdown(drawn)


def test_what_the_document_says_of_itself() -> None:
    info = {
        "Title": "Travel",
        "Author": "Finance",
        "Keywords": "travel; money",
        "CreationDate": "D:20240501101112+02'00'",
        "ModDate": "D:2024",
    }
    converted = convert(pdf([lines(PROSE)], info=info))
    assert (converted.title, converted.tags) == ("Travel", ("travel", "money"))
    assert converted.metadata == {
        "author": "Finance",
        "created": "2024-05-01T10:11:12+02:00",
        "modified": "2024-01-01",
        "pages": 1,
    }


def test_titles_that_programs_put_there_are_none() -> None:
    assert convert(pdf([lines(PROSE)], info={"Title": "Microsoft Word - travel.docx"})).title is None


def test_scans_have_no_text_layer() -> None:
    for pages in ([Page("", has_picture=True)], [Page(text("stamp", 10, 10), has_picture=True)], [""]):
        with pytest.raises(Unreadable, match="no text layer") as caught:
            convert(pdf(pages))
        assert caught.value.code == "no-text-layer"


def test_a_page_of_contents_is_no_scan() -> None:
    contents = lines([f"{number} Scope . . . . . . . . . . {number}" for number in range(1, 6)])
    assert "pages_without_text" not in convert(pdf([Page(contents, has_picture=True), lines(PROSE)])).metadata


def test_pages_that_are_scans_among_others_are_counted() -> None:
    converted = convert(pdf([lines(PROSE), Page("", has_picture=True)]))
    assert converted.metadata["pages_without_text"] == 1


def test_passwords() -> None:
    def encrypted(password: str) -> bytes:
        writer = pypdf.PdfWriter(io.BytesIO(pdf([lines(PROSE)])))
        writer.encrypt(password, "owner", algorithm="AES-256")
        out = io.BytesIO()
        writer.write(out)
        return out.getvalue()

    assert PARAGRAPH in convert(encrypted("")).markdown
    with pytest.raises(Unreadable) as caught:
        convert(encrypted("secret"))
    assert caught.value.code == "encrypted"


@pytest.mark.parametrize(("settings", "code"), [({"max_pages": 1}, "too-many-pages"), ({"max_chars": 150}, "too-long")])
def test_limits(settings: dict[str, int], code: str) -> None:
    with pytest.raises(Unreadable) as caught:
        convert(pdf([lines(PROSE), lines(PROSE)]), **settings)
    assert caught.value.code == code


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7\n", b"%PDF-1.7\n%%EOF", b"hello"])
def test_what_is_no_pdf(content: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        convert(content)
    assert caught.value.code == "malformed"


def outcome(content: bytes) -> str:
    try:
        return "read" if PROSE[0] in convert(content).markdown else "lost"
    except DocumentError as error:
        return error.code


def test_a_cut_file_is_repaired_or_refused() -> None:
    whole = pdf([lines(PROSE)] * 3)
    for end in range(100, len(whole), 157):
        assert outcome(whole[:end]) in {"read", "malformed", "no-text-layer"}
    assert outcome(whole[:-7]) == "read"


def test_text_that_looks_like_markdown_stays_text() -> None:
    assert markdown(
        lines(("# no heading", "--- or so, and yet it is but a line of plain prose, as any other."))
    ).startswith("\\# no heading")
