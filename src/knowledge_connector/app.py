"""The composition root: the one place where configuration, plugins, engine, targets and state meet.

Host.from_file ─▶ settings ─▶ registry ─▶ (for each run) connector, targets, state store, child processes ─▶ sync
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeVar

from knowledge_connector.clock import SystemClock
from knowledge_connector.config import ConnectorSettings, Settings, TargetSettings, load
from knowledge_connector.errors import ConfigError
from knowledge_connector.execution import Assignment, Execution, Observer, RunOptions
from knowledge_connector.model import KnowledgeSource
from knowledge_connector.ports import Clock, Connector, Hit, Lane, RunRow, Searchable, StateStore, Target
from knowledge_connector.registry import Registry, config_model, guarded
from knowledge_connector.state import open_state
from knowledge_connector.sync.lane import LaneRun
from knowledge_connector.sync.plan import Change
from knowledge_connector.sync.planfile import Approval, LanePlan, PlanFile
from knowledge_connector.sync.report import SyncReport
from knowledge_connector.sync.rules import RunMode
from knowledge_connector.sync.run import SyncRun
from knowledge_connector.sync.undo import undo
from knowledge_connector.traces import Traces
from knowledge_connector.workshop import Workshop

TableT = TypeVar("TableT")
PluginT = TypeVar("PluginT")


class Host:
    """Everything that `connectors.toml` describes, ready to run.

    Args:
        settings: The configuration.
        clock: Time; the system's unless given.
        store: Where the state is kept; opened from the settings when first needed, unless given.
    """

    def __init__(self, settings: Settings, *, clock: Clock | None = None, store: StateStore | None = None) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self._given_store = store
        self._closing = ExitStack()

    @classmethod
    def from_file(cls, path: str | Path | None = None) -> Self:
        """Read a `connectors.toml`; without a path, the one that `CONNECTOR_CONFIG` names or the one in this folder.

        Raises:
            ConfigError: It is not there, or something in it is wrong.
        """
        return cls(load(Path(path) if path is not None else None))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End child processes and close the state store."""
        self._closing.close()

    def warnings(self) -> list[str]:
        """What a person should mend, as far as it has shown: secrets in clear, broken plugins."""
        problems = self.registry.problems_so_far if "registry" in self.__dict__ else []
        return list(dict.fromkeys([*self.settings.warnings, *map(str, problems)]))

    # ------------------------------------------------------------------------------------------------------------- verbs

    def run(self, name: str, options: RunOptions | None = None) -> SyncReport:
        """Bring one target in step with one connector.

        Raises:
            ConfigError: No such connector, or it has several targets and `options.targets` does not choose one.
        """
        targets = self._targets_of(name, options or RunOptions())
        if len(targets) != 1:
            raise ConfigError(
                f"connector {name!r} has several targets ({', '.join(targets)}): "
                "use Host.sync for all of them, or choose one in options.targets"
            )
        return self.sync(name, options)[0]

    def sync(self, name: str, options: RunOptions | None = None) -> list[SyncReport]:
        """Bring all targets of a connector in step; one report each.

        Raises:
            ConfigError: Something in its configuration is wrong.
            FatalError: Another run of it is under way, or the state store is out of reach. What goes wrong at the origin
                or at one target is in the reports.
        """
        options = options or RunOptions()
        mode = RunMode(allow_deletes=options.allow_deletes)
        return self._execute("run", name, dict.fromkeys(self._targets_of(name, options), mode), options)

    def retry(self, name: str, options: RunOptions | None = None) -> list[SyncReport]:
        """Look again at the documents that failed, and at nothing else."""
        options = options or RunOptions()
        failed = frozenset(row.external_id for _, row in self.store.failures(name))
        modes = dict.fromkeys(self._targets_of(name, options), RunMode(only=failed))
        return self._execute("retry", name, modes, options, only=failed)

    def plan(self, name: str, options: RunOptions | None = None) -> tuple[list[SyncReport], PlanFile]:
        """Do all that `sync` does, but the writing."""
        options = options or RunOptions()
        mode = RunMode(dry=True, allow_deletes=options.allow_deletes)
        modes = dict.fromkeys(self._targets_of(name, options), mode)
        plans = {target: LanePlan(target, "") for target in modes}

        def drive(run: SyncRun, lanes: Sequence[LaneRun]) -> None:
            run.run(lanes)
            for lane in lanes:
                plans[lane.lane.target].holdings = lane.holdings_digest

        assignment = Assignment("plan", name, modes, replace(options, observer=_Noting(options.observer, plans)))
        reports = Execution(self, assignment)(drive)
        for plan in plans.values():
            plan.changes.sort(key=lambda change: (change["action"], change["external_id"]))
        return reports, PlanFile(name, self.clock.now().isoformat(), list(plans.values()))

    def apply(self, plan: PlanFile, options: RunOptions | None = None) -> list[SyncReport]:
        """Carry out a plan: what is in it, and nothing else.

        A target that has moved since is left alone; its report has failed. Documents that have changed at the origin since are left
        for the next plan, and counted as skipped under `not-planned`.
        """
        approvals = {lane.target: Approval(lane) for lane in plan.lanes}
        modes = {
            lane.target: RunMode(
                approved=approvals[lane.target],
                expected_holdings=lane.holdings,
                allow_deletes=approvals[lane.target].deletes,
            )
            for lane in plan.lanes
        }
        reports = self._execute("apply", plan.connector, modes, options or RunOptions())
        for report in reports:
            _tell_what_is_left(report, approvals[report.target])
        return reports

    def undo(self, run: int, options: RunOptions | None = None) -> list[SyncReport]:
        """Bring back what a run replaced or deleted, and take away what it made.

        Raises:
            ConfigError: There is no such run, or nothing that can be undone.
        """
        row = self.store.run(run)
        if row is None:
            raise ConfigError(f"there is no run {run}; see: connector history")
        targets = dict.fromkeys(lane.target for lane, _ in self.store.changes(run))
        if row.kind == "plan":
            raise ConfigError(f"run {run} was a plan, which changes nothing; see: connector history")
        if not targets:
            raise ConfigError(f"run {run} changed nothing, or is no longer kept (see retention_days in [history])")

        def drive(_: SyncRun, lanes: Sequence[LaneRun]) -> None:
            for lane in lanes:
                lane.reconcile()
                for change in undo(self.store, run, lane.lane):
                    lane.take(change)
                lane.close()

        modes = dict.fromkeys(targets, RunMode())
        return Execution(self, Assignment("undo", row.connector, modes, options or RunOptions()))(drive)

    def release(self, name: str) -> int:
        """Let go of what `undo` holds, so that the next run follows the origin again; how many documents."""
        self.connector_settings(name)
        return self.store.release(name)

    # ------------------------------------------------------------------------------------------------------------ looking

    def search(
        self,
        query: str,
        *,
        target: str | None = None,
        connectors: Sequence[str] = (),
        tags: Sequence[str] = (),
        limit: int = 10,
    ) -> list[Hit]:
        """Ask a target that can be asked, as an assistant would; the first such one unless named."""
        return self._searchable(target).search(query, connectors=connectors, tags=tags, limit=limit)

    def sources(
        self, *, target: str | None = None, connector: str | None = None
    ) -> Iterator[tuple[str, KnowledgeSource]]:
        """What such a target holds: owner and source."""
        return self._searchable(target).holdings(connector=connector)

    def history(self, name: str | None = None, limit: int = 50) -> list[RunRow]:
        """The last runs, newest first."""
        return self.store.runs(name, limit)

    # ------------------------------------------------------------------------------------------------------------- parts

    @cached_property
    def registry(self) -> Registry:
        """The plugins."""
        return Registry.load(self.settings.plugins)

    @cached_property
    def store(self) -> StateStore:
        """The state store."""
        store = self._given_store or open_state(self.settings.state.url, self.settings.base, self.clock)
        self._closing.callback(store.close)
        return store

    @cached_property
    def traces(self) -> Traces:
        """Where runs are traced.

        Raises:
            ConfigError: It needs what is not installed.
        """
        traces = Traces(self.settings.traces)
        self._closing.callback(traces.close)
        return traces

    @cached_property
    def workshop(self) -> Workshop:
        """Converters and chunkers, with the child processes that run them."""
        workshop = Workshop(self.registry, self.settings.converters, self.settings.conversion)
        self._closing.callback(workshop.close)
        return workshop

    def connector_settings(self, name: str) -> ConnectorSettings:
        """The table of a connector.

        Raises:
            ConfigError: There is none; the message says which there are.
        """
        return _named(self.settings.connectors, name, "connectors", self.settings.file)

    def connector(self, name: str) -> Connector[Any]:
        """A connector, made from its table."""
        table = self.connector_settings(name)
        cls = self._class_of(table, self.registry.connector)
        config = self.settings.bind(table, config_model(cls))
        with guarded(self.registry.brought_by(cls).name, "being made"):
            return cls(config)

    def target(self, name: str) -> Target[Any]:
        """A target, made from its table."""
        table = _named(self.settings.targets, name, "targets", self.settings.file)
        cls = self._class_of(table, self.registry.target)
        config = self.settings.bind(table, config_model(cls))
        with guarded(self.registry.brought_by(cls).name, "being made"):
            return cls(config)

    def lanes(self, name: str) -> list[Lane]:
        """The lanes of a connector, as configured."""
        return [Lane(name, target) for target in self.connector_settings(name).targets]

    def _class_of(
        self, table: ConnectorSettings | TargetSettings, find: Callable[[str], type[PluginT]]
    ) -> type[PluginT]:
        """The class that a table's `type` names; an unknown one is an error with the table's place."""
        try:
            return find(table.type)
        except ConfigError as error:
            raise self.settings.complaint(table, "type", error.message) from None

    def _targets_of(self, name: str, options: RunOptions) -> tuple[str, ...]:
        return options.targets or self.connector_settings(name).targets

    def _searchable(self, name: str | None) -> Searchable:
        for candidate in [name] if name else self.settings.targets:
            target = self.target(candidate)
            if isinstance(target, Searchable):
                return target
        wanted = f"target {name!r}" if name else "any of the targets"
        raise ConfigError(f"{wanted} cannot be searched from here; targets of type 'sqlite' can")

    def _execute(
        self,
        kind: str,
        name: str,
        modes: Mapping[str, RunMode],
        options: RunOptions,
        only: frozenset[str] | None = None,
    ) -> list[SyncReport]:
        return Execution(self, Assignment(kind, name, modes, options, only))(SyncRun.run)


def _named(tables: Mapping[str, TableT], name: str, section: str, file: Path) -> TableT:
    if name in tables:
        return tables[name]
    there = ", ".join(tables) or "none"
    raise ConfigError(f"there is no [{section}.{name}] in {file}; there are: {there}")


@dataclass(frozen=True, slots=True)
class _Noting:
    """Writes every change into the plan before the observer hears of it."""

    observer: Observer
    plans: Mapping[str, LanePlan]

    def started(self, reports: Sequence[SyncReport]) -> None:
        self.observer.started(reports)

    def changed(self, lane: Lane, change: Change) -> None:
        self.plans[lane.target].add(change)
        self.observer.changed(lane, change)


def _tell_what_is_left(report: SyncReport, approval: Approval) -> None:
    left = approval.left
    if left and report.status in ("ok", "partial"):
        report.status = "partial"
        report.message = (
            f"{len(left)} planned changes did not come up, because the origin has changed since the plan was made; "
            f"the first is {left[0]}. Make a new plan: connector plan {report.connector} --out FILE"
        )
