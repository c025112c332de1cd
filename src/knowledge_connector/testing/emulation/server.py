"""One real HTTP server for all emulators: on a thread of its own for tests, or in the foreground."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event, Thread

import uvicorn
from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from knowledge_connector.testing.emulation.app import Emulation
from knowledge_connector.testing.emulation.clock import VirtualClock, wall_clock
from knowledge_connector.testing.emulation.discovery import find_emulators
from knowledge_connector.testing.emulation.doors import LOOPBACK, Doors, Server, open_doors
from knowledge_connector.testing.emulation.log import RequestLog
from knowledge_connector.testing.emulation.store import Tables
from knowledge_connector.testing.emulation.vendor import EmulatorFactory, Services, VendorEmulator

START_SECONDS = 30

_NO_OPTIONS: Mapping[str, str] = {}


class Connections:
    """The open connections of a server by the address of the caller; ASGI has no word for cutting one."""

    def __init__(self) -> None:
        self._open: dict[object, asyncio.Transport] = {}

    def cut(self, scope: Scope) -> None:
        """End the connection of a request at once, whatever is still to be sent; it may be gone already."""
        transport = self._open.get(tuple(scope["client"]))
        if transport:
            transport.abort()

    def protocol(self) -> type[H11Protocol]:
        """Give uvicorn's protocol, with every connection noted here."""
        noted = self._open

        class NotedProtocol(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base
                super().connection_made(transport)
                noted[self.client] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                noted.pop(self.client, None)
                super().connection_lost(exc)

        return NotedProtocol


class RunningServer:
    """Emulators that answer at `url`."""

    def __init__(self, url: str, emulation: Emulation) -> None:
        self.url = url
        self._emulation = emulation

    @property
    def services(self) -> Services:
        """Clock, faults, log and options."""
        return self._emulation.services

    @property
    def log(self) -> RequestLog:
        """Every request."""
        return self.services.log

    @property
    def vendors(self) -> list[VendorEmulator]:
        """All emulators, in the order in which they were asked for."""
        return list(self._emulation.vendors.values())

    def vendor(self, name: str) -> VendorEmulator:
        """One of the emulators."""
        return self._emulation.vendors[name]

    def reset(self) -> None:
        """Begin anew; call it while no request is under way."""
        self._emulation.reset()


@dataclass(frozen=True, slots=True)
class Listening:
    """A server that has its port and does not answer yet."""

    running: RunningServer
    server: Server


@contextmanager
def listening(
    factories: Mapping[str, EmulatorFactory],
    services: Services,
    tables: Tables,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    seed: int = 0,
) -> Iterator[Listening]:
    """Take the ports (free ones for 0) and make everything ready.

    Raises:
        ConfigError: The port is taken, the host is not of this machine, or TLS needs what is not installed.
    """
    secure = any(getattr(factory, "secure", False) for factory in factories.values())
    connections = Connections()
    with open_doors(services, host, port, secure=secure) as doors:
        emulation = Emulation(factories, services, tables, connections.cut, seed)
        server = Server(_config(emulation, connections.protocol()), doors)
        yield Listening(RunningServer(services.base_url, emulation), server)


@contextmanager
def running(
    vendors: Iterable[str | type[VendorEmulator]],
    *,
    options: Mapping[str, str] = _NO_OPTIONS,
    seed: int = 0,
    latency_seconds: float = 0,
    state: Path | None = None,
    port: int = 0,
    wall: Callable[[], datetime] = wall_clock,
) -> Iterator[RunningServer]:
    """Serve emulators from a thread of this process, at a free port of the loopback interface.

    Args:
        vendors: Names of emulators that installed plugins bring, or the classes themselves.
        options: Switches of the vendors.
        seed: How many foreign documents each holds at first.
        latency_seconds: How long every request waits.
        state: A SQLite file that outlives the server; without it all is forgotten.
        port: Another than a free one, to come back where one was.
        wall: What the virtual clock calls real time.

    Raises:
        ConfigError: No plugin brings an emulator of this name.
    """
    factories = _factories(vendors)
    with closing(Tables(state)) as tables:
        services = Services(
            clock=VirtualClock(tables.clock_memory, wall=wall),
            options=dict(options),
            latency_seconds=latency_seconds,
        )
        with listening(factories, services, tables, port=port, seed=seed) as ready, _thread(ready):
            yield ready.running


@contextmanager
def _thread(ready: Listening) -> Iterator[None]:
    serving = _Serving(ready.server.config, ready.server.doors)
    thread = Thread(target=serving.run_all, name="emulators", daemon=True)
    thread.start()
    if not serving.ready.wait(START_SECONDS):
        raise TimeoutError(f"the emulators at {ready.running.url} did not start")
    try:
        yield
    finally:
        serving.stop()
        thread.join()


class _Serving(Server):
    """A server that says when it has begun, and ends when told instead of looking every tenth of a second."""

    def __init__(self, config: uvicorn.Config, doors: Doors) -> None:
        super().__init__(config, doors)
        self.ready = Event()

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self.ready.set()
        await self._over.wait()

    def stop(self) -> None:
        self.force_exit = True  # nobody is left who would wait for an answer
        self._loop.call_soon_threadsafe(self._over.set)


def _factories(vendors: Iterable[str | type[VendorEmulator]]) -> dict[str, EmulatorFactory]:
    vendors = list(vendors)
    found = (
        find_emulators([one for one in vendors if isinstance(one, str)])
        if any(isinstance(one, str) for one in vendors)
        else {}
    )
    return {one if isinstance(one, str) else one.name: found[one] if isinstance(one, str) else one for one in vendors}


def _config(app: ASGIApp, protocol: type[asyncio.Protocol]) -> uvicorn.Config:
    """Plain HTTP/1.1 by h11 alone: the same on every machine, and no logger is touched."""
    return uvicorn.Config(
        app, http=protocol, loop="asyncio", ws="none", lifespan="off", interface="asgi3",
        log_config=None, access_log=False, date_header=False, server_header=False, timeout_keep_alive=60,
    )  # fmt: skip
