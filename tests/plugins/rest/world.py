"""Whole runs against the emulated services: a folder with a connectors.toml, time that does not pass, and a look into the target."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from knowledge_connector import Host, RunOptions, SyncReport
from knowledge_connector.config import load
from knowledge_connector.kit.remote import make_origin_client
from knowledge_connector.testing.context import FakeContext
from knowledge_connector.testing.emulation import LeapingClock, RunningServer
from knowledge_connector_rest import RestConnector
from knowledge_connector_rest.emulator import RestEmulator
from knowledge_connector_rest.emulator_access import API_KEY, BEARER, CLIENT_ID, CLIENT_SECRET, PASSWORD, USER

DESK = f"""
[connectors.x]
type = "rest"
base_url = "URL/desk/v1"
auth = {{ type = "oauth2_client_credentials", token_url = "URL/desk/oauth/token", client_id = "{CLIENT_ID}" }}

[connectors.x.resources.tickets]
path = "/tickets"
records = "data"
paginator = {{ type = "cursor", path = "meta.next_cursor", size = 10, size_param = "page_size" }}
incremental = {{ cursor = "updated_at", start_param = "updated_since" }}
lookup = {{ path = "/tickets/{{document.id}}", record = "ticket" }}

[connectors.x.resources.tickets.map]
id = "id"
title = "subject"
body = "description_html"
format = "html"
url = "links.html"
modified = "updated_at"
version = "version"
tags = "labels"
acl = "viewers"
deleted = "deleted"
"""

CMS = """
[connectors.x]
type = "rest"
base_url = "URL/cms/v1"
auth = { type = "api_key" }
rules = [{ status = [200], body = "error.code == 'overloaded'", action = "retry" }]

[connectors.x.resources.categories]
path = "/categories"
paginator = { type = "link" }

[connectors.x.resources.articles]
path = "/categories/{parent.id}/articles"
paginator = { type = "link" }
parent = { resource = "categories" }
details = { path = "/articles/{record.id}" }

[connectors.x.resources.articles.map]
id = "id"
title = "headline"
body = "body"
format = "html"
url = "href"
modified = "changed"
version = "revision"
tags = "[_parent.name]"
acl = "groups"
metadata = { topic = "{parent.name}" }
"""

FILES = CMS.replace(
    'details = { path = "/articles/{record.id}" }',
    'file = { url = "attachment.url", media_type = "attachment.type", size = "attachment.size" }\n'
    'headers = { X-Tenant-Secret = "{secrets.tenant}" }',
).replace('auth = { type = "api_key" }', 'auth = { type = "api_key" }\nsecrets = { tenant = "not-for-others" }')

HANDBOOK = f"""
[connectors.x]
type = "rest"
base_url = "URL/handbook/v1"
auth = {{ type = "basic", username = "{USER}" }}

[connectors.x.resources.pages]
path = "/pages"
records = "results"
paginator = {{ type = "offset", size = 10, total = "totalSize" }}

[connectors.x.resources.pages.incremental]
cursor = "lastModified"
start_param = "since"
format = "%Y-%m-%d %H:%M:%S"
timezone = "Europe/Berlin"
lookback = 60
full_every_hours = 24

[connectors.x.resources.pages.map]
id = "id"
title = "title"
body = "markdown"
format = "markdown"
url = "/pages/{{record.space.key}}/{{record.id}}"
modified = "lastModified"
timezone = "Europe/Berlin"
acl = "readers"

[connectors.x.resources.deleted]
path = "/deleted"
records = "deleted"
tombstones_of = "pages"
map = {{ id = "page" }}
incremental = {{ cursor = "when", start_param = "since", format = "epoch_seconds" }}
"""

SERVICES = {"desk": DESK, "cms": CMS, "handbook": HANDBOOK}
SHELF_OF = {"desk": "desk", "cms": "cms", "files": "cms", "handbook": "handbook"}

SECRETS = {
    "CONNECTOR_CONNECTORS__X__AUTH__CLIENT_SECRET": CLIENT_SECRET,
    "CONNECTOR_CONNECTORS__X__AUTH__KEY": API_KEY,
    "CONNECTOR_CONNECTORS__X__AUTH__PASSWORD": PASSWORD,
    "CONNECTOR_CONNECTORS__X__AUTH__TOKEN": BEARER,
}
HELD_SECRETS = (CLIENT_SECRET, API_KEY, PASSWORD, BEARER, "not-for-others", "emulated-token-", "emulated-refresh-")

HOST_TABLES = '[conversion]\nprocesses = 1\n[targets.local]\ntype = "{target}"\n'

STYLE = """
[connectors.x]
type = "rest"
base_url = "URL/styles"

[connectors.x.resources.items]
map = { id = "id", title = "title", body = "text" }
"""

Held = dict[str, tuple[str, str]]


class RestWorld:
    """One connector `x` that reads from the emulator."""

    def __init__(
        self, folder: Path, server: RunningServer, table: str, *, extra: str = "", target: str = "sqlite"
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.server = server
        self.clock = LeapingClock(server.services.clock)
        text = HOST_TABLES.format(target=target) + table.replace("URL", f"{server.url}/rest") + extra
        (folder / "connectors.toml").write_text(text, encoding="utf-8")
        given = {name: value for name, value in SECRETS.items() if _wants(table, name)}
        self.environ = given

    @property
    def emulator(self) -> RestEmulator:
        return emulator_of(self.server)

    def host(self) -> Host:
        return Host(load(self.folder / "connectors.toml", self.environ), clock=self.clock)

    def connector(self) -> RestConnector:
        with self.host() as host:
            connector = host.connector("x")
        assert isinstance(connector, RestConnector)
        return connector

    def context(self, **lent: Any) -> FakeContext:
        """What a run would lend."""
        client = make_origin_client(self.connector().config, self.clock)
        return FakeContext(clock=self.clock, http=client, **lent)

    def run(self, options: RunOptions | None = None) -> SyncReport:
        self.server.log.clear()
        with self.host() as host:
            return host.run("x", options)

    def change(self, kind: str, **arguments: object) -> str:
        return self.emulator.change(kind, {name: str(value) for name, value in arguments.items()})

    def held(self) -> Held:
        """What the target holds: name and text by id."""
        held: Held = {}
        with self.host() as host, host.target("local").open("x", fence=0) as session:
            for source in session.sources():
                stored = session.read(source.source_id)
                assert stored is not None, "an unfinished source"
                held[stored.draft.external_id] = (stored.draft.name, "".join(chunk.text for chunk in stored.chunks))
        return held

    def failures(self) -> list[tuple[str, str, str]]:
        """Id, code and message of what failed."""
        with self.host() as host:
            return [(row.external_id, row.code, row.message) for _, row in host.store.failures("x")]

    def requests(self) -> dict[str, int]:
        return self.server.log.counts("rest")


def _wants(table: str, variable: str) -> bool:
    wanted = {
        "CLIENT_SECRET": "oauth2",
        "KEY": "api_key",
        "PASSWORD": 'type = "basic"',
        "TOKEN": '"bearer"',
    }
    return wanted[variable.rpartition("AUTH__")[2]] in table


def style(name: str, keys: str = "", *, path: str | None = None) -> str:
    """The table of a connector that reads `/styles/<name>`; `keys` go into its resource."""
    head, _, rest = STYLE.partition("[connectors.x.resources.items]\n")
    return f'{head}[connectors.x.resources.items]\npath = "{path or "/" + name}"\n{keys}\n{rest}'


def emulator_of(server: RunningServer) -> RestEmulator:
    vendor = server.vendor("rest")
    assert isinstance(vendor, RestEmulator)
    return vendor


class Listener(logging.Handler):
    """Keeps everything of ours that is logged, at any level; of others what the command line would show of them."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith("knowledge_connector") and record.levelno < logging.WARNING:
            return
        self.heard.append(f"{record.getMessage()} {record.__dict__!r}")
