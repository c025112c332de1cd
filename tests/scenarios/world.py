"""A folder with a connectors.toml, an origin that tests change, and a look into the target."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from knowledge_connector import Host, RunOptions, SyncReport
from knowledge_connector.config import load
from knowledge_connector.sync.planfile import PlanFile

SHELF = Path(__file__).with_name("shelf.py")

CONFIG = """
[plugins]
paths = ["{plugin}"]

[targets.local]
type = "{target}"

[conversion]
processes = 1

[connectors.shelf]
type = "{type}"
path = "shelf.json"
{options}
"""

Contents = dict[str, tuple[str, tuple[str, ...]]]


class World:
    """One connector `shelf` into one embedded target.

    Attributes:
        shelf: What the origin holds, by id; saved before each run.
    """

    def __init__(
        self, folder: Path, *, type_: str = "shelf", target: str = "sqlite", plugin: Path = SHELF, options: str = ""
    ) -> None:
        self.folder = folder
        self.shelf: dict[str, dict[str, Any]] = {}
        self.environ: Mapping[str, str] = {}
        text = CONFIG.format(plugin=plugin, type=type_, target=target, options=options)
        (folder / "connectors.toml").write_text(text, encoding="utf-8")

    def put(self, id_: str, *chunks: str, **fields: Any) -> None:
        """A document that is cut already; with `text=` one that is not."""
        self.shelf[id_] = {"id": id_, **({"chunks": list(chunks)} if chunks else {}), **fields}

    def host(self) -> Host:
        self.save()
        return Host(load(self.folder / "connectors.toml", self.environ))

    def save(self) -> None:
        (self.folder / "shelf.json").write_text(json.dumps(list(self.shelf.values())), encoding="utf-8")

    def run(self, options: RunOptions | None = None) -> SyncReport:
        with self.host() as host:
            return host.run("shelf", options)

    def plan(self, options: RunOptions | None = None) -> tuple[SyncReport, PlanFile]:
        with self.host() as host:
            reports, plan = host.plan("shelf", options)
        return reports[0], plan

    def planned(self) -> dict[str, str]:
        """What a plan would do, action by id."""
        _, plan = self.plan()
        return {change["external_id"]: change["action"] for change in plan.lanes[0].changes}

    def contents(self) -> Contents:
        """What the target holds: name and chunks by id."""
        with self.host() as host:
            return contents_of(host)

    def expected(self) -> Contents:
        """What the target should hold after a calm run of well-behaved documents."""
        return {
            entry["id"]: (entry.get("title") or entry["id"], tuple(entry["chunks"]))
            for entry in self.shelf.values()
            if "chunks" in entry
        }


def contents_of(host: Host) -> Contents:
    """What the target `local` holds for the connector `shelf`: name and chunks by id."""
    held: Contents = {}
    with host.target("local").open("shelf", fence=0) as session:
        for source in session.sources():
            stored = session.read(source.source_id)
            assert stored is not None, "an unfinished source"
            assert source.external_id not in held, "a twin"
            held[stored.draft.external_id] = (stored.draft.name, tuple(chunk.text for chunk in stored.chunks))
    return held
