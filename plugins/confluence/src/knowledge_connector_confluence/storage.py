"""Storage format → Markdown: what Confluence keeps of a page, as a reader would see it.

    storage ─ markup.parse ─▶ tree with ac: and ri: elements ─ elements and macros ─▶ plain HTML ─ kit.markdown with our rules ─▶ Markdown

Nothing is rendered by Confluence: its own rendering is slow, one page at a time, and hides code blocks behind scripts.

Reference: "Confluence Storage Format", Atlassian's documentation for both deployments.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from knowledge_connector.kit.markdown import to_markdown as html_to_markdown
from knowledge_connector_confluence.elements import ELEMENTS
from knowledge_connector_confluence.markup import Element, parse, without_cdata
from knowledge_connector_confluence.tables import straighten
from knowledge_connector_confluence.write import say

if TYPE_CHECKING:
    from knowledge_connector_confluence.links import Place

MAX_INCLUDES = 20
"""Pages that one page may include, those that the included ones include counted too."""

MAX_INCLUDE_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Included:
    """A page that another one includes."""

    place: Place
    title: str
    storage: str


class Resolver(Protocol):
    """What a page refers to and does not hold. May be asked on any thread."""

    def user(self, kind: str, key: str) -> str | None:
        """The display name of a user by `account-id`, `userkey` or `username`; `None` if it is not to be had."""
        ...

    def page(self, space_key: str, title: str) -> Included | None:
        """A page to include; `None` if it is not there, or not for everybody who may read the page that includes it."""
        ...


@dataclass(slots=True)
class Allowance:
    """How many pages may still be included."""

    left: int = MAX_INCLUDES

    def take(self) -> bool:
        """Whether there was one left."""
        self.left -= 1
        return self.left >= 0


@dataclass(frozen=True, slots=True)
class Page:
    """The page that is being read, for the handlers of elements and macros.

    Attributes:
        within: Ids of the pages that include this one, itself last.
    """

    place: Place
    resolver: Resolver
    within: tuple[str, ...] = ()
    allowance: Allowance = field(default_factory=Allowance)

    def children(self, source: Element, target: Element) -> None:
        """Write what an element holds into `target`."""
        say(target, source.text)
        for child in source:
            self.element(child, target)
            say(target, child.tail)

    def element(self, source: Element, target: Element) -> None:
        """Write one element into `target`; an unknown one of Confluence's leaves what it holds."""
        handler = ELEMENTS.get(source.tag)
        if handler is not None:
            handler(self, source, target)
        elif is_foreign(source.tag):
            self.children(source, target)
        else:
            self.children(source, etree.SubElement(target, source.tag, dict(plain_attributes(source))))

    def include(self, space_key: str, title: str) -> tuple[Page, Element] | None:
        """Open a page that this one includes; `None` if it must not or cannot be."""
        if len(self.within) > MAX_INCLUDE_DEPTH or not self.allowance.take():
            return None
        found = self.resolver.page(space_key, title)
        if found is None or found.place.page_id in self.within:
            return None
        tree = parse(found.storage)
        if tree is None:
            return None
        return replace(self, place=found.place, within=(*self.within, found.place.page_id)), tree


def plain_attributes(source: Element) -> list[tuple[str, str]]:
    """The attributes that HTML knows."""
    return [(name, value) for name, value in source.attrib.items() if not is_foreign(name)]


def is_foreign(name: str) -> bool:
    """Whether a name has a prefix, and so is none of HTML's."""
    return name.startswith("{") or ":" in name


def to_markdown(storage: str, place: Place, resolver: Resolver) -> str:
    """Give the Markdown of a page.

    Args:
        storage: Its body in storage format, however broken.
        place: Where it stands, for links.
        resolver: Asked for users that are mentioned and for pages that are included.

    Returns:
        Markdown that ends in a newline; empty if there is nothing to read.

    Raises:
        DocumentError: It is nested too deeply for anybody (code `html`).
    """
    from knowledge_connector_confluence.dialect import Dialect  # markdownify, for those who read a page

    root = parse(storage)
    if root is None:
        return html_to_markdown(without_cdata(storage), base_url=place.base_url + "/")
    body = etree.Element("body")
    Page(place, resolver, (place.page_id,)).children(root, body)
    straighten(body)
    return html_to_markdown(etree.tostring(body, encoding="unicode", method="html"), rules=Dialect)
