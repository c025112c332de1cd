"""A wiki at the emulator, a connector that reads it, and an embedded target: whole runs of the host."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from knowledge_connector import ConfigError, Host, RunOptions, SyncReport
from knowledge_connector.config import load
from knowledge_connector.kit.http import make_client
from knowledge_connector.testing.context import FakeContext
from knowledge_connector.testing.emulation import LeapingClock, RunningServer, Secret, running
from knowledge_connector_confluence import ConfluenceConfig, ConfluenceConnector
from knowledge_connector_confluence.emulator import ConfluenceEmulator

PERSONALITIES = ("cloud", "gateway", "datacenter")

CONFIG = """
[targets.local]
type = "sqlite"

[conversion]
processes = 1

[connectors.wiki]
type = "confluence"
"""


Held = dict[str, tuple[str, str, tuple[str, ...], tuple[str, ...] | None, Mapping[str, object]]]
"""What the target holds, by id: name, text, tags, readers, metadata."""


class Stage:
    """One wiki, one connector `wiki`, one embedded target."""

    def __init__(self, server: RunningServer, folder: Path, options: Mapping[str, object]) -> None:
        self.server, self.folder = server, folder
        self.clock = LeapingClock(server.services.clock)
        self.configure(**options)

    @property
    def wiki(self) -> ConfluenceEmulator:
        return cast(ConfluenceEmulator, self.server.vendor("confluence"))

    def table(self) -> dict[str, Any]:
        """What the emulator says of itself, secrets in clear."""
        return cast(dict[str, Any], _plain(self.wiki.connector_table(self.server.url)))

    def configure(self, **options: object) -> None:
        """Write the configuration anew."""
        table = self.table() | options
        lines = [f"{key} = {_toml(value)}" for key, value in table.items()]
        guard = "[connectors.wiki.deletes]\nmax_documents = 50\n"
        (self.folder / "connectors.toml").write_text(CONFIG + "\n".join(lines) + "\n\n" + guard, encoding="utf-8")

    def connector(self, **options: object) -> ConfluenceConnector:
        return ConfluenceConnector(ConfluenceConfig.model_validate(self.table() | options))

    @contextmanager
    def context(self) -> Iterator[FakeContext]:
        with FakeContext(http=make_client(self.clock), clock=self.clock) as context:
            yield context

    def run(self, options: RunOptions | None = None) -> SyncReport:
        """One run; the log of requests holds those of this run alone."""
        self.server.log.clear()
        with Host(load(self.folder / "connectors.toml", {}), clock=self.clock) as host:
            return host.run("wiki", options)

    def change(self, kind: str, **arguments: str) -> str:
        return self.wiki.change(kind, arguments)

    def held(self) -> Held:
        """Everything at the target."""
        found: Held = {}
        with (
            Host(load(self.folder / "connectors.toml", {}), clock=self.clock) as host,
            host.target("local").open("wiki", fence=0) as session,
        ):
            for source in session.sources():
                stored = session.read(source.source_id)
                assert stored is not None, "an unfinished source"
                draft = stored.draft
                assert draft.external_id not in found, "a twin"
                text = "\n".join(chunk.text for chunk in stored.chunks)
                found[draft.external_id] = (draft.name, text, draft.tags, draft.acl, dict(draft.metadata))
        return found


@contextmanager
def staged(
    folder: Path,
    personality: str = "cloud",
    *,
    showcase: bool = False,
    emulate: Mapping[str, str] | None = None,
    **options: object,
) -> Iterator[Stage]:
    """A wiki of this personality; `emulate` are switches of the emulator without its name.

    The showcase is a space with one of everything, which takes its time.
    """
    own = {"personality": personality, "showcase": "on" if showcase else "off"}
    switches = {f"confluence.{name}": value for name, value in {**own, **(emulate or {})}.items()}
    with running([ConfluenceEmulator], options=switches) as server:
        yield Stage(server, folder, options)


def differences(before: Held, after: Held) -> dict[str, str]:
    """What became of each document that is not the same: created, deleted, or what of it changed."""
    found = dict.fromkeys(after.keys() - before.keys(), "created")
    found |= dict.fromkeys(before.keys() - after.keys(), "deleted")
    parts = ("name", "text", "tags", "acl", "metadata")
    for id_ in before.keys() & after.keys():
        changed = [part for part, one, other in zip(parts, before[id_], after[id_], strict=True) if one != other]
        if changed:
            found[id_] = "+".join(changed)
    return found


def _plain(value: object) -> object:
    if isinstance(value, Secret):
        return value.value
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return value


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, Path):
        return json.dumps(str(value))
    return json.dumps(value)


__all__ = ["PERSONALITIES", "ConfigError", "Held", "Stage", "differences", "staged"]
