"""Which sites and libraries the emulated tenant has. What they hold is in `library.py`."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

NAME = "sharepoint"
HOST = "contoso.sharepoint.com"
PERSONAL_HOST = "contoso-my.sharepoint.com"
TENANT_ID = "6f1d2c34-0000-4000-8000-00000000c0de"
TENANT_NAME = "contoso.onmicrosoft.com"

State = Literal["", "locked", "forbidden", "missing"]
"""What becomes of requests for a site: an answer, 423, 403, or 404."""

Kind = Literal["files", "pages", "list"]


@lru_cache(maxsize=10_000)
def guid(name: str) -> str:
    """Give a GUID that belongs to a name for ever."""
    return str(uuid5(NAMESPACE_URL, f"emulated:{name}"))


@dataclass(frozen=True)
class Shelf:
    """One library, or one list.

    Attributes:
        key: The word for it here: in changes, on the start page.
        code: Six letters that the ids of its items begin with.
        title: What people see; localised.
        url_name: Its segment in URLs.
        share: Which documents of the tenant it holds: those whose number modulo 4 is one of these.
        files: How many it holds of its own, if it has no share.
        hidden: A system library, which is listed only for who selects `system`.
        curious: Whether it holds the folder of curiosities.
    """

    key: str
    code: str
    title: str
    url_name: str
    kind: Kind = "files"
    share: tuple[int, ...] = ()
    files: int = 0
    hidden: bool = False
    curious: bool = False

    @cached_property
    def drive_id(self) -> str:
        """Case counts: `policies` differs from `documents` in nothing else."""
        if self.key == "policies":
            return f"b!{_digest('documents').swapcase()}"
        return f"b!{_digest(self.key)}"

    @cached_property
    def list_id(self) -> str:
        """Of the list that every library is, too."""
        return guid(f"list/{self.key}")


def _digest(key: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()).decode().rstrip("=")


@dataclass(frozen=True)
class Site:
    """One site.

    Attributes:
        path: Server-relative, without a slash at its end; empty for the root site.
        parent: The key of the site that it is a subsite of.
        personal: Somebody's OneDrive.
    """

    key: str
    path: str
    title: str
    shelves: tuple[Shelf, ...] = ()
    host: str = HOST
    parent: str = ""
    state: State = ""
    personal: bool = False

    @cached_property
    def id(self) -> str:
        """Host, site collection and web, as Graph writes it."""
        return f"{self.host},{guid(f'collection/{self.parent or self.key}')},{guid(f'web/{self.key}')}"

    @property
    def url(self) -> str:
        """Where people find it."""
        return f"https://{self.host}{quote(self.path)}"

    def libraries(self, *, hidden: bool = False) -> list[Shelf]:
        """Its libraries, which are drives; hidden ones if asked for."""
        return [one for one in self.shelves if one.kind != "list" and (hidden or not one.hidden)]


SITES: Sequence[Site] = (
    Site("root", "", "Contoso"),
    Site(
        "handbook", "/sites/Handbook", "Handbook",
        (
            Shelf("documents", "HBDOCS", "Documents", "Shared Documents", share=(0, 1), curious=True),
            Shelf("policies", "HBPOLI", "Policies", "Policies", share=(2,)),
            Shelf("styles", "HBSTYL", "Style Library", "Style Library", files=2, hidden=True),
            Shelf("pages", "HBPAGE", "Site Pages", "SitePages", kind="pages"),
            Shelf("faq", "HBFAQS", "Questions", "Lists/Questions", kind="list"),
            Shelf("users", "HBUSER", "User Information List", "_catalogs/users", kind="list", hidden=True),
        ),
    ),
    Site(
        "engineering", "/sites/Handbook/engineering", "Engineering",
        (Shelf("engineering", "ENDOCS", "Documents", "Shared Documents", files=3),), parent="handbook",
    ),
    Site(
        "vertrieb", "/sites/Vertrieb", "Vertrieb",
        (
            Shelf("vertrieb", "VTDOCS", "Dokumente", "Freigegebene Dokumente", share=(3,)),
            Shelf("seiten", "VTPAGE", "Websiteseiten", "SitePages", kind="pages"),
        ),
    ),
    Site("archive", "/teams/Archive", "Archive", (Shelf("archive", "ARDOCS", "Documents", "Shared Documents", files=2),), state="locked"),
    Site("secret", "/sites/Secret", "Secret", (Shelf("secret", "SEDOCS", "Documents", "Shared Documents", files=2),), state="forbidden"),
    Site("gone", "/sites/Gone", "Gone", state="missing"),
    Site(
        "ann", "/personal/ann_contoso_com", "Ann", (Shelf("ann", "ANDOCS", "OneDrive", "Documents", files=2),),
        host=PERSONAL_HOST, personal=True,
    ),
    Site("container", "/contentstorage/CSP_0001", "Container", (Shelf("container", "CTDOCS", "Documents", "Document Library", files=2),)),
)  # fmt: skip
"""The root site has no library; those from `archive` on are what enumerations meet and should not stumble over."""

SITE_OF: Mapping[str, Site] = {site.id: site for site in SITES}
BY_KEY: Mapping[str, Site] = {site.key: site for site in SITES}
SHELVES: Mapping[str, Shelf] = {shelf.key: shelf for site in SITES for shelf in site.shelves}
DRIVES: Mapping[str, Shelf] = {shelf.drive_id: shelf for shelf in SHELVES.values() if shelf.kind != "list"}
HOME: Mapping[str, Site] = {shelf.key: site for site in SITES for shelf in site.shelves}
"""The site of a shelf, by the key of the shelf."""


def documents_of(shelf: Shelf, documents: int) -> int:
    """How many files a library holds at first, of so many documents of the tenant."""
    return shelf.files + sum((documents - rest + 3) // 4 for rest in shelf.share)


def seed_of(shelf: Shelf, number: int) -> int:
    """Which document of the tenant a library's file `number` is."""
    if not shelf.share:
        return number
    turn, place = divmod(number, len(shelf.share))
    return 4 * turn + shelf.share[place]
