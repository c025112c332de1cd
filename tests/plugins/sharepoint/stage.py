"""A tenant on a stage: the emulator, connectors that read it directly, and whole runs through the host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from knowledge_connector import Host, Item, RunOptions, SyncReport
from knowledge_connector.config import load
from knowledge_connector.kit.remote import make_origin_client
from knowledge_connector.testing.context import FakeContext
from knowledge_connector.testing.emulation import Fault, LeapingClock, RunningServer, Secret, running
from knowledge_connector.testing.emulation.configuring import write_config
from knowledge_connector_sharepoint import SharePointConfig, SharePointConnector
from knowledge_connector_sharepoint.emulator import SharePointEmulator

NAME = "sharepoint"


@dataclass
class Stage:
    server: RunningServer

    @cached_property
    def clock(self) -> LeapingClock:
        return LeapingClock(self.server.services.clock)

    @property
    def emulator(self) -> SharePointEmulator:
        emulator = self.server.vendor(NAME)
        assert isinstance(emulator, SharePointEmulator)
        return emulator

    def config(self, **changes: Any) -> SharePointConfig:
        table = self.emulator.connector_table(self.server.url)
        return SharePointConfig.model_validate({**_plain(table), **changes})

    def connector(self, **changes: Any) -> SharePointConnector:
        return SharePointConnector(self.config(**changes))

    @contextmanager
    def context(self, connector: SharePointConnector, **lent: Any) -> Iterator[FakeContext]:
        http = make_origin_client(connector.config, self.clock)
        with FakeContext(http=http, clock=self.clock, **lent) as context:
            yield context

    def read(self, connector: SharePointConnector, **lent: Any) -> list[Item]:
        with self.context(connector, **lent) as context:
            return list(connector.read(context))

    def fail(self, kind: str, **facts: Any) -> None:
        self.server.services.faults.add(Fault(kind, vendor=NAME, **facts))

    def change(self, kind: str, **arguments: str) -> str:
        return self.emulator.change(kind, arguments)

    def calm(self) -> None:
        """No faults any more, and nothing in the log."""
        self.server.services.faults.clear()
        self.server.log.clear()
        self.emulator.witness.clear()

    def counts(self) -> dict[str, int]:
        return self.server.log.counts(NAME)


def _plain(table: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value.value if isinstance(value, Secret) else _plain(value) if isinstance(value, Mapping) else value
        for key, value in table.items()
    }


@contextmanager
def staged(**options: str) -> Iterator[Stage]:
    with running([SharePointEmulator], options={f"{NAME}.{name}": value for name, value in options.items()}) as server:
        yield Stage(server)


@dataclass(frozen=True)
class Held:
    """What the target holds of one document."""

    name: str
    uri: str | None
    metadata: Mapping[str, Any]
    acl: tuple[str, ...] | None
    text: str


@dataclass
class Runs:
    """Whole runs into the embedded target, as `connector emulate --config-out` sets them up.

    Attributes:
        changed: What the last run did: action by id.
    """

    folder: Path
    stage: Stage
    options: str = ""
    changed: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.configure(self.options)

    def configure(self, options: str, *, without: str = "") -> None:
        """Write the file anew: the connector's table without the key that is to be replaced, and what else is wanted."""
        self.folder.mkdir(exist_ok=True)
        file = self.folder / "connectors.toml"
        write_config(file, [self.stage.emulator], self.stage.server.url)
        lines = file.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if not without or not line.startswith(f"{without} =")]
        table = "\n".join([*kept, options, "[conversion]", "processes = 1", ""])
        file.write_text(table, encoding="utf-8")

    def host(self) -> Host:
        return Host(load(self.folder / "connectors.toml", {}), clock=self.stage.clock)

    def run(self, **options: Any) -> SyncReport:
        with self.host() as host:
            report = host.run(NAME, RunOptions(**options))
            self.changed = {row.external_id: row.action for _, row in host.store.changes(report.run)}
        return report

    def held(self) -> dict[str, Held]:
        held: dict[str, Held] = {}
        with self.host() as host, host.target("local").open(NAME, fence=0) as session:
            for source in session.sources():
                stored = session.read(source.source_id)
                assert stored is not None, "an unfinished source"
                assert stored.draft.external_id not in held, "a twin"
                draft = stored.draft
                text = "\n".join(chunk.text for chunk in stored.chunks)
                held[draft.external_id] = Held(draft.name, draft.uri, dict(draft.metadata), draft.acl, text)
        return held

    def cursor(self) -> str:
        with self.host() as host:
            row = host.store.cursor(NAME)
        assert row is not None
        return row.cursor

    def failures(self) -> dict[str, str]:
        with self.host() as host:
            return {row.external_id: row.code for _, row in host.store.failures(NAME)}
