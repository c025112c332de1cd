"""Which rules make a grid, and what is asked of pdfium for many things at once."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from contextlib import closing

import pypdfium2  # type: ignore[import-untyped]  # it ships no types
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]  # the same
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector_pdf.calls import Boxes, abscissas, bookmarks, font_names, path_boxes
from knowledge_connector_pdf.tables import Rule, _grids  # the tables of a page show only the grids with text in them
from plugins.pdf.makers import pdf, rule, text

SNAP = 3


def cross(across: Rule, down: Rule) -> bool:
    return down.start - SNAP <= across.at <= down.end + SNAP and across.start - SNAP <= down.at <= across.end + SNAP


def grids_by_pairs(across: Sequence[Rule], down: Sequence[Rule]) -> list[tuple[set[Rule], set[Rule]]]:
    """What hangs together, by looking at each pair; in the order of the rules that run across."""
    found: list[tuple[set[Rule], set[Rule]]] = []
    for seed in across:
        if any(seed in grid[0] for grid in found):
            continue
        grid = {seed}, set[Rule]()
        sizes = (0, 0)
        while sizes != (len(grid[0]), len(grid[1])):
            sizes = len(grid[0]), len(grid[1])
            grid[1].update(other for other in down if any(cross(one, other) for one in grid[0]))
            grid[0].update(one for one in across if any(cross(one, other) for other in grid[1]))
        found.append(grid)
    return [grid for grid in found if grid[1]]


places = st.integers(0, 40)
rules = st.lists(
    st.builds(lambda at, start, length: Rule(at, start, start + length), places, places, places), max_size=25
)


@given(rules, rules)
def test_grids_are_what_hangs_together(across: list[Rule], down: list[Rule]) -> None:
    found = [({*one}, {*other}) for one, other in _grids(across, down)]
    assert found == grids_by_pairs(across, down)


def test_many_questions_have_the_answers_of_one() -> None:
    drawn = (
        text("Hy", 72, 700) + text("gj", 72, 680, 14, "B") + text("x = 1", 72, 660, 9, "C") + rule(72, 600, 300, 600)
    )
    with (
        pypdfium2.PdfDocument(pdf([drawn])) as document,
        closing(document[0]) as page,
        closing(page.get_textpage()) as text_page,
    ):
        everywhere = range(text_page.count_chars())
        boxes = [text_page.get_charbox(at, loose=True) for at in everywhere]
        asked = Boxes()
        for times in (1, 30):  # the room for the answers is used again, and grows
            left, top, right, bottom = asked.edges(text_page.raw, [*everywhere] * times)
            assert list(zip(left, bottom, right, top, strict=True)) == boxes * times
        x_of = abscissas(text_page.raw)
        assert [x_of(at) for at in everywhere] == pytest.approx([left for left, _, _, _ in boxes], abs=0.01)
        name = ctypes.create_string_buffer(64)
        for at, found in zip(everywhere, font_names(text_page.raw, everywhere), strict=True):
            length = pdfium.FPDFText_GetFontInfo(text_page.raw, at, name, 64, None)
            assert found == (name.value if length else b"")
        (line,) = path_boxes(page.raw, 10)
        assert line[0] < 72.1
        assert line[2] > 299.9
        assert list(path_boxes(page.raw, 3)) == []


def test_bookmarks_that_lead_in_circles_are_read_once() -> None:
    titles = ("Scope", "Aims", "Ends")
    whole = pdf([text("Hy", 72, 700)], outline=[(title, 0) for title in titles])
    second, third = re.findall(rb"/Next (\d+) 0 R", whole)
    first = b"%0*d" % (len(second), int(second) - 1)
    circular = whole.replace(b"/Next %b 0 R" % third, b"/Next %b 0 R" % first)
    for content, expected in ((whole, titles), (circular, titles[:2])):
        with pypdfium2.PdfDocument(content) as document:
            assert list(bookmarks(document.raw, 6, 100)) == [(title, 1, 0) for title in expected]
