from __future__ import annotations

from typing import Any

import pytest
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.presentation import Presentation
from pptx.slide import Slide
from pptx.util import Inches

from knowledge_connector import Converted, Raw, Unreadable
from knowledge_connector.kit.pages import page_mark
from knowledge_connector_office import PptxConverter
from plugins.office.makers import pptx_file

TITLE_AND_CONTENT, BLANK = 1, 6
HERE = (0, 0, Inches(2), Inches(2))


def convert(content: bytes, **settings: Any) -> Converted:
    return PptxConverter().convert(Raw(content, ""), settings)


def titled(presentation: Presentation, title: str) -> Slide:
    slide: Slide = presentation.slides.add_slide(presentation.slide_layouts[TITLE_AND_CONTENT])
    shape: Any = slide.shapes.title
    shape.text = title
    return slide


def test_slides_are_sections_with_bullets_and_notes() -> None:
    def fill(presentation: Presentation) -> None:
        presentation.core_properties.title = "Kick-off"
        slide = titled(presentation, "Why\vnow?")
        frame = slide.placeholders[1].text_frame
        frame.text = "Because"
        paragraph = frame.add_paragraph()
        paragraph.text, paragraph.level = "of this", 1
        notes: Any = slide.notes_slide.notes_text_frame
        notes.text = "Speak slowly.\nSmile."
        slide = presentation.slides.add_slide(presentation.slide_layouts[BLANK])
        slide.shapes.add_textbox(*HERE).text_frame.text = "Alone"

    converted = convert(pptx_file(fill))
    assert converted.markdown == (
        f"{page_mark(1)}\n\n## Why now?\n\n- Because\n    - of this\n\n### Notes\n\nSpeak slowly.\n\nSmile.\n\n"
        f"{page_mark(2)}\n\n## Slide 2\n\nAlone\n"
    )
    assert converted.title == "Kick-off"
    assert converted.metadata["slides"] == 2


def test_tables_merge_and_charts_are_tables() -> None:
    def fill(presentation: Presentation) -> None:
        slide = presentation.slides.add_slide(presentation.slide_layouts[BLANK])
        table = slide.shapes.add_table(2, 3, *HERE).table
        for at, text in enumerate(("City", "Rates", "", "Bonn", "1|2", "3")):
            table.cell(at // 3, at % 3).text = text
        table.cell(0, 1).merge(table.cell(0, 2))
        data: Any = CategoryChartData()  # type: ignore[no-untyped-call]  # python-pptx types some
        data.categories = ["May", "June"]
        data.add_series("Sold", (1.5, 2))
        data.add_series("Lost", (0, None))
        chart = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *HERE, data).chart
        chart.has_title = True
        chart.chart_title.text_frame.text = "Sales"

    assert convert(pptx_file(fill)).markdown.endswith(
        "| City | Rates | Rates |\n| --- | --- | --- |\n| Bonn | 1\\|2 | 3 |\n\n"
        "Sales\n\n|  | Sold | Lost |\n| --- | --- | --- |\n| May | 1.5 | 0 |\n| June | 2 |  |\n"
    )


def test_groups_links_and_pictures() -> None:
    def fill(presentation: Presentation) -> None:
        slide = presentation.slides.add_slide(presentation.slide_layouts[BLANK])
        group = slide.shapes.add_group_shape()
        run = group.shapes.add_textbox(*HERE).text_frame.paragraphs[0].add_run()
        run.text = "the wiki"
        run.hyperlink.address = "https://wiki.example/"
        slide.shapes.add_textbox(*HERE).text_frame.text = "after the group"

    assert convert(pptx_file(fill)).markdown.endswith("[the wiki](https://wiki.example/)\n\nafter the group\n")


def test_hidden_slides_by_setting() -> None:
    def fill(presentation: Presentation) -> None:
        titled(presentation, "Seen")
        titled(presentation, "Unseen").element.set("show", "0")

    content = pptx_file(fill)
    assert "Unseen" not in convert(content).markdown
    assert "## Unseen" in convert(content, hidden=True).markdown


def test_too_many_slides_are_refused() -> None:
    content = pptx_file(lambda presentation: [titled(presentation, "x") for _ in range(3)])
    with pytest.raises(Unreadable, match="3 slides, more than max_pages = 2") as caught:
        convert(content, max_pages=2)
    assert caught.value.code == "too-many-pages"
