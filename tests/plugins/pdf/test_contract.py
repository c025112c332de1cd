import pytest

from knowledge_connector.testing.converter import ConverterContract
from knowledge_connector_pdf import PdfConverter, register_converters
from plugins.pdf.makers import Page, lines, pdf, text


class TestPdf(ConverterContract):
    @pytest.fixture
    def converter(self) -> PdfConverter:
        return PdfConverter()

    @pytest.fixture
    def sample(self) -> bytes:
        links = [("https://wiki.example/", (94, 695, 132, 712))]
        page = Page(text("Why?", 72, 780, 24) + lines(("See the wiki,", "Because it is", "kept there.")), links)
        return pdf([page, lines(("A second page.",))], info={"Title": "Why"}, outline=[("Why?", 0)])


def test_converters_do_not_compete() -> None:
    claimed = [media_type for kind in register_converters() for media_type in kind.media_types]
    assert len(claimed) == len(set(claimed))
