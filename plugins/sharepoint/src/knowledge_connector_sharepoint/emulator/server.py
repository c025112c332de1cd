"""The emulator as the frame knows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from knowledge_connector.testing.emulation import Secret, Services, Store, Table, VendorEmulator
from knowledge_connector_sharepoint.emulator import delta, download, files, graph, login, pages, paging, throttle
from knowledge_connector_sharepoint.emulator.changes import KINDS, Changes
from knowledge_connector_sharepoint.emulator.files import Files
from knowledge_connector_sharepoint.emulator.graph import LIST_UNITS, PERMISSION_UNITS, Graph, Operation
from knowledge_connector_sharepoint.emulator.lists import Lists
from knowledge_connector_sharepoint.emulator.login import CLIENT_ID, CLIENT_SECRET, Login
from knowledge_connector_sharepoint.emulator.pages import Pages
from knowledge_connector_sharepoint.emulator.sites import Sites
from knowledge_connector_sharepoint.emulator.tenant import BY_KEY, HOME, NAME, SITES, TENANT_NAME
from knowledge_connector_sharepoint.emulator.wire import VERSION, Refusal, problem
from knowledge_connector_sharepoint.emulator.witness import Witness
from knowledge_connector_sharepoint.emulator.world import World

SITE, DRIVE = "/sites/{site}", "/drives/{drive}"
LIST, ITEM = f"{SITE}/lists/{{list}}", f"{DRIVE}/items/{{item}}"
PAGE_TYPE = "microsoft.graph.sitePage"

READ = ("handbook", "vertrieb")
"""The sites that the written configuration reads."""

PLENTY = 1_000_000_000
"""Units that the written configuration may use: nobody waits for the emulator unless it is told to count."""


class SharePointEmulator(VendorEmulator):
    """One tenant, its login host, and the host that contents come from.

    Attributes:
        world: What there is, for tests that look or change past the API.
        login: Tokens and certificates.
        graph: What was spent.
        witness: Requests with their headers.
    """

    name = NAME
    secure: ClassVar[bool] = True
    change_kinds: ClassVar[Mapping[str, str]] = KINDS
    fault_kinds: ClassVar[Mapping[str, str]] = {
        **login.FAULTS,
        **graph.FAULTS,
        **delta.FAULTS,
        **paging.FAULTS,
        **download.FAULTS,
        **pages.FAULTS,
        **throttle.FAULTS,
        **files.FAULTS,
    }

    def __init__(self, services: Services, store: Store) -> None:
        super().__init__(services, store)
        self.world = World(services, store)
        self.login = Login(services, store)
        self.witness = Witness(services)
        self.storage = download.Storage(self.world)
        drives, sites = Files(self.world, self.storage), Sites(self.world)
        operations = _operations(drives, sites, Pages(self.world), Lists(self.world))
        resolvers = [
            ("/sites/{host}:/{path:path}", sites.site_at, "/sites/{found}"),
            ("/drives/{drive}/root:/{path:path}", drives.item_at, "/drives/{drive}/items/{found}"),
        ]
        self.graph = Graph(self.world, self.login, operations, resolvers)
        self._changes = Changes(self.world, self.login)

    def routes(self) -> Sequence[BaseRoute]:
        """Those of the three hosts."""
        given: list[Route] = [
            *self.login.routes(),
            *self.graph.routes(),
            Route(download.PATH, self.storage.give, methods=["GET"]),
        ]
        return [
            Route(route.path, self.witness.watching(route.endpoint), methods=list(route.methods or ()))
            for route in given
        ]

    def problem(self, status: int, headers: Mapping[str, str]) -> Response:
        """The error that Graph gives."""
        return problem(Refusal(status, headers=headers))

    def seed(self, documents: int) -> None:
        """Lay out the tenant; an empty one has no use, so 0 stands for what the option says."""
        self.world.lay_out(documents)
        self.witness.clear()
        self.graph.reset()

    def credentials(self) -> str:
        """How to log in."""
        return f"tenant {TENANT_NAME}, application {CLIENT_ID}, secret {CLIENT_SECRET}; over TLS alone"

    def connector_table(self, base_url: str) -> dict[str, object]:  # noqa: ARG002  # logins go over TLS alone
        """A connector that reads two sites."""
        services = self.services
        return {
            "tenant": TENANT_NAME,
            "client_id": CLIENT_ID,
            "auth": {"type": "secret", "client_secret": Secret(CLIENT_SECRET)},
            "sites": [BY_KEY[key].url for key in READ],
            "login_url": services.secure_url,
            "graph_url": services.secure_url,
            "units_per_minute": PLENTY,
            "units_per_day": PLENTY,
            "http": {"ca_file": str(services.ca_file)},
        }

    def change(self, kind: str, arguments: Mapping[str, str]) -> str:
        """Do what people do to a tenant."""
        return self._changes.make(kind, arguments)

    def overview(self) -> Sequence[Table]:
        """Sites, libraries, and the last changes."""
        sites = [(site.key, site.title, site.url, self.world.state(site) or "open") for site in SITES]
        libraries = list(self.world.libraries())
        held = [
            (place.shelf.key, HOME[place.shelf.key].title, place.shelf.title, place.shape.files, len(place.changed))
            for place in libraries
        ]
        return [
            Table("Sites", ("key", "title", "address", "state"), sites),
            Table("Libraries and lists", ("key", "site", "title", "files at first", "changed since"), held),
        ]

    def is_write(self, method: str, path: str) -> bool:
        """Nothing here writes: an application that reads has no right to."""
        return method not in {"GET", "HEAD"} and self.operation(method, path).partition(" ")[2] not in _READING

    def operation(self, method: str, path: str) -> str:
        """As `GET delta`, `GET children`, `POST token`."""
        if path.startswith(f"{VERSION}/"):
            return self.graph.name_of(method, path)
        if path.endswith("/oauth2/v2.0/token"):
            return f"{method} token"
        if path.endswith("/.well-known/openid-configuration"):
            return f"{method} discovery"
        return f"{method} {'download' if path == download.PATH else path}"


_READING = frozenset({"token", "batch", "labels"})


def _operations(drives: Files, sites: Sites, site_pages: Pages, lists: Lists) -> list[Operation]:
    """What can be asked of Graph; more special paths first."""
    page = f"{SITE}/pages/{{page}}/{PAGE_TYPE}"
    return [
        Operation("GET getAllSites", "/sites/getAllSites", sites.everything, LIST_UNITS),
        Operation("GET getAllSites", "/sites/getAllSites()", sites.everything, LIST_UNITS),
        Operation("GET sites delta", "/sites/delta", sites.delta, LIST_UNITS),
        Operation("GET sites", "/sites", sites.search, LIST_UNITS),
        Operation("GET site", SITE, sites.site),
        Operation("GET subsites", f"{SITE}/sites", sites.subsites, LIST_UNITS),
        Operation("GET drives", f"{SITE}/drives", sites.drives, LIST_UNITS),
        Operation("GET drive", f"{SITE}/drive", sites.drive),
        Operation("GET site permissions", f"{SITE}/permissions", sites.grants, PERMISSION_UNITS),
        Operation("GET pages", f"{SITE}/pages/{PAGE_TYPE}", site_pages.listing, LIST_UNITS),
        Operation("GET pages", f"{SITE}/pages", site_pages.listing, LIST_UNITS),
        Operation("GET page", page, site_pages.page),
        Operation("GET webparts", f"{page}/webparts", site_pages.parts, LIST_UNITS),
        Operation("GET lists", f"{SITE}/lists", lists.lists, LIST_UNITS),
        Operation("GET list", LIST, lists.list),
        Operation("GET list items", f"{LIST}/items", lists.items, LIST_UNITS),
        Operation("GET list delta", f"{LIST}/items/delta", lists.delta, LIST_UNITS),
        Operation("GET list item", f"{LIST}/items/{{item}}", lists.item),
        Operation("GET drive", DRIVE, drives.drive),
        Operation("GET item", f"{DRIVE}/root", drives.item),
        Operation("GET children", f"{DRIVE}/root/children", drives.children, LIST_UNITS),
        Operation("GET delta", f"{DRIVE}/root/delta", drives.delta, LIST_UNITS),
        Operation("GET item", ITEM, drives.item),
        Operation("GET children", f"{ITEM}/children", drives.children, LIST_UNITS),
        Operation("GET delta", f"{ITEM}/delta", drives.delta, LIST_UNITS),
        Operation("GET content", f"{ITEM}/content", drives.content),
        Operation("GET permissions", f"{ITEM}/permissions", drives.permissions, PERMISSION_UNITS),
        Operation("POST labels", f"{ITEM}/extractSensitivityLabels", drives.labels),
        Operation("GET share", "/shares/{share}/driveItem", drives.shared),
        Operation("GET share", "/shares/{share}/root", drives.shared),
    ]
