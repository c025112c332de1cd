"""What a run did, as data: one `SyncReport` for each connector and target."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any, Literal

from knowledge_connector.model import Estimate

Status = Literal["ok", "partial", "failed", "withheld", "interrupted"]


class ExitCode(IntEnum):
    """What the process says at its end; the worst of several reports wins."""

    OK = 0
    SOME_FAILED = 1
    CONFIG = 2
    STOPPED = 3
    WITHHELD = 4
    INTERRUPTED = 130


_EXIT_BY_STATUS = {
    "ok": ExitCode.OK,
    "partial": ExitCode.SOME_FAILED,
    "withheld": ExitCode.WITHHELD,
    "failed": ExitCode.STOPPED,
    "interrupted": ExitCode.INTERRUPTED,
}
_SEVERITY = [
    ExitCode.OK,
    ExitCode.SOME_FAILED,
    ExitCode.WITHHELD,
    ExitCode.CONFIG,
    ExitCode.STOPPED,
    ExitCode.INTERRUPTED,
]


@dataclass(slots=True)
class TypeCount:
    """What became of the bodies of one media type that a run had to read.

    Attributes:
        documents: How many there were.
        chunks: How many chunks they gave.
        seconds: What converting and cutting them took in child processes, one by one.
        outcomes: `read`, or the code of why not.
    """

    documents: int = 0
    chunks: int = 0
    seconds: float = 0.0
    outcomes: dict[str, int] = field(default_factory=dict)

    def add(self, outcome: str, chunks: int, seconds: float) -> None:
        """Count one more."""
        self.documents += 1
        self.chunks += chunks
        self.seconds += seconds
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1


@dataclass(slots=True)
class SyncReport:
    """Counts of one run in one lane. Filled while the run goes on; read it afterwards.

    Attributes:
        run: Number of the run, as in `connector history`.
        applied: False for a plan: nothing was written.
        listed: Documents that the origin showed, failed and skipped ones included.
        skipped: Documents that were deliberately left out, by reason.
        withheld: Deletes that the guard stopped.
        held: Documents that stay as a person left them by `undo`.
        calls: Vendor calls, by endpoint.
        estimate: For a plan: what carrying it out would cost in calls, where the target can say so.
        seconds_by_phase: Where the time went; phases overlap, so they may add up to more than `seconds`.
        by_type: What became of the bodies that were read, by media type.
        message: Why the run stopped, or what to do next; empty if there is nothing to say.
    """

    run: int
    connector: str
    target: str
    started_at: datetime
    applied: bool = True
    status: Status = "ok"
    listed: int = 0
    created: int = 0
    updated: int = 0
    retagged: int = 0
    deleted: int = 0
    kept: int = 0
    held: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    withheld: int = 0
    chunks_written: int = 0
    chunks_deleted: int = 0
    calls: dict[str, int] = field(default_factory=dict)
    estimate: Estimate | None = None
    seconds: float = 0.0
    seconds_by_phase: dict[str, float] = field(default_factory=dict)
    by_type: dict[str, TypeCount] = field(default_factory=dict)
    message: str = ""

    def count_body(self, media_type: str | None, outcome: str, chunks: int = 0, seconds: float = 0.0) -> None:
        """Count a body under its type: one that was read, or (with the code of its reason) one that could not be."""
        self.by_type.setdefault(media_type or "unknown", TypeCount()).add(outcome, chunks, seconds)

    @property
    def changed(self) -> int:
        """Documents whose knowledge was, or would be, written."""
        return self.created + self.updated + self.retagged + self.deleted

    @property
    def exit_code(self) -> ExitCode:
        """The exit code that this report alone would give."""
        return _EXIT_BY_STATUS[self.status]

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON-ready values, in the documented order."""
        values = asdict(self)
        values["skipped"] = dict(sorted(self.skipped.items()))
        values["started_at"] = self.started_at.isoformat()
        values["seconds"] = round(self.seconds, 3)
        values["seconds_by_phase"] = {phase: round(spent, 3) for phase, spent in self.seconds_by_phase.items()}
        if not self.by_type:
            del values["by_type"]
        for count in values.get("by_type", {}).values():
            count["seconds"] = round(count["seconds"], 3)
        if self.estimate is None:
            del values["estimate"]
        order = ("run", "connector", "target", "status", "applied")
        return {key: values.pop(key) for key in order} | values

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(self.as_dict(), ensure_ascii=False)


def worst(codes: list[ExitCode]) -> ExitCode:
    """The code that a process with several results ends with."""
    return max(codes, key=_SEVERITY.index, default=ExitCode.OK)
