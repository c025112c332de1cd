"""The emulated tenant as a whole: its sites and what state they are in, and the libraries by key, drive and list."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import get_args

from knowledge_connector.testing.emulation import Row, Rows, Services, Store
from knowledge_connector_sharepoint.emulator.library import Item, Library
from knowledge_connector_sharepoint.emulator.options import Options
from knowledge_connector_sharepoint.emulator.shape import Shape
from knowledge_connector_sharepoint.emulator.tenant import (
    BY_KEY,
    DRIVES,
    HOME,
    SHELVES,
    SITE_OF,
    SITES,
    Shelf,
    Site,
    State,
    documents_of,
)
from knowledge_connector_sharepoint.emulator.wire import Refusal

FEW_PAGES, ENTRIES = 2, 12
READERS_OF_SITES = frozenset({"Sites.Read.All", "Sites.FullControl.All"})
READERS_OF_FILES = READERS_OF_SITES | {"Files.Read.All"}
SELECTED = "Sites.Selected"

_STATUSES: dict[State, int] = {"locked": 423, "forbidden": 403, "missing": 404}


class World:
    """Sites and libraries."""

    def __init__(self, services: Services, store: Store) -> None:
        self.services = services
        self.store = store
        self.options = Options(services)

    def lay_out(self, documents: int) -> None:
        """Lay out the tenant; kept, so that a state file stays as it is whatever the switches say later.

        Args:
            documents: How many; 0 for what the switch says.

        Raises:
            ConfigError: A switch means nothing.
        """
        self.options.check()
        self.store.table("layout")["layout"] = {
            "documents": documents or self.options.number("documents"),
            "pages": self.options.number("pages"),
            "curiosities": self.options.curiosities,
        }

    # ----------------------------------------------------------------------------------------------------------- libraries

    def library(self, key: str) -> Library:
        """A library or list by its key."""
        shelf = SHELVES[key]
        return Library(shelf, self._shape(shelf), self.store, self.services.clock)

    def _shape(self, shelf: Shelf) -> Shape:
        layout = self.store.table("layout")["layout"]
        if shelf.kind == "pages":
            return Shape(layout["pages"] if shelf.key == "pages" else FEW_PAGES, flat=True)
        if shelf.kind == "list":
            return Shape(ENTRIES, flat=True)
        return Shape(documents_of(shelf, layout["documents"]), layout["curiosities"] if shelf.curious else 0)

    def libraries(self) -> Iterator[Library]:
        """All of them."""
        return (self.library(key) for key in SHELVES)

    def drive(self, drive_id: str, token: Row) -> Library:
        """A library by the id of its drive, for who may read it.

        Raises:
            Refusal: There is none, or not for this token.
        """
        shelf = DRIVES.get(drive_id)
        if shelf is None:
            raise Refusal(404)
        self.admit(HOME[shelf.key], token, READERS_OF_FILES)
        return self.library(shelf.key)

    def item(self, drive_id: str, item_id: str, token: Row) -> tuple[Library, Item]:
        """A library and one of its items, for who may read it.

        Raises:
            Refusal: There is none (any more), or it lies in a folder that is closed.
        """
        library = self.drive(drive_id, token)
        item = library.root if item_id == "root" else library.find(item_id)
        if item is None:
            raise Refusal(404)
        if any(one.kind == "forbidden" for one in (item, *library.above(item))):
            raise Refusal(403)
        return library, item

    # --------------------------------------------------------------------------------------------------------------- sites

    @property
    def states(self) -> Rows:
        """Sites whose state was changed, by key."""
        return self.store.table("sites")

    def state(self, site: Site) -> State:
        """What becomes of requests for it."""
        row = self.states.get(site.key)
        return row["state"] if row else site.state

    def close(self, site: str, state: str) -> None:
        """Lock a site, forbid it, or let it vanish; or open it again.

        Raises:
            ValueError: There is no such site, or no such state.
        """
        if site not in BY_KEY or state not in get_args(State):
            states = ", ".join(repr(one) for one in get_args(State))
            raise ValueError(f"no site {site!r} or no state {state!r}; there are {', '.join(BY_KEY)}; and {states}")
        self.states[site] = {"state": state}
        log = self.store.table("site-log")
        log[str(len(log) + 1)] = {"site": site}

    def site(self, site_id: str, token: Row, needed: Collection[str] = READERS_OF_SITES) -> Site:
        """A site by its id, for who may read it.

        Raises:
            Refusal: There is none, it is closed, or not for this token.
        """
        site = SITE_OF.get(site_id)
        if site is None:
            raise Refusal(404)
        self.admit(site, token, needed)
        return site

    def site_at(self, host: str, path: str, token: Row) -> Site:
        """A site by host and server-relative path, whatever their case.

        Raises:
            Refusal: See `site`.
        """
        wanted = path.strip("/").casefold()
        for site in SITES:
            if site.host == host.lower() and site.path.strip("/").casefold() == wanted:
                return self.site(site.id, token)
        raise Refusal(404)

    def admit(self, site: Site, token: Row, needed: Collection[str]) -> None:
        """Let a token in.

        Raises:
            Refusal: It may not see this site, or nobody may.
        """
        if not self.may(site, token, needed):
            raise Refusal(403)
        if status := _STATUSES.get(self.state(site)):
            raise Refusal(status)

    def may(self, site: Site, token: Row, needed: Collection[str]) -> bool:
        """Whether the token's roles reach a site."""
        granted = self.options.words("granted")
        is_selected = SELECTED in token["roles"] and (site.key in granted or site.parent in granted)
        return is_selected or not set(needed).isdisjoint(token["roles"])
