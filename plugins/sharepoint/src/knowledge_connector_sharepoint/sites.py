"""Which sites, libraries and folders are meant, and what is in trouble among them.

addresses ─▶ longest path that is a site ─▶ library by its name in addresses ─▶ folder ─┐
no addresses ─▶ every site of the tenant ───────────────────────────────────────────────┴─▶ Selection, or Trouble
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from knowledge_connector import ConfigError, ConnectorError
from knowledge_connector_sharepoint.addresses import Address, encoded, last_segment, parse_address
from knowledge_connector_sharepoint.graph import NotReadable, Refused
from knowledge_connector_sharepoint.throttle import LIST

if TYPE_CHECKING:
    from knowledge_connector_sharepoint.config import SharePointConfig
    from knowledge_connector_sharepoint.graph import Graph, Item

SITE_FIELDS = "id,name,displayName,webUrl,isPersonalSite"
DRIVE_FIELDS = "id,name,webUrl,driveType"

_NO_SITE = frozenset({400, 403, 404})
"""Answers to a path that leads to no site; 403 where the application may read sites that it was given, and no others."""

_PAGES_LIBRARY = "sitepages"
"""In addresses, never translated. What is in it is read as pages."""


class Misnamed(ConfigError):
    """An address leads to a site, and there to nothing."""


@dataclass(frozen=True, slots=True)
class Site:
    """A site or subsite."""

    id: str
    name: str
    web_url: str


@dataclass(frozen=True, slots=True)
class Drive:
    """A document library.

    Attributes:
        folders: Ids of the folders that are meant; none for the whole library.
    """

    id: str
    name: str
    web_url: str
    site: Site
    folders: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Selection:
    """What is meant of a site.

    Attributes:
        key: The address or the id by which it was found.
        libraries: Folders by library id, as far as the addresses name some; `None` for all of the site: libraries, pages, lists.
    """

    key: str
    site: Site
    libraries: dict[str, frozenset[str]] | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """A site that is meant and cannot be read. Nothing of it is gone on that account.

    Attributes:
        key: As in `Selection`.
        site: Its id, as far as that is known.
    """

    key: str
    site: str | None
    error: ConnectorError


def site_of(item: Item) -> Site:
    """Read a site."""
    return Site(item["id"], item.get("displayName") or item.get("name") or item["id"], item.get("webUrl") or "")


def drive_of(item: Item, site: Site, folders: frozenset[str] = frozenset()) -> Drive:
    """Read a drive."""
    return Drive(item["id"], item.get("name") or item["id"], item.get("webUrl") or "", site, folders)


@dataclass(slots=True)
class _Wanted:
    """What the addresses ask of one site."""

    key: str
    site: Site
    everything: bool = False
    libraries: dict[str, frozenset[str]] = field(default_factory=dict)

    def add(self, drive: str | None, folder: str | None) -> None:
        if drive is None:
            self.everything = True
        elif folder is None:
            self.libraries[drive] = frozenset()
        elif self.libraries.get(drive, {folder}):  # not yet the whole library
            self.libraries[drive] = self.libraries.get(drive, frozenset()) | {folder}

    def selection(self) -> Selection:
        return Selection(self.key, self.site, None if self.everything else self.libraries)


class Discovery:
    """Finds what the configuration means."""

    def __init__(self, graph: Graph, config: SharePointConfig) -> None:
        self._graph = graph
        self._config = config

    def sites(self) -> Iterator[Selection | Trouble]:
        """Give every site once.

        Raises:
            ConfigError: There is none, which must not be taken for an empty tenant.
        """
        seen: set[str] = set()
        for found in self._named() if self._config.sites else self._all():
            if isinstance(found, Trouble):
                yield found
            elif found.site.id not in seen:
                yield from self._new(found, seen)

    def _new(self, found: Selection, seen: set[str]) -> Iterator[Selection | Trouble]:
        """A site with those beneath it, as far as they were not seen before."""
        for one in self._with_subsites(found):
            if isinstance(one, Selection):
                if one.site.id in seen:
                    continue
                seen.add(one.site.id)
            yield one

    def site(self, site_id: str) -> Site:
        """Give a site by its id."""
        return site_of(self._graph.get(f"/sites/{site_id}?$select={SITE_FIELDS}"))

    def drive(self, drive_id: str, site: Site, folders: frozenset[str]) -> Drive:
        """Give a drive by its id."""
        return drive_of(self._graph.get(f"/drives/{drive_id}?$select={DRIVE_FIELDS}"), site, folders)

    def drives(self, selection: Selection) -> list[Drive]:
        """Give the libraries that are meant; that of the pages is not among them."""
        libraries = selection.libraries
        found = [drive_of(item, selection.site) for item in self._libraries(selection.site.id)]
        if libraries is None:
            return [drive for drive in found if last_segment(drive.web_url).lower() != _PAGES_LIBRARY]
        return [replace(drive, folders=libraries[drive.id]) for drive in found if drive.id in libraries]

    def _libraries(self, site_id: str) -> Iterator[Item]:
        """Libraries of the system are listed only if `system` is asked for."""
        fields = f"{DRIVE_FIELDS},system" if self._config.hidden_libraries else DRIVE_FIELDS
        return self._graph.items(f"/sites/{site_id}/drives?$select={fields}")

    # ------------------------------------------------------------------------------------------------------ every site

    def _all(self) -> Iterator[Selection | Trouble]:
        none = True
        try:
            for item in self._graph.items(f"/sites/getAllSites?$select={SITE_FIELDS}"):
                none = False
                if self._is_wanted(item):
                    yield Selection(item["id"], site_of(item))
        except Refused as refused:
            if refused.status != HTTPStatus.FORBIDDEN:
                raise
        if none:
            raise ConfigError(
                "sites: the application may list no site of the tenant. With the permission Sites.Selected name them in `sites`; "
                "otherwise grant Sites.Read.All",
                where="origin",
            )

    def _is_wanted(self, item: Item) -> bool:
        address = str(item.get("webUrl") or "").lower()
        if "/contentstorage/" in address:
            return False
        return self._config.personal_sites or not (item.get("isPersonalSite") or "/personal/" in address)

    def _with_subsites(self, selection: Selection) -> Iterator[Selection | Trouble]:
        """A site, and those beneath it if the whole of it is meant."""
        yield selection
        if selection.libraries is not None or not self._config.subsites:
            return
        site = selection.site.id
        try:
            beneath = [site_of(item) for item in self._graph.items(f"/sites/{site}/sites?$select={SITE_FIELDS}")]
        except NotReadable as error:
            yield Trouble(f"{selection.key} (subsites)", None, error)
            return
        for one in beneath:
            yield from self._with_subsites(Selection(one.id, one))

    # ------------------------------------------------------------------------------------------------------- addresses

    def _named(self) -> Iterator[Selection | Trouble]:
        wanted: dict[str, _Wanted] = {}
        for text in self._config.sites:
            try:
                site, drive, folder = self._resolved(parse_address(text))
            except (NotReadable, Misnamed) as error:
                yield Trouble(text, None, error)
                continue
            wanted.setdefault(site.id, _Wanted(text, site)).add(drive, folder)
        for one in sorted(wanted.values(), key=lambda one: not one.everything):  # they may have the others beneath them
            yield one.selection()

    def _resolved(self, address: Address) -> tuple[Site, str | None, str | None]:
        """Site, library and folder that an address means."""
        if address.share is not None:
            return self._shared(address, address.share)
        item, rest = self._deepest_site(address)
        site = site_of(item)
        if not rest:
            return site, None, None
        drive = self._library(site, rest[0], address)
        return site, drive, self._folder(drive, rest[1:], address) if rest[1:] else None

    def _deepest_site(self, address: Address) -> tuple[Item, tuple[str, ...]]:
        """The site that the longest beginning of the path names, and what is left of the path.

        From the front: subsites lie within each other, so that the first segment that is none ends it.
        """
        taken = len(address.site_segments)
        item = self._site_at(address.host, address.segments[:taken])
        while taken < len(address.segments):
            try:
                item = self._site_at(address.host, address.segments[: taken + 1])
            except Refused as refused:
                if refused.status not in _NO_SITE:
                    raise
                break
            taken += 1
        return item, address.segments[taken:]

    def _site_at(self, host: str, segments: tuple[str, ...]) -> Item:
        path = f"{host}:/{encoded(segments)}" if segments else host
        return self._graph.get(f"/sites/{path}?$select={SITE_FIELDS}")

    def _library(self, site: Site, name: str, address: Address) -> str:
        found = {last_segment(item.get("webUrl") or "").lower(): item["id"] for item in self._libraries(site.id)}
        if name.lower() not in found:
            there = ", ".join(sorted(found)) or "none"
            raise Misnamed(
                f"sites: {address.url}: {site.name} has no library at {name!r}; there are: {there}", where="origin"
            )
        return str(found[name.lower()])

    def _folder(self, drive: str, segments: tuple[str, ...], address: Address) -> str:
        item = self._graph.get(f"/drives/{drive}/root:/{encoded(segments)}?$select=id,folder,parentReference")
        return _id_of_folder(item, address)

    def _shared(self, address: Address, share: str) -> tuple[Site, str | None, str | None]:
        item = self._graph.get(f"/shares/{share}/driveItem?$select=id,root,folder,parentReference", units=LIST)
        parent = item.get("parentReference") or {}
        site = self.site(parent["siteId"])
        return site, parent["driveId"], None if "root" in item else _id_of_folder(item, address)


def _id_of_folder(item: Item, address: Address) -> str:
    if "folder" not in item:
        raise Misnamed(
            f"sites: {address.url} is a file; name the folder that it lies in, and `include` it", where="origin"
        )
    return str(item["id"])
