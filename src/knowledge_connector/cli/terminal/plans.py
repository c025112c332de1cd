"""A plan as a person reads it: like a good diff, one line a document, with its reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from knowledge_connector.cli.terminal.page import Column, Page, Table
from knowledge_connector.cli.terminal.signals import stopping
from knowledge_connector.cli.terminal.summary import lane_name, quoted, show_message
from knowledge_connector.cli.terminal.watch import Watcher
from knowledge_connector.cli.terminal.words import bold, clean, counted, dim, duration, number, titled
from knowledge_connector.execution import RunOptions
from knowledge_connector.model import Estimate
from knowledge_connector.ports import Lane, StateStore
from knowledge_connector.sync.plan import Action, Change
from knowledge_connector.sync.planfile import PlanFile
from knowledge_connector.sync.report import SyncReport

if TYPE_CHECKING:
    from knowledge_connector.app import Host

ORDER = (
    Action.CREATE,
    Action.UPDATE,
    Action.RETAG,
    Action.DELETE,
    Action.WITHHOLD,
    Action.FAIL,
    Action.HOLD,
    Action.SKIP,
    Action.KEEP,
)
QUIET = {Action.SKIP, Action.KEEP}
"""Counted, and listed only with `--all-changes`."""

_SIGNS = {
    Action.CREATE: ("+", "green"),
    Action.UPDATE: ("~", "yellow"),
    Action.RETAG: ("±", "cyan"),
    Action.DELETE: ("-", "red"),
    Action.WITHHOLD: ("!", "red"),
    Action.FAIL: ("!", "red"),
    Action.HOLD: ("=", "blue"),
    Action.SKIP: ("=", None),
    Action.KEEP: ("=", None),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One change, without its content."""

    action: Action
    external_id: str
    name: str
    reason: str
    chunks: int = 0
    previous_id: str | None = None


@dataclass
class Planner:
    """An `execution.Observer` that remembers the changes it will show.

    Attributes:
        watcher: Shows progress, and gathers what failed.
        limit: How many changes of one kind to remember; 0 for all.
        shows_all: Whether what is kept or skipped is shown, too.
    """

    watcher: Watcher
    limit: int
    shows_all: bool
    lines: dict[tuple[Lane, Action], list[Line]] = field(default_factory=lambda: defaultdict(list))

    def started(self, reports: Sequence[SyncReport]) -> None:
        """See `Observer`."""
        self.watcher.started(reports)

    def changed(self, lane: Lane, change: Change) -> None:
        """See `Observer`."""
        self.watcher.changed(lane, change)
        lines = self.lines[lane, change.action]
        if not self.limit or len(lines) < self.limit:
            lines.append(_line(change))

    def add_kept(self, store: StateStore, lanes: Sequence[Lane]) -> None:
        """Add what is held and was not told of: that is what the plan keeps."""
        for lane in lanes:
            told = {id_ for line in self._all(lane) for id_ in (line.external_id, line.previous_id)}
            self.lines[lane, Action.KEEP] = [
                Line(Action.KEEP, row.external_id or row.external_digest, row.name, "unchanged")
                for row in store.rows(lane)
                if row.external_id not in told
            ]

    def _all(self, lane: Lane) -> list[Line]:
        return [line for (where, _), lines in self.lines.items() if where == lane for line in lines]


def _line(change: Change) -> Line:
    reason = f"{change.stage}: {change.reason}" if change.stage else change.reason
    if change.action is Action.WITHHOLD:
        reason, _, _ = reason.partition("; withheld: ")  # said once, below
    previous_id = change.previous_id if change.action is Action.RETAG else None
    return Line(change.action, change.external_id, change.name, reason, len(change.chunks), previous_id)


def make_plan(host: Host, name: str, options: RunOptions, planner: Planner) -> tuple[list[SyncReport], PlanFile]:
    """Plan, with progress while it lasts."""
    with stopping(options.stop):
        try:
            reports, plan = host.plan(name, options)
        finally:
            planner.watcher.progress.end()
    if planner.shows_all:
        planner.add_kept(host.store, [Lane(report.connector, report.target) for report in reports])
    return reports, plan


def show_plan(page: Page, reports: Sequence[SyncReport], planner: Planner, out: Path | None) -> None:
    """Write the plan, and how to carry it out."""
    for report in reports:
        _show_lane(page, report, planner)
    if out is not None:
        page.line(f"Saved. To do exactly this: connector apply {quoted(str(out))}")
    elif any(report.changed for report in reports):
        page.line(f"To do this: connector run {reports[0].connector}")


def _show_lane(page: Page, report: SyncReport, planner: Planner) -> None:
    page.line(f"{bold(lane_name(report))}  {dim(f'a plan; nothing was written ({duration(report.seconds)})')}")
    page.line()
    table = _table(report, planner)
    if table.rows:
        page.table(table, indent=2)
        page.line()
    page.line(_counts(report))
    if report.estimate is not None and report.changed:
        page.line(dim(_cost(report.estimate)))
    if report.calls:
        calls = ", ".join(f"{endpoint} {number(count)}" for endpoint, count in report.calls.items())
        page.line(dim(f"calls: {calls}"))
    show_message(page, report)
    page.line()


def _table(report: SyncReport, planner: Planner) -> Table:
    """The changes, one kind after another with an empty row in between."""
    table = Table([Column(), Column(wraps=True), Column(wraps=True), Column(right=True)])
    for action in ORDER:
        lines = planner.lines.get((Lane(report.connector, report.target), action), [])
        if not lines or (action in QUIET and not planner.shows_all):
            continue
        if table.rows:
            table.rows.append([""] * 4)
        table.rows.extend(_row(line) for line in sorted(lines, key=lambda line: line.external_id))
        more = _TOTALS[action](report) - len(lines)
        if more > 0:
            table.rows.append(["", dim(f"… and {number(more)} more; --limit 0 shows all"), "", ""])
    return table


def _row(line: Line) -> list[str]:
    sign, colour = _SIGNS[line.action]
    name = titled(line.name, line.external_id, line.previous_id)
    chunks = dim(counted(line.chunks, "chunk")) if line.chunks else ""
    return [click.style(sign, fg=colour, bold=True), name, dim(clean(line.reason)), chunks]


_TOTALS: Mapping[Action, Callable[[SyncReport], int]] = {
    Action.CREATE: lambda report: report.created,
    Action.UPDATE: lambda report: report.updated,
    Action.RETAG: lambda report: report.retagged,
    Action.DELETE: lambda report: report.deleted,
    Action.WITHHOLD: lambda report: report.withheld,
    Action.FAIL: lambda report: report.failed,
    Action.HOLD: lambda report: report.held,
    Action.SKIP: lambda report: report.skipped.total(),
    Action.KEEP: lambda report: report.kept,
}


def _cost(estimate: Estimate) -> str:
    calls = f"about {counted(estimate.calls, 'call')}"
    return (
        calls
        if estimate.seconds is None
        else f"{calls}, {duration(estimate.seconds)} or more at the rate that is allowed"
    )


def _counts(report: SyncReport) -> str:
    parts = [
        f"{number(value)} {words}"
        for value, words in (
            (report.created, "to create"),
            (report.updated, "to update"),
            (report.retagged, "to retag"),
            (report.deleted, "to delete"),
            (report.withheld, "withheld"),
            (report.failed, "failed"),
            (report.held, "held"),
            (report.kept, "kept"),
        )
        if value
    ]
    skipped = [f"{clean(reason)} {number(count)}" for reason, count in report.skipped.most_common()]
    if skipped:
        parts.append(f"{number(report.skipped.total())} skipped ({', '.join(skipped)})")
    chunks = f"; {counted(report.chunks_written, 'chunk')} to write" if report.chunks_written else ""
    if not report.changed and not report.withheld and not report.failed and report.status == "ok":
        return f"Nothing to do: {', '.join(parts) or 'nothing was listed'}"
    return f"{', '.join(parts) or 'nothing to do'}{chunks}"
