"""Small strokes with which the handlers write HTML."""

from __future__ import annotations

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from knowledge_connector_confluence.markup import Element


def say(target: Element, text: str | None) -> None:
    """Append text behind whatever an element holds already."""
    if not text:
        return
    if len(target):
        target[-1].tail = (target[-1].tail or "") + text
    else:
        target.text = (target.text or "") + text


def block(target: Element, tag: str, text: str = "") -> Element:
    """Append an element, and give it."""
    made = etree.SubElement(target, tag)
    say(made, text)
    return made


def heading(target: Element, text: str) -> None:
    """Append a short line that stands out; nothing for an empty text."""
    if text:
        block(block(target, "p"), "strong", text)


def text_of(element: Element) -> str:
    """All text within an element."""
    return "".join(element.itertext())
