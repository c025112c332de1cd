"""Whole runs against the emulator: a folder with a connectors.toml, an origin to change, and a process to kill."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from multiprocessing.synchronize import Event
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from knowledge_connector import Host, SyncReport
from knowledge_connector.config import load
from knowledge_connector_intellia.emulator import ORGANIZATION, TOKEN, IntelliaEmulator
from plugins.intellia.stage import BASE, Stage

DOORS = Path(__file__).with_name("doors.py")

CONFIG = """
[plugins]
paths = ["{doors}"]

[conversion]
processes = 1

[targets.support]
type = "intellia-staged"
base_url = "{url}"
organization_id = "{organization}"
knowledge_base = "{base}"
description = "All about support"
concurrency = {concurrency}

[connectors.shelf]
type = "shelf"
path = "shelf.json"
target = "support"
"""

ENVIRON = {"CONNECTOR_TARGETS__SUPPORT__API_KEY": TOKEN}


class Runs:
    """One connector `shelf` that writes to the emulator.

    Attributes:
        shelf: Texts by id; saved before each run.
    """

    def __init__(self, folder: Path, stage: Stage, *, concurrency: int = 1) -> None:
        self.folder = folder
        self.shelf: dict[str, str] = {}
        text = CONFIG.format(
            doors=DOORS, url=stage.server.url, organization=ORGANIZATION, base=BASE, concurrency=concurrency
        )
        (folder / "connectors.toml").write_text(text, encoding="utf-8")

    def save(self) -> None:
        entries = [{"id": id_, "title": f"About {id_}", "chunks": [text]} for id_, text in self.shelf.items()]
        (self.folder / "shelf.json").write_text(json.dumps(entries), encoding="utf-8")

    def run(self) -> SyncReport:
        self.save()
        return run_in(self.folder)

    def run_killed(self, lethal: LethalEmulator, call: int, *, after: bool) -> int:
        """Run in a process of its own that is killed at its writing call of this number; gives its exit code."""
        self.save()
        processes = multiprocessing.get_context("forkserver")
        processes.set_forkserver_preload(["__main__", "knowledge_connector.execution", "plugins.intellia.doors"])
        registered = processes.Event()
        child = processes.Process(target=_run_when_told, args=(self.folder, registered))
        child.start()
        assert child.pid is not None
        lethal.lie_in_wait(child.pid, call, after=after)
        registered.set()
        child.join()
        lethal.let_live()
        assert child.exitcode is not None
        return child.exitcode


def run_in(folder: Path) -> SyncReport:
    with Host(load(folder / "connectors.toml", ENVIRON)) as host:
        return host.run("shelf")


def _run_when_told(folder: Path, told: Event) -> None:
    told.wait()
    run_in(folder)


class LethalEmulator(IntelliaEmulator):
    """Kills who calls, just before or just after the effect of a writing call."""

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
        routes = [route for route in super().routes() if isinstance(route, Route)]
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
