"""Web parts and what becomes of them. `every_web_part.markdown` is a page with every part of the emulator, for people to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from knowledge_connector_sharepoint.canvas import canvas_to_markdown, parts_of
from knowledge_connector_sharepoint.emulator.canvas import MALFORMED_HTML, of_every_part

SNAPSHOT = Path(__file__).with_name("every_web_part.markdown")
URL = "https://contoso.sharepoint.com/sites/Handbook/SitePages/Everything.aspx"


def text(html: str) -> dict[str, Any]:
    return {"@odata.type": "#microsoft.graph.textWebPart", "innerHtml": html}


def standard(properties: dict[str, Any] | None = None, **processed: Any) -> dict[str, Any]:
    pairs = {name: [{"key": key, "value": value} for key, value in one.items()] for name, one in processed.items()}
    return {"webPartType": "x", "data": {"properties": properties or {}, "serverProcessedContent": pairs}}


def page(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"canvasLayout": {"horizontalSections": [{"id": "1", "columns": [{"id": "1", "webparts": list(parts)}]}]}}


def markdown(*parts: dict[str, Any]) -> str:
    return canvas_to_markdown(page(*parts), url=URL)


def test_a_page_with_every_web_part_reads_as_it_should() -> None:
    found = canvas_to_markdown({"canvasLayout": of_every_part()}, url=URL)
    assert found == SNAPSHOT.read_text(encoding="utf-8")


def test_types_are_told_by_their_shape_where_metadata_is_left_out() -> None:
    layout = of_every_part()
    for section in layout["horizontalSections"]:
        for column in section["columns"]:
            for part in column["webparts"]:
                del part["@odata.type"]
    assert canvas_to_markdown({"canvasLayout": layout}, url=URL) == SNAPSHOT.read_text(encoding="utf-8")


def test_parts_are_read_from_the_top_and_from_the_left_and_the_side_comes_last() -> None:
    def column(number: str) -> dict[str, Any]:
        return {"id": number, "webparts": [{"name": number}]}

    layout = {
        "verticalSection": {"webparts": [{"name": "side"}]},
        "horizontalSections": [
            {"id": "10", "columns": [column("b"), column("a")]},
            {"id": "2", "columns": [column("3"), column("1")]},
        ],
    }
    assert [part["name"] for part in parts_of({"canvasLayout": layout})] == ["1", "3", "a", "b", "side"]


@pytest.mark.parametrize(
    "layout", [None, {}, {"horizontalSections": None}, {"horizontalSections": [{"columns": None}]}]
)
def test_an_empty_canvas_says_nothing(layout: Any) -> None:
    assert canvas_to_markdown({"canvasLayout": layout}, url=URL) == ""


def test_malformed_html_keeps_its_words() -> None:
    found = markdown(text(MALFORMED_HTML))
    assert [word for word in ("Opened", "and never", "closed", "cell", "stray", "tail") if word not in found] == []


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (text("<p>a&nbsp;&amp;&#160;b</p>"), "a\N{NO-BREAK SPACE}&\N{NO-BREAK SPACE}b\n"),
        (text('<p><a href="/sites/x">x</a></p>'), "[x](https://contoso.sharepoint.com/sites/x)\n"),
        (text("<script>alert(1)</script><p>x</p>"), "x\n"),
        (text('<p><a href="javascript:alert(1)">x</a></p>'), "x\n"),
        (
            text('<div class="imagePlugin" data-alttext="A cat" data-captiontext="Our cat"></div><p>x</p>'),
            "A cat – Our cat\n\nx\n",
        ),
        (standard({"code": "a < b", "language": "sql"}), "```sql\na < b\n```\n"),
        (standard({"code": "*very* **plain**\n\n- one"}), "*very* **plain**\n\n- one\n"),
        (standard(searchablePlainTexts={"title": "Contacts"}), "### Contacts\n"),
        (standard(searchablePlainTexts={"x": "1 < 2"}), "1 < 2\n"),
        (standard(htmlStrings={"html": "<p>some <b>bold</b> words</p>"}), "some **bold** words\n"),
        (
            standard(searchablePlainTexts={"title": "Go"}, links={"linkUrl": "https://x.example/"}),
            "[Go](https://x.example/)\n",
        ),
        (standard(links={"baseUrl": "https://x.example/"}), ""),
        (
            standard(
                searchablePlainTexts={"items[1].title": "B", "items[0].title": "A"},
                links={"items[0].sourceItem.url": "/a b"},
            ),
            "* [A](https://contoso.sharepoint.com/a%20b)\n* B\n",
        ),
        (standard(links={"items[0].url": "https://x.example/"}), "* <https://x.example/>\n"),
        ({"data": {"title": "Weather", "description": "of today"}}, "Weather: of today\n"),
        ({"data": {"title": "Spacer"}}, ""),
        ({}, ""),
    ],
)
def test_one_part_at_a_time(part: dict[str, Any], expected: str) -> None:
    assert markdown(part) == expected
