"""The three pages, over real sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from knowledge_connector.errors import ConfigError
from knowledge_connector.jobs.events import (
    ConfigRefused,
    ConfigReloaded,
    JobEnded,
    JobOverran,
    JobSkipped,
    Overview,
    RunEnded,
    Running,
    Upcoming,
)
from knowledge_connector.server.door import Pages, open_door
from knowledge_connector.server.health import SILENCE, Verdict, alive, ready
from knowledge_connector.server.metrics import Metrics
from knowledge_connector.sync.report import SyncReport
from knowledge_connector.testing.context import FakeClock
from knowledge_connector.watch.troubles import Trouble
from knowledge_connector.watch.watcher import Seen

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CALM = Overview((Upcoming("nightly", NOW + timedelta(hours=15), NOW + timedelta(hours=15)),), (), NOW, "")
SEEN = Seen(NOW, last_success={"wiki": NOW - timedelta(hours=2)})


def pages(**changes: object) -> Pages:
    made = Pages(lambda: Verdict(True), lambda: Verdict(False, ("the state store is away",)), lambda: b"metric 1\n")
    return replace(made, **changes)  # type: ignore[arg-type]  # tests vary them


@pytest.fixture
def door() -> Iterator[str]:
    with open_door("127.0.0.1", 0, pages()) as url:
        yield url


def get(url: str, **headers: str) -> httpx.Response:
    return httpx.get(url, headers=headers, trust_env=False)


def test_alive_and_ready_say_so_and_why_not(door: str) -> None:
    assert (get(f"{door}/healthz").status_code, get(f"{door}/healthz").json()) == (200, {"status": "ok", "reasons": []})
    answer = get(f"{door}/readyz?verbose")
    assert (answer.status_code, answer.json()["reasons"]) == (503, ["the state store is away"])


def test_other_paths_are_told_what_there_is(door: str) -> None:
    assert (get(f"{door}/").status_code, "/metrics" in get(f"{door}/").text) == (404, True)
    assert httpx.post(f"{door}/metrics", trust_env=False).status_code == 501


def test_metrics_are_free_without_a_token_and_guarded_with_one(door: str) -> None:
    assert get(f"{door}/metrics").text == "metric 1\n"
    with open_door("127.0.0.1", 0, pages(token="open sesame")) as url:  # noqa: S106  # of this test
        assert get(f"{url}/metrics").status_code == 401
        assert get(f"{url}/metrics", Authorization="Bearer open").status_code == 401
        assert get(f"{url}/metrics", Authorization="Bearer open sesame").text == "metric 1\n"
        assert get(f"{url}/healthz").status_code == 200


def test_a_head_has_no_body(door: str) -> None:
    answer = httpx.head(f"{door}/metrics", trust_env=False)
    assert (answer.headers["content-length"], answer.content) == ("9", b"")


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"serve\.port: cannot listen on 127\.0\.0\.1 port {port}"):
            open_door("127.0.0.1", port, pages()).__enter__()


# -- health -------------------------------------------------------------------------------------------------------------


def test_who_does_not_look_any_more_is_not_alive() -> None:
    assert alive(CALM, NOW + SILENCE).well
    assert not alive(CALM, NOW + SILENCE + timedelta(seconds=1)).well
    assert alive(replace(CALM, last_tick=None), NOW).well


@pytest.mark.parametrize(
    ("overview", "seen", "refused", "reason"),
    [
        (CALM, SEEN, "", ""),
        (replace(CALM, last_tick=None), SEEN, "", "not been looked for yet"),
        (replace(CALM, trouble="no disk"), SEEN, "", "state store: no disk"),
        (CALM, replace(SEEN, store_trouble="locked"), "", "state store: locked"),
        (CALM, SEEN, "connectors.x is unknown", "the former one counts: connectors.x is unknown"),
        (replace(CALM, last_tick=NOW - timedelta(hours=1)), SEEN, "", "looked for last at"),
    ],
)
def test_ready_means_that_jobs_would_run(overview: Overview, seen: Seen, refused: str, reason: str) -> None:
    verdict = ready(overview, seen, refused, NOW)
    assert verdict.well == (not reason)
    assert reason in " ".join(verdict.reasons)


# -- metrics ------------------------------------------------------------------------------------------------------------


def values(metrics: Metrics) -> dict[str, float]:
    """Samples by name and labels, as Prometheus reads them."""
    found = {}
    for family in text_string_to_metric_families(metrics.render().decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name.removeprefix('knowledge_connector_')}{{{labels}}}"] = sample.value
    return found


def report(**changes: object) -> dict[str, object]:
    made = SyncReport(7, "wiki", "local", NOW, listed=5, created=2, kept=3, chunks_written=9, seconds=1.5)
    made.calls, made.seconds_by_phase = {"POST chunks": 9}, {"read": 1.0, "throttled": 0.5}
    made.skipped["too-large"] = 1
    return {**made.as_dict(), **changes}


def ended(*reports: dict[str, object], status: str = "ok") -> RunEnded:
    return RunEnded("nightly", "wiki", NOW, NOW, 1.5, status, 0, reports, "")


def test_runs_are_counted_by_what_became_of_them() -> None:
    metrics = Metrics(lambda: CALM, lambda: SEEN, FakeClock(NOW))
    for event in (ended(report()), ended(report(status="withheld", withheld=16)), ended(status="busy")):
        metrics.hear(event)
    told = values(metrics)
    lane = "connector=wiki"
    assert told[f"runs_total{{{lane},status=ok,target=local}}"] == 1
    assert told[f"runs_total{{{lane},status=withheld,target=local}}"] == 1
    assert told[f"runs_total{{{lane},status=busy,target=}}"] == 1
    assert told[f"documents_total{{{lane},outcome=created,target=local}}"] == 4
    assert told[f"documents_skipped_total{{{lane},reason=too-large,target=local}}"] == 2
    assert told[f"chunks_total{{change=written,{lane},target=local}}"] == 18
    assert told[f"calls_total{{{lane},endpoint=POST chunks,target=local}}"] == 18
    assert told[f"phase_seconds_total{{{lane},phase=read,target=local}}"] == 2
    assert told[f"throttle_seconds_total{{{lane},target=local}}"] == 1
    assert told[f"withheld_deletes{{{lane},target=local}}"] == 16
    assert told[f"last_run_seconds{{{lane},target=local}}"] == 1.5


def test_ages_and_schedules_are_those_of_the_moment() -> None:
    trouble = Trouble("stale", "connector wiki", NOW, "", "")
    clock = FakeClock(NOW)
    busy = replace(CALM, running=(Running("nightly", NOW, NOW),))
    metrics = Metrics(lambda: busy, lambda: replace(SEEN, troubles=(trouble,)), clock)
    clock.advance(60)
    told = values(metrics)
    assert told["last_success_age_seconds{connector=wiki}"] == 2 * 3600 + 60
    assert told["last_success_timestamp_seconds{connector=wiki}"] == NOW.timestamp() - 2 * 3600
    assert told["trouble{kind=stale,subject=connector wiki}"] == 1
    assert told["job_due_timestamp_seconds{job=nightly}"] == NOW.timestamp() + 15 * 3600
    assert told["job_running{job=nightly}"] == 1
    assert told["process_resident_memory_bytes{}"] > 10**6


def test_jobs_and_configurations_are_counted() -> None:
    metrics = Metrics(lambda: CALM, lambda: SEEN, FakeClock(NOW))
    for event in (
        JobEnded("nightly", NOW, NOW, "ok"),
        JobSkipped("nightly", NOW, NOW, "busy"),
        JobSkipped("nightly", NOW, NOW, "busy", connector="wiki"),
        JobOverran("nightly", NOW, NOW, "wiki", "90m", killed=True),
        ConfigRefused(NOW, "broken"),
    ):
        metrics.hear(event)
    told = values(metrics)
    assert [told[f"jobs_total{{job=nightly,outcome={outcome}}}"] for outcome in ("ok", "skipped", "stopped")] == [
        1,
        1,
        1,
    ]
    assert told["config_current{}"] == 0
    metrics.hear(ConfigReloaded(NOW))
    assert values(metrics)["config_current{}"] == 1
