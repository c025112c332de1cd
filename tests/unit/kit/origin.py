"""Servers on loopback that answer as a test says, and clocks that a test moves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
PATIENCE_SECONDS = 20
"""How long a test waits for another thread before it fails."""


class HandClock:
    """A clock that only a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.sleepers = 0
        self.changed = threading.Condition()

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        with self.changed:
            until = self.seconds + seconds
            self.sleepers += 1
            self.changed.notify_all()
            assert self.changed.wait_for(lambda: self.seconds >= until, PATIENCE_SECONDS)
            self.sleepers -= 1
            self.changed.notify_all()

    def move(self, seconds: float) -> None:
        with self.changed:
            self.seconds += seconds
            self.changed.notify_all()

    def wait_for_sleepers(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.sleepers == count, PATIENCE_SECONDS)


class JumpingClock(HandClock):
    """Whoever sleeps moves the clock, so that nobody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.move(seconds)


Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    origin: Origin
    body = b""

    def do_GET(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("content-length", 0)))
        with self.origin.lock:
            self.origin.requests.append((self.command, self.path, dict(self.headers)))
            answers = self.origin.answers
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        answer(self)

    do_POST = do_PUT = do_GET  # noqa: N815  # the names are those of http.server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as in the base
        """Say nothing."""


class Origin:
    """A server on loopback; `answers` are given in turn, the last one for ever."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.answers: list[Answer] = [answer(200)]
        handler = type("HandlerOfThis", (Handler,), {"origin": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def answer(status: int, body: bytes = b"ok", /, **headers: str) -> Answer:
    def give(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return give


def cut(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("content-length", "100")
    handler.end_headers()
    handler.wfile.write(b"half")
    handler.close_connection = True
