"""Where things are on the web: addresses made of what a page says, without asking anybody."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, quote_plus

from knowledge_connector_confluence.markup import AC, RI, Element


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page stands: the wiki's address without a slash at the end, the key of its space, its id."""

    base_url: str
    space_key: str
    page_id: str

    def page(self, space_key: str, title: str) -> str:
        """Address of a page by its title, which is unique within its space."""
        return f"{self.base_url}/display/{quote(space_key, safe='~')}/{quote_plus(title)}"

    def post(self, space_key: str, day: str, title: str) -> str:
        """Address of a blog post; `day` as `2026/03/01`."""
        return f"{self.base_url}/display/{quote(space_key, safe='~')}/{quote(day)}/{quote_plus(title)}"

    def space(self, key: str) -> str:
        """Address of a space."""
        return f"{self.base_url}/display/{quote(key, safe='~')}"

    def content(self, id_: str) -> str:
        """Address of a page by its id."""
        return f"{self.base_url}/pages/viewpage.action?pageId={quote(id_)}"

    def attachment(self, page_id: str, name: str) -> str:
        """Address of a file."""
        return f"{self.base_url}/download/attachments/{quote(page_id)}/{quote(name)}"


@dataclass(frozen=True, slots=True)
class Reference:
    """What an `ri:` element stands for: a text to show where the author gave none, and an address if there is one."""

    text: str
    url: str | None = None


def refer(resource: Element, place: Place) -> Reference | None:
    """Read an `ri:` element; `None` for users, whose names are not written there, and for what nobody knows."""
    kind = str(resource.tag).removeprefix(RI)
    space_key = resource.get(f"{RI}space-key") or place.space_key
    title = resource.get(f"{RI}content-title") or ""
    if kind == "page":
        return Reference(title, place.page(space_key, title)) if title else None
    if kind == "blog-post":
        return Reference(title, place.post(space_key, resource.get(f"{RI}posting-day") or "", title))
    if kind == "attachment":
        return _attachment(resource, place)
    if kind == "space":
        return Reference(space_key, place.space(space_key))
    if kind == "url":
        value = resource.get(f"{RI}value") or ""
        return Reference(value, value)
    if kind == "content-entity":
        id_ = resource.get(f"{RI}content-id") or ""
        return Reference(id_, place.content(id_))
    if kind == "shortcut":
        return Reference(resource.get(f"{RI}parameter") or "")
    return None


def _attachment(resource: Element, place: Place) -> Reference:
    """A file; one of another page is named with it, and has no address that could be made without asking."""
    name = resource.get(f"{RI}filename") or ""
    if len(resource):
        return Reference(name)
    return Reference(name, place.attachment(place.page_id, name))


def resource_of(source: Element) -> Element | None:
    """The first `ri:` element directly within another."""
    return next((child for child in source if str(child.tag).startswith(RI)), None)


def user_of(resource: Element) -> tuple[str, str] | None:
    """By what a `ri:user` names a user: `account-id`, `userkey` or `username`, and the value."""
    for kind in ("account-id", "userkey", "username"):
        key = resource.get(RI + kind)
        if key:
            return kind, key
    return None


def anchor_of(source: Element) -> str:
    """The anchor that a link leads to, with its `#`; empty if there is none."""
    anchor = source.get(f"{AC}anchor")
    return f"#{quote(anchor)}" if anchor else ""
