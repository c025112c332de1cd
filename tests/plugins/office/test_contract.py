"""What every converter has to keep. Those that read nothing by themselves (passwords, LibreOffice) have tests of their own."""

import pytest

from knowledge_connector import Converter
from knowledge_connector.testing.converter import ConvertersContract
from knowledge_connector_office import (
    DocxConverter,
    EncryptedConverter,
    LegacyConverter,
    OdfConverter,
    PptxConverter,
    RtfConverter,
    SheetConverter,
    register_converters,
)
from plugins.office.makers import docx_file, pptx_file, xlsx_file
from plugins.office.packages import open_document

RTF = rb"{\rtf1\ansi{\stylesheet{\s1 heading 1;}}\pard\s1 Why?\par\pard \u8364? Because{\*\x y}\par\trowd\cellx9\intbl a\cell\row}"


def samples() -> dict[type[Converter], bytes]:
    return {
        DocxConverter: docx_file(lambda document: document.add_paragraph("Because")),
        PptxConverter: pptx_file(
            lambda presentation: setattr(
                presentation.slides.add_slide(presentation.slide_layouts[0]).shapes.title, "text", "Because"
            )
        ),
        SheetConverter: xlsx_file(lambda workbook: workbook.add_worksheet().write_row(0, 0, ["Because", "b"])),
        OdfConverter: open_document("text", "<text:p>Because<text:s/>so</text:p>"),
        RtfConverter: RTF,
    }


SAMPLES = samples()


@pytest.mark.parametrize("kind", SAMPLES, ids=lambda kind: kind.name)
class TestOffice(ConvertersContract):
    samples = SAMPLES


def test_every_converter_is_asked_here_or_has_its_reason() -> None:
    assert set(register_converters()) == {*SAMPLES, LegacyConverter, EncryptedConverter}


def test_converters_do_not_compete() -> None:
    claimed = [media_type for kind in register_converters() for media_type in kind.media_types]
    assert len(claimed) == len(set(claimed))
