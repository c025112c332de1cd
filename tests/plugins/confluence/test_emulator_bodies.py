"""Bodies in all formats."""

from __future__ import annotations

import json

from bs4 import BeautifulSoup

from knowledge_connector_confluence.emulator import ELEMENTS, Mention, every_element
from knowledge_connector_confluence.emulator.elements import CODE
from plugins.confluence.emulated import Wiki, wiki

SELF, PING, EMPTY, UNCLOSED, RTL, HUGE, BORROWS = "100005", "100006", "100008", "100009", "100010", "100011", "100045"

ELEMENT_NAMES = (
    "ac:structured-macro ac:parameter ac:plain-text-body ac:rich-text-body ac:link ac:link-body ac:plain-text-link-body ac:image "
    "ac:caption ac:task-list ac:task ac:task-id ac:task-uuid ac:task-status ac:task-body ac:layout ac:layout-section ac:layout-cell "
    "ac:emoticon ac:placeholder ac:inline-comment-marker ac:adf-extension ac:adf-node ac:adf-attribute ac:adf-content ac:adf-fallback "
    "ri:page ri:blog-post ri:attachment ri:user ri:space ri:shortcut ri:url ri:content-entity time colgroup"
)
MACROS = (
    "code noformat info note tip warning panel expand status toc children pagetree recently-updated contentbylabel include excerpt-include "
    "excerpt details detailssummary jira attachments view-file viewpdf viewdoc viewxls multimedia html html-include widget iframe drawio "
    "gliffy lucidchart"
)


def body(site: Wiki, id_: str, form: str = "storage", deployment: str = "cloud") -> str:
    if deployment == "datacenter":
        told = site.v1(f"content/{id_}", deployment, expand=f"body.{form}")
    else:
        told = site.v2(f"pages/{id_}", deployment, body_format=form)
    return str(told["body"][form]["value"])


def test_one_page_holds_every_element(site: Wiki) -> None:
    storage = body(site, ELEMENTS)
    assert storage == every_element(Mention(cloud=True))
    for name in ELEMENT_NAMES.split():
        assert f"<{name}" in storage, name
    for name in MACROS.split():
        assert f'ac:name="{name}"' in storage, name
    for attribute in (
        "colspan",
        "rowspan",
        "ri:posting-day",
        "ac:anchor",
        "ac:alt",
        "ac:emoji-fallback",
        "ri:account-id",
    ):
        assert f"{attribute}=" in storage, attribute
    assert "]]]]><![CDATA[>" in storage
    assert storage.count("<table") == 3


def test_people_are_named_as_the_deployment_does(site: Wiki) -> None:
    assert "ri:userkey=" in body(site, ELEMENTS, deployment="datacenter")
    assert "ri:account-id=" not in body(site, ELEMENTS, deployment="datacenter")


def test_code_is_verbatim_when_rendered(site: Wiki) -> None:
    page = BeautifulSoup(body(site, ELEMENTS, "view"), "html.parser")
    assert [pre.get_text() for pre in page.select("pre.syntaxhighlighter-pre")] == [CODE, "as   it\n  stands"]
    assert page.select_one("span.status-macro")
    assert len(page.select("ul.inline-task-list li.checked")) == 1
    assert page.get_text().count("Once only: from the node.") == 1
    assert page.find(string="Type something here") is None


def test_rendering_runs_macros_and_says_where_it_cannot(site: Wiki) -> None:
    assert "A plain page with one paragraph." in body(site, ELEMENTS, "export_view")
    assert body(site, SELF, "view").count("This page includes itself.") == 1
    assert "Already included page" in body(site, SELF, "view")
    assert "Already included page Ping" in body(site, PING, "view")
    assert "What everybody earns." in body(site, BORROWS, "view")
    assert "Level 1" in body(site, "100001", "view"), "the children"
    site.change("hide", id="100042")
    assert "could not be found: Salaries" in body(site, BORROWS, "view")


def test_bodies_that_are_not_as_they_should_be(site: Wiki) -> None:
    assert body(site, EMPTY) == ""
    assert "<strong>and never closed<ul>" in body(site, UNCLOSED)
    assert body(site, UNCLOSED, "view")
    assert "\U0001f30d" in body(site, RTL)
    assert len(body(site, HUGE)) > 2_000_000


def test_the_format_of_the_new_editor_is_json_in_text(site: Wiki) -> None:
    told = json.loads(body(site, "100002", "atlas_doc_format"))
    assert told["content"] == [
        {"type": "paragraph", "content": [{"type": "text", "text": "A plain page with one paragraph."}]}
    ]
    assert CODE.splitlines()[0] in body(site, ELEMENTS, "atlas_doc_format").replace('\\"', '"')


def test_generated_bodies_change_with_their_edition_only(site: Wiki) -> None:
    before = body(site, "10000013")
    site.change("rename", id="10000013")
    assert body(site, "10000013") == before
    site.change("edit", id="10000013")
    assert body(site, "10000013") != before
    assert before != body(site, "10000014")
    with wiki(documents="100000", showcase="off") as other:
        assert body(other, "10000005") == body(site, "10000005")
