"""What `run`, `retry`, `apply` and `undo` have in common: progress while they last, and the summary at the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import click

from knowledge_connector.app import Host
from knowledge_connector.cli.shared import Setup, tell_error
from knowledge_connector.cli.terminal.page import Page, open_page
from knowledge_connector.cli.terminal.progress import choose_progress
from knowledge_connector.cli.terminal.signals import stopping
from knowledge_connector.cli.terminal.summary import show_failures, show_refusals, show_reports, show_types
from knowledge_connector.cli.terminal.watch import Watcher
from knowledge_connector.cli.terminal.words import dim
from knowledge_connector.errors import ConnectorError
from knowledge_connector.execution import RunOptions
from knowledge_connector.ports import StateStore
from knowledge_connector.sync.report import ExitCode, SyncReport, worst

RUNS_LOOKED_AT = 20
"""How far back to look for a run that listed documents."""

Work = Callable[[RunOptions], list[SyncReport]]
"""One run; gives a report for each target."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a run is told of."""

    quiet: bool = False
    as_json_lines: bool = False

    @property
    def for_people(self) -> bool:
        """Whether a person reads along."""
        return not self.quiet and not self.as_json_lines


@dataclass(slots=True)
class Results:
    """What came of several runs."""

    reports: list[SyncReport] = field(default_factory=list)
    codes: list[ExitCode] = field(default_factory=list)


def listed_before(store: StateStore, connector: str) -> dict[str, int]:
    """How many documents the last run listed, by target: what the next one may expect."""
    for run in store.runs(connector, RUNS_LOOKED_AT):
        if run.kind in ("run", "plan") and run.report:
            return {report["target"]: report["listed"] for report in json.loads(run.report)}
    return {}


def watcher_for(host: Host, manner: Manner) -> Watcher:
    """Somebody who watches and shows progress."""
    return Watcher(choose_progress(wanted=manner.for_people), partial(listed_before, host.store))


def carry_out(host: Host, works: Mapping[str, Work], options: RunOptions, manner: Manner) -> ExitCode:
    """Run one after another, and say what came of it.

    Args:
        host: Where they run.
        works: Runs by the name of their connector. One that cannot go on does not keep the others from running.
        options: For all of them.
        manner: How to tell.
    """
    watcher, results = watcher_for(host, manner), Results()
    options = replace(options, observer=watcher)
    with stopping(options.stop):
        try:
            for name, work in works.items():
                if not options.stop.is_set():
                    _run_one(name, work, options, results, manner)
        finally:
            watcher.progress.end()
    if manner.for_people:
        _show(open_page(), results, watcher, type_names(host))
    return worst(results.codes)


def _run_one(name: str, work: Work, options: RunOptions, results: Results, manner: Manner) -> None:
    try:
        reports = work(options)
    except ConnectorError as error:
        verbosity = click.get_current_context().ensure_object(Setup).verbosity
        tell_error(f"{name}: {error.message}", traceback=verbosity > 1)
        results.codes.append(ExitCode(error.exit_code))
        return
    results.reports += reports
    results.codes += [report.exit_code for report in reports]
    for report in reports:
        if manner.as_json_lines:
            click.echo(report.to_json())
        elif manner.quiet and report.exit_code:
            tell_error(f"{name} → {report.target}: {report.message or f'{report.failed} failed'}", traceback=False)


def type_names(host: Host) -> dict[str, str]:
    """What people call the types that the converters read: the first ending that each stands for."""
    names: dict[str, str] = {}
    for converter in host.registry.converters():
        for ending, media_type in converter.extensions.items():
            names.setdefault(media_type, ending.removeprefix("."))
    return names


def _show(page: Page, results: Results, watcher: Watcher, types: Mapping[str, str]) -> None:
    if not results.reports:
        return
    show_reports(page, results.reports)
    show_types(page, results.reports, types)
    show_refusals(page, watcher.refusals)
    show_failures(page, watcher.failures, results.reports)
    changed = list(dict.fromkeys(report.run for report in results.reports if report.changed))
    if changed:
        page.line()
    for run in changed:
        page.line(dim(f"What changed: connector diff {run} · take it back: connector undo {run}"))
