"""OpenDocument files that a library of others has made, which knows nothing of how we read."""

from __future__ import annotations

import io

from odfdo import Document, DrawPage, Frame, Header, Link, List, Paragraph, Table

from knowledge_connector import Converted, Raw
from knowledge_connector_office.opendocument import read

WRITTEN = """# On Engines

## The mill

Wheels turn.

- cards
- operations

| part | count |
| --- | --- |
| wheel | 12 |

It works[^1]

See [the notes](https://example.com/notes)

one   blank	tab
line

[^1]: In theory.
"""


def converted(document: Document) -> Converted:
    packed = io.BytesIO()
    document.save(packed)
    return read(Raw(packed.getvalue(), "", "memory:"), {})


def test_a_text() -> None:
    document = Document("text")
    document.meta.title, document.meta.creator = "Notes", "Ada"
    table = Table("parts", width=2, height=2)
    table.set_values([["part", "count"], ["wheel", 12]])
    noted, linked = Paragraph("It works"), Paragraph("See ")
    noted.insert_note(after="works", note_id="n1", citation="1", body="In theory.")
    linked.append(Link("https://example.com/notes", text="the notes"))
    document.body.clear()
    for block in (
        Header(1, "On Engines"),
        Header(2, "The mill"),
        Paragraph("Wheels turn."),
        List(["cards", "operations"]),
        table,
        noted,
        linked,
        Paragraph("one   blank\ttab\nline"),
    ):
        document.body.append(block)
    found = converted(document)
    assert found.markdown == WRITTEN
    assert (found.title, found.metadata["author"]) == ("Notes", "Ada")


def test_a_presentation() -> None:
    document = Document("presentation")
    document.body.clear()
    for number, words in enumerate(("The engine weaves.", "The mill returns."), 1):
        page = DrawPage(f"page{number}", name=f"Page {number}")
        page.append(Frame.text_frame(words, size=("7cm", "5cm"), position=("11cm", "12cm")))
        document.body.append(page)
    found = converted(document)
    assert found.metadata["slides"] == 2
    assert found.markdown.index("## Slide 1") < found.markdown.index("The engine weaves.")
    assert found.markdown.index("The engine weaves.") < found.markdown.index("## Slide 2")
    assert found.markdown.endswith("The mill returns.\n")
