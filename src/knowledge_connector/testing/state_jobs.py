# a question is its name
"""What a state store has to know about jobs; part of `StateStoreContract`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from knowledge_connector.ports import JobRow, Occasion, StateStore
from knowledge_connector.testing.state_samples import NOON


class JobsContract:
    """The questions."""

    def test_a_job_is_kept_as_it_was(self, store: StateStore) -> None:
        new = JobRow("nightly", "0 3 * * * UTC", NOON)
        done = JobRow("hourly", "", NOON, NOON - timedelta(microseconds=1), 2, "ok", NOON, NOON + timedelta(seconds=1))
        store.keep_job(new)
        store.keep_job(done)
        assert store.jobs() == {"nightly": new, "hourly": done}

    def test_keeping_a_job_again_replaces_it(self, store: StateStore) -> None:
        row = JobRow("nightly", "r", NOON, NOON, 1, "running", NOON)
        store.keep_job(row)
        row = replace(row, rule="s", status="ok", finished_at=NOON + timedelta(hours=1))
        store.keep_job(row)
        assert store.jobs() == {"nightly": row}

    def test_runs_are_found_by_what_they_were_for(self, store: StateStore) -> None:
        occasion = Occasion("nightly", NOON)
        first = store.start_run("run", "handbook", NOON, occasion)
        store.finish_run(first, "ok", NOON, "[]")
        second = store.start_run("run", "wiki", NOON, occasion)
        for other in (Occasion("nightly", NOON + timedelta(days=1)), Occasion("hourly", NOON), None):
            store.start_run("run", "handbook", NOON, other)
        found = store.runs_for(occasion)
        assert [(run.id, run.status, run.occasion) for run in found] == [
            (first, "ok", occasion),
            (second, "running", occasion),
        ]
        assert [run.occasion for run in store.runs("handbook", 1)] == [None]
