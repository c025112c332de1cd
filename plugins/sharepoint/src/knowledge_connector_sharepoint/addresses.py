"""What people paste from their browser, taken apart. Nothing here asks SharePoint; `sites.py` finds out what the parts mean."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlsplit

_SHARING_MARK = re.compile(r":[a-z]:")
_DIRECT, _OPAQUE = "r", frozenset({"s", "g", "t", "u"})
"""What follows the mark of a sharing link: `r` stands before a real path, the others before a token."""

_MANAGED = frozenset({"sites", "teams", "personal"})
_FOLDER_PARAMETERS = ("id", "rootfolder")


@dataclass(frozen=True, slots=True)
class Address:
    """One entry of `sites`.

    Attributes:
        url: As it was given.
        host: In lower case.
        segments: Of the path, decoded: site, subsites, library, folders; where one ends and the next begins only SharePoint knows.
        share: For a sharing link that hides its path: the id by which Graph takes it.
    """

    url: str
    host: str
    segments: tuple[str, ...] = ()
    share: str | None = None

    @property
    def site_segments(self) -> tuple[str, ...]:
        """The segments that name a site for certain: a managed path and a name; none for the root site."""
        managed = len(self.segments) > 1 and self.segments[0].lower() in _MANAGED
        return self.segments[:2] if managed else ()


def parse_address(url: str) -> Address:
    """Take a pasted address apart.

    Raises:
        ValueError: It is none of SharePoint's; the message says what would be one.
    """
    parts = urlsplit(url.strip())
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError(f"{url!r} should be an address such as https://contoso.sharepoint.com/sites/HR")
    host = parts.netloc.lower()
    segments = [unquote(segment) for segment in parts.path.split("/") if segment]
    if segments and _SHARING_MARK.fullmatch(segments[0]):
        if segments[1:2] and segments[1] in _OPAQUE:
            return Address(url, host, share=share_id(parts._replace(query="", fragment="").geturl()))
        segments = segments[2:] if segments[1:2] == [_DIRECT] else segments[1:]
    return Address(url, host, _plain(_from_query(parts.query) or segments))


def _from_query(query: str) -> list[str]:
    """The folder that the page of a library shows, server-relative."""
    values = {name.lower(): value for name, value in parse_qsl(query)}
    shown = next((values[name] for name in _FOLDER_PARAMETERS if values.get(name, "").startswith("/")), "")
    return [segment for segment in shown.split("/") if segment]


def _plain(segments: list[str]) -> tuple[str, ...]:
    """Without what only shows things: `Forms/AllItems.aspx`, `SitePages/Home.aspx`, `_layouts/15/…`."""
    for place, segment in enumerate(segments):
        name = segment.lower()
        following = segments[place + 1].lower() if place + 1 < len(segments) else ""
        if name == "_layouts" or (name in ("forms", "sitepages") and following.endswith(".aspx")):
            return tuple(segments[:place])
    return tuple(segments)


def share_id(url: str) -> str:
    """Write a sharing link the way `/shares/{id}` takes it.

    Reference: Microsoft Graph, "Access shared items", encoding sharing URLs.
    """
    return "u!" + base64.urlsafe_b64encode(url.encode()).decode("ascii").rstrip("=")


def encoded(segments: tuple[str, ...]) -> str:
    """Write segments as a part of a URL, each by itself: `%` and `#` are allowed in names."""
    return "/".join(quote(segment, safe="") for segment in segments)


def last_segment(web_url: str) -> str:
    """The name by which a library stands in addresses; unlike its title it is not translated."""
    return unquote(urlsplit(web_url).path.rstrip("/").rpartition("/")[2])
