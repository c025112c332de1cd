"""Plain requests to the emulated Graph, without any code of the connector; and the emulator behind a server."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx

from knowledge_connector.testing.emulation import ActiveFault, Fault, RunningServer, running
from knowledge_connector_sharepoint.emulator import SharePointEmulator
from knowledge_connector_sharepoint.emulator.login import CLIENT_ID, CLIENT_SECRET
from knowledge_connector_sharepoint.emulator.tenant import BY_KEY, SHELVES, TENANT_NAME

Row = dict[str, Any]


def emulator(server: RunningServer) -> SharePointEmulator:
    vendor = server.vendor("sharepoint")
    assert isinstance(vendor, SharePointEmulator)
    return vendor


def tls(server: RunningServer) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=server.services.ca_file)


def log_in(server: RunningServer, *, tenant: str = TENANT_NAME, **changes: str) -> httpx.Response:
    form = {
        "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "grant_type": "client_credentials",
        "scope": f"{server.services.secure_url}/.default", **changes,
    }  # fmt: skip
    return httpx.post(f"{server.services.secure_url}/{tenant}/oauth2/v2.0/token", data=form, verify=tls(server))


class Graph:
    """Plain requests with a token, which is fetched at first."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.emulator = emulator(server)
        self.http = httpx.Client(base_url=f"{server.services.secure_url}/v1.0/", verify=tls(server))
        self.log_in()

    def begin_anew(self, **options: str) -> None:
        """An untouched tenant, with these switches alone."""
        self.server.services.options.clear()
        self.server.services.options |= {f"sharepoint.{name}": value for name, value in options.items()}
        self.server.reset()
        self.log_in()

    def log_in(self, **changes: str) -> None:
        token = log_in(self.server, **changes).json()["access_token"]
        self.http.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **headers: str) -> Any:
        answer = self.http.get(
            path.removeprefix("/"), headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refusal(self, path: str) -> tuple[int, str]:
        answer = self.http.get(path.removeprefix("/"))
        return answer.status_code, str(answer.json()["error"]["code"])

    def pages(self, path: str, **headers: str) -> Iterator[Row]:
        """Every page, as long as there is a nextLink."""
        page = self.get(path, **headers)
        yield page
        while link := page.get("@odata.nextLink"):
            page = self.get(link, **headers)
            yield page

    def rows(self, path: str, **headers: str) -> list[Row]:
        return [row for page in self.pages(path, **headers) for row in page["value"]]

    def delta(self, url: str, **headers: str) -> tuple[list[Row], str]:
        """All rows of a round, and the link for the next one."""
        pages = list(self.pages(url, **headers))
        assert all("@odata.deltaLink" not in page for page in pages[:-1])
        return [row for page in pages for row in page["value"]], str(pages[-1]["@odata.deltaLink"])

    def let(self, kind: str, **fault: Any) -> ActiveFault:
        """Something goes wrong from now on."""
        return self.server.services.faults.add(Fault(kind, **fault))

    def change(self, kind: str, **arguments: str) -> str:
        return self.emulator.change(kind, arguments)

    def item(self, path: str, library: str = "documents") -> Row:
        found: Row = self.get(f"{drive(library)}/root:/{quote(path)}")
        return found

    def content(self, item: Row, library: str = "documents", **headers: str) -> httpx.Response:
        """Both steps of a download, the second one without the token."""
        first = self.http.get(f"{drive(library)}/items/{item['id']}/content")
        assert first.status_code == 302, first.text
        return self.fetch(first.headers["location"], **headers)

    def fetch(self, url: str, **headers: str) -> httpx.Response:
        return httpx.get(
            url, headers={name.replace("_", "-"): value for name, value in headers.items()}, verify=tls(self.server)
        )


def drive(library: str) -> str:
    return f"drives/{SHELVES[library].drive_id}"


def site(key: str) -> str:
    return f"sites/{BY_KEY[key].id}"


@contextmanager
def serving() -> Iterator[Graph]:
    """The emulator, and a caller who has logged in."""
    with running([SharePointEmulator]) as server:
        graph = Graph(server)
        with graph.http:
            yield graph
