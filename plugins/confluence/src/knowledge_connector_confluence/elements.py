"""What becomes of Confluence's own elements: each handler writes plain HTML."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from knowledge_connector_confluence.links import anchor_of, refer, resource_of, user_of
from knowledge_connector_confluence.macros import macro
from knowledge_connector_confluence.markup import AC, RI, Element
from knowledge_connector_confluence.write import block, say, text_of

if TYPE_CHECKING:
    from knowledge_connector_confluence.storage import Page

Handler = Callable[["Page", Element, Element], None]

_EMOTICONS = {
    "smile": "🙂", "sad": "🙁", "cheeky": "😛", "laugh": "😀", "wink": "😉", "thumbs-up": "👍", "thumbs-down": "👎",
    "information": "ℹ️", "tick": "✅", "cross": "❌", "warning": "⚠️", "plus": "➕", "minus": "➖", "question": "❓",
    "light-on": "💡", "light-off": "💡", "yellow-star": "⭐", "red-star": "⭐", "green-star": "⭐", "blue-star": "⭐",
    "heart": "❤️", "broken-heart": "💔",
}  # fmt: skip


def _drop(page: Page, source: Element, target: Element) -> None:
    """Nothing of it is for readers."""


def _link(page: Page, source: Element, target: Element) -> None:
    resource = resource_of(source)
    if resource is not None and resource.tag == f"{RI}user":
        _mention(page, resource, target)
        return
    found = refer(resource, page.place) if resource is not None else None
    body = next((child for child in source if child.tag in (f"{AC}link-body", f"{AC}plain-text-link-body")), None)
    url = (found.url if found else None) or ("" if resource is not None else page.place.content(page.place.page_id))
    into = etree.SubElement(target, "a", href=url + anchor_of(source)) if url else etree.SubElement(target, "span")
    if body is not None:
        page.children(body, into)
    if not text_of(into).strip():
        say(into, found.text if found and found.text else source.get(f"{AC}anchor"))


def _mention(page: Page, resource: Element, target: Element) -> None:
    known = user_of(resource)
    name = page.resolver.user(*known) if known else None
    say(target, f"@{name}" if name else "@user")


def _image(page: Page, source: Element, target: Element) -> None:
    """Its alternative text and its caption: what can be known of a picture without seeing it."""
    alternative = source.get(f"{AC}alt") or source.get(f"{AC}title")
    if alternative:
        say(target, alternative)
    caption = source.find(f"{AC}caption")
    if caption is not None:
        page.children(caption, etree.SubElement(target, "p"))


def _task_list(page: Page, source: Element, target: Element) -> None:
    page.children(source, etree.SubElement(target, "ul"))


def _task(page: Page, source: Element, target: Element) -> None:
    done = (source.findtext(f"{AC}task-status") or "").strip() == "complete"
    item = block(target, "li", "[x] " if done else "[ ] ")
    body = source.find(f"{AC}task-body")
    if body is not None:
        page.children(body, item)


def _unwrap(page: Page, source: Element, target: Element) -> None:
    page.children(source, target)


def _cell(page: Page, source: Element, target: Element) -> None:
    page.children(source, etree.SubElement(target, "div"))


def _emoticon(_page: Page, source: Element, target: Element) -> None:
    fallback = source.get(f"{AC}emoji-fallback") or ""
    known = _EMOTICONS.get(source.get(f"{AC}name") or "", "")
    say(target, known if not fallback or fallback.startswith(":") else fallback)


def _time(_page: Page, source: Element, target: Element) -> None:
    """`<time datetime="…"/>` holds no text."""
    say(target, text_of(source).strip() or source.get("datetime"))


def _adf(page: Page, source: Element, target: Element) -> None:
    """The new editor's nodes come with a fallback that says the same: one of them is enough."""
    content = [one for one in source.iter(f"{AC}adf-content") if text_of(one).strip()]
    fallback = source.find(f"{AC}adf-fallback")
    for part in content or ([] if fallback is None else [fallback]):
        page.children(part, etree.SubElement(target, "div"))


ELEMENTS: dict[str, Handler] = {
    f"{AC}structured-macro": macro,
    f"{AC}macro": macro,
    f"{AC}parameter": _drop,
    f"{AC}link": _link,
    f"{AC}image": _image,
    f"{AC}task-list": _task_list,
    f"{AC}task": _task,
    f"{AC}layout": _unwrap,
    f"{AC}layout-section": _unwrap,
    f"{AC}layout-cell": _cell,
    f"{AC}emoticon": _emoticon,
    f"{AC}placeholder": _drop,
    f"{AC}inline-comment-marker": _unwrap,
    f"{AC}adf-extension": _adf,
    f"{RI}user": _mention,
    "time": _time,
    "colgroup": _drop,
}
