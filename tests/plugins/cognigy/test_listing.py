"""Long listings: by cursor, by `skip`, and ten thousand sources."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from knowledge_connector import FatalError, digest
from knowledge_connector.testing.emulation import RunningServer
from knowledge_connector_cognigy import CognigyConfig, CognigyTarget
from knowledge_connector_cognigy.client import CognigyClient
from plugins.cognigy.wire import HastyClock

MANY = 10_000


def test_ten_thousand_sources_of_ours_among_others(server: RunningServer, target: CognigyTarget) -> None:
    emulator: Any = server.vendor("cognigy")
    store = emulator.emulated_store()
    for number in range(MANY):
        tags = ["kc-by-shelf", f"kc-id-{digest(str(number))}", f"kc-fp-{digest('text', str(number))}"]
        data = {"kcSource": f"source {number}", "kcPart": "1/1", "kcChunks": 0, "externalId": str(number)}
        emulator.holdings.add_source(store, f"Source {number}", metaData={"tags": tags}, data=data)
        if number % 10 == 0:
            emulator.holdings.add_source(store, f"Foreign {number}")
    with target.open("shelf", fence=1) as session:
        found = {source.source_id for source in session.sources() if source.committed}
        assert found == {f"source {number}" for number in range(MANY)}
        assert session.calls() == {"GET stores": 1, "GET sources": MANY * 11 // 10 // 100}


class OldServer(BaseHTTPRequestHandler):
    """Gives pages of 100 without cursors, by `skip`; with `cursors`, by the names that old documentation has."""

    cursors: ClassVar[bool] = False
    total: ClassVar[int] = 250

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        start = int(query.get("next" if self.cursors else "skip", ["0"])[0])
        items = [{"_id": str(number)} for number in range(start, min(start + 100, self.total))]
        page: dict[str, Any] = {"items": items, "total": self.total}
        if self.cursors:
            page["next"] = str(start + 100) if start + 100 < self.total else None
        body = json.dumps(page).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silent."""


class OldServerWithCursors(OldServer):
    cursors = True


class LogInPage(OldServer):
    body: ClassVar[bytes] = b"<html>"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)


class SomethingElse(LogInPage):
    body = b'{"message": "hello"}'


@contextmanager
def client_of(handler: type[OldServer]) -> Iterator[CognigyClient]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as old:
        thread = threading.Thread(target=old.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        config = CognigyConfig.model_validate(
            {"base_url": f"http://127.0.0.1:{old.server_port}", "api_key": "key", "knowledge_store": "any"}
        )
        try:
            with closing(CognigyClient(config, HastyClock())) as client:
                yield client
        finally:
            old.shutdown()
            thread.join()


def test_pages_are_turned_by_skip_where_there_are_no_cursors() -> None:
    with client_of(OldServer) as client:
        assert [item["_id"] for item in client.pages("/things", "things")] == [str(number) for number in range(250)]
        assert client.calls == {"GET things": 3}


@pytest.mark.parametrize(
    ("handler", "words"), [(LogInPage, "no JSON object; is base_url"), (SomethingElse, "without a list")]
)
def test_an_answer_that_is_no_list_stops_the_run(handler: type[OldServer], words: str) -> None:
    with client_of(handler) as client, pytest.raises(FatalError, match=words):
        list(client.pages("/things", "things"))


def test_pages_are_turned_by_cursors_under_their_old_name() -> None:
    with client_of(OldServerWithCursors) as client:
        assert [item["_id"] for item in client.pages("/things", "things")] == [str(number) for number in range(250)]
        assert client.calls == {"GET things": 3}
