"""What is compared: how each tool is started, and how to look into what it holds afterwards."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.changes import Changes

HERE = Path(__file__).parent
PROJECT = HERE.parent
ENVIRONMENT = {
    "PYTHONPATH": f"{PROJECT}{os.pathsep}{PROJECT / 'src'}",
    "COCOINDEX_DISABLE_USAGE_TRACKING": "1",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
}


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a store holds.

    Attributes:
        documents: Their ids: paths below the root.
        chunks, oversized: How many, and how many of them are over the limit.
        marks: Those of the marks asked for that it holds.
    """

    documents: frozenset[str]
    chunks: int
    oversized: int
    marks: frozenset[str]


class Tool(Protocol):
    @property
    def name(self) -> str: ...

    def missing(self) -> str | None:
        """Why it cannot run here; `None` if it can."""
        ...

    def prepare(self, tree: Path, store: Path) -> None:
        """Put down what the first sync needs, in the empty folder `store`."""
        ...

    def command(self, tree: Path, store: Path) -> Sequence[str]:
        """One sync as a whole process; its working directory is `store`."""
        ...

    def holdings(self, store: Path, marks: Sequence[str], max_chars: int) -> Holdings:
        """Look into the store."""
        ...


class Floor:
    name = "floor"

    def missing(self) -> str | None:
        return None

    def prepare(self, tree: Path, store: Path) -> None:
        pass

    def command(self, tree: Path, store: Path) -> Sequence[str]:
        return [sys.executable, "-m", "benchmarks.floor", str(tree), str(store)]

    def holdings(self, store: Path, marks: Sequence[str], max_chars: int) -> Holdings:
        return sqlite_holdings(store / "chunks.db", marks, max_chars)


@dataclass(frozen=True, slots=True)
class Peer:
    """A tool of others: `peers/NAME.txt` is what to install, `peers/index_NAME.py` the script that does the work."""

    name: str
    cache: Path

    @property
    def python(self) -> Path:
        return self.cache / "peers" / self.name / "bin" / "python"

    def missing(self) -> str | None:
        return None if self.python.exists() else "not installed: python -m benchmarks peers"

    def prepare(self, tree: Path, store: Path) -> None:
        pass

    def command(self, tree: Path, store: Path) -> Sequence[str]:
        return [str(self.python), str(HERE / "peers" / f"index_{self.name}.py"), str(tree), str(store)]

    def holdings(self, store: Path, marks: Sequence[str], max_chars: int) -> Holdings:
        if not (store / "chunks.duckdb").exists():
            return sqlite_holdings(store / "chunks.db", marks, max_chars)
        copied = store / "copied.db"
        copied.unlink(missing_ok=True)
        subprocess.run(
            [str(self.python), str(HERE / "peers" / "duckdb_to_sqlite.py"), str(store), str(copied)], check=True
        )
        return sqlite_holdings(copied, marks, max_chars)


class ConnectorTool:
    """Ours, as its users start it; its store is asked through its own commands."""

    name = "connector"

    def missing(self) -> str | None:
        result = subprocess.run(
            [sys.executable, "-m", "knowledge_connector", "--help"], capture_output=True, check=False
        )
        return "`connector --help` fails in this environment" if result.returncode else None

    def prepare(self, tree: Path, store: Path) -> None:
        settings = f'[connectors.corpus]\ntype = "filesystem"\nroot = {json.dumps(str(tree))}\n'
        (store / "connectors.toml").write_text(settings)

    def command(self, tree: Path, store: Path) -> Sequence[str]:  # noqa: ARG002  # connectors.toml says where
        return [sys.executable, "-m", "knowledge_connector", "run", "corpus", "--json"]

    def holdings(self, store: Path, marks: Sequence[str], max_chars: int) -> Holdings:
        sources = [each for each in self._ask(store, "sources") if each["committed"]]
        hits = {mark: self._ask(store, "search", mark) for mark in marks}
        return Holdings(
            documents=frozenset(str(each["external_id"]) for each in sources),
            chunks=sum(int(str(each["chunk_count"])) for each in sources),
            oversized=sum(len(str(hit["text"])) > max_chars for found in hits.values() for hit in found),
            marks=frozenset(mark for mark, found in hits.items() if any(mark in str(hit["text"]) for hit in found)),
        )

    def _ask(self, store: Path, *words: str) -> list[dict[str, object]]:
        command = [sys.executable, "-m", "knowledge_connector", *words, "--json"]
        result = subprocess.run(command, cwd=store, capture_output=True, text=True, check=True)
        return [json.loads(line) for line in result.stdout.splitlines() if line.strip()]


def sqlite_holdings(path: Path, marks: Sequence[str], max_chars: int) -> Holdings:
    """Of a table `chunk` with the columns `document` and `text`."""
    database = sqlite3.connect(path)
    documents = frozenset(name for (name,) in database.execute("select distinct document from chunk"))
    chunks, oversized = database.execute("select count(*), sum(length(text) > ?) from chunk", (max_chars,)).fetchone()
    marked = "\n".join(text for (text,) in database.execute("select text from chunk where text like '%kcmark%'"))
    database.close()
    return Holdings(documents, chunks, oversized or 0, frozenset(mark for mark in marks if mark in marked))


def faults(holdings: Holdings, expected: frozenset[str], changes: Changes) -> list[str]:
    """What is wrong with a store after the changed sync; empty if it is right."""
    counts = {
        "deleted documents kept": len(holdings.documents.intersection(changes.gone)),
        "documents missing": len(expected - holdings.documents),
        "documents twice or unknown": len(holdings.documents - expected - set(changes.gone)),
        "edits missing": sum(changes.mark(path, "new") not in holdings.marks for path in changes.watched),
        "stale chunks": sum(changes.mark(path, "old") in holdings.marks for path in changes.watched),
    }
    return [f"{count} {fault}" for fault, count in counts.items() if count]


def all_tools(cache: Path) -> dict[str, Tool]:
    peers = [Peer(requirements.stem, cache) for requirements in sorted((HERE / "peers").glob("*.txt"))]
    tools: list[Tool] = [ConnectorTool(), Floor(), *peers]
    return {tool.name: tool for tool in tools}
