"""Books, notebooks, subtitles, ctxt, saved pages: what becomes of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector.convert.ctxt import CtxtConverter
from knowledge_connector.convert.epub import EpubConverter
from knowledge_connector.convert.html_page import HtmlConverter
from knowledge_connector.convert.notebook import NotebookConverter, parsed
from knowledge_connector.convert.subtitles import SubtitlesConverter
from knowledge_connector.errors import DocumentError, Unreadable
from knowledge_connector.model import Converted, Raw
from knowledge_connector.ports import Converter
from samples.packages import CONTAINER, book, zipped


def read(converter: Converter, content: bytes, **settings: Any) -> Converted:
    return converter.convert(Raw(content, min(converter.media_types)), settings)


# ----------------------------------------------------------------------------------------------------------------- EPUB


def test_a_book_is_read_in_the_order_of_its_spine() -> None:
    chapters = {
        "z.xhtml": "<h1>First</h1><p>One.</p>",
        "a.xhtml": "<h1>Second</h1><table><tr><th>n</th></tr><tr><td>2</td></tr></table>",
    }
    converted = read(EpubConverter(), book(chapters))
    assert (
        converted.markdown.index("# First") < converted.markdown.index("# Second") < converted.markdown.index("| 2 |")
    )
    assert converted.title == "On Engines"
    assert converted.tags == ("mathematics",)
    assert converted.metadata == {"author": "Ada Lovelace, L. Menabrea", "language": "en"}


def test_a_chapter_without_heading_is_called_as_the_contents_call_it() -> None:
    contents = '<nav><ol><li><a href="one.xhtml#top">The Beginning</a></li></ol></nav>'
    markdown = read(EpubConverter(), book({"one.xhtml": "<p>It was.</p>"}, contents=contents)).markdown
    assert markdown == "# The Beginning\n\nIt was."


def test_the_contents_of_an_older_book_serve_as_well() -> None:
    ncx = (
        '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel><text>The Beginning</text></navLabel>'
        '<content src="one.html"/></navPoint></navMap></ncx>'
    )
    opf = (
        '<package><manifest><item id="n" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
        '<item id="one" href="one.html" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="one"/></spine></package>'
    )
    parts: dict[str, bytes | str] = {
        "META-INF/container.xml": CONTAINER,
        "book/content.opf": opf,
        "book/toc.ncx": ncx,
        "book/one.html": "<p>It was.</p>",
    }
    assert read(EpubConverter(), zipped(parts)).markdown == "# The Beginning\n\nIt was."


def test_empty_elements_do_not_swallow_the_chapter_and_inner_links_are_text() -> None:
    body = '<p><a id="page1"/>See <a href="two.xhtml#n">note</a> and <a href="https://example.com/">there</a>.</p>'
    markdown = read(EpubConverter(), book({"one.xhtml": body})).markdown
    assert markdown == "See note and [there](https://example.com/)."


def test_a_book_that_a_shop_has_locked_is_no_failure_and_locked_fonts_do_not_matter() -> None:
    def lock(path: str) -> dict[str, bytes | str]:
        return {"META-INF/encryption.xml": f'<encryption xmlns="x"><CipherReference URI="{path}"/></encryption>'}

    assert read(EpubConverter(), book({"one.xhtml": "<p>It was."}, more=lock("book/font.otf"))).markdown == "It was."
    with pytest.raises(Unreadable) as caught:
        read(EpubConverter(), book({"one.xhtml": "<p>It was."}, more=lock("book/one.xhtml")))
    assert caught.value.code == "encrypted"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", zipped({"a.txt": b"a"}), zipped({"x.opf": b"<package"})])
def test_what_is_no_book_says_so(content: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        read(EpubConverter(), content)
    assert caught.value.code == "malformed"


# ------------------------------------------------------------------------------------------------------------ notebooks


def notebook(*cells: dict[str, Any], **metadata: Any) -> bytes:
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}).encode()


def code(source: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "source": source.splitlines(keepends=True), "outputs": outputs}


def test_a_notebook_is_prose_and_code() -> None:
    content = notebook(
        {"cell_type": "markdown", "source": ["# Waves\n", "\n", "They add up."]},
        code("x = 1\nprint('```')", {"output_type": "stream", "text": ["\x1b[31mred\x1b[0m\n"]}),
        language_info={"name": "python"},
        authors=[{"name": "Ada"}],
    )
    converted = read(NotebookConverter(), content)
    assert converted.title == "Waves"
    assert converted.metadata == {"author": "Ada", "programming_language": "python"}
    assert converted.markdown == "# Waves\n\nThey add up.\n\n````python\nx = 1\nprint('```')\n````\n\n```\nred\n```"


@pytest.mark.parametrize(
    ("output", "markdown"),
    [
        ({"output_type": "execute_result", "data": {"text/plain": "7"}}, "```\n7\n```"),
        (
            {
                "output_type": "display_data",
                "data": {"text/html": "<table><tr><th>n<tr><td>7</table>", "text/plain": "n"},
            },
            "| n |",
        ),
        ({"output_type": "display_data", "data": {"text/markdown": ["**seven**"]}}, "**seven**"),
        ({"output_type": "display_data", "data": {"image/png": "iVBO"}}, ""),
        (
            {"output_type": "error", "ename": "ZeroDivisionError", "evalue": "division by zero"},
            "ZeroDivisionError: division by zero",
        ),
        ({"output_type": "stream", "text": "a" * 5000}, "…"),
        ({"output_type": 7, "data": 3}, ""),
    ],
)
def test_of_outputs_what_can_be_read_stays(output: dict[str, Any], markdown: str) -> None:
    content = notebook(code("x", output))
    assert markdown in read(NotebookConverter(), content).markdown
    assert read(NotebookConverter(), content, outputs=False).markdown == "```\nx\n```"
    assert len(read(NotebookConverter(), content).markdown) < 4100


def test_the_old_format_is_read_too() -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": "Waves"},
        {"cell_type": "code", "input": "x", "language": "python"},
    ]
    content = json.dumps({"worksheets": [{"cells": cells}], "metadata": {}, "nbformat": 3}).encode()
    assert read(NotebookConverter(), content).markdown == "## Waves\n\n```\nx\n```"


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"[" * 100_000])
def test_what_is_no_notebook_says_so(content: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        read(NotebookConverter(), content)
    assert caught.value.code == "malformed"


# ------------------------------------------------------------------------------------------------------------ subtitles


def test_subtitles_become_paragraphs_that_end_with_a_pause() -> None:
    srt = (
        "1\n00:00:01,000 --> 00:00:02,500\n<i>It was</i> a dark\nand stormy night.\n\n"
        "2\n00:00:02,600 --> 00:00:04,000\n{\\an8}The rain fell.\n\n3\n00:00:10,000 --> 00:01:12,000\nMorning came.\n"
    )
    converted = read(SubtitlesConverter(), srt.encode("utf-8-sig"))
    assert converted.markdown == "It was a dark and stormy night. The rain fell.\n\nMorning came."
    assert converted.metadata == {"duration_seconds": 72}


def test_voices_are_named_and_notes_left_out() -> None:
    vtt = (
        "WEBVTT - a talk\n\nSTYLE\n::cue { color: red }\n\nNOTE not said\n\nintro\n00:01.000 --> 00:02.000 align:left\n"
        "<v Ada>Good <c.loud>morning</c> &amp; welcome.\n\n00:02.000 --> 00:03.000\n<v.first Charles>Thank you.</v>\n"
    )
    assert read(SubtitlesConverter(), vtt.encode()).markdown == "Ada: Good morning & welcome.\n\nCharles: Thank you."


def test_captions_that_roll_over_the_screen_are_said_once() -> None:
    lines = ["we add", "the numbers", "one by one"]
    cues = [f"00:0{n}.000 --> 00:0{n + 1}.000\n" + "\n".join(lines[max(0, n - 1) : n + 1]) for n in range(3)]
    assert (
        read(SubtitlesConverter(), ("WEBVTT\n\n" + "\n\n".join(cues)).encode()).markdown
        == "we add the numbers one by one"
    )


def test_a_file_without_cues_holds_nothing() -> None:
    assert read(SubtitlesConverter(), b"WEBVTT\n") == Converted("")


# ----------------------------------------------------------------------------------------------------------------- ctxt


def test_ctxt_is_a_document_again() -> None:
    text = (
        "`version: 1`\n`title: Opening hours`\n`tags: [shops, times]`\n`source: wiki`\n\n"
        "`heading: Weekdays`\n`page: 3`\nFrom nine to five.\n\nClosed on Sunday.\n"
    )
    converted = read(CtxtConverter(), text.encode())
    assert converted == Converted(
        "## Weekdays\n\nFrom nine to five.\n\nClosed on Sunday.",
        "Opening hours",
        ("shops", "times"),
        {"source": "wiki"},
    )


def test_text_without_pairs_is_text() -> None:
    assert read(CtxtConverter(), b"Only text.\n\nMore of it.") == Converted("Only text.\n\nMore of it.")


# ---------------------------------------------------------------------------------------------------------- saved pages


@pytest.mark.parametrize(
    "comment",
    [
        "<!-- saved from url=(0026)https://example.com/a/b.html -->",
        "<!--\n Page saved with SingleFile\n url: https://example.com/a/b.html\n-->",
    ],
)
def test_links_of_a_saved_page_lead_where_they_led_on_the_web(comment: str) -> None:
    page = f"<!doctype html>\n{comment}<html><body><p><a href='c.html'>next</a>"
    converted = HtmlConverter().convert(Raw(page.encode(), "text/html", "file:///tmp/b.html"), {})
    assert converted.markdown == "[next](https://example.com/a/c.html)\n"
    assert converted.metadata == {"saved_from": "https://example.com/a/b.html"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(JSON, st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]), st.booleans())
def test_json_of_a_notebook_is_read_as_the_library_reads_it(value: object, encoding: str, ascii_only: bool) -> None:
    content = json.dumps(value, ensure_ascii=ascii_only).encode(encoding, "surrogatepass")
    assert repr(parsed(content)) == repr(json.loads(content))


@pytest.mark.parametrize(
    "content", [b'{"a": "\\ud800"}', b"[" * 500 + b"]" * 500, b"[1e999, -0.0, 1" + b"0" * 400 + b"]"]
)
def test_odd_json_of_a_notebook_is_read_too(content: bytes) -> None:
    assert repr(parsed(content)) == repr(json.loads(content))
