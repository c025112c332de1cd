"""What Prometheus is told. Counters begin at zero with the process; what has an age comes from the state store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from knowledge_connector.jobs.events import (
    ConfigRefused,
    ConfigReloaded,
    Event,
    JobEnded,
    JobOverran,
    JobSkipped,
    Overview,
    RunEnded,
)
from knowledge_connector.ports import Clock
from knowledge_connector.watch.watcher import Seen

OUTCOMES = ("created", "updated", "retagged", "deleted", "kept", "held", "failed", "withheld")
CHUNKS = {"chunks_written": "written", "chunks_deleted": "deleted"}
THROTTLED = "throttled"
"""The phase in which a run waited because the other side asked for it, or its rate had been used up."""

PREFIX = "knowledge_connector"
LANE = ("connector", "target")


class Metrics:
    """A `Listener` that counts.

    Args:
        overview: Gives what the runner says.
        seen: Gives what the watcher saw.
    """

    def __init__(self, overview: Callable[[], Overview], seen: Callable[[], Seen], clock: Clock) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second line for each counter, for nobody
        self._registry = CollectorRegistry()
        self._runs = self._counter("runs", "Runs that ended, by status.", *LANE, "status")
        self._documents = self._counter("documents", "Documents by what became of them.", *LANE, "outcome")
        self._skipped = self._counter("documents_skipped", "Documents left out, by reason.", *LANE, "reason")
        self._chunks = self._counter("chunks", "Chunks written and deleted.", *LANE, "change")
        self._phases = self._counter("phase_seconds", "Where the time of runs went; phases overlap.", *LANE, "phase")
        self._throttle = self._counter("throttle_seconds", "Time that runs waited because a rate was used up.", *LANE)
        self._calls = self._counter("calls", "Calls of targets, by endpoint.", *LANE, "endpoint")
        self._jobs = self._counter("jobs", "Due times of jobs, by how they ended.", "job", "outcome")
        self._seconds = self._gauge("last_run_seconds", "How long the last run took.", *LANE)
        self._withheld = self._gauge("withheld_deletes", "Deletes that wait for a person since the last run.", *LANE)
        self._config = self._gauge("config_current", "1 if the newest configuration counts, 0 if it is broken.")
        self._config.set(1)
        self._registry.register(_Now(overview, seen, clock))
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", help_text, labels, registry=self._registry)

    def _gauge(self, name: str, help_text: str, *labels: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", help_text, labels, registry=self._registry)

    def render(self) -> bytes:
        """Everything, in the text format of Prometheus 0.0.4."""
        return generate_latest(self._registry)

    def hear(self, event: Event) -> None:
        """See `Listener`."""
        match event:
            case RunEnded():
                for report in event.reports:
                    self._count(report)
                if not event.reports:
                    self._runs.labels(event.connector, "", event.status).inc()
            case JobEnded():
                self._jobs.labels(event.job, event.status).inc()
            case JobSkipped() if event.connector is None:
                self._jobs.labels(event.job, "skipped").inc()
            case JobOverran():
                self._jobs.labels(event.job, "stopped").inc()
            case ConfigReloaded() | ConfigRefused():
                self._config.set(isinstance(event, ConfigReloaded))

    def _count(self, report: Mapping[str, Any]) -> None:
        lane = (report["connector"], report["target"])
        self._runs.labels(*lane, report["status"]).inc()
        for outcome in OUTCOMES:
            self._documents.labels(*lane, outcome).inc(report[outcome])
        for reason, number in report["skipped"].items():
            self._skipped.labels(*lane, reason).inc(number)
        for field, change in CHUNKS.items():
            self._chunks.labels(*lane, change).inc(report[field])
        for phase, seconds in report["seconds_by_phase"].items():
            self._phases.labels(*lane, phase).inc(seconds)
        for endpoint, number in report["calls"].items():
            self._calls.labels(*lane, endpoint).inc(number)
        self._throttle.labels(*lane).inc(report["seconds_by_phase"].get(THROTTLED, 0))
        self._seconds.labels(*lane).set(report["seconds"])
        self._withheld.labels(*lane).set(report["withheld"])


class _Now(Collector):
    """What is so at the moment of asking."""

    def __init__(self, overview: Callable[[], Overview], seen: Callable[[], Seen], clock: Clock) -> None:
        self._overview, self._seen, self._clock = overview, seen, clock

    def collect(self) -> Iterator[Metric]:
        """See `Collector`."""
        yield from _ages(self._seen(), self._clock.now().timestamp())
        yield from _schedule(self._overview())


def _ages(seen: Seen, now: float) -> Iterator[Metric]:
    moment = GaugeMetricFamily(
        f"{PREFIX}_last_success_timestamp_seconds", "When a run ended well, since 1970.", labels=["connector"]
    )
    age = GaugeMetricFamily(f"{PREFIX}_last_success_age_seconds", "How long ago that was.", labels=["connector"])
    for connector, at in seen.last_success.items():
        moment.add_metric([connector], at.timestamp())
        age.add_metric([connector], now - at.timestamp())
    trouble = GaugeMetricFamily(f"{PREFIX}_trouble", "1 for what a person should know of.", labels=["subject", "kind"])
    for one in seen.troubles:
        trouble.add_metric([one.subject, one.kind], 1)
    yield from (moment, age, trouble)


def _schedule(overview: Overview) -> Iterator[Metric]:
    due = GaugeMetricFamily(
        f"{PREFIX}_job_due_timestamp_seconds", "When a job is due next, since 1970.", labels=["job"]
    )
    running = GaugeMetricFamily(f"{PREFIX}_job_running", "1 while a job is under way.", labels=["job"])
    under_way = {one.job for one in overview.running}
    for one in overview.upcoming:
        if one.due_at is not None:
            due.add_metric([one.job], one.due_at.timestamp())
        running.add_metric([one.job], one.job in under_way)
    yield from (due, running)
