"""Reconciling, on any memory and any holdings: what the target holds is what memory says, and doing it again does nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge_connector.model import KnowledgeSource, digest
from knowledge_connector.ports import Known, Lane, StateStore

from .conftest import Open

IDS = ["a", "b", "c/\udce4", "d" * 600]
ids = st.sampled_from(IDS)
marks = st.sampled_from(["x", "y"])
reasons = st.none() | marks
small = st.integers(0, 2)

memories = st.lists(
    st.builds(
        Known,
        external_digest=st.just(""),
        external_id=ids,
        source_id=st.none() | st.sampled_from(["s0", "s1", "s2"]),
        revision_mark=reasons,
        content_mark=reasons,
        fingerprint=marks,
        metadata_fingerprint=reasons,
        derived=reasons,
        chunk_count=small,
        skipped=reasons,
        doomed=reasons,
        held_fingerprint=reasons,
    ).map(lambda row: replace(row, external_digest=digest(row.external_id or ""))),
    unique_by=lambda row: row.external_digest,
)
holdings = st.lists(
    st.tuples(
        st.builds(KnowledgeSource, st.just(""), ids, st.none(), marks, reasons, small, reasons, reasons), st.booleans()
    )
).map(lambda found: [_named(number, source, known) for number, (source, known) in enumerate(found)])


def _named(number: int, source: KnowledgeSource, id_is_known: bool) -> KnowledgeSource:
    external_id = source.external_digest
    return replace(
        source,
        source_id=f"s{number}",
        external_digest=digest(external_id),
        external_id=external_id if id_is_known else None,
    )


@pytest.fixture
def fresh_lane(open_store: Open) -> Callable[[], tuple[StateStore, Lane]]:
    store = open_store()
    numbers = count()
    return lambda: (store, Lane("handbook", str(next(numbers))))


def everything(store: StateStore, lane: Lane) -> dict[str, Known]:
    return store.lookup(lane, IDS)


def as_held(row: Known) -> tuple[object, ...]:
    return (row.source_id, row.external_digest, row.fingerprint, row.chunk_count)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(memory=memories, held=holdings, failed=st.sets(ids))
def test_memory_becomes_what_the_target_holds(
    fresh_lane: Callable[[], tuple[StateStore, Lane]],
    memory: Sequence[Known],
    held: Sequence[KnowledgeSource],
    failed: set[str],
) -> None:
    store, lane = fresh_lane()
    store.keep(lane, memory)
    found = store.reconcile(lane, held)

    left = [source for source in held if source not in found.leftovers]
    rows = list(store.rows(lane))
    assert sorted(map(as_held, rows)) == sorted(
        (source.source_id, source.external_digest, source.fingerprint, source.chunk_count) for source in left
    )
    assert len({source.external_digest for source in left}) == len(left)
    assert {s.external_digest for s in left} == {s.external_digest for s in held if s.committed}
    was = {row.external_digest: row for row in memory if row.source_id is not None}
    same = {row.external_digest for row in rows if _content(was.get(row.external_digest)) == _content(row)}
    assert found.lost == len(was.keys() - same)
    for row in rows:
        if row.external_digest in same:
            assert row.content_mark == was[row.external_digest].content_mark
        elif row.external_digest in was:
            assert row.content_mark is None

    after = everything(store, lane)
    assert store.reconcile(lane, left).leftovers == ()
    assert everything(store, lane) == after
    assert store.reconcile(lane, left).lost == 0


def _content(row: Known | None) -> tuple[object, ...] | None:
    return None if row is None else (row.fingerprint, row.chunk_count)
