"""The five vendors' emulators as a stage for whole runs: what each holds, time that does not pass, and processes that die at a call.

A run here is a run of `Host`: a connectors.toml, the origin `shelf`, and a target at an emulator. Nothing of an adapter is replaced but its
clock. What a vendor holds is read from the emulator, with no code of the adapter.
"""

from __future__ import annotations

import copy
import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, cast

from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from knowledge_connector import Host, Target
from knowledge_connector.config import load
from knowledge_connector.kit.clock import Clock
from knowledge_connector.testing.emulation import (
    DistantClock,
    LeapingClock,
    RunningServer,
    Secret,
    VendorEmulator,
    running,
)
from knowledge_connector_cognigy.emulator import CognigyEmulator
from knowledge_connector_genesys.emulator import GenesysEmulator
from knowledge_connector_intellia.emulator import IntelliaEmulator
from knowledge_connector_sensay.emulator import REPLICA, SensayEmulator
from knowledge_connector_totoy.emulator import TotoyEmulator
from scenarios.world import World

FOREIGN = 2
"""Documents of others that every vendor holds from the start."""

DELETES = "[connectors.shelf.deletes]\nmax_documents = 50"
SETTLING_SECONDS = 600.0

Held = list[tuple[object, ...]]
"""All that is at a vendor, ours and others': what a reader could tell, without ids and times, which no two runs share."""


# ------------------------------------------------------------------------------------------------------------------ vendors


@dataclass(frozen=True)
class Vendor:
    """One platform.

    Attributes:
        emulator: Its emulator.
        held: Reads what it holds.
        pieces: Whether a document is written in chunks; otherwise whole.
        options: Switches of the emulator.
        keys: Keys of the target besides those that the emulator gives.
        one_by_one: Keys by which writes come in the same order each time.
        anew: Keys by which a first run has to make the place that it writes to.
    """

    emulator: type[VendorEmulator]
    held: Callable[[Any], Held]
    pieces: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, object] = field(default_factory=dict)
    one_by_one: Mapping[str, object] = field(default_factory=lambda: {"concurrency": 1})
    anew: Mapping[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.emulator.name


def held_by_cognigy(emulator: CognigyEmulator) -> Held:
    holdings = emulator.holdings
    stores: Held = [("store", store["name"]) for store in holdings.stores.values()]
    return stores + [
        (
            store["name"],
            source["name"],
            source["status"],
            sorted(source["metaData"]["tags"]),
            {key: value for key, value in source["data"].items() if key not in {"kcSource", "kcHead"}},
            [(chunk["text"], chunk["disabled"]) for chunk in holdings.chunks(source["_id"]).values()],
        )
        for store in holdings.stores.values()
        for source in holdings.sources(store["_id"]).values()
    ]


def held_by_genesys(emulator: GenesysEmulator) -> Held:
    world = emulator.world
    sources: Held = [("source", source["name"]) for source in world.sources.values()]
    files: Held = [
        (source["name"], name, row["text"])
        for source in world.sources.values()
        for name, row in world.files(source["id"]).items()
    ]
    return [
        *sources,
        *files,
        *(("open round",) for row in world.rounds_of(None) if world.status(row)[0] == "InProgress"),
    ]


def held_by_intellia(emulator: IntelliaEmulator) -> Held:
    records = emulator.records
    bases: Held = [("base", base["title"]) for base in records.bases.values()]
    return bases + [
        (base["title"], _without_attempt(file["fileName"]), file["status"], records.contents.get(file["fileId"]))
        for id_, base in records.bases.items()
        for file in map(records.shown, records.files(id_).values())
    ]


def _without_attempt(name: str) -> str:
    """The last digest in a name of ours tells one upload from every other."""
    parts = name.split(".")
    return ".".join([*parts[:-2], parts[-1]]) if ".kc-" in name else name


def held_by_sensay(emulator: SensayEmulator) -> Held:
    found = [("answers", title, text) for _, title, text in emulator.answering(REPLICA)]
    shown = [emulator._shown(row) for row in emulator._rows()]
    return [
        *found,
        *(("listed", row.get("title", ""), READY_AT_SENSAY.get(row["status"], "not ready")) for row in shown),
    ]


READY_AT_SENSAY = dict.fromkeys(["VECTOR_CREATED", "READY"], "ready")
"""It answers from the first of these on."""


def held_by_totoy(emulator: TotoyEmulator) -> Held:
    held = emulator.organisation
    names = {id_: base["name"] for id_, base in held.bases.items()}
    bases: Held = [("base", name) for name in names.values()]
    return bases + [
        (
            source["custom_metadata"].get("external_id", ""),
            source["title"],
            source["text"],
            *(f"{names[one]}: {held.link_view(one, id_)['status']}" for one in source["knowledge_base_ids"]),
        )
        for id_, source in held.sources.items()
    ]


VENDORS = {
    vendor.name: vendor
    for vendor in (
        Vendor(
            CognigyEmulator,
            held_by_cognigy,
            pieces=True,
            keys={"requests_per_5_minutes": 0},
            anew={"knowledge_store": "Made anew", "create_store": True},
        ),
        Vendor(GenesysEmulator, held_by_genesys, one_by_one={}),
        Vendor(
            IntelliaEmulator,
            held_by_intellia,
            options={"intellia.rate_per_minute": "0"},
            anew={"knowledge_base": "Made anew"},
        ),
        Vendor(TotoyEmulator, held_by_totoy, anew={"knowledge_base": "Made anew"}),
        Vendor(SensayEmulator, held_by_sensay),
    )
}


# --------------------------------------------------------------------------------------------------------------------- time


class RacingClock:
    """Time that runs so many times as fast, the same for vendor and caller: who sleeps does sleep, and others act meanwhile."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._begin = datetime.now(UTC)
        self._zero = time.monotonic()

    def now(self) -> datetime:
        return self._begin + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (time.monotonic() - self._zero) * self._speed

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self._speed)


# --------------------------------------------------------------------------------------------------------------------- runs


class TimedHost(Host):
    """A host whose targets have the given clock; everything else has the machine's."""

    vendor_clock: Clock

    def target(self, name: str) -> Target[Any]:
        made = super().target(name)
        return cast(Any, type(made))(made.config, clock=self.vendor_clock)  # type: ignore[no-any-return]  # Target's own __init__ has none


class VendorWorld(World):
    """One connector `shelf` into one vendor."""

    def __init__(self, folder: Path, vendor: Vendor, table: Mapping[str, object], clock: Clock) -> None:
        folder.mkdir(exist_ok=True)
        super().__init__(folder, target=vendor.name, options=DELETES)
        self.vendor = vendor
        self.table = table
        self.clock = clock
        self.environ = {f"CONNECTOR_TARGETS__LOCAL__{key.upper()}": str(value) for key, value in table.items()}

    def write(self, id_: str, text: str, *, title: str = "") -> None:
        """A document of this text, in the form in which this vendor takes it."""
        pieces = (f"{text}, at first", f"{text}, at last") if self.vendor.pieces else (text,)
        self.put(id_, *pieces, title=title or f"About {id_}")

    def rename(self, old: str, new: str) -> None:
        """Another id, and nothing else."""
        self.shelf[new] = self.shelf.pop(old) | {"id": new}

    def forget(self) -> None:
        """Lose the local state."""
        shutil.rmtree(self.folder / ".connector")

    def host(self) -> Host:
        self.save()
        host = TimedHost(load(self.folder / "connectors.toml", self.environ))
        host.vendor_clock = self.clock
        return host


class Stage:
    """One vendor's emulator, served, and worlds that write to it."""

    def __init__(self, vendor: Vendor, server: RunningServer, clock: Clock | None = None) -> None:
        self.vendor = vendor
        self.server = server
        self.clock = clock or LeapingClock(server.services.clock)

    def table(self, **changes: object) -> dict[str, object]:
        """The keys of the target, secrets in clear."""
        given = self.server.vendor(self.vendor.name).target_table(self.server.url) or {}
        plain = {key: value.value if isinstance(value, Secret) else value for key, value in given.items()}
        return {**plain, **self.vendor.keys, **self.vendor.one_by_one, **changes} | {"type": self.vendor.name}

    def world(self, folder: Path, **changes: object) -> VendorWorld:
        return VendorWorld(folder, self.vendor, self.table(**changes), self.clock)

    def held(self) -> Held:
        """What is there, once everything has been taken in."""
        self.clock.sleep(SETTLING_SECONDS)
        return self.held_now()

    def held_now(self) -> Held:
        """What is there at this moment."""
        return sorted(self.vendor.held(self.server.vendor(self.vendor.name)), key=repr)

    def writes(self) -> list[str]:
        """The writing operations since the last time, in their order."""
        found = [entry.operation for entry in self.server.log.writes(self.vendor.name)]
        self.server.log.clear()
        return found

    def tables(self) -> dict[str, dict[str, dict[str, Any]]]:
        return self.server.vendor(self.vendor.name).store._tables._rows


@contextmanager
def staged(name: str) -> Iterator[Stage]:
    """Serve a vendor that can kill who calls."""
    vendor = VENDORS[name]
    with running([lethal(vendor.emulator)], options=vendor.options, seed=FOREIGN) as server:
        yield Stage(vendor, server)


@dataclass
class Snapshot:
    """A vendor and the folder of its world, as they were: a place from which to tell a story again and again."""

    stage: Stage
    world: VendorWorld

    def __post_init__(self) -> None:
        self._rows = copy.deepcopy(self.stage.tables())
        self._shelf = dict(self.world.shelf)
        self._folder = self.world.folder.with_name(f"{self.world.folder.name}-kept")
        shutil.copytree(self.world.folder, self._folder)

    def restore(self) -> None:
        """Put everything back; clocks go on."""
        self.stage.server.reset()
        for name, rows in self.stage.tables().items():
            if name.startswith(f"{self.stage.vendor.name}/"):
                rows.clear()
                rows.update(copy.deepcopy(self._rows.get(name, {})))
        shutil.rmtree(self.world.folder)
        shutil.copytree(self._folder, self.world.folder)
        self.world.shelf = dict(self._shelf)


# ------------------------------------------------------------------------------------------------------------- sudden deaths


@dataclass
class Assassin:
    """Kills a process at its writing request of a number, from 0: before the request takes effect, or after."""

    victim: int = 0
    request: int = 0
    after: bool = False
    done: bool = True

    def hire(self, victim: int, request: int, *, after: bool) -> None:
        self.victim, self.request, self.after, self.done = victim, request, after, False

    def is_due(self) -> bool:
        """Count one more writing request, and say whether it is the one."""
        self.request -= 1
        return not self.done and self.request < 0

    def strike(self) -> None:
        self.done = True
        os.kill(self.victim, signal.SIGKILL)


ASSASSIN = Assassin()


class DeadlyRoutes(BaseRoute):
    """Routes of an emulator, with the assassin before and behind each that writes."""

    def __init__(self, emulator: VendorEmulator, inner: BaseRoute) -> None:
        self._emulator = emulator
        self._inner = inner

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return self._inner.matches(scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        due = self._emulator.is_write(scope["method"], path) and ASSASSIN.is_due()
        if due and not ASSASSIN.after:
            ASSASSIN.strike()
            return
        await self._inner.handle(scope, receive, send)
        if due:
            ASSASSIN.strike()


def lethal(emulator: type[VendorEmulator]) -> type[VendorEmulator]:
    """The same emulator, haunted by the assassin."""

    def routes(self: VendorEmulator) -> Sequence[BaseRoute]:
        return [DeadlyRoutes(self, route) for route in emulator.routes(self)]

    return cast(type[VendorEmulator], type(f"Lethal{emulator.__name__}", (emulator,), {"routes": routes}))


IMPORTED_BY_A_RUN = (
    "__main__",
    "knowledge_connector.execution",
    "knowledge_connector.state.sqlite",
    "knowledge_connector.sync.staging",
    *(vendor.emulator.__module__ for vendor in VENDORS.values()),
    *(f"knowledge_connector_{name}.session" for name in VENDORS),
)
"""Once for all processes that are to be killed, instead of once for each; modules of the tests are not found that early."""


def run_killed(stage: Stage, world: VendorWorld, request: int, *, after: bool) -> int | None:
    """Run in a process that is killed at its writing request of this number; gives its exit code."""
    world.save()
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(list(IMPORTED_BY_A_RUN))
    told = processes.Event()
    child = processes.Process(
        target=_run_when_told, args=(told, world.folder, stage.vendor.name, world.table, stage.server.url, world.shelf)
    )
    child.start()
    assert child.pid is not None
    ASSASSIN.hire(child.pid, request, after=after)
    told.set()
    child.join()
    ASSASSIN.done = True
    return child.exitcode


def _run_when_told(
    told: Event, folder: Path, vendor: str, table: Mapping[str, object], url: str, shelf: dict[str, dict[str, Any]]
) -> None:
    told.wait()
    world = VendorWorld(folder, VENDORS[vendor], table, DistantClock(url))
    world.shelf = shelf
    world.run()
