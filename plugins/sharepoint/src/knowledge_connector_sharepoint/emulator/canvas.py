"""What pages are made of: sections, columns, and web parts of every sort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from knowledge_connector.testing.emulation import Row
from knowledge_connector_sharepoint.emulator import content
from knowledge_connector_sharepoint.emulator.tenant import guid

TEXT_TYPE = "#microsoft.graph.textWebPart"
STANDARD_TYPE = "#microsoft.graph.standardWebPart"

_HR = "https://contoso.sharepoint.com/sites/Handbook"


def text(html: str, *, number: int = 0) -> Row:
    """Give a part that holds HTML."""
    return {"@odata.type": TEXT_TYPE, "id": guid(f"part/{number}/{len(html)}"), "innerHtml": html}


def standard(
    kind: str,
    title: str,
    *,
    properties: Mapping[str, Any] | None = None,
    texts: Mapping[str, str] | None = None,
    html: Mapping[str, str] | None = None,
    links: Mapping[str, str] | None = None,
    images: Mapping[str, str] | None = None,
    description: str = "",
) -> Row:
    """Give a part of a type that has a GUID, with what the server makes of it for search."""
    processed = {
        "htmlStrings": _pairs(html),
        "searchablePlainTexts": _pairs(texts),
        "links": _pairs(links),
        "imageSources": _pairs(images),
    }
    data = {"title": title, "description": description, "properties": dict(properties or {}), "dataVersion": "1.0"}
    return {
        "@odata.type": STANDARD_TYPE,
        "id": guid(f"part/{kind}/{title}"),
        "webPartType": kind,
        "data": {**data, "serverProcessedContent": processed},
    }


def _pairs(values: Mapping[str, str] | None) -> list[Row]:
    return [{"key": key, "value": value} for key, value in (values or {}).items()]


RICH_TEXT = (
    "<h2>Welcome&nbsp;&amp; hello</h2><p>Read this <strong>first</strong>, then the <em>rest</em>&#58; it is "
    '<a href="/sites/Handbook/SitePages/Page-0001.aspx" data-interception="on">on page one</a>.</p>'
    "<ul><li>One<ul><li>One and a half</li></ul></li><li>Two</li></ul><ol><li>First</li><li>Second</li></ol>"
    "<blockquote>Said by somebody.</blockquote><pre><code>connector run handbook\n</code></pre>"
    '<div class="canvasRteResponsiveTable"><table><tbody><tr><td><strong>City</strong></td><td><strong>Phone</strong></td></tr>'
    "<tr><td>Berlin</td><td>030</td></tr><tr><td>Vienna</td><td>01</td></tr></tbody></table></div>"
    '<div data-sp-prop-id="image1" data-sp-a11y-title="Our building"></div>'
    '<p><img src="/sites/Handbook/SiteAssets/house.png" alt="The house"></p>'
)
"""Everything that the editor for text makes."""

MALFORMED_HTML = (
    "<p>Opened <b>and never <i>closed<table><tr><td>cell<p>&nbsp;&bogus; &#x; <li>stray</p></b> tail <!-- not ended"
)
"""What comes of pasting, and of old editors."""

EVERY_PART: Sequence[Row] = (
    text(RICH_TEXT),
    standard("d1d91016-032f-456d-98a4-721247c305e8", "Image", texts={"captionText": "The house in spring"},
             properties={"altText": "A house with a garden", "imageSourceType": 2},
             images={"imageSource": f"{_HR}/SiteAssets/house.png"}),
    standard("c70391ea-0b10-4ee9-b2b4-006d3fcad0cd", "Quick links",
             texts={"title": "Where to go", "items[0].title": "Travel", "items[1].title": "Canteen",
                    "items[1].description": "Menu of the week"},
             links={"items[0].sourceItem.url": f"{_HR}/SitePages/Page-0001.aspx",
                    "items[1].sourceItem.url": "https://canteen.example.com/menu"},
             properties={"layoutId": "List"}),
    standard("7f718435-ee4d-431c-bdbf-9c4ff326f46e", "People",
             texts={"title": "Whom to ask", "persons[0].name": "Ann Example", "persons[0].email": "ann@contoso.com"},
             properties={"persons": [{"id": "i:0#.f|membership|ann@contoso.com", "role": "Service desk"}]}),
    standard("490d7c76-1824-45b2-9de3-676421c997fa", "Embed",
             properties={"embedCode": '<iframe src="https://video.example.com/embed/42"></iframe>'},
             links={"websiteUrl": "https://video.example.com/embed/42"}),
    standard("2161a1c6-db61-4731-b97c-3cdb303f7cbb", "Divider", properties={"length": 100, "weight": 2}),
    standard("8654b779-4886-46d4-8ffb-b5ed960ee986", "Spacer", properties={"height": 60}),
    standard("b7dd04e1-19ce-4b24-9132-b60a1c2b910d", "Document", texts={"title": "Report.docx"},
             properties={"file": f"{_HR}/Shared Documents/Curiosities/Report.docx", "wopiurl": ""},
             links={"serverRelativeUrl": "/sites/Handbook/Shared Documents/Curiosities/Report.docx"}),
    standard("f92bf067-bc19-489e-a556-7fe95f508720", "List", texts={"listTitle": "Questions"},
             properties={"selectedListId": guid("list/faq"), "isDocumentLibrary": False}),
    standard("daf0b71c-6de8-4ef7-b511-faae7c388708", "Highlighted content", texts={"title": "Recently changed"},
             properties={"query": {"contentTypes": [1]}, "maxItemsPerPage": 8}),
    standard("62cac389-787f-495d-beca-e11786162ef4", "Countdown", texts={"title": "Moving day", "description": "Boxes by noon"},
             properties={"countDate": "2027-03-01T08:00:00.000Z"}),
    standard("7b317bca-c919-4982-af2f-8399173e5a1e", "Code snippet",
             properties={"code": "print('hello')", "language": "python"}, texts={"code": "print('hello')"}),
    standard("1ef5ed11-ce7b-44be-bc5e-4abd55101d16", "Markdown", properties={"code": "## Written by hand\n\n- one\n- two"},
             html={"html": "<h2>Written by hand</h2><ul><li>one</li><li>two</li></ul>"}),
    standard("c4bd7b2f-7b6e-4599-8485-16504575f590", "Hero", texts={"content[0].title": "Big news", "content[0].callToActionText": "More"},
             links={"content[0].link": f"{_HR}/SitePages/Page-0002.aspx"},
             images={"content[0].previewImage.url": f"{_HR}/SiteAssets/hero.png"}),
    standard("0f087d7f-520e-42b7-89c0-496aaf979d58", "Button", texts={"label": "Order a badge"},
             links={"linkUrl": "https://badges.example.com/order"}),
    standard("df8e44e7-edd5-46d5-90da-aca1539313b8", "Call to action", texts={"overlayText": "Apply now", "buttonText": "To the form"},
             links={"url": "https://jobs.example.com/form"}),
    standard("20745d7d-8581-4a6c-bf26-68279bc123fc", "Events", texts={"title": "What is on"}, properties={"maxItemsPerPage": 3}),
    standard("e377ea37-9047-43b9-8cdb-a761be2f8e09", "Map", texts={"title": "How to find us", "address": "Example Street 1, Berlin"},
             properties={"center": {"latitude": 52.5, "longitude": 13.4}}),
    standard("8c88f208-6c77-4bdb-86a0-0c47b4316588", "News", texts={"title": "News"}, properties={"newsDataSourceProp": 1}),
    standard("6410b3b6-d440-4663-8744-378976dc041e", "Link preview", texts={"title": "Opening hours", "description": "Mon to Fri"},
             links={"url": "https://hours.example.com/"}),
    standard("af8be689-990e-492a-81f7-ba3e4cd3ed9c", "Image gallery", texts={"images[0].caption": "Summer party"},
             properties={"images": [{"title": "party.jpg", "altText": "People in the garden"}]}),
    standard("91a50c94-865f-4f5c-8b4e-e49659e69772", "Quick chart",
             texts={"title": "Visitors", "data[0].label": "May", "data[1].label": "June"},
             properties={"data": [{"id": "1", "label": "May", "y": 12}, {"id": "2", "label": "June", "y": 20}]}),
    standard(guid("part of a partner"), "Weather of a partner", description="Made by somebody else",
             properties={"city": "Berlin", "unit": "celsius"}),
)  # fmt: skip
"""One of each; the last is of a type that nobody knows."""


def section(number: int, layout: str, columns: Sequence[Sequence[Row]]) -> Row:
    """Give a section; columns share its width of 12."""
    width = 12 // len(columns)
    return {
        "layout": layout,
        "id": str(number),
        "emphasis": "none",
        "columns": [
            {"id": str(place), "width": width, "webparts": list(parts)} for place, parts in enumerate(columns, 1)
        ],
    }


def of_every_part() -> Row:
    """Give a canvas with one of each, and a column at the side; sections do not stand in their order."""
    third = len(EVERY_PART) // 3
    return {
        "horizontalSections": [
            section(2, "twoColumns", [EVERY_PART[third : 2 * third], EVERY_PART[2 * third :]]),
            section(1, "oneColumn", [EVERY_PART[:third]]),
        ],
        "verticalSection": {
            "emphasis": "neutral",
            "webparts": [text("<p>At the side stands what many readers miss.</p>", number=99)],
        },
    }


def of_paragraphs(seed: int, edition: int) -> Row:
    """Give a canvas of text alone."""
    parts = [
        text(f"<h2>{escape(heading)}</h2><p>{escape(body)}</p>", number=number)
        for number, (heading, body) in enumerate(content.paragraphs(seed, edition))
    ]
    return {"horizontalSections": [section(1, "oneColumn", [parts])]}


def of_malformed() -> Row:
    """Give a canvas with HTML that is none."""
    return {"horizontalSections": [section(1, "oneColumn", [[text(MALFORMED_HTML)]])]}
