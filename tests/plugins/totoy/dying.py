"""Runs into a Totoy target that waits by the emulator's clock, and can kill its process at a chosen writing request."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from knowledge_connector import Target, hookimpl
from knowledge_connector.testing.emulation import DistantClock
from knowledge_connector_totoy.client import TotoyClient
from knowledge_connector_totoy.config import TotoyConfig
from knowledge_connector_totoy.emulator import TOKEN
from knowledge_connector_totoy.target import TotoyTarget
from scenarios.world import World

PLUGIN = Path(__file__).with_name("plugin.py")


@dataclass
class Fate:
    """Ends this process at writing request number `dies_at`: before it is sent, or when its answer is here."""

    dies_at: int = 0
    answered: bool = False
    seen: int = 0

    def before(self, request: httpx.Request) -> None:
        self.seen += request.method != "GET"
        if request.method != "GET" and not self.answered:
            self._strike()

    def after(self, response: httpx.Response) -> None:
        if response.request.method != "GET" and self.answered:
            self._strike()

    def _strike(self) -> None:
        if self.seen == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)


FATE = Fate()


class DyingTotoy(TotoyTarget):
    type = "dying-totoy"

    def __init__(self, config: TotoyConfig) -> None:
        super().__init__(config, clock=DistantClock(config.base_url.removesuffix("/v1")))

    def _client(self) -> TotoyClient:
        client = super()._client()
        client._http.event_hooks = {"request": [FATE.before], "response": [FATE.after]}
        return client


@hookimpl
def register_targets() -> list[type[Target]]:
    return [DyingTotoy]


def world_in(folder: Path, url: str, *, concurrency: int = 1) -> World:
    """One connector into the Totoy that is served at `url`."""
    world = World(folder, target="dying-totoy", plugin=PLUGIN, options="[connectors.shelf.deletes]\nmax_documents = 50")
    options = {"BASE_URL": f"{url}/v1", "API_KEY": TOKEN, "KNOWLEDGE_BASE": "Handbook", "CONCURRENCY": str(concurrency)}
    world.environ = {f"CONNECTOR_TARGETS__LOCAL__{key}": value for key, value in options.items()}
    return world


def killed(world: World, url: str, dies_at: int, *, answered: bool) -> bool:
    """Run in a child that kills itself; whether it did."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["plugins.totoy.dying"])
    child = processes.Process(target=_run_and_die, args=(world.folder, url, world.shelf, dies_at, answered))
    child.start()
    child.join()
    assert child.exitcode in (0, -signal.SIGKILL)
    return child.exitcode != 0


def _run_and_die(folder: Path, url: str, shelf: Mapping[str, Any], dies_at: int, answered: bool) -> None:
    FATE.dies_at, FATE.answered = dies_at, answered
    world = world_in(folder, url)
    world.shelf = dict(shelf)
    world.run()
