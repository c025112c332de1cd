"""Whole runs against the emulated Cognigy, one kind of change at a time, and processes that die in the middle of one."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge_connector import Host, SyncReport
from knowledge_connector.config import load
from plugins.cognigy.hasty import watched

SHELF = Path(__file__).parents[2] / "scenarios" / "shelf.py"
HASTY = Path(__file__).with_name("hasty_plugin.py")

CONFIG = """
[plugins]
paths = [{shelf}, {hasty}]

[targets.assistant]
{target}

[connectors.shelf]
type = "shelf"
path = "shelf.json"
target = "assistant"

[connectors.shelf.deletes]
max_documents = 100
"""

Entry = dict[str, Any]


@dataclass(frozen=True)
class Story:
    """One document before and after, among others that stay as they are; `writes` requests lead from here to there."""

    name: str
    before: tuple[Entry, ...]
    after: tuple[Entry, ...]
    writes: int
    chunks_per_source: int = 1000


def entry(id_: str, *chunks: str, **fields: Any) -> Entry:
    return {"id": id_, "title": f"Title of {id_}", "chunks": list(chunks), **fields}


STORIES = (
    Story("create", (), (entry("a.md", "one", "two"),), 5),
    Story("change one chunk", (entry("a.md", "one", "two", "three"),), (entry("a.md", "one", "2", "three"),), 3),
    Story("append a chunk", (entry("a.md", "one", "two"),), (entry("a.md", "one", "two", "three"),), 3),
    Story("remove a chunk", (entry("a.md", "one", "two", "three"),), (entry("a.md", "one", "three"),), 3),
    Story("rewrite", (entry("a.md", "one", "two"),), (entry("a.md", "1", "2", "3"),), 8),
    Story("retag", (entry("a.md", "one"),), (entry("a.md", "one", title="New", tags=["x"]),), 1),
    Story("move", (entry("a.md", "one", "two"),), (entry("b.md", "one", "two"),), 1),
    Story("delete", (entry("a.md", "one"),), (), 1),
    Story("swap titles", (entry("a.md", "1"), entry("b.md", "2")),
          (entry("a.md", "1", title="Title of b.md"), entry("b.md", "2", title="Title of a.md")), 3),
    Story("change one chunk of parts", (entry("a.md", *"12345"),), (entry("a.md", *"12x45"),), 5, 2),
    Story("rewrite parts", (entry("a.md", *"12345"),), (entry("a.md", *"abc"),), 15, 2),
    Story("delete parts", (entry("a.md", *"12345"),), (), 3, 2),
)  # fmt: skip

BYSTANDER = entry("other.md", "stays", "as it is")


class World:
    """A folder with a `connectors.toml`; its target writes to the emulator, and waits for nothing."""

    def __init__(self, folder: Path, target: Mapping[str, Any]) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        table = {"type": "hasty-cognigy", "concurrency": 1, **target}  # so that writes come in the same order each time
        lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in table.items())
        text = CONFIG.format(shelf=json.dumps(str(SHELF)), hasty=json.dumps(str(HASTY)), target=lines)
        (folder / "connectors.toml").write_text(text, encoding="utf-8")

    def put(self, *entries: Entry) -> None:
        (self.folder / "shelf.json").write_text(json.dumps([BYSTANDER, *entries]), encoding="utf-8")

    def run(self) -> SyncReport:
        with Host(load(self.folder / "connectors.toml", {})) as host:
            return host.run("shelf")

    def plan(self) -> SyncReport:
        with Host(load(self.folder / "connectors.toml", {})) as host:
            reports, _ = host.plan("shelf")
            return reports[0]

    def forget(self) -> None:
        """Lose the local state."""
        for file in self.folder.glob(".connector/state.db*"):
            file.unlink()


def run_until_killed(folder: Path, target: Mapping[str, Any], number: int) -> None:
    """Run once in this process, and kill it at an instant: before (even) or after (odd numbers) a request that writes."""
    instants = iter(range(number + 1))

    def tick() -> None:
        if next(instants) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    with watched(before=tick, after=tick):
        World(folder, target).run()
