"""What is asked of pdfium about lines, and what is remembered instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

import pypdfium2  # type: ignore[import-untyped]  # it ships no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge_connector_pdf.calls import abscissas
from knowledge_connector_pdf.lines import Line, Probe, chars_before, lines_of
from plugins.pdf.makers import pdf, text

UPRIGHT = (1.0, 0.0, 0.0, 1.0)
TURNED = (0.0, 1.0, -1.0, 0.0)
SLANTED = (1.0, 0.0, 0.3, 1.0)
NARROW = (0.5, 0.0, 0.0, 1.0)
LARGE = (2.0, 0.0, 0.0, 2.0)


def drawn(words: str, size: float, font: str, matrix: Sequence[float], end: str = "") -> str:
    a, b, c, d = matrix
    return f"BT /{font} {size} Tf {a} {b} {c} {d} 72 400 Tm ({words}) Tj {f'/{end} {size} Tf ( end) Tj' if end else ''} ET\n"


def read(content: bytes, probe: Probe | None = None) -> Iterator[Line]:
    """The lines of all pages, by one probe or by a new one for each."""
    with pypdfium2.PdfDocument(content) as document:
        for page in document:
            with closing(page), closing(page.get_textpage()) as text_page:
                yield from lines_of(text_page.raw, probe or Probe())


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.builds(
            drawn,
            words=st.text("Hxgy.", min_size=1, max_size=4),
            size=st.sampled_from([7.97, 10, 10.02, 11, 14.4]),
            font=st.sampled_from("FBC"),
            matrix=st.sampled_from([UPRIGHT, TURNED, SLANTED, NARROW, LARGE]),
            end=st.sampled_from(["", "F", "B"]),
        ),
        min_size=2,
        max_size=8,
    )
)
def test_what_is_remembered_of_a_font_is_what_pdfium_would_say(pages: list[str]) -> None:
    content = pdf(pages)
    for remembered, asked in zip(read(content, Probe()), read(content), strict=True):
        assert (remembered.text, remembered.first, remembered.last) == (asked.text, asked.first, asked.last)
        assert remembered.left == pytest.approx(asked.left, abs=0.15 * asked.style.size)  # a slant widens the box
        assert remembered.base == pytest.approx(asked.base, abs=0.05)
        assert (remembered.right, remembered.style.size) == pytest.approx((asked.right, asked.style.size), abs=0.05)
        assert (remembered.style.is_bold, remembered.style.is_code) == (asked.style.is_bold, asked.style.is_code)


def test_size_and_place_are_those_on_the_page() -> None:
    upright, turned, large = read(
        pdf([drawn("Hyg", 11, "F", UPRIGHT), drawn("Hyg", 11, "F", TURNED), drawn("Hyg", 11, "F", LARGE)])
    )
    assert [line.style.size for line in (upright, turned, large)] == [11, 11, 22]
    for line in (upright, turned, large):
        assert (line.left, line.base) == pytest.approx((72, 400), abs=0.01)


def test_a_line_is_bold_if_it_is_so_to_its_end() -> None:
    (whole,) = read(pdf([drawn("Term", 11, "B", UPRIGHT, "B")]))
    (begun,) = read(pdf([drawn("Term", 11, "B", UPRIGHT, "F")]))
    assert (whole.style.is_bold, begun.style.is_bold) == (True, False)


def test_places_in_a_line_are_found() -> None:
    content = pdf([text("iiii WWWW", 100, 700, 10)])
    with (
        pypdfium2.PdfDocument(content) as document,
        closing(document[0]) as page,
        closing(page.get_textpage()) as text_page,
    ):
        (line,) = lines_of(text_page.raw, Probe())
        x_of = abscissas(text_page.raw)
        found = [chars_before(line, place, x_of) for place in (0, 100.5, 110, 112, 500)]
    assert found == [0, 1, 5, 6, 9]
