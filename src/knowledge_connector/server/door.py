"""The HTTP server: three pages, read only."""

from __future__ import annotations

import hmac
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from knowledge_connector.errors import ConfigError
from knowledge_connector.server.health import Verdict

REQUEST_SECONDS = 10
"""How long a caller may take over a request."""

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Pages:
    """What is shown, asked for at every request.

    Attributes:
        token: `/metrics` wants `Authorization: Bearer` with it; free if empty.
    """

    alive: Callable[[], Verdict]
    ready: Callable[[], Verdict]
    metrics: Callable[[], bytes]
    token: str = ""


@contextmanager
def open_door(host: str, port: int, pages: Pages) -> Iterator[str]:
    """Serve the pages from threads of their own, and give the address.

    Raises:
        ConfigError: The port is taken, or the host is not of this machine.
    """
    try:
        server = _server(host, port, pages)
    except OSError as error:
        raise ConfigError(f"serve.port: cannot listen on {host} port {port}: {error.strerror or error}") from error
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="door", daemon=True)
    thread.start()
    name = f"[{host}]" if ":" in host else host
    try:
        yield f"http://{name}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _server(host: str, port: int, pages: Pages) -> ThreadingHTTPServer:
    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        daemon_threads = True

    class Handler(_Handler):
        shown = pages

    return Server((host, port), Handler)


class _Handler(BaseHTTPRequestHandler):
    shown: Pages
    timeout = REQUEST_SECONDS
    server_version = "connector"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer."""
        match self.path.partition("?")[0]:
            case "/healthz":
                self._verdict(self.shown.alive())
            case "/readyz":
                self._verdict(self.shown.ready())
            case "/metrics":
                self._metrics()
            case _:
                self._say(HTTPStatus.NOT_FOUND, {"error": "there are /healthz, /readyz and /metrics"})

    do_HEAD = do_GET  # noqa: N815  # the name is that of http.server

    def _verdict(self, verdict: Verdict) -> None:
        status = HTTPStatus.OK if verdict.well else HTTPStatus.SERVICE_UNAVAILABLE
        self._say(status, {"status": "ok" if verdict.well else "not ok", "reasons": list(verdict.reasons)})

    def _metrics(self) -> None:
        given = self.headers.get("authorization", "")
        if self.shown.token and not hmac.compare_digest(given.encode(), f"Bearer {self.shown.token}".encode()):
            self._say(HTTPStatus.UNAUTHORIZED, {"error": "wanted: Authorization: Bearer TOKEN, as serve.token has it"})
            return
        self._send(HTTPStatus.OK, METRICS_TYPE, self.shown.metrics())

    def _say(self, status: HTTPStatus, values: dict[str, Any]) -> None:
        self._send(status, "application/json", json.dumps(values, ensure_ascii=False).encode() + b"\n")

    def _send(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as in the base
        """Say nothing: who scrapes does it every few seconds."""
