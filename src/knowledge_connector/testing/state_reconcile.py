# a question is its name
"""What `StateStore.reconcile` has to do: part of `StateStoreContract`."""

from __future__ import annotations

from dataclasses import replace

from knowledge_connector.model import digest
from knowledge_connector.ports import Effect, Known, Reconciled, StateStore
from knowledge_connector.testing.state_samples import LANE, NOON, ODD_IDS, OTHER, known, source

TWINS = [source("a", source_id=name, fingerprint=f"fp {name}") for name in ("s1", "s3", "s2")]


class ReconcileContract:
    """The questions."""

    def test_unknown_sources_are_learned(self, store: StateStore) -> None:
        sources = [source("a"), source("b", external_id=None, uri=None, revision_mark=None, metadata_fingerprint=None)]
        assert store.reconcile(LANE, iter(sources)) == Reconciled()
        assert store.lookup(LANE, ["a", "b"]) == {
            "a": known("a", revision=None, content_mark=None, derived=None, listed=0),
            "b": Known(digest("b"), None, "source of b", "b", fingerprint="fp of b", chunk_count=2),
        }
        assert store.count_sources(OTHER) == 0

    def test_any_id_is_learned(self, store: StateStore) -> None:
        store.reconcile(LANE, [source(key) for key in ODD_IDS])
        assert {key: row.external_id for key, row in store.lookup(LANE, ODD_IDS).items()} == {
            key: key for key in ODD_IDS
        }

    def test_nothing_changes_where_both_agree(self, store: StateStore) -> None:
        row = known("a", skipped="x", doomed="gone", held_revision="1", listed=7)
        store.keep(LANE, [row])
        silent = source("a", external_id=None, revision_mark=None, metadata_fingerprint=None, uri=None)
        for found in (source("a"), silent):
            assert store.reconcile(LANE, [found]) == Reconciled()
            assert store.lookup(LANE, ["a"]) == {"a": row}

    def test_a_row_whose_source_is_gone_goes(self, store: StateStore) -> None:
        store.keep(LANE, [known("a"), known("b")])
        store.keep(OTHER, [known("a")])
        assert store.reconcile(LANE, [source("b")]) == Reconciled(lost=1)
        assert store.lookup(LANE, ["a", "b"]) == {"b": known("b")}
        assert store.lookup(OTHER, ["a"]) == {"a": known("a")}

    def test_a_row_that_says_more_only_loses_its_source(self, store: StateStore) -> None:
        rows = [
            known("skipped", skipped="x"),
            known("doomed", doomed="x"),
            known("held", held_fingerprint=""),
            known("failed"),
        ]
        store.keep(LANE, rows)
        store.failed(LANE, "failed", "write", "code", "message", NOON)
        assert store.reconcile(LANE, []) == Reconciled(lost=4)
        gone = {"source_id": None, "fingerprint": None, "revision_mark": None, "metadata_fingerprint": None}
        gone |= {"content_mark": None, "derived": None}
        left = [replace(row, **gone, chunk_count=0) for row in rows]  # type: ignore[arg-type]  # all of them may be None
        assert store.lookup(LANE, [str(row.external_id) for row in rows]) == {str(row.external_id): row for row in left}
        assert store.reconcile(LANE, []) == Reconciled()

    def test_other_content_takes_the_targets_marks(self, store: StateStore) -> None:
        store.keep(LANE, [known("a"), known("b")])
        found = [
            source("a", fingerprint="new", metadata_fingerprint="new"),
            source("b", chunk_count=3, revision_mark=None),
        ]
        assert store.reconcile(LANE, found) == Reconciled(lost=2)
        assert store.lookup(LANE, ["a", "b"]) == {
            "a": known("a", fingerprint="new", metadata_fingerprint="new", content_mark=None, derived=None),
            "b": known("b", chunk_count=3, revision_mark=None, content_mark=None, derived=None),
        }

    def test_other_metadata_leaves_the_content_known(self, store: StateStore) -> None:
        store.keep(LANE, [known("a")])
        assert store.reconcile(LANE, [source("a", metadata_fingerprint="new", name="B")]) == Reconciled()
        assert store.lookup(LANE, ["a"]) == {"a": known("a", metadata_fingerprint="new", name="B")}

    def test_unfinished_sources_have_to_go(self, store: StateStore) -> None:
        store.keep(LANE, [known("a"), known("b")])
        unfinished = [source("a", source_id="half", fingerprint=None), source("b", fingerprint=None)]
        assert store.reconcile(LANE, [source("a"), *unfinished]) == Reconciled(tuple(unfinished), lost=1)
        assert store.lookup(LANE, ["a", "b"]) == {"a": known("a")}

    def test_of_twins_the_remembered_one_stays(self, store: StateStore) -> None:
        store.keep(LANE, [known("a", source_id="s1", fingerprint="fp s1")])
        found = store.reconcile(LANE, TWINS)
        assert sorted(found.leftovers, key=str) == sorted([TWINS[1], TWINS[2]], key=str)
        assert found.lost == 0
        assert store.lookup(LANE, ["a"]) == {"a": known("a", source_id="s1", fingerprint="fp s1")}

    def test_before_that_the_one_that_the_journal_names(self, store: StateStore) -> None:
        store.keep(LANE, [known("a", source_id="s1", fingerprint="fp s1")])
        first, _ = store.open_effects(
            1, LANE, [Effect("a", "update", None, "fp s1"), Effect("a", "update", None, "fp s2")]
        )
        store.open_effects(1, OTHER, [Effect("a", "update", None, "fp s1")])
        store.close_effects([first])
        assert set(store.reconcile(LANE, TWINS).leftovers) == {TWINS[0], TWINS[1]}
        assert store.lookup(LANE, ["a"])["a"].source_id == "s2"

    def test_else_the_last_by_id(self, store: StateStore) -> None:
        store.keep(LANE, [known("a", source_id="gone")])
        assert set(store.reconcile(LANE, TWINS).leftovers) == {TWINS[0], TWINS[2]}
        assert store.lookup(LANE, ["a"])["a"].source_id == "s3"

    def test_a_source_under_another_id_is_adopted(self, store: StateStore) -> None:
        store.keep(LANE, [known("a")])
        assert store.reconcile(LANE, [source("a", source_id="new")]) == Reconciled()
        assert store.lookup(LANE, ["a"]) == {"a": known("a", source_id="new")}

    def test_a_source_that_is_listed_twice_is_not_its_own_twin(self, store: StateStore) -> None:
        assert store.reconcile(LANE, [source("a"), source("a")]) == Reconciled()
        assert store.count_sources(LANE) == 1
