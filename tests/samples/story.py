"""One story told in every type of file: the same words, headings, table cells and links, as far as the type has such things."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from html import escape
from textwrap import wrap

from plugins.office.makers import docx_file, pptx_file, xlsx_file
from plugins.office.packages import open_document
from plugins.pdf.makers import Page, lines, pdf, text
from samples.letters import HTML, PLAIN, SUBJECT, mail, outlook, saved_page
from samples.packages import book, zipped

TITLE = "On Engines"
LINK = ("the notes", "https://example.com/notes?g=1")
TABLE = (
    ("Card", "Operation", "Result"),
    ("V1", "multiply", "product"),
    ("V2", "divide | carry", "quotient"),
    ("V3", "subtract", "difference"),
)


@dataclass(frozen=True)
class Section:
    heading: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Story:
    """What is told. `phrase` stands in the middle and nowhere else."""

    phrase: str
    sections: tuple[Section, ...]
    table: tuple[tuple[str, ...], ...] = TABLE
    link: tuple[str, str] = LINK


def story(kind: str, *, length: int = 1) -> Story:
    """Give the story for a type of file; `length` repeats its middle, with other numbers."""
    phrase = f"a quiet heron crossed the {kind} meadow at noon"
    middle = tuple(
        f"Paragraph {number} tells of operation {number * 7} and of what the mill returned on day {number * 3}, which the clerk wrote down."
        for number in range(length)
    )
    return Story(
        phrase,
        (
            Section(
                "The Analytical Engine",
                ("The engine weaves algebraic patterns just as the loom weaves flowers and leaves.",),
            ),
            Section(
                "Cards and Operations",
                (*middle, f"While the cards were sorted, {phrase}, and nobody looked up.", *middle),
            ),
            Section(
                "Later Years", ("It might act upon other things besides number; so wrote the countess in her notes.",)
            ),
        ),
    )


def as_html(told: Story) -> str:
    rows = [
        "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row)
        for row, tag in zip(told.table, ["th", *["td"] * 9], strict=False)
    ]
    sections = [
        f"<h2>{escape(section.heading)}</h2>" + "".join(f"<p>{escape(words)}</p>" for words in section.paragraphs)
        for section in told.sections
    ]
    table = f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
    link = f'<p>See <a href="{escape(told.link[1])}">{escape(told.link[0])}</a>.</p>'
    return f"<h1>{TITLE}</h1>{sections[0]}{sections[1]}{table}{link}{sections[2]}"


def page(told: Story) -> str:
    return f'<!doctype html><html lang="en"><head><title>{TITLE}</title></head><body>{as_html(told)}</body></html>'


def as_markdown(told: Story) -> str:
    head, *rows = ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in told.table]
    sections = ["\n\n".join([f"## {section.heading}", *section.paragraphs]) for section in told.sections]
    table = "\n".join([head, "|" + " --- |" * len(told.table[0]), *rows])
    return (
        "\n\n".join([f"# {TITLE}", *sections[:2], table, f"See [{told.link[0]}]({told.link[1]}).", sections[2]]) + "\n"
    )


def as_text(told: Story) -> str:
    return "\n\n".join(part for section in told.sections for part in (section.heading, *section.paragraphs)) + "\n"


def as_docx(told: Story) -> bytes:
    from docx.document import Document

    def fill(document: Document) -> None:
        document.add_heading(TITLE, 1)
        for section in told.sections:
            document.add_heading(section.heading, 2)
            for words in section.paragraphs:
                document.add_paragraph(words)
        table = document.add_table(len(told.table), len(told.table[0]))
        for row, cells in zip(table.rows, told.table, strict=True):
            for cell, words in zip(row.cells, cells, strict=True):
                cell.text = words

    return docx_file(fill)


def as_pptx(told: Story) -> bytes:
    from pptx.presentation import Presentation
    from pptx.util import Inches

    def fill(presentation: Presentation) -> None:
        for section in told.sections:
            slide = presentation.slides.add_slide(presentation.slide_layouts[1])
            slide.shapes.title.text = section.heading
            slide.placeholders[1].text = "\n".join(section.paragraphs)
        last = presentation.slides[len(told.sections) - 1]
        shape = last.shapes.add_table(len(told.table), len(told.table[0]), Inches(1), Inches(4), Inches(6), Inches(1))
        for row, cells in zip(shape.table.rows, told.table, strict=True):
            for cell, words in zip(row.cells, cells, strict=True):
                cell.text = words

    return pptx_file(fill)


def as_xlsx(told: Story) -> bytes:
    from xlsxwriter.workbook import Workbook  # type: ignore[import-untyped]  # it ships no types

    def fill(workbook: Workbook) -> None:
        sheet = workbook.add_worksheet("Cards")
        for number, row in enumerate(told.table):
            sheet.write_row(number, 0, row)
        notes = workbook.add_worksheet("Notes")
        for number, words in enumerate(words for section in told.sections for words in section.paragraphs):
            notes.write(number, 0, words)

    return xlsx_file(fill)


def as_odt(told: Story) -> bytes:
    parts = []
    for section in told.sections:
        parts.append(f'<text:h text:outline-level="2">{escape(section.heading)}</text:h>')
        parts += [f"<text:p>{escape(words)}</text:p>" for words in section.paragraphs]
    rows = "".join(
        "<table:table-row>"
        + "".join(f"<table:table-cell><text:p>{escape(cell)}</text:p></table:table-cell>" for cell in row)
        + "</table:table-row>"
        for row in told.table
    )
    link = f'<text:p>See <text:a xlink:href="{escape(told.link[1])}">{escape(told.link[0])}</text:a>.</text:p>'
    return open_document("text", "".join([*parts, f"<table:table>{rows}</table:table>", link]))


def as_rtf(told: Story) -> bytes:
    sections = [
        r"{\b " + section.heading + r"}\par " + "".join(rf"{words}\par " for words in section.paragraphs)
        for section in told.sections
    ]
    return (r"{\rtf1\ansi\deff0{\fonttbl{\f0 Times;}}\f0 " + "".join(sections) + "}").encode("ascii")


def as_pdf(told: Story) -> bytes:
    pages = []
    for section in told.sections:
        rows = [row for words in section.paragraphs for row in wrap(words, 90, break_on_hyphens=False)]
        for first in range(0, len(rows), 40):
            heading = text(section.heading, 72, 740, 18, "B") if not first else ""
            pages.append(Page(heading + lines(rows[first : first + 40])))
    return pdf(pages, info={"Title": TITLE})


def as_notebook(told: Story) -> bytes:
    cells = [
        {"cell_type": "markdown", "source": as_markdown(told).splitlines(keepends=True)},
        {"cell_type": "code", "source": ["weave(7)"], "outputs": [{"output_type": "stream", "text": ["flowers"]}]},
    ]
    return json.dumps({"cells": cells, "metadata": {"language_info": {"name": "python"}}, "nbformat": 4}).encode()


def as_cues(told: Story, comma: str) -> str:
    said = [words for section in told.sections for words in section.paragraphs]
    return "\n\n".join(
        f"{number}\n00:{number // 60:02}:{number % 60:02}{comma}000 --> 00:{number // 60:02}:{number % 60:02}{comma}900\n{words}"
        for number, words in enumerate(said, 1)
    )


def as_table(told: Story, delimiter: str) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
    writer.writerows(told.table)
    writer.writerows([words, "x", "y"] for section in told.sections for words in section.paragraphs)
    return file.getvalue().encode()


def as_records(told: Story) -> list[dict[str, str]]:
    return [{"title": section.heading, "text": "\n".join(section.paragraphs)} for section in told.sections]


def as_xml(told: Story) -> bytes:
    chapters = "".join(
        f"<section><title>{section.heading}</title>"
        + "".join(f"<para>{escape(words)}</para>" for words in section.paragraphs)
        + "</section>"
        for section in told.sections
    )
    return f'<?xml version="1.0"?><article><title>{TITLE}</title>{chapters}</article>'.encode()


def as_rst(told: Story) -> str:
    return "\n\n".join(
        f"{section.heading}\n{'=' * len(section.heading)}\n\n" + "\n\n".join(section.paragraphs)
        for section in told.sections
    )


def as_ctxt(told: Story) -> str:
    chunks = [f"`heading: {section.heading}`\n{words}" for section in told.sections for words in section.paragraphs]
    return "\n\n".join([f"`version: 1`\n`title: {TITLE}`", *chunks]) + "\n"


MAKERS: Mapping[str, Callable[[Story], bytes]] = {
    "md": lambda told: as_markdown(told).encode(),
    "txt": lambda told: as_text(told).encode(),
    "log": lambda told: as_text(told).encode("utf-16"),
    "tex": lambda told: as_text(told).encode(),
    "rst": lambda told: as_rst(told).encode(),
    "html": lambda told: page(told).encode(),
    "xhtml": lambda told: f'<html xmlns="http://www.w3.org/1999/xhtml"><body>{as_html(told)}</body></html>'.encode(),
    "csv": lambda told: as_table(told, ";"),
    "tsv": lambda told: as_table(told, "\t"),
    "json": lambda told: json.dumps(as_records(told)).encode(),
    "jsonl": lambda told: "\n".join(map(json.dumps, as_records(told))).encode(),
    "xml": as_xml,
    "yaml": lambda told: "\n".join(f"- {json.dumps(record)}" for record in as_records(told)).encode(),
    "docx": as_docx,
    "pptx": as_pptx,
    "xlsx": as_xlsx,
    "odt": as_odt,
    "rtf": as_rtf,
    "pdf": as_pdf,
    "epub": lambda told: book({"one.xhtml": as_html(told)}),
    "ipynb": as_notebook,
    "srt": lambda told: as_cues(told, ",").encode(),
    "vtt": lambda told: ("WEBVTT\n\n" + as_cues(told, ".")).encode(),
    "ctxt": lambda told: as_ctxt(told).encode(),
    "eml": lambda told: mail(as_text(told), html=page(told), subject=TITLE),
    "msg": lambda told: outlook({SUBJECT: TITLE, PLAIN: as_text(told), HTML: page(told).encode()}),
    "mhtml": lambda told: saved_page(page(told), subject=TITLE),
    "zip": lambda told: zipped(
        {"folder/inner.md": as_markdown(told), "folder/inner.docx": as_docx(replace(told, sections=told.sections[:1]))}
    ),
}
"""By the ending of the file; each gives the bytes."""

MISLEADING: Mapping[str, tuple[str, Callable[[Story], bytes]]] = {
    "page-called.doc": ("html", MAKERS["html"]),
    "rich-text-called.doc": ("rtf", MAKERS["rtf"]),
    "table-called.xls": ("html", MAKERS["html"]),
    "word-called.pdf": ("docx", MAKERS["docx"]),
    "portable-called.txt": ("pdf", MAKERS["pdf"]),
}
"""Files whose name says one thing and whose content is another, by name; with the type they are."""
