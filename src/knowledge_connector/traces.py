"""Runs as OpenTelemetry traces: one span for each connector and target, sent by OTLP over HTTP. The extra `otel` brings what it needs."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING

from knowledge_connector.errors import ConfigError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from knowledge_connector.config import TraceSettings
    from knowledge_connector.sync.report import SyncReport

SERVICE = "knowledge-connector"
SEND_SECONDS = 10
"""How long the end of a run waits for spans to be sent."""

COUNTS = ("listed", "created", "updated", "retagged", "deleted", "kept", "failed", "withheld", "chunks_written")


class Traces:
    """Sends what runs did; nothing at all where `[traces]` names no endpoint.

    Raises:
        ConfigError: An endpoint is named, and the extra is not installed.
    """

    def __init__(self, settings: TraceSettings) -> None:
        self._settings = settings
        if settings.endpoint and find_spec("opentelemetry") is None:
            raise ConfigError(
                "traces.endpoint needs what is not installed (opentelemetry): pip install 'knowledge-connector[otel]'"
            )

    def note(self, report: SyncReport) -> None:
        """Make a span of a run that has ended."""
        if not self._settings.endpoint:
            return
        from opentelemetry.trace import Status, StatusCode

        tracer = self._provider.get_tracer("knowledge_connector")
        begin = _nanoseconds(report.started_at)
        span = tracer.start_span(f"run {report.connector}", start_time=begin)
        for name, value in _attributes(report).items():
            span.set_attribute(name, value)
        if report.status == "failed":
            span.set_status(Status(StatusCode.ERROR, report.message))
        span.end(end_time=begin + int(report.seconds * 1e9))

    def close(self) -> None:
        """Send what is left."""
        if "_provider" in self.__dict__:
            self._provider.force_flush(SEND_SECONDS * 1000)
            self._provider.shutdown()

    @cached_property
    def _provider(self) -> TracerProvider:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        token = self._settings.token
        headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
        exporter = OTLPSpanExporter(endpoint=self._settings.endpoint, headers=headers, timeout=SEND_SECONDS)
        provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        return provider


def _attributes(report: SyncReport) -> dict[str, str | int | float]:
    phases = {f"seconds.{phase}": seconds for phase, seconds in report.seconds_by_phase.items()}
    counts = {f"documents.{name}": getattr(report, name) for name in COUNTS}
    own = {"run": report.run, "connector": report.connector, "target": report.target, "status": report.status}
    return {**own, **counts, **phases}


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1e6) * 1000
