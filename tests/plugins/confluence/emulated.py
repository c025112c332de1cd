"""Clients of the emulated deployments, for tests that look at the emulator itself."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from knowledge_connector.testing.emulation import RunningServer, running
from knowledge_connector_confluence.emulator import (
    ACCESS_TOKEN,
    CLOUD_TOKEN,
    EMAIL,
    GATEWAY,
    SCOPED_TOKEN,
    ConfluenceEmulator,
)

TLS = ssl.create_default_context()  # one for all: nobody speaks TLS here, and reading the certificates takes 50 ms

LOGINS: Mapping[str, tuple[str, Callable[[], httpx.Client]]] = {
    "cloud": ("/wiki", lambda: httpx.Client(auth=(EMAIL, CLOUD_TOKEN), verify=TLS)),
    "gateway": (f"{GATEWAY}/wiki", lambda: httpx.Client(auth=(EMAIL, SCOPED_TOKEN), verify=TLS)),
    "datacenter": (
        "/confluence",
        lambda: httpx.Client(headers={"Authorization": f"Bearer {ACCESS_TOKEN}"}, verify=TLS),
    ),
}


class Wiki:
    """A running emulator, and a client for each deployment."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.clients = {name: self._client(*LOGINS[name]) for name in LOGINS}

    def _client(self, path: str, make: Callable[[], httpx.Client]) -> httpx.Client:
        client = make()
        client.base_url = httpx.URL(f"{self.server.url}{path}/")
        return client

    @property
    def vendor(self) -> ConfluenceEmulator:
        vendor = self.server.vendor("confluence")
        assert isinstance(vendor, ConfluenceEmulator)
        return vendor

    def get(self, path: str, deployment: str = "cloud", **query: object) -> httpx.Response:
        given: dict[str, Any] = {name.replace("_", "-"): value for name, value in query.items()}
        return self.clients[deployment].get(path, params=given)

    def v2(self, path: str, deployment: str = "cloud", **query: object) -> dict[str, Any]:
        """An answer of version 2; underscores in names stand for hyphens."""
        return self._well(self.get(f"api/v2/{path}", deployment, **query))

    def v1(self, path: str, deployment: str = "cloud", **query: object) -> dict[str, Any]:
        return self._well(self.get(f"rest/api/{path}", deployment, **query))

    def _well(self, answer: httpx.Response) -> dict[str, Any]:
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def pages(self, path: str, deployment: str = "cloud", **query: object) -> Iterator[dict[str, Any]]:
        """All pages of a listing of version 2, as a good reader takes them: the same call again, with the cursor."""
        more: dict[str, object] = {}
        while True:
            told = self.v2(path, deployment, **query, **more)
            yield told
            following = told["_links"].get("next")
            if following is None:
                return
            more = {"cursor": httpx.URL(following).params["cursor"]}

    def all(self, path: str, deployment: str = "cloud", **query: object) -> list[dict[str, Any]]:
        return [one for page in self.pages(path, deployment, **query) for one in page["results"]]

    def found(self, cql: str, deployment: str = "cloud", **query: object) -> list[str]:
        """Ids of all that a query finds; on Cloud along the links, on Data Center by counting."""
        ids: list[str] = []
        told = self.v1("content/search", deployment, cql=cql, **query)
        while True:
            ids += [one["id"] for one in told["results"]]
            following = told["_links"].get("next")
            if following is None:
                return ids
            if deployment == "datacenter":
                told = self.v1("content/search", deployment, cql=cql, **query, start=len(ids))
            else:
                told = self._well(self.clients[deployment].get(following.removeprefix("/")))

    def change(self, kind: str, **arguments: str) -> str:
        return self.vendor.change(kind, arguments)

    def close(self) -> None:
        for client in self.clients.values():
            client.close()


@contextmanager
def wiki(**options: str) -> Iterator[Wiki]:
    """An emulator with such switches."""
    given = {f"confluence.{name}": value for name, value in options.items()}
    with running([ConfluenceEmulator], options=given) as server:
        opened = Wiki(server)
        try:
            yield opened
        finally:
            opened.close()
