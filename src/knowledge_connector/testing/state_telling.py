# a question is its name
"""What every state store has to do for those who are told when something is wrong."""

from __future__ import annotations

from datetime import timedelta

from knowledge_connector.ports import StateStore, Told
from knowledge_connector.testing.state_samples import NOON


class TellingContract:
    """The questions."""

    def test_a_channel_knows_what_it_was_told(self, store: StateStore) -> None:
        one, other = Told("ops", "failure", "connector wiki", NOON), Told("mail", "failure", "connector wiki", NOON)
        for told in (one, other, one):
            store.keep_told(told)
        assert store.told() == [other, one]
        store.forget_told(one)
        store.forget_told(one)
        assert store.told() == [other]

    def test_the_last_run_that_ended_is_none_that_was_interrupted_or_died(self, store: StateStore) -> None:
        assert (store.last_ended_run("wiki"), store.last_success("wiki")) == (None, None)
        for number, (kind, status) in enumerate(
            [("run", "ok"), ("plan", "failed"), ("run", "failed"), ("undo", "ok"), ("run", "interrupted")]
        ):
            run = store.start_run(kind, "wiki", NOON + timedelta(hours=number))
            store.finish_run(run, status, NOON + timedelta(hours=number, minutes=1), "[]")
        store.start_run("run", "wiki", NOON + timedelta(hours=9))
        last = store.last_ended_run("wiki")
        assert last is not None
        assert (last.kind, last.status) == ("run", "failed")
        assert store.last_success("wiki") == NOON + timedelta(minutes=1)
        assert store.last_ended_run("another") is None
