"""Runs as traces, at a collector over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from scenarios.world import World
from unit.kit.origin import Handler, Origin, answer


@pytest.fixture
def collector() -> Iterator[Origin]:
    server = Origin()
    yield server
    server.close()


def test_a_run_is_a_span_with_what_it_did(tmp_path: Path, collector: Origin) -> None:
    bodies: list[bytes] = []

    def take(handler: Handler) -> None:
        bodies.append(handler.body)
        answer(200, b"", Content_Type="application/x-protobuf")(handler)

    collector.answers = [take]
    options = f'\n[traces]\nendpoint = "{collector.url}/v1/traces"\ntoken = "t0ken"\n'
    world = World(tmp_path, options=options)
    world.put("d1", "text")
    report = world.run()
    [request] = [ExportTraceServiceRequest.FromString(body) for body in bodies]
    [span] = request.resource_spans[0].scope_spans[0].spans
    told = {one.key: one.value for one in span.attributes}
    assert span.name == "run shelf"
    assert (told["run"].int_value, told["documents.created"].int_value, told["status"].string_value) == (1, 1, "ok")
    assert span.end_time_unix_nano - span.start_time_unix_nano == pytest.approx(report.seconds * 1e9, abs=1e6)
    headers = {name.lower(): value for name, value in collector.requests[0][2].items()}
    assert headers["authorization"] == "Bearer t0ken"


def test_a_collector_that_is_away_does_not_trouble_a_run(tmp_path: Path, collector: Origin) -> None:
    collector.answers = [answer(404)]
    world = World(tmp_path, options=f'\n[traces]\nendpoint = "{collector.url}/v1/traces"\n')
    world.put("d1", "text")
    assert world.run().status == "ok"
    assert len(collector.requests) == 1
