"""A modern page's web parts → Markdown.

sections, columns, parts in reading order ─▶ one HTML page, each part in plain elements ─▶ markdownify with our rules

A part of SharePoint's is a bag of properties for its own script; what people see of it stands in `serverProcessedContent`, under keys
such as `title` and `items[2].description`. So parts are told by the shape of what they say, and those that nobody here knows speak, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, TypeGuard

from markdownify import MarkdownConverter

from knowledge_connector.kit.markdown import to_markdown

if TYPE_CHECKING:
    from bs4.element import Tag

Part = Mapping[str, Any]

_ENTRY = re.compile(r"(\w+)\[(\d+)\]\.?(.*)")
_NAMES = ("title", "headline", "heading", "name", "listTitle", "label", "buttonText")
"""Keys of the words that name a part or an entry; all others describe it. The first that is there counts."""

_TELLING = ("altText", "role", "countDate", "y")
"""Settings of a part's script that people see and that are not among its words: of images, people, countdowns, charts."""

_MACHINERY = frozenset({"baseUrl", "listUrl", "webUrl"})
"""Links that lead to where a part lives, not to anything that it shows."""

_CAPTIONS = ("data-sp-a11y-title", "data-alttext", "data-captiontext")
"""Attributes by which the empty element of an image says what it shows."""

_DIVIDER = "2161a1c6-db61-4731-b97c-3cdb303f7cbb"


class PageRules(MarkdownConverter):
    """What is SharePoint's own in the HTML of pages."""

    class Options:
        """The editor has no row of headings: people make the first row bold."""

        table_infer_header = True

    def convert_kc_markdown(self, el: Tag, text: str, parent_tags: set[str]) -> str:  # noqa: ARG002  # markdownify's form
        """The Markdown web part: what it holds is Markdown already."""
        return f"\n\n{el.get_text().strip()}\n\n"

    def convert_div(self, el: Tag, text: str, parent_tags: set[str]) -> str:  # noqa: ARG002  # markdownify's form
        """An image within a text is an empty element with attributes, filled by a script."""
        words = [str(el.get(name) or "").strip() for name in _CAPTIONS]
        caption = " – ".join(dict.fromkeys(word for word in words if word))
        return f"\n\n{caption}\n\n{text.strip()}\n\n"


def canvas_to_markdown(page: Part, *, url: str | None) -> str:
    """Give what a page says below its title; empty if its canvas is empty.

    Args:
        page: A `sitePage` with `canvasLayout`.
        url: Its address; links become absolute by it.
    """
    html = "\n".join(part for part in map(_html, parts_of(page)) if part)
    return to_markdown(html, base_url=url, rules=PageRules) if html.strip() else ""


def parts_of(page: Part) -> Iterator[Part]:
    """Give the web parts in reading order: sections from the top, columns from the left, then the column at the side."""
    layout = page.get("canvasLayout") or {}
    for section in sorted(layout.get("horizontalSections") or (), key=_place):
        for column in sorted(section.get("columns") or (), key=_place):
            yield from column.get("webparts") or ()
    yield from (layout.get("verticalSection") or {}).get("webparts") or ()


def _place(one: Part) -> tuple[int, str]:
    """Ids count up, as text; others come last in their own order."""
    id_ = str(one.get("id") or "")
    return (int(id_), "") if id_.isdecimal() else (1_000_000, id_)


def _html(part: Part) -> str:
    """Give one part as HTML. With `odata.metadata=none` nothing but its shape tells what it is."""
    if isinstance(part.get("innerHtml"), str):
        return f"<div>{part['innerHtml']}</div>"
    data = part.get("data") or {}
    if str(part.get("webPartType")).lower() == _DIVIDER:
        return "<hr>"
    return _code(data.get("properties") or {}) or "".join(_said(data))


def _code(properties: Part) -> str:
    """The part for source code, and the one for Markdown."""
    code = properties.get("code")
    if not isinstance(code, str) or not code.strip():
        return ""
    language = properties.get("language")
    if isinstance(language, str) and language:
        return f'<pre><code class="language-{escape(language)}">{escape(code)}</code></pre>'
    return f"<kc-markdown>{escape(code)}</kc-markdown>"


@dataclass(slots=True)
class _Said:
    """What a part, or one entry of it, says: words by their keys, and where it leads."""

    words: dict[str, str] = field(default_factory=dict)
    link: str = ""

    def take_name(self) -> str:
        """Its name, which is then not among its words any more."""
        return next((self.words.pop(key) for key in _NAMES if key in self.words), "")


def _said(data: Part) -> Iterator[str]:
    """What any other part says: its name, its words, its HTML, its entries."""
    processed, properties = data.get("serverProcessedContent") or {}, data.get("properties") or {}
    own, entries = _sorted_out(processed, properties)
    name = own.take_name()
    if own.link:
        yield f"<p>{_linked(name, own.link)}</p>"
    elif name:
        yield f"<h3>{escape(name)}</h3>"
    for one in own.words.values():
        yield f"<p>{escape(one)}</p>"
    for _, value in _pairs(processed.get("htmlStrings")):
        yield f"<div>{value}</div>"
    if entries:
        yield f"<ul>{''.join(map(_entry, entries))}</ul>"
    if not (name or own.words or entries) and data.get("description"):
        yield f"<p>{escape(': '.join(str(data[key]) for key in ('title', 'description') if data.get(key)))}</p>"


def _sorted_out(processed: Part, properties: Part) -> tuple[_Said, list[_Said]]:
    """What is said of the part itself, and of each of its entries in order."""
    own = _Said(_told_by(properties))
    entries: dict[tuple[str, int], _Said] = {}

    def about(key: str) -> tuple[_Said, str]:
        found = _ENTRY.fullmatch(key)
        if not found:
            return own, key
        place = (found[1], int(found[2]))
        if place not in entries:
            listed = properties.get(found[1])
            entries[place] = _Said(_told_by(listed[place[1]]) if _has(listed, place[1]) else {})
        return entries[place], found[3]

    for key, value in _pairs(processed.get("searchablePlainTexts")):
        said, rest = about(key)
        said.words[rest] = value
    for key, value in _pairs(processed.get("links")):
        said, rest = about(key)
        said.link = said.link or ("" if rest in _MACHINERY else value)
    return own, [entries[place] for place in sorted(entries)]


def _has(listed: object, place: int) -> TypeGuard[list[Part]]:
    return isinstance(listed, list) and place < len(listed) and isinstance(listed[place], Mapping)


def _told_by(properties: Part) -> dict[str, str]:
    """Those of a script's settings that are meant for people."""
    return {key: str(properties[key]).strip() for key in _TELLING if properties.get(key) not in (None, "")}


def _entry(entry: _Said) -> str:
    """One link, person, event or tile."""
    name = entry.take_name() or (entry.words.pop(next(iter(entry.words))) if entry.words else "")
    words = map(escape, dict.fromkeys(entry.words.values()))
    return f"<li>{' – '.join([_linked(name, entry.link), *words])}</li>"


def _linked(name: str, link: str) -> str:
    shown = escape(name or link)
    return f'<a href="{escape(link.replace(" ", "%20"))}">{shown}</a>' if link else shown


def _pairs(values: object) -> Iterator[tuple[str, str]]:
    """Keys and values, without what is empty. Graph gives a list of tables; a plain table and plain texts have been seen."""
    if isinstance(values, Mapping):
        values = [{"key": key, "value": value} for key, value in values.items()]
    for place, one in enumerate(values if isinstance(values, list) else ()):
        key, value = (one.get("key"), one.get("value")) if isinstance(one, Mapping) else (str(place), one)
        if isinstance(value, str) and value.strip():
            yield str(key), value.strip()
