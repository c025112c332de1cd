"""Whole runs against an emulated vendor: a folder with a connectors.toml, and a process to kill at any writing call."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from multiprocessing.synchronize import Event
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from knowledge_connector import Host, SyncReport
from knowledge_connector.config import load
from knowledge_connector.testing.emulation import Fault, RunningServer, VendorEmulator

KILLS = ("kill_before", "kill_after")


class VendorRuns:
    """One connector that writes to an emulator.

    Args:
        folder: Where its connectors.toml is written.
        config: What stands there.
        connector: Its name.
        environ: Its secrets.
        plugin: The module that a process to be killed has loaded beforehand, to begin at once.
    """

    def __init__(self, folder: Path, config: str, connector: str, environ: Mapping[str, str], plugin: str) -> None:
        self.folder, self.connector, self.environ, self._plugin = folder, connector, environ, plugin
        (folder / "connectors.toml").write_text(config, encoding="utf-8")

    def host(self) -> Host:
        return Host(load(self.folder / "connectors.toml", self.environ))

    def run(self) -> SyncReport:
        return _run(self.folder, self.connector, self.environ)

    def break_run(self, server: RunningServer, vendor: VendorEmulator, kind: str, call: int) -> None:
        """A run whose writing call of this number, from 0, goes wrong: by a fault of this kind, or one of `KILLS`."""
        if kind in KILLS:
            assert isinstance(vendor, LethalEmulator)
            assert self.run_killed(vendor, call, after=kind == "kill_after") == -signal.SIGKILL
            return
        fault = server.services.faults.add(Fault(kind, writes=True, after=call, seconds=5))
        self.run()
        assert fault.hits == 1
        assert server.log.during_pause() == []

    def run_killed(self, lethal: LethalEmulator, call: int, *, after: bool) -> int:
        """Run in a process of its own that is killed at its writing call of this number; gives its exit code."""
        processes = multiprocessing.get_context("forkserver")
        processes.set_forkserver_preload(["__main__", "knowledge_connector.execution", self._plugin])
        registered = processes.Event()
        told = (registered, self.folder, self.connector, self.environ)
        child = processes.Process(target=_run_when_told, args=told)
        child.start()
        assert child.pid is not None
        lethal.lie_in_wait(child.pid, call, after=after)
        registered.set()
        child.join()
        lethal.let_live()
        assert child.exitcode is not None
        return child.exitcode


def _run(folder: Path, connector: str, environ: Mapping[str, str]) -> SyncReport:
    with Host(load(folder / "connectors.toml", environ)) as host:
        return host.run(connector)


def _run_when_told(told: Event, folder: Path, connector: str, environ: Mapping[str, str]) -> None:
    told.wait()
    _run(folder, connector, environ)


class LethalEmulator(VendorEmulator):
    """Kills who calls, just before or just after the effect of a writing call; stands before the vendor's emulator among the bases."""

    _victim: int | None = None
    _calls_to_live = 0
    _after = False

    def lie_in_wait(self, victim: int, call: int, *, after: bool) -> None:
        """Kill this process at its writing call of this number, from 0."""
        self._victim, self._calls_to_live, self._after = victim, call, after

    def let_live(self) -> None:
        """Kill nobody any more."""
        self._victim = None

    def routes(self) -> Sequence[BaseRoute]:
        plain = super().routes()  # type: ignore[safe-super]  # the vendor's emulator stands between
        routes = [route for route in plain if isinstance(route, Route)]
        return [Route(route.path, self._lethal(route.endpoint), methods=list(route.methods or ())) for route in routes]

    def _lethal(self, endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            dies = self._victim is not None and self.is_write(request.method, request.scope["path"])
            self._calls_to_live -= dies
            dies = dies and self._calls_to_live < 0
            if dies and not self._after:
                self._kill()
                return Response(status_code=500)
            answer = await endpoint(request)
            if dies:
                self._kill()
            return answer

        return handle

    def _kill(self) -> None:
        assert self._victim is not None
        os.kill(self._victim, signal.SIGKILL)
        self._victim = None
