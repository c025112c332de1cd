"""Web services as one can run them: `connector emulate rest`.

/desk      tickets: OAuth 2, cursors, HTML, changes since a moment
/cms       articles beneath categories: an API key, `Link` headers, details, files elsewhere
/handbook  pages by offset: user and password, times without a zone, a list of the deleted
/styles    one address for each way to page, to pack and to write
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from knowledge_connector.testing.emulation import Secret, Services, Store, Table, VendorEmulator
from knowledge_connector_rest.emulator_access import API_KEY, BEARER, CLIENT_ID, CLIENT_SECRET, PASSWORD, USER, Access
from knowledge_connector_rest.emulator_content import DEFAULT_DOCUMENTS, Shelf
from knowledge_connector_rest.emulator_services import Cms, Desk, Handbook
from knowledge_connector_rest.emulator_styles import Styles

STYLES = (
    "single", "page", "offset", "link", "next_url", "cursor", "search", "header", "last_record", "window", "depth",
    "jsonl", "csv", "xml", "gzip", "zip",
)  # fmt: skip

_OPERATIONS = (
    (r"/desk/oauth/token", "token"),
    (r"/desk/login", "login"),
    (r"/desk/v1/tickets/[^/]+", "ticket"),
    (r"/desk/v1/tickets", "tickets"),
    (r"/cms/v1/categories", "categories"),
    (r"/cms/v1/categories/[^/]+/articles", "articles"),
    (r"/cms/v1/articles/[^/]+", "article"),
    (r"/cms/v1/files/[^/]+", "file"),
    (r"/cms/v1/store/[^/]+", "store"),
    (r"/handbook/v1/pages", "pages"),
    (r"/handbook/v1/pages/[^/]+", "handbook page"),
    (r"/handbook/v1/deleted", "deleted"),
    (r"/styles/(\w+)", r"\1"),
)


class RestEmulator(VendorEmulator):
    """Three services and a collection of curiosities."""

    name = "rest"

    fault_kinds: ClassVar[Mapping[str, str]] = {
        "html_200": "a log-in page instead of tickets, with status 200",
        "empty_200": "nothing at all, with status 200",
        "error_200": "an error object, with status 200",
        "short_body": "half an answer, with a length that fits",
        "nan": "NaN within JSON",
        "wrong_charset": "UTF-8 that says it is Latin-1",
        "gzip": "packed by HTTP itself",
        "huge": "100 MB of blanks, packed into a few",
        "deep": "5,000 arrays in each other",
        "without_id": "the first ticket has no id",
        "twins": "the first ticket comes twice",
        "stale_cursor": "410: the cursor is not known any more",
        "forbidden_child": "403 for the articles of a category",
        "missing_child": "404 for the articles of a category",
        "broken_child": "an error object instead of the articles of a category",
        "missing": "404 for one article, or for a file",
        "malformed_html": "HTML that nobody closed",
        "zero_byte": "an empty file",
        "clamp": "half as many records as asked for",
        "lying_total": "a total that is too small",
        "ignored_page": "the first page again, whatever the number",
        "empty_page": "no records in the middle",
        "same_next": "the next page is this one",
        "alternating_next": "the next page is the one before",
        "foreign_next": "the next page is at another host",
        "relative_next": "the next page is a query alone",
        "removed_meanwhile": "the first document goes while pages are read",
        "touched_meanwhile": "the first document changes while pages are read",
    }

    change_kinds: ClassVar[Mapping[str, str]] = {
        "edit": "a text gets another line",
        "rename": "a document gets another title",
        "move": "a document goes to another category, and has another link",
        "delete": "a document goes",
        "acl": "others may read a document",
        "add": "a document is written",
    }

    def __init__(self, services: Services, store: Store) -> None:
        super().__init__(services, store)
        self.access = Access(services)
        self.shelves = {name: Shelf(name, services, store) for name in ("desk", "cms", "handbook", "styles")}
        self.desk = Desk(self.shelves["desk"], services, self.access)
        self.cms = Cms(self.shelves["cms"], services)
        self.handbook = Handbook(self.shelves["handbook"], services)
        self._styles = Styles(self.shelves["styles"], services)

    def routes(self) -> Sequence[BaseRoute]:
        """All addresses."""
        styles = [
            Route(f"/styles/{one}", self._styles.handler(one), methods=["POST" if one == "search" else "GET"])
            for one in STYLES
        ]
        return [*self.desk.routes(), *self.cms.routes(), *self.handbook.routes(), *styles]

    def problem(self, status: int, headers: Mapping[str, str]) -> Response:
        """As JSON, with a code."""
        return JSONResponse({"error": {"code": f"status-{status}"}}, status, headers=dict(headers))

    def seed(self, documents: int) -> None:
        """So many in each service."""
        count = documents or int(self.services.options.get("rest.documents", DEFAULT_DOCUMENTS))
        self.store.table("size")["documents"] = {"count": count}
        self.cms.leaks.clear()
        self.access.begin_anew()

    def credentials(self) -> str:
        """All of them."""
        return (
            f"/desk: client {CLIENT_ID} / {CLIENT_SECRET}, or bearer {BEARER} · /cms: X-Api-Key {API_KEY} · "
            f"/handbook: {USER} / {PASSWORD} · /styles: none"
        )

    def connector_table(self, base_url: str) -> dict[str, object]:
        """The ticket system: changes since the last run, deleted tickets by their own word."""
        desk = f"{base_url}/rest/desk"
        return {
            "base_url": f"{desk}/v1",
            "auth": {
                "type": "oauth2_client_credentials",
                "token_url": f"{desk}/oauth/token",
                "client_id": CLIENT_ID,
                "client_secret": Secret(CLIENT_SECRET),
            },
            "resources": {"tickets": TICKETS},
        }

    def overview(self) -> Sequence[Table]:
        """How many documents each service has."""
        rows = [(name, shelf.total, len(shelf.changed), len(shelf.gone)) for name, shelf in self.shelves.items()]
        return [Table("Services", ("service", "documents", "changed", "deleted"), rows)]

    def is_write(self, method: str, path: str) -> bool:  # noqa: ARG002  # nothing can be written
        """Nobody can write here; POST asks for tokens and searches."""
        return False

    def operation(self, method: str, path: str) -> str:
        """`GET tickets` and the like."""
        for pattern, word in _OPERATIONS:
            found = re.fullmatch(pattern, path)
            if found:
                return f"{'GET' if path == '/styles/search' else method} {found.expand(word)}"
        return f"{method} {path}"

    def change(self, kind: str, arguments: Mapping[str, str]) -> str:
        """Let something happen; arguments are `service` (default `desk`), `id` (from 0) and, for some, `to`."""
        if kind not in self.change_kinds:
            raise ValueError(f"there is no change {kind!r}; there are: {', '.join(self.change_kinds)}")
        service = arguments.get("service", "desk")
        if service not in self.shelves:
            raise ValueError(f"there is no service {service!r}; there are: {', '.join(self.shelves)}")
        shelf = self.shelves[service]
        if kind == "add":
            return f"{service}: document {shelf.add().index} was written"
        index = _index(arguments.get("id"), shelf)
        told = _changed(shelf, index, kind, arguments.get("to"))
        return f"{service}: document {index} {told}"


def _index(given: str | None, shelf: Shelf) -> int:
    if given is None:
        found = shelf.slice(0, 1)
        if not found:
            raise ValueError(f"{shelf.name} is empty")
        return found[0].index
    if not given.isdigit():
        raise ValueError(f"id: should be a number from 0, given {given!r}")
    return int(given)


def _changed(shelf: Shelf, index: int, kind: str, to: str | None) -> str:
    before = shelf.living(index)
    match kind:
        case "edit":
            shelf.amend(index, text=f"{before.text}\n{to or f'This line is number {before.version}.'}")
            return "has another line"
        case "rename":
            title = to or f"{before.title}, renamed {before.version}"
            shelf.amend(index, title=title)
            return f"is called {title!r}"
        case "move":
            category = int(to) if to and to.isdigit() else (before.category + 1) % shelf.categories
            shelf.amend(index, category=category)
            return f"is in category {category}"
        case "acl":
            readers = to.split(",") if to else [f"group-{before.version}"]
            shelf.amend(index, readers=readers)
            return f"may be read by {', '.join(readers)}"
        case _:
            shelf.remove(index)
            return "is gone"


TICKETS: dict[str, object] = {
    "path": "/tickets",
    "records": "data",
    "paginator": {"type": "cursor", "path": "meta.next_cursor", "size": 100, "size_param": "page_size"},
    "map": {
        "id": "id",
        "title": "subject",
        "body": "description_html",
        "format": "html",
        "url": "links.html",
        "modified": "updated_at",
        "version": "version",
        "tags": "labels",
        "acl": "viewers",
        "deleted": "deleted",
    },
    "incremental": {"cursor": "updated_at", "start_param": "updated_since"},
    "lookup": {"path": "/tickets/{document.id}", "record": "ticket"},
}
"""The resource of `connector_table`, as the README shows it."""
