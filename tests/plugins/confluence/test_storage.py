"""Storage format → Markdown, element by element, and a page of every element as a snapshot to read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector_confluence.links import Place
from knowledge_connector_confluence.storage import MAX_INCLUDES, Included, to_markdown

SNAPSHOTS = Path(__file__).with_name("snapshots")
PLACE = Place("https://wiki.example.com", "ENG", "1")


@dataclass
class Library:
    """Users and pages that a test knows, and what was asked for."""

    users: dict[str, str] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def user(self, kind: str, key: str) -> str | None:
        return self.users.get(key)

    def page(self, space_key: str, title: str) -> Included | None:
        self.asked.append(title)
        if title not in self.pages:
            return None
        return Included(Place(PLACE.base_url, space_key, f"id of {title}"), title, self.pages[title])


def markdown(storage: str, pages: dict[str, str] | None = None) -> str:
    return to_markdown(storage, PLACE, Library(pages=pages or {}))


def code(body: str, language: str = "") -> str:
    parameter = f'<ac:parameter ac:name="language">{language}</ac:parameter>' if language else ""
    text = f"<ac:plain-text-body><![CDATA[{body}]]></ac:plain-text-body>"
    return f'<ac:structured-macro ac:name="code">{parameter}{text}</ac:structured-macro>'


def include(title: str, macro: str = "include") -> str:
    link = f'<ac:link><ri:page ri:content-title="{title}" /></ac:link>'
    return (
        f'<ac:structured-macro ac:name="{macro}"><ac:parameter ac:name="">{link}</ac:parameter></ac:structured-macro>'
    )


def test_a_page_of_every_element_reads_like_its_snapshot() -> None:
    library = Library(
        users={"ada": "Ada Author"},
        pages={
            "Shared disclaimer": "<p>Without warranty, see <ac:link><ri:page ri:content-title='Terms' /></ac:link>.</p>",
            "With excerpt": '<p>Not this.</p><ac:structured-macro ac:name="excerpt"><ac:rich-text-body>'
            "<p>The quoted part.</p></ac:rich-text-body></ac:structured-macro>",
        },
    )
    storage = (SNAPSHOTS / "every_element.xml").read_text(encoding="utf-8")
    assert to_markdown(storage, PLACE, library) == (SNAPSHOTS / "every_element.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("storage", "wanted"),
    [
        ("<p>a &uuml; &nbsp;b</p>", "a ü \u00a0b"),
        (code("x < 1 && y"), "```\nx < 1 && y\n```"),
        (code("a ]]]]><![CDATA[> b"), "```\na ]]> b\n```"),
        (code("&nbsp; &lt;"), "```\n&nbsp; &lt;\n```"),
        (code("one\n\n\n  two", "Java"), "```java\none\n\n\n  two\n```"),
        (code("````"), "`````\n````\n`````"),
        (
            '<ac:link><ri:page ri:content-title="A B" ri:space-key="~me" /></ac:link>',
            "[A B](https://wiki.example.com/display/~me/A+B)",
        ),
        ('<ac:link><ri:user ri:userkey="k" /></ac:link>', "@user"),
        ('<ac:image ac:alt="a cat"><ri:attachment ri:filename="cat.png" /></ac:image>', "a cat"),
        ('<ac:emoticon ac:name="x" ac:emoji-fallback=":none:" />', ""),
        ("<p>only <o:p>Word</o:p></p>", "only Word"),
        ("", ""),
        ("just text", "just text"),
    ],
)
def test_one_element(storage: str, wanted: str) -> None:
    assert markdown(storage).strip("\n") == wanted


def test_malformed_markup_keeps_its_text_and_its_code() -> None:
    text = markdown(f"<p>open <b>bold<p>next &unknown; & <br>{code('if a<b: pass')}<table><tr><td>cell")
    for part in ("open", "bold", "next", "cell", "```\nif a<b: pass\n```"):
        assert part in text


@pytest.mark.parametrize("opening", ["<div>", "<p><em>", "<ul><li>", "<table><tbody><tr><td>"])
def test_deep_nesting_loses_no_text(opening: str) -> None:
    assert "bottom" in markdown(opening * 3_000 + "bottom")


def test_entities_of_the_page_itself_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("SECRET", encoding="utf-8")
    text = markdown(f'<!DOCTYPE x [<!ENTITY s SYSTEM "file://{secret}">]><p>before &s; after</p>')
    assert "SECRET" not in text
    assert "before" in text


def test_a_page_that_includes_itself_ends() -> None:
    library = Library(pages={"Loop": f"<p>once</p>{include('Loop')}", "Other": include("Loop")})
    text = to_markdown(include("Loop"), PLACE, library)
    assert text.count("once") == 1
    assert "[Loop](https://wiki.example.com/display/ENG/Loop)" in text


def test_pages_that_include_each_other_are_bounded() -> None:
    pages = {f"P{n}": f"<p>page{n}</p>{include(f'P{n + 1}')}" for n in range(10)}
    assert "page2" in markdown(include("P0"), pages=pages)
    assert "page3" not in markdown(include("P0"), pages=pages)


def test_the_number_of_included_pages_is_bounded() -> None:
    library = Library(pages={f"P{n}": f"<p>page{n}.</p>" for n in range(50)})
    to_markdown("".join(include(f"P{n}") for n in range(50)), PLACE, library)
    assert len(library.asked) == MAX_INCLUDES


def test_an_excerpt_of_a_name_is_taken() -> None:
    def excerpt(name: str) -> str:
        return (
            f'<ac:structured-macro ac:name="excerpt"><ac:parameter ac:name="name">{name}</ac:parameter>'
            f"<ac:rich-text-body><p>of {name}</p></ac:rich-text-body></ac:structured-macro>"
        )

    wanting = include("P", "excerpt-include").replace(
        "</ac:structured-macro>", '<ac:parameter ac:name="name">b</ac:parameter></ac:structured-macro>'
    )
    assert markdown(wanting, pages={"P": excerpt("a") + excerpt("b")}) == "of b\n"


def test_merged_cells_are_repeated_and_every_row_is_as_long() -> None:
    rows = '<tr><th rowspan="2">a</th><th colspan="2">b</th></tr><tr><td>c</td><td rowspan="2">d</td></tr><tr><td>e</td><td>f</td></tr>'
    lines = markdown(f"<table><tbody>{rows}</tbody></table>").strip().splitlines()
    assert [line for line in lines if "---" not in line] == ["| a | b | b |", "| a | c | d |", "| e | f | d |"]


def test_an_absurd_span_is_bounded() -> None:
    assert len(markdown('<table><tr><td colspan="99999999" rowspan="999">x</td></tr></table>')) < 1_000


words = st.text(st.characters(categories=["Ll", "Lu", "Nd"]), min_size=1, max_size=12)


@given(st.lists(words, min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_no_word_is_lost_in_any_nesting(said: list[str], random: object) -> None:
    shapes = [
        "<p>{}</p>",
        "<ul><li>{}</li></ul>",
        "<table><tbody><tr><td>{}</td></tr></tbody></table>",
        '<ac:structured-macro ac:name="info"><ac:rich-text-body>{}</ac:rich-text-body></ac:structured-macro>',
        "<ac:layout><ac:layout-section><ac:layout-cell>{}</ac:layout-cell></ac:layout-section></ac:layout>",
        '<ac:structured-macro ac:name="unheard-of"><ac:rich-text-body>{}</ac:rich-text-body></ac:structured-macro>',
    ]
    storage = ""
    for word in said:
        storage = random.choice(shapes).format(f"<em>{word}</em> {storage}")  # type: ignore[attr-defined]  # hypothesis gives a Random
    text = markdown(storage)
    for word in said:
        assert word in text
