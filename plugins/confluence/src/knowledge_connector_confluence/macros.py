"""What becomes of macros. One that nobody here knows keeps its body and loses its parameters."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from knowledge_connector_confluence.links import refer, resource_of
from knowledge_connector_confluence.markup import AC, RI, Element
from knowledge_connector_confluence.write import block, heading, say, text_of

if TYPE_CHECKING:
    from knowledge_connector_confluence.storage import Page

Handler = Callable[["Page", Element, Element], None]

_LANGUAGE = re.compile(r"[\w+#.-]{1,20}")
_LEADS = {"info": "Info", "note": "Note", "tip": "Tip", "warning": "Warning", "panel": ""}


def macro(page: Page, source: Element, target: Element) -> None:
    """Write a macro."""
    name = (source.get(f"{AC}name") or "").lower()
    MACROS.get(name, _unknown)(page, source, target)


def _parameter(source: Element, name: str) -> str:
    """The text of a parameter; empty if there is none."""
    for child in source:
        if child.tag in (f"{AC}parameter", f"{AC}default-parameter") and child.get(f"{AC}name") == name:
            return text_of(child).strip()
    return ""


def _resource(source: Element) -> Element | None:
    """The first `ri:` element among the parameters (perhaps within an `ac:link`), or beside them."""
    for child in source:
        if child.tag == f"{AC}parameter":
            found = next((one for one in child.iter() if str(one.tag).startswith(RI)), None)
            if found is not None:
                return found
    return resource_of(source)


def _body(page: Page, source: Element, target: Element) -> None:
    body = source.find(f"{AC}rich-text-body")
    if body is not None:
        page.children(body, target)


def _plain(source: Element) -> str:
    return source.findtext(f"{AC}plain-text-body") or ""


def _drop(page: Page, source: Element, target: Element) -> None:
    """It shows what is elsewhere, or nothing that can be read."""


def _unknown(page: Page, source: Element, target: Element) -> None:
    """A body in prose stays as it is, unless it shows nothing; any other is somebody's source text."""
    plain = _plain(source)
    if plain.strip():
        block(target, "pre", plain)
    body = source.find(f"{AC}rich-text-body")
    if body is not None:
        page.children(body, target if _is_inline(body) else block(target, "div"))


def _is_inline(body: Element) -> bool:
    return not any(child.tag in ("p", "div", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6") for child in body)


def _code(_page: Page, source: Element, target: Element) -> None:
    heading(target, _parameter(source, "title"))
    code = block(target, "pre", _plain(source))
    language = _parameter(source, "language").lower()
    if _LANGUAGE.fullmatch(language) and language not in ("none", "text", "plain"):
        code.set("class", f"language-{language}")


def _panel(page: Page, source: Element, target: Element) -> None:
    name = (source.get(f"{AC}name") or "").lower()
    into = block(target, "blockquote")
    heading(into, ": ".join(part for part in (_LEADS[name], _parameter(source, "title")) if part))
    _body(page, source, into)


def _expand(page: Page, source: Element, target: Element) -> None:
    heading(target, _parameter(source, "title"))
    _body(page, source, block(target, "div"))


def _status(_page: Page, source: Element, target: Element) -> None:
    title = _parameter(source, "title")
    if title:
        block(target, "strong", title)


def _excerpt(page: Page, source: Element, target: Element) -> None:
    """A hidden one is only for the pages that include it."""
    if _parameter(source, "hidden") != "true":
        _unknown(page, source, target)


def _details(page: Page, source: Element, target: Element) -> None:
    if _parameter(source, "hidden") != "true":
        _body(page, source, block(target, "div"))


def _include(page: Page, source: Element, target: Element) -> None:
    _included(page, source, target, lambda tree: [tree])


def _excerpt_include(page: Page, source: Element, target: Element) -> None:
    """The body of the excerpts of another page (of the named one, if the macro names one)."""
    wanted = _parameter(source, "name")

    def excerpts(tree: Element) -> list[Element]:
        macros = [one for one in tree.iter(f"{AC}structured-macro") if one.get(f"{AC}name") == "excerpt"]
        named = [one for one in macros if _parameter(one, "name") == wanted] if wanted else macros[:1]
        return [body for one in named for body in one.findall(f"{AC}rich-text-body")]

    _included(page, source, target, excerpts)


def _included(page: Page, source: Element, target: Element, parts: Callable[[Element], list[Element]]) -> None:
    """Write what another page holds, or a link to it where that must not or cannot be done."""
    resource = _resource(source)
    reference = refer(resource, page.place) if resource is not None else None
    if resource is None or reference is None:
        return
    space_key = resource.get(f"{RI}space-key") or page.place.space_key
    opened = page.include(space_key, reference.text)
    if opened is None:
        block(block(target, "p"), "a", reference.text).set("href", reference.url or "")
        return
    inner, tree = opened
    for part in parts(tree):
        inner.children(part, block(target, "div"))


def _jira(_page: Page, source: Element, target: Element) -> None:
    say(target, _parameter(source, "key") or _parameter(source, "jqlQuery") or _parameter(source, "jql"))


def _file(page: Page, source: Element, target: Element) -> None:
    """The name of the file that it shows; the file is a document of its own."""
    resource = _resource(source)
    found = refer(resource, page.place) if resource is not None else None
    if found is not None:
        block(block(target, "p"), "a", found.text).set("href", found.url or "")
    else:
        heading(target, _parameter(source, "name"))


def _drawing(_page: Page, source: Element, target: Element) -> None:
    heading(target, _parameter(source, "diagramDisplayName") or _parameter(source, "diagramName"))


def _titled(_page: Page, source: Element, target: Element) -> None:
    heading(target, _parameter(source, "title"))


MACROS: dict[str, Handler] = {
    **dict.fromkeys(["code", "noformat"], _code),
    **dict.fromkeys(_LEADS, _panel),
    "expand": _expand,
    "status": _status,
    "include": _include,
    "excerpt-include": _excerpt_include,
    "excerpt": _excerpt,
    "details": _details,
    **dict.fromkeys(["jira", "jiraissues"], _jira),
    **dict.fromkeys(["view-file", "viewpdf", "viewdoc", "viewxls", "viewppt", "multimedia"], _file),
    **dict.fromkeys(["drawio", "drawio-sketch", "gliffy", "lucidchart", "inc-drawio"], _drawing),
    **dict.fromkeys(["html", "html-include", "widget", "iframe"], _titled),
    **dict.fromkeys(
        [
            "toc", "toc-zone-index", "children", "pagetree", "pagetreesearch", "recently-updated", "contentbylabel", "anchor",
            "attachments", "blog-posts", "change-history", "content-report-table", "contributors", "detailssummary", "gallery",
            "index", "labels", "listlabels", "livesearch", "navmap", "popular-labels", "profile", "recently-used-labels",
            "relatedlabels", "rss", "search", "space-details", "spaces", "tasks-report-macro", "userlister",
        ],
        _drop,
    ),
}  # fmt: skip
