import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdownify import MarkdownConverter
from selectolax.lexbor import LexborHTMLParser

from knowledge_connector.kit.markdown import _ODD, Engine, _regular, to_markdown

ENGINES: list[Engine] = ["auto", "markdownify"]
BASE = "https://wiki.example/space/page.html"


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    chosen: Engine = request.param
    return chosen


def plain(markdown: str) -> str:
    """The bullets of either engine, told alike."""
    return re.sub(r"(?m)^( *)[*+] ", r"\1- ", markdown)


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<h1>One</h1><h3>Three</h3><p>text", "# One\n\n### Three\n\ntext\n"),
        ("<ul><li>a<ul><li>b<ol><li>c</ol></ul><li>d</ul>", "- a\n  - b\n    1. c\n- d\n"),
        ("<ul><li>a</li><ul><li>b</li></ul><li>c</li></ul>", "- a\n  - b\n- c\n"),
        ("<p>1 &lt; 2 &amp; 3 &euro; &#x41;", "1 < 2 & 3 € A\n"),
        ('<p>see <img src="a.png" alt="the plan"> here', "see the plan here\n"),
        ('<p>a<img src="data:image/png;base64,AAAA">b', "ab\n"),
        ("<p>a<b>b</b> <i>c</i> <code>d</code>", "a**b** *c* `d`\n"),
        ("<p>never <script>let x = 1</script><style>p {}</style>seen", "never seen\n"),
        ("<p>yes<template><p>no</template><noscript>no</noscript><svg><text>no</text></svg>", "yes\n"),
        ("<nav><a href=x>Home</a></nav><div role=navigation>Up</div><main><p>text</main>", "text\n"),
        ("<header><h1>Title</h1></header><article><p>text</article><footer>end</footer>", "# Title\n\ntext\n\nend\n"),
        ('<h2>Part<a class="headerlink" href="#part">¶</a></h2>', "## Part\n"),
        ('<p><a href="javascript:void(0)">press</a>', "press\n"),
        ("<p>a<object>b</object>c", "abc\n"),
        ("", ""),
        (" <!-- nothing --> <script>x</script>", ""),
    ],
)
def test_what_a_reader_sees_arrives(html: str, markdown: str, engine: Engine) -> None:
    assert " ".join(plain(to_markdown(html, engine=engine)).split()) == " ".join(markdown.split())
    if engine == "auto":
        assert to_markdown(html) == markdown


def test_a_table_keeps_its_cells(engine: Engine) -> None:
    html = "<table><tr><th>A</th><th>B</th></tr><tr><td>1|2</td><td><p>x</p><p>y</p></td></tr></table>"
    lines = to_markdown(html, engine=engine).splitlines()
    assert lines[:2] == ["| A | B |", "| --- | --- |"]
    assert "1\\|2" in lines[2]


def test_a_table_with_row_headings_is_a_table() -> None:
    html = "<table><tr><th>Status</th><td>stable</td></tr><tr><th>Since</th><td>2.4</td></tr></table>"
    assert "| Status | stable |\n| Since | 2.4 |" in to_markdown(html)


@pytest.mark.parametrize("attribute", ['colspan="1000"', 'rowspan="65534"', 'colspan="-1"', 'rowspan="x"'])
def test_absurd_spans_do_not_fill_the_memory(attribute: str, engine: Engine) -> None:
    html = "<table>" + f"<tr><td {attribute}>cell</td><td>b</td></tr>" * 100 + "</table>"
    assert len(to_markdown(html, engine=engine)) < 10_000


def test_code_keeps_its_whitespace_and_its_language(engine: Engine) -> None:
    html = '<pre><code class="language-python">def f():\n    return "&lt;"\n\n\n    # end</code></pre>'
    assert '```python\ndef f():\n    return "<"\n\n\n    # end\n```' in to_markdown(html, engine=engine)


def test_definitions_follow_their_terms(engine: Engine) -> None:
    words = (
        to_markdown("<dl><dt>Term<dd>First<dd>Second<dt>Other<dd>Third</dl>", engine=engine).replace(":", "").split()
    )
    assert words == ["Term", "First", "Second", "Other", "Third"]


@pytest.mark.parametrize(
    ("href", "absolute"),
    [
        ("other.html", "https://wiki.example/space/other.html"),
        ("../up.html?a=1&amp;b=2#c", "https://wiki.example/up.html?a=1&b=2#c"),
        ("/root", "https://wiki.example/root"),
        ("//cdn.example/x", "https://cdn.example/x"),
        ("#part", BASE + "#part"),
        ("?q=1", BASE + "?q=1"),
        ("https://else.example/", "https://else.example/"),
        ("mailto:a@example.com", "mailto:a@example.com"),
    ],
)
def test_links_become_absolute(href: str, absolute: str, engine: Engine) -> None:
    assert to_markdown(f'<a href="{href}">x</a>', base_url=BASE, engine=engine) == f"[x]({absolute})\n"


def test_the_page_may_name_its_own_base(engine: Engine) -> None:
    html = '<base href="/docs/"><a href="a.html">x</a>'
    assert to_markdown(html, base_url=BASE, engine=engine) == "[x](https://wiki.example/docs/a.html)\n"
    assert to_markdown('<a href="a.html">x</a>', engine=engine) == "[x](a.html)\n"
    assert "x" in to_markdown('<a href="http://[">x</a>', base_url=BASE, engine=engine)


def test_a_link_within_code_stays_a_link() -> None:
    assert to_markdown('<p><code><a href="m.html">mod</a></code>', base_url=BASE) == (
        "[`mod`](https://wiki.example/space/m.html)\n"
    )


class Shouting(MarkdownConverter):
    def convert_panel(self, el: Any, text: str, parent_tags: Any) -> str:
        return f"\n> {text.strip().upper()}\n"


def test_rules_are_a_converter_of_ones_own() -> None:
    assert to_markdown("<panel>note</panel><p>text", rules=Shouting).split() == [">", "NOTE", "text"]


# ------------------------------------------------------------------------------------------------------------- hostility

N = 50_000
HOSTILE = {
    "unclosed div": ("<div>x " * N, "x", N),
    "unclosed b": ("<b>x " * N, "x", N),
    "unclosed p": ("<p>x " * N, "x", N),
    "unclosed fonts": ("".join(f"<font size={i}>x " for i in range(N)), "x", N),
    "unclosed li": ("<ul><li>x " * (N // 2), "x", N // 2),
    "unclosed td": ("<table><tr><td>x " * 10_000, "x", 10_000),
    "nested blocks": ("<div>" * 100_000 + "x" + "</div>" * 100_000, "x", 1),
    "nested lists": ("<ul><li>x " * 20_000 + "</li></ul>" * 20_000, "x", 20_000),
    "nested quotes": ("<blockquote>" * 20_000 + "x" + "</blockquote>" * 20_000, "x", 1),
    "one long line": ("<p>" + "word <b>bold</b> " * 600_000, "bold", 600_000),
    "comments": ("<p>x</p><!-- c -->" * 100_000, "x", 100_000),
    "comment bomb": ("<!-- -- - >" * 300_000 + "<!--" * 300_000 + "--> x", "x", 1),
    "many attributes": ("<div " + " ".join(f"a{i}=b" for i in range(100_000)) + ">x</div>", "x", 1),
    "long attribute": ('<div title="' + "y" * 5_000_000 + '">x</div>', "x", 1),
    "nul": ("<p>a\0b</p>" * 100_000, "ab", 100_000),
    "entities": ("<p>" + "&amp;" * 1_000_000 + "</p>", "&", 1_000_000),
    "unclosed comment": ("<p>before</p><!-- " + "<p>x</p>" * N, "x", N),
    "unclosed script": ("<p>before</p><script>" + "<p>x</p>" * N, "x", N),
    "unclosed tag": ("<p>before</p><div title='x " + "x " * N, "x", N),
    "cdata": ("<p>a<![CDATA[ x ]]>b</p>" * 10_000, "x", 10_000),
    "unclosed cdata": ("<![CDATA[ x " * 10_000, "x", 10_000),
    "less than": ("<" * 1_000_000, "<", 1_000_000),
    "only tags that never end": ('<a href="' * 100_000 + "x", "x", 1),
    "wide table": ("<table><tr>" + "<td>x" * 50_000, "x", 50_000),
    "mismatched": ("<b></i>x " * 100_000, "x", 100_000),
    "mismatched in balance": ("<b></i>x " * N + "<i></b>x " * N, "x", 2 * N),
    "closed across a border": ("<b><object></b></object>x " * N, "x", N),
    "paragraphs that leave it open": ("<p><b>x</p>" * N, "x", N),
    "misnested": ("<b><p>x</b>" * 20_000, "x", 20_000),
    "opened again": ("<p>" + "".join(f"<b a={i}>" for i in range(90)) + "x<p>x" * N, "x", N),
    "adopted": ("".join(f"<b a={i}>" for i in range(6000)) + "<div>" * 6000 + "</b>" * 6000 + "x", "x", 1),
    "lines in quotes": ("<blockquote>" * 900 + "<pre>" + "\n" * 100_000 + "x</pre>", "x", 1),
    "flat spans within": ("<div><span>x</span>" * N, "x", N),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages_neither_stall_nor_lose_text(name: str) -> None:
    html, needle, count = HOSTILE[name]
    started = time.process_time()
    markdown = to_markdown(html)
    assert time.process_time() - started < 5
    assert markdown.count(needle) >= count
    assert len(markdown) < 10_000_000 + 2 * len(html)


@pytest.mark.parametrize("name", ["unclosed b", "nested blocks", "nested lists", "unclosed td", "many attributes"])
def test_rules_survive_hostile_pages(name: str) -> None:
    html, needle, count = HOSTILE[name]
    small, fewer = (html[: len(html) // 20], count // 25) if count > 1 else (html, count)
    assert to_markdown(small, engine="markdownify").count(needle) >= fewer


def test_a_page_that_is_all_navigation_is_kept() -> None:
    assert "Chapter" in to_markdown("<nav><a href=1>Chapter</a></nav>")
    assert "text" in to_markdown("<div role=navigation><p>text")


def test_a_page_may_speak_of_our_sentinel() -> None:
    assert to_markdown("<p>KCENDOFPAGE and KCENDOFPAGEZ<p>x") == "KCENDOFPAGE and KCENDOFPAGEZ\n\nx\n"


TAGS = [
    "div",
    "p",
    "ul",
    "li",
    "table",
    "tr",
    "td",
    "b",
    "a",
    "pre",
    "script",
    "style",
    "nav",
    "title",
    "textarea",
    "select",
]
PIECES = st.sampled_from(
    [f"<{tag}>" for tag in TAGS] + [f"</{tag}>" for tag in TAGS] + ["<!--", "-->", "<", ">", '"', "&", "x "]
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join))
def test_soup_never_swallows_what_follows(soup: str) -> None:
    assert "visible" in to_markdown(f"{soup}<p>visible</p>")


@settings(deadline=None, max_examples=12)
@given(st.lists(PIECES, min_size=1, max_size=6).map("".join))
def test_soup_repeated_takes_time_in_proportion(soup: str) -> None:
    started = time.process_time()
    to_markdown(f"{soup} y" * 10_000)
    assert time.process_time() - started < 5


ODD_NAMES = ("table", "tr", "th", "td", "ul", "ol", "li", "code", "a", "p")
ODD_TAGS = [f"<{slash}{name}>" for name in ODD_NAMES for slash in ("", "/")]
ODDITIES = st.sampled_from([*ODD_TAGS, "a", " ", "\n"])


@settings(max_examples=400)
@given(st.lists(ODDITIES, max_size=30).map("".join))
def test_a_page_in_which_nothing_odd_is_found_needs_no_second_look(html: str) -> None:
    tree = LexborHTMLParser(html)
    if tree.css_first(_ODD) is None:
        assert _regular(tree.html or "") == tree.html
