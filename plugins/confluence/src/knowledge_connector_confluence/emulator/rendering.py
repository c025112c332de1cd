"""The rendered formats: macros run, links have addresses. Enough of it to tell what was resolved and what was not."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from knowledge_connector_confluence.emulator.bodies import storage
from knowledge_connector_confluence.emulator.model import Content
from knowledge_connector_confluence.emulator.people import Mention
from knowledge_connector_confluence.emulator.world import Query, World

FORMATS = ("storage", "atlas_doc_format", "view", "export_view", "anonymous_export_view", "styled_view", "editor")
IN_LISTS = ("storage", "atlas_doc_format")

_NAMESPACES = {"ac": "urn:ac", "ri": "urn:ri", "at": "urn:at"}
_AC, _RI = "{urn:ac}", "{urn:ri}"
_XML_ENTITIES = ("amp", "lt", "gt", "quot", "apos")
_VOID = ("br", "hr", "img", "col")


@dataclass(frozen=True, slots=True)
class Rendering:
    """Renders bodies as one deployment does.

    Args:
        base: For addresses.
    """

    world: World
    mention: Mention
    base: str

    def body(self, content: Content, form: str, *, anonymous: bool = False) -> str:
        """Give the body of a content in a format."""
        if form == "storage":
            return storage(content, self.mention)
        if form == "atlas_doc_format":
            return _document(storage(content, self.mention))
        if form == "anonymous_export_view" and not self.world.visible(content, anonymous=True):
            return ""
        shown = self._rendered(content, (content.id,), anonymous=anonymous)
        return f"<style>p {{ margin: 0 }}</style><div>{shown}</div>" if form == "styled_view" else shown

    def _rendered(self, content: Content, above: tuple[str, ...], *, anonymous: bool) -> str:
        source = storage(content, self.mention)
        try:
            root = etree.fromstring(_wrapped(source), _parser())
        except etree.XMLSyntaxError:
            return source  # browsers take it as it is
        return _Page(self, content, above, anonymous).inside(root)

    def included(self, title: str, space: str, above: tuple[str, ...], *, anonymous: bool) -> str:
        """The body of another page, or in words why not."""
        query = Query(spaces=(space,))
        found = next((one for one in self.world.listing(query) if one.title == title), None)
        if found is None or not self.world.visible(found, anonymous=anonymous):
            return _error(f"Unable to render {{include}} The included page could not be found: {title}")
        if found.id in above:
            return _error(f"Unable to render {{include}} Already included page {title}, stopping.")
        return self._rendered(found, (*above, found.id), anonymous=anonymous)


@dataclass(frozen=True, slots=True)
class _Page:
    """One page while it is rendered."""

    rendering: Rendering
    content: Content
    above: tuple[str, ...]
    anonymous: bool

    def inside(self, node: etree._Element) -> str:
        """Render what is inside an element."""
        parts = [html.escape(node.text or "", quote=False)]
        for child in node:
            parts += [self._element(child), html.escape(child.tail or "", quote=False)]
        return "".join(parts)

    def _element(self, node: etree._Element) -> str:
        tag = str(node.tag)
        if tag in _RULES:
            return _RULES[tag](self, node)
        if tag.startswith("{"):
            return self.inside(node)
        given = "".join(f' {key}="{html.escape(str(value))}"' for key, value in node.attrib.items())
        return f"<{tag}{given}/>" if tag in _VOID else f"<{tag}{given}>{self.inside(node)}</{tag}>"

    def macro(self, node: etree._Element) -> str:
        """Run a macro."""
        name = node.get(f"{_AC}name", "")
        title = html.escape(_parameter(node, "title"))
        text = node.findtext(f"{_AC}plain-text-body") or ""
        body = node.find(f"{_AC}rich-text-body")
        inner = "" if body is None else self.inside(body)
        match name:
            case "code" | "noformat":
                return f'<pre class="syntaxhighlighter-pre">{html.escape(text, quote=False)}</pre>'
            case "status":
                return f'<span class="status-macro">{title}</span>'
            case "include" | "excerpt-include":
                return self._include(node)
            case "children":
                return f"<ul>{''.join(f'<li>{self._to(one)}</li>' for one in self._below())}</ul>"
            case "html":
                return text
            case _:
                head = f"<p><strong>{title}</strong></p>" if title else ""
                return f'<div class="conf-macro" data-macro-name="{html.escape(name)}">{head}{inner}</div>'

    def _below(self) -> list[Content]:
        world = self.rendering.world
        return [
            one for one in world.children(self.content.id, ("page",)) if world.visible(one, anonymous=self.anonymous)
        ]

    def _include(self, node: etree._Element) -> str:
        target = node.find(f".//{_RI}page")
        if target is None:
            return _error("Unable to render {include}")
        space = target.get(f"{_RI}space-key") or self.content.space
        title = target.get(f"{_RI}content-title", "")
        return self.rendering.included(title, space, self.above, anonymous=self.anonymous)

    def _to(self, content: Content) -> str:
        return f'<a href="{self.rendering.base}/pages/viewpage.action?pageId={content.id}">{html.escape(content.title)}</a>'

    def link(self, node: etree._Element) -> str:
        """Render a link to something inside."""
        body = node.find(f"{_AC}link-body")
        label = node.findtext(f"{_AC}plain-text-link-body") or ""
        target = next((str(value) for child in node for value in child.attrib.values()), "")
        shown = self.inside(body) if body is not None else html.escape(label or target)
        return f'<a href="{self.rendering.base}/search?text={quote(target)}">{shown}</a>'

    def image(self, node: etree._Element) -> str:
        """Render an image."""
        attached, elsewhere = node.find(f"{_RI}attachment"), node.find(f"{_RI}url")
        source = "" if elsewhere is None else elsewhere.get(f"{_RI}value", "")
        if attached is not None:
            name = quote(attached.get(f"{_RI}filename", ""))
            source = f"{self.rendering.base}/download/attachments/{self.content.id}/{name}"
        return f'<img src="{html.escape(source)}" alt="{html.escape(node.get(f"{_AC}alt", ""))}"/>'

    def tasks(self, node: etree._Element) -> str:
        """Render a list of tasks."""
        lines = []
        for task in node.findall(f"{_AC}task"):
            done = ' class="checked"' if task.findtext(f"{_AC}task-status") == "complete" else ""
            body = task.find(f"{_AC}task-body")
            lines.append(f"<li{done}>{'' if body is None else self.inside(body)}</li>")
        return f'<ul class="inline-task-list">{"".join(lines)}</ul>'

    def extension(self, node: etree._Element) -> str:
        """Render what the old editor has no words for: the fallback only."""
        fallback = node.find(f"{_AC}adf-fallback")
        return "" if fallback is None else self.inside(fallback)


_RULES: dict[str, Callable[[_Page, etree._Element], str]] = {
    f"{_AC}structured-macro": _Page.macro,
    f"{_AC}link": _Page.link,
    f"{_AC}image": _Page.image,
    f"{_AC}task-list": _Page.tasks,
    f"{_AC}adf-extension": _Page.extension,
    f"{_AC}placeholder": lambda _page, _node: "",
    f"{_AC}emoticon": lambda _page, node: html.escape(node.get(f"{_AC}emoji-fallback", ":)")),
    "time": lambda _page, node: f'<time datetime="{node.get("datetime")}">{node.get("datetime")}</time>',
}


def _parameter(node: etree._Element, name: str) -> str:
    return next((one.text or "" for one in node.findall(f"{_AC}parameter") if one.get(f"{_AC}name") == name), "")


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, strip_cdata=False)


def _wrapped(source: str) -> str:
    """The source as XML: prefixes declared, entities of HTML by their numbers, but not inside CDATA."""
    declared = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in _NAMESPACES.items())
    parts = re.split(r"(<!\[CDATA\[.*?\]\]>)", source, flags=re.DOTALL)
    plain = "".join(part if part.startswith("<![CDATA[") else re.sub(r"&(\w+);", _number, part) for part in parts)
    return f"<root {declared}>{plain}</root>"


def _number(found: re.Match[str]) -> str:
    return found[0] if found[1] in _XML_ENTITIES else html.escape(html.unescape(found[0]))


def _error(message: str) -> str:
    return f'<div class="error">{html.escape(message)}</div>'


def _document(source: str) -> str:
    """A document of the new editor: the paragraphs, without markup."""
    text = re.sub(r"<!\[CDATA\[(.*?)\]\]>", lambda found: html.escape(found[1]), source, flags=re.DOTALL)
    parts = [html.unescape(re.sub(r"<[^>]+>", "", part)).strip() for part in re.split(r"</(?:p|h\d|li|td|th)>", text)]
    paragraphs = [{"type": "paragraph", "content": [{"type": "text", "text": part}]} for part in parts if part]
    return json.dumps({"type": "doc", "version": 1, "content": paragraphs})
