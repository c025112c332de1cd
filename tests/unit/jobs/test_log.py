"""Events in the log: how loud, and in which words."""

from __future__ import annotations

import logging

import pytest

from knowledge_connector.jobs.events import (
    ConfigRefused,
    ConfigReloaded,
    Event,
    JobDue,
    JobEnded,
    JobOverran,
    JobSkipped,
    RunEnded,
    RunStarted,
)
from knowledge_connector.jobs.log import Logging

from .conftest import NOON


def ended(status: str, message: str = "") -> RunEnded:
    return RunEnded("nightly", "docs", NOON, NOON, 1.23456, status, 0, [{"run": 7, "target": "local"}], message)


@pytest.mark.parametrize(
    ("event", "level"),
    [
        (JobDue("nightly", NOON, NOON, 1), "INFO"),
        (RunStarted("nightly", "docs", NOON, NOON), "INFO"),
        (ended("ok"), "INFO"),
        (ended("interrupted"), "INFO"),
        (ended("partial"), "WARNING"),
        (ended("failed"), "WARNING"),
        (ended("withheld"), "WARNING"),
        (JobSkipped("nightly", NOON, NOON, "under way"), "WARNING"),
        (JobOverran("nightly", NOON, NOON, "docs", "2h", killed=True), "WARNING"),
        (JobEnded("nightly", NOON, NOON, "ok"), "INFO"),
        (JobEnded("nightly", NOON, NOON, "overran"), "WARNING"),
        (ConfigReloaded(NOON), "INFO"),
        (ConfigRefused(NOON, "broken"), "WARNING"),
    ],
)
def test_what_a_person_should_read_is_a_warning(event: Event, level: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Logging().hear(event)
    assert [record.levelname for record in caplog.records] == [level]


def test_an_event_is_words_and_fields(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Logging().hear(ended("failed", "why"))
    (record,) = caplog.records
    expected = {
        "job": "nightly",
        "connector": "docs",
        "due_at": "2026-06-01T12:00:00+00:00",
        "seconds": 1.235,
        "status": "failed",
        "exit_code": 0,
        "reason": "why",
        "runs": [7],
    }
    assert record.getMessage() == "run ended"
    assert {name: getattr(record, name) for name in expected} == expected
    assert not hasattr(record, "reports")
