"""A service of a few lines, for what the emulated ones do not do: answers by path, and every request noted."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from knowledge_connector import Document, Failure, Item, Skip, Tombstone
from knowledge_connector.kit.remote import make_origin_client
from knowledge_connector.model import Complete
from knowledge_connector.testing.context import FakeClock, FakeContext
from knowledge_connector_rest import RestConfig, RestConnector

ID = {"id": "id", "body": "'text'"}
MAP = {"id": "id", "title": "title", "body": "text"}
TWO = [{"id": 1, "title": "One", "text": "first"}, {"id": 2, "title": "Two", "text": "second"}]


def items(**options: Any) -> dict[str, Any]:
    """One resource at `/items`."""
    return {"items": {"path": "/items", "map": MAP, **options}}


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes

    def __getitem__(self, name: str) -> str | None:
        return dict(self.query).get(name)


@dataclass(frozen=True)
class Answer:
    """What it answers: bytes, text, or data."""

    content: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def raw(self) -> bytes:
        if isinstance(self.content, bytes):
            return self.content
        return (self.content if isinstance(self.content, str) else json.dumps(self.content)).encode()


Handler = Callable[[Asked], Any]


class Origin:
    """Answers at `url`; `answers` has a function, or what it would return, for each path."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: dict[str, Any] = {}
        self.asked: list[Asked] = []

    def queries(self) -> list[list[tuple[str, str]]]:
        return [one.query for one in self.asked]

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        found = self.answers.get(asked.path, Answer({}, 404))
        made = found(asked) if callable(found) else found
        return made if isinstance(made, Answer) else Answer(made)

    # ----------------------------------------------------------------------------------------------------------- reading

    def connector(self, resources: Mapping[str, Any], **options: Any) -> RestConnector:
        config = {"base_url": self.url, "resources": resources, **options}
        return RestConnector(RestConfig.model_validate(config))

    def read(
        self, resources: Mapping[str, Any], *, cursor: Mapping[str, Any] | None = None, clock: FakeClock | None = None,
        retry: tuple[str, ...] = (), **options: Any,
    ) -> list[Item]:  # fmt: skip
        """Everything that a reading yields."""
        connector, clock = self.connector(resources, **options), clock or FakeClock()
        with FakeContext(
            cursor=cursor, retry=retry, clock=clock, http=make_origin_client(connector.config, clock)
        ) as context:
            return list(connector.read(context))


@contextmanager
def serving() -> Iterator[Origin]:
    """Serve one at a free port."""

    class Handling(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            query = parse_qsl(parts.query, keep_blank_values=True)
            given = service.answer(
                Asked(parts.path, query, {name.lower(): value for name, value in self.headers.items()}, body)
            )
            self.send_response(given.status)
            for name, value in {"Content-Length": str(len(given.raw)), **given.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(given.raw)

        do_POST = do_GET  # noqa: N815  # the name that the base class looks for

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as in the base
            """Nothing: the requests are noted."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handling) as server:
        service = Origin(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def origin() -> Iterator[Origin]:
    with serving() as made:
        yield made


def documents(items: list[Item]) -> dict[str, Document]:
    return {item.id: item for item in items if isinstance(item, Document)}


def words(items: list[Item]) -> list[str]:
    """Items in short, without checkpoints."""
    short = {Document: "", Tombstone: "-", Skip: "~", Failure: "!"}
    return [
        f"={item.beneath}" if isinstance(item, Complete) else f"{short[type(item)]}{item.id}"
        for item in items
        if isinstance(item, (Document, Tombstone, Skip, Failure, Complete))
    ]


def last_cursor(items: list[Item]) -> Mapping[str, Any]:
    """What the last checkpoint holds, as the host would keep it."""
    dump = getattr(items[-1], "cursor").model_dump(mode="json")  # noqa: B009  # the last item is a checkpoint
    kept: Mapping[str, Any] = json.loads(json.dumps(dump))
    return kept
