"""What LibreOffice writes, and what it reads for us; skipped where it is not installed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from docx.document import Document
from pptx.presentation import Presentation
from xlsxwriter.workbook import Workbook  # type: ignore[import-untyped]  # XlsxWriter ships no types

from knowledge_connector import Converted, Converter, DocumentError, Raw, Unreadable
from knowledge_connector_office import (
    DocxConverter,
    LegacyConverter,
    OdfConverter,
    PptxConverter,
    RtfConverter,
    SheetConverter,
)
from plugins.office.makers import by_libreoffice, docx_file, has_libreoffice, pptx_file, xlsx_file

needs_libreoffice = pytest.mark.skipif(not has_libreoffice(), reason="LibreOffice is not installed")
READERS: dict[str, type[Converter]] = {
    ending: kind
    for kind in (DocxConverter, PptxConverter, SheetConverter, OdfConverter, RtfConverter, LegacyConverter)
    for ending in kind.extensions
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("libreoffice")


def convert(content: bytes, ending: str) -> Converted:
    kind = READERS[f".{ending}"]
    return kind().convert(Raw(content, kind.extensions[f".{ending}"]), {})


def handbook(document: Document) -> None:
    document.core_properties.author = "Finance"
    document.add_heading("Travel policy", 1)
    document.add_paragraph("Because customers like to see us, we “travel” to Köln.")
    document.add_paragraph("ask", style="List Number")
    document.add_paragraph("book", style="List Number")
    document.add_heading("Rates", 2)
    table = document.add_table(3, 2)
    for at, text in enumerate(("City", "Rate", "Bonn", "120", "Ulm", "")):
        table.cell(at // 2, at % 2).text = text
    table.cell(1, 1).merge(table.cell(2, 1))
    document.add_paragraph("Ask if in doubt.")


HANDBOOK = (
    "# Travel policy\n\nBecause customers like to see us, we “travel” to Köln.\n\n1. ask\n2. book\n\n## Rates\n\n"
    "| City | Rate |\n| --- | --- |\n| Bonn | 120 |\n| Ulm | 120 |\n\nAsk if in doubt.\n"
)


@needs_libreoffice
@pytest.mark.parametrize("ending", ["docx", "odt", "rtf", "doc", "fodt"])
def test_text_is_the_same_in_every_format(ending: str, folder: Path) -> None:
    converted = convert(by_libreoffice(docx_file(handbook), "docx", ending, folder), ending)
    assert converted.markdown == HANDBOOK
    assert converted.metadata["author"] == "Finance"


@needs_libreoffice
@pytest.mark.parametrize("ending", ["pptx", "odp", "ppt"])
def test_slides_are_the_same_in_every_format(ending: str, folder: Path) -> None:
    def fill(presentation: Presentation) -> None:
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = "Why"
        slide.placeholders[1].text_frame.text = "Because"
        slide.notes_slide.notes_text_frame.text = "Speak slowly"

    converted = convert(by_libreoffice(pptx_file(fill), "pptx", ending, folder), ending)
    assert converted.markdown.endswith("## Why\n\n- Because\n\n### Notes\n\nSpeak slowly\n")


@needs_libreoffice
@pytest.mark.parametrize("ending", ["xlsx", "ods", "xls"])
def test_sheets_are_the_same_in_every_format(ending: str, folder: Path) -> None:
    def fill(workbook: Workbook) -> None:
        sheet = workbook.add_worksheet("Städte")
        sheet.write_row(0, 0, ["City", "Rate"])
        sheet.write_row(1, 0, ["Köln", 1.5])
        workbook.add_worksheet("Unseen").hide()

    converted = convert(by_libreoffice(xlsx_file(fill), "xlsx", ending, folder), ending)
    assert converted.markdown == "## Städte\n\n| City | Rate |\n| --- | --- |\n| Köln | 1.5 |\n"


def test_workbooks_from_before_excel_97_go_to_libreoffice() -> None:
    content = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000) + "Book\0".encode("utf-16-le")
    with pytest.raises(Unreadable) as caught:
        SheetConverter().convert(Raw(content, "application/vnd.ms-excel"), {"program": "/nowhere/soffice"})
    assert caught.value.code == "no-libreoffice"


@needs_libreoffice
def test_an_old_file_that_is_damaged() -> None:
    with pytest.raises(DocumentError) as caught:
        convert(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000), "doc")
    assert caught.value.code == "malformed"


def test_what_is_no_old_file() -> None:
    with pytest.raises(DocumentError) as caught:
        LegacyConverter().convert(Raw(b"hello", "application/msword"), {"program": "/bin/true"})
    assert caught.value.code == "malformed"


def test_a_machine_without_libreoffice() -> None:
    with pytest.raises(Unreadable) as caught:
        LegacyConverter().convert(Raw(b"", "application/msword"), {"program": "/nowhere/soffice"})
    assert caught.value.code == "no-libreoffice"


def test_a_program_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    pipe, program = tmp_path / "pipe", tmp_path / "soffice"
    os.mkfifo(pipe)
    program.write_text(f"#!/bin/sh\nexec 3>{pipe}\necho x >&3\nsleep 60 &\nsleep 60\n", encoding="ascii")
    program.chmod(0o755)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    old = Raw(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword")
    with pytest.raises(DocumentError) as caught:
        LegacyConverter().convert(old, {"program": str(program), "timeout_seconds": 1})
    assert caught.value.code == "timeout"
    os.set_blocking(reader, True)
    assert os.read(reader, 2) == b"x\n"
    assert os.read(reader, 1) == b""  # the end: nobody holds the pipe any more
    os.close(reader)
