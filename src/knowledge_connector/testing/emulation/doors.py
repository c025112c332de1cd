"""Where a server listens: plain, as another host, and both behind TLS if an emulator asks for it. One application behind them all."""

from __future__ import annotations

import asyncio
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvicorn

from knowledge_connector.errors import ConfigError
from knowledge_connector.testing.emulation.vendor import Services

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Doors:
    """Sockets that listen.

    Attributes:
        plain: HTTP: the server's own, and the one that stands for another host.
        secure: The same with TLS; none if nobody asked for it.
        tls: For the secure ones.
    """

    plain: tuple[socket.socket, ...]
    secure: tuple[socket.socket, ...] = ()
    tls: ssl.SSLContext | None = None


@contextmanager
def open_doors(services: Services, host: str, port: int, *, secure: bool) -> Iterator[Doors]:
    """Take the ports (the given one and those behind it if they are free), and tell the services where they are.

    Raises:
        ConfigError: The port is taken, the host is not of this machine, or TLS needs what is not installed.
    """
    with ExitStack() as stack:
        make = partial(_door, stack, host)
        plain = (make(port), make(port and port + 1, or_any=True))
        services.base_url, services.elsewhere_url = (_url("http", host, one) for one in plain)
        if not secure:
            yield Doors(plain)
            return
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="emulators-")))
        tls = _tls(host, folder)
        guarded = (make(port and port + 2, or_any=True), make(port and port + 3, or_any=True))
        services.secure_url, services.secure_elsewhere_url = (_url("https", host, one) for one in guarded)
        services.ca_file = folder / CA_FILE
        yield Doors(plain, guarded, tls)


CA_FILE = "ca.pem"


def _tls(host: str, folder: Path) -> ssl.SSLContext:
    """A throw-away authority, and a certificate from it."""
    try:
        import trustme
    except ImportError:
        raise ConfigError(
            "an emulator that speaks TLS needs trustme: pip install 'knowledge-connector[emulate]'"
        ) from None
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / CA_FILE))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(literal(host).strip("[]"), "localhost", LOOPBACK).configure_cert(context)
    return context


def _door(stack: ExitStack, host: str, port: int, *, or_any: bool = False) -> socket.socket:
    try:
        listener = stack.enter_context(closing(_listener(host, port)))
    except ConfigError:
        if not or_any:
            raise
        listener = stack.enter_context(closing(_listener(host, 0)))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # inherited; otherwise an answer may take 40 ms more
    return listener


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        why = error.strerror if isinstance(error, OSError) else None
        raise ConfigError(f"cannot listen on port {port} of {host}: {why or error}") from error


def _url(scheme: str, host: str, listener: socket.socket) -> str:
    return f"{scheme}://{literal(host)}:{listener.getsockname()[1]}"


def literal(host: str) -> str:
    """The host as a URL has it."""
    if host in ("0.0.0.0", "::"):  # noqa: S104  # everybody may call; we call ourselves here
        return LOOPBACK
    return f"[{host}]" if ":" in host else host


class Server(uvicorn.Server):
    """Serves all doors from one loop."""

    def __init__(self, config: uvicorn.Config, doors: Doors) -> None:
        super().__init__(config)
        self.doors = doors

    def run_all(self) -> None:
        """Serve until it is told to stop."""
        self.run(sockets=list(self.doors.plain))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the plain doors as always, then the secure ones: uvicorn knows TLS for all sockets or for none."""
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        for listener in self.doors.secure:
            server = await loop.create_server(self._protocol, sock=listener, ssl=self.doors.tls, backlog=2048)
            self.servers.append(server)

    def _protocol(self) -> asyncio.Protocol:
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class  # called as uvicorn calls it
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)
