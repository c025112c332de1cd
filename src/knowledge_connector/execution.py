"""One run, put together: the lease, the lanes with their sessions, the reading, and the books afterwards."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any, Protocol

from knowledge_connector.errors import ConnectorError
from knowledge_connector.kit.budget import throttled_seconds
from knowledge_connector.model import Workload, digest
from knowledge_connector.ports import ChunkRules, Holdings, Lane, Occasion, Target
from knowledge_connector.sync.body import Fetcher
from knowledge_connector.sync.context import RunContext
from knowledge_connector.sync.crew import Crew
from knowledge_connector.sync.guard import DeleteRules, ErrorRules
from knowledge_connector.sync.lane import LaneRun
from knowledge_connector.sync.means import Means
from knowledge_connector.sync.plan import Change
from knowledge_connector.sync.report import Status, SyncReport
from knowledge_connector.sync.rules import LaneRules, RunMode
from knowledge_connector.sync.run import RunRules, SyncRun

if TYPE_CHECKING:
    import httpx

    from knowledge_connector.app import Host

log = logging.getLogger(__name__)


class Observer(Protocol):
    """Somebody who watches a run, such as the command line."""

    def started(self, reports: Sequence[SyncReport]) -> None:
        """A run begins; the reports fill up while it goes on."""
        ...

    def changed(self, lane: Lane, change: Change) -> None:
        """Something other than a Keep was decided."""
        ...


class Nobody:
    """An observer that looks away."""

    def started(self, reports: Sequence[SyncReport]) -> None:
        """See `Observer.started`."""

    def changed(self, lane: Lane, change: Change) -> None:
        """See `Observer.changed`."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the caller of a run may say.

    Attributes:
        targets: Write to these instead of the configured ones; none for those.
        allow_deletes: The ceiling of deletes that a person approved.
        full: Ignore cursor and revisions: list everything, read everything, compare by text.
        stop: Set it to end the run early, in good order.
        observer: Is told what happens.
        occasion: The job and due time that it is for, if it is for one.
    """

    targets: tuple[str, ...] = ()
    allow_deletes: int | None = None
    full: bool = False
    stop: Event = field(default_factory=Event)
    observer: Observer = field(default_factory=Nobody)
    occasion: Occasion | None = None


Drive = Callable[[SyncRun, Sequence[LaneRun]], None]
"""What a run does with its lanes: read into them, or undo."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What is to be run, and how.

    Attributes:
        kind: For the history: run, plan, apply, undo or retry.
        modes: What is special about the lane of each target; targets that are not named here take no part.
        only: Look at these documents only.
    """

    kind: str
    connector: str
    modes: Mapping[str, RunMode]
    options: RunOptions
    only: frozenset[str] | None = None

    @property
    def dry(self) -> bool:
        """Whether nothing shall be written."""
        return self.kind == "plan"


class Execution:
    """Carries out one assignment."""

    def __init__(self, host: Host, assignment: Assignment) -> None:
        self._host, self._assignment, self._options = host, assignment, assignment.options
        self._settings = host.connector_settings(assignment.connector)
        self._connector = host.connector(assignment.connector)
        self._targets = {name: host.target(name) for name in assignment.modes}
        self._store, self._clock = host.store, host.clock
        self._full = assignment.options.full or self._verification_is_due()
        self._throttled_before = 0.0
        self.reports: list[SyncReport] = []

    def __call__(self, drive: Drive) -> list[SyncReport]:
        """Take the lease, run, and write it into the history."""
        name = self._assignment.connector
        with self._store.lease(name) as lease, Crew() as crew, ExitStack() as stack:
            number = self._store.start_run(self._assignment.kind, name, self._clock.now(), self._options.occasion)
            self.reports = [self._report(number, target) for target in self._targets]
            self._options.observer.started(self.reports)
            self._host.registry.run_started(number, name)
            began, self._throttled_before = self._clock.monotonic(), throttled_seconds()
            means = Means(self._store, lease, crew, self._clock)
            run = self._sync_run(number, means)
            try:
                lanes = self._lanes(run, means, stack)
                if lanes:
                    drive(run, lanes)
                    self._conclude(run, lanes)
            except ConnectorError as error:
                self._fail(error)
                raise
            finally:
                run.close()
                self._write_up(number, self._clock.monotonic() - began)
        return self.reports

    # ----------------------------------------------------------------------------------------------------------- before

    def _report(self, number: int, target: str) -> SyncReport:
        """A report that says "interrupted" until the run has come to its end."""
        name, dry = self._assignment.connector, self._assignment.dry
        return SyncReport(number, name, target, self._clock.now(), applied=not dry, status="interrupted")

    def _sync_run(self, number: int, means: Means) -> SyncRun:
        settings, assignment = self._settings, self._assignment
        rules = RunRules(
            workers=settings.fetch_workers,
            errors=ErrorRules(**settings.errors.model_dump()),
            validity=self._validity(),
            full=self._full,
            only=assignment.only,
            dry=assignment.dry,
        )
        fetcher = Fetcher(self._host.workshop.prepare, max_bytes=settings.max_document_bytes)
        context = Contexts(self._host, assignment.connector, number)
        return SyncRun(number, self._connector, context, fetcher, means, rules, self._options.stop)

    def _verification_is_due(self) -> bool:
        every = self._settings.verify_every_runs
        return every > 0 and self._store.count_runs(self._assignment.connector) % every == every - 1

    def _validity(self) -> str:
        """A cursor tells the truth only for the same options, targets and recipes."""
        rules = [self._rules(target) for target in self._targets.values()]
        recipes = [rule.recipe(None) or "" for rule in rules]
        return digest(self._settings.type, repr(self._connector.config), *self._targets, *recipes)

    def _lanes(self, run: SyncRun, means: Means, stack: ExitStack) -> list[LaneRun]:
        lanes = []
        for report, (name, target) in zip(self.reports, self._targets.items(), strict=True):
            try:
                session = stack.enter_context(target.open(report.connector, fence=means.lease.fence))
            except ConnectorError as error:
                _failed(report, error)
                continue
            lane = Lane(report.connector, name)
            made = LaneRun(
                lane,
                self._rules(target),
                self._assignment.modes[name],
                report,
                session,
                means,
                settled=run.settled,
                emit=partial(self._options.observer.changed, lane),
            )
            stack.callback(made.dispose)
            lanes.append(made)
        return lanes

    def _rules(self, target: Target[Any]) -> LaneRules:
        settings, limits = self._settings, target.limits
        chunker, chunk_rules = self._cutting(target)
        return LaneRules(
            limits,
            keeps_content=target.keeps_content,
            recipe=lambda media_type: self._host.workshop.recipe(media_type, chunker, chunk_rules),
            tags=settings.tags,
            chunker=chunker,
            chunk_rules=chunk_rules,
            max_bytes=settings.max_document_bytes,
            deletes=DeleteRules(settings.deletes.max_documents, settings.deletes.max_percent),
            refetch=self._full,
        )

    def _cutting(self, target: Target[Any]) -> tuple[str, ChunkRules]:
        """Who cuts documents for a target, and how. A target that cuts for itself is given the whole document."""
        wanted, limits = self._settings.chunks, target.limits
        if target.grain == "document":
            return "whole", ChunkRules(limits.max_chars, unit=limits.unit)
        return wanted.chunker, ChunkRules(
            max_chars=min(wanted.max_chars or limits.max_chars, limits.max_chars),
            overlap_chars=wanted.overlap_chars,
            unit=limits.unit,
            counts_metadata=limits.counts_metadata,
        )

    # ------------------------------------------------------------------------------------------------------------ after

    def _conclude(self, run: SyncRun, lanes: Sequence[LaneRun]) -> None:
        for lane in lanes:
            error = lane.error or run.error
            if error is not None:
                _failed(lane.report, error)
            else:
                _judge(lane.report, interrupted=run.interrupted)
            if self._assignment.dry:
                lane.report.estimate = self._targets[lane.lane.target].estimate(_workload(lane.report))
            lane.report.seconds_by_phase |= {"read": run.seconds_reading, **lane.seconds_by_phase}
            if waited := throttled_seconds() - self._throttled_before:
                lane.report.seconds_by_phase["throttled"] = waited

    def _fail(self, error: ConnectorError) -> None:
        for report in self.reports:
            _failed(report, error)

    def _write_up(self, number: int, seconds: float) -> None:
        statuses: set[Status] = set()
        for report in self.reports:
            report.seconds = seconds
            statuses.add(report.status)
            self._host.registry.run_finished(number, report)
            self._host.traces.note(report)
        status = next(status for status in _WORST_FIRST if status in statuses)
        now = self._clock.now()
        text = "[" + ",".join(report.to_json() for report in self.reports) + "]"
        self._store.finish_run(number, status, now, text)
        self._store.prune(now - timedelta(days=self._host.settings.history.retention_days))


_WORST_FIRST: tuple[Status, ...] = ("failed", "interrupted", "withheld", "partial", "ok")


def _workload(report: SyncReport) -> Workload:
    return Workload(report.created, report.updated, report.retagged, report.deleted, report.chunks_written)


def _failed(report: SyncReport, error: ConnectorError) -> None:
    report.status = "failed"
    report.message = error.message
    log.info("run failed", extra={"target": report.target, "error": type(error).__name__, "where": error.where})


def _judge(report: SyncReport, *, interrupted: bool) -> None:
    report.status = "ok"
    if interrupted:
        report.status = "interrupted"
        report.message = "Stopped early. What was done is kept; the next run goes on from there."
    elif report.withheld:
        report.status = "withheld"
    elif report.failed:
        report.status = "partial"
    elif not report.listed and not report.changed:
        report.message = report.message or "The origin listed nothing at all. Is that right?"


@dataclass(frozen=True, slots=True)
class Contexts:
    """Makes what a connector is lent."""

    host: Host
    connector: str
    run: int = 0

    def __call__(self, cursor: Mapping[str, Any] | None, retry: Sequence[str], holdings: Holdings) -> RunContext:
        """See `sync.run.ContextFactory`."""
        fields = {"run_id": self.run, "connector": self.connector}
        logger = _Telling(logging.getLogger(f"knowledge_connector.connectors.{self.connector}"), fields)
        return RunContext(cursor, retry, holdings, self.host.clock, logger, self._http)

    def _http(self) -> httpx.Client:
        from knowledge_connector.kit.remote import make_origin_client  # no client for an origin that needs none

        return make_origin_client(self.host.connector(self.connector).config, self.host.clock)


class _Telling(logging.LoggerAdapter[logging.Logger]):
    """Adds run and connector to what a plugin says, and keeps the fields that it gives itself."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        return msg, {**kwargs, "extra": {**(self.extra or {}), **(kwargs.get("extra") or {})}}
