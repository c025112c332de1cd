"""Whole runs against the emulator: a folder with a connectors.toml, a pile of documents to change, and a process to kill."""

from __future__ import annotations

import json
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
from knowledge_connector_sensay.emulator import REPLICA, SECRET, SensayEmulator
from plugins.sensay.stage import Stage

DOORS = Path(__file__).with_name("doors.py")

CONFIG = """
[plugins]
paths = ["{doors}"]

[conversion]
processes = 1

[targets.assistant]
type = "sensay-staged"
base_url = "{url}"
replica = "{replica}"
entries = "{entries}"
concurrency = {concurrency}

[connectors.pile]
type = "pile"
path = "pile.json"
target = "assistant"
"""

ENVIRON = {"CONNECTOR_TARGETS__ASSISTANT__ORGANIZATION_SECRET": SECRET}

Pile = Mapping[str, str | tuple[str, str]]
"""Texts by id; with a web address before the text, where Sensay shall read that."""


class Runs:
    """One connector `pile` that writes to the emulator."""

    def __init__(self, folder: Path, stage: Stage, *, entries: str = "text", concurrency: int = 1) -> None:
        self.folder = folder
        text = CONFIG.format(
            doors=DOORS, url=stage.server.url, replica=REPLICA, entries=entries, concurrency=concurrency
        )
        (folder / "connectors.toml").write_text(text, encoding="utf-8")

    def put(self, pile: Pile) -> None:
        entries = [
            {"id": id_, "text": text, "metadata": {"sensay_url": url} if url else {}}
            for id_, (url, text) in ((id_, one if isinstance(one, tuple) else ("", one)) for id_, one in pile.items())
        ]
        (self.folder / "pile.json").write_text(json.dumps(entries), encoding="utf-8")

    def run(self) -> SyncReport:
        return run_in(self.folder)

    def planned(self) -> list[str]:
        with Host(load(self.folder / "connectors.toml", ENVIRON)) as host:
            _, plan = host.plan("pile")
            return [change["action"] for change in plan.lanes[0].changes]

    def forget(self) -> None:
        """Lose the local state."""
        for file in self.folder.glob(".connector/state.db*"):
            file.unlink()

    def run_killed(self, lethal: LethalEmulator, call: int, *, after: bool) -> int:
        """Run in a process of its own that is killed at its writing call of this number; gives its exit code."""
        processes = multiprocessing.get_context("forkserver")
        processes.set_forkserver_preload(["__main__", "knowledge_connector.execution", "plugins.sensay.doors"])
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
        return host.run("pile")


def _run_when_told(folder: Path, told: Event) -> None:
    told.wait()
    run_in(folder)


class LethalEmulator(SensayEmulator):
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
