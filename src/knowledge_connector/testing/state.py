# a question is its name
"""What every state store has to do. Subclass, override the fixture `store`, and inherit the questions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from knowledge_connector.errors import FatalError
from knowledge_connector.model import SourceDraft, StoredSource, digest
from knowledge_connector.ports import ChangeRow, CursorRow, Effect, Known, StateStore
from knowledge_connector.testing.state_jobs import JobsContract
from knowledge_connector.testing.state_reconcile import ReconcileContract
from knowledge_connector.testing.state_samples import LANE, NOON, ODD_IDS, OTHER, STRANGER, ids, known, source, stored
from knowledge_connector.testing.state_telling import TellingContract


def beneath(store: StateStore, prefix: str, listing: int) -> list[str]:
    """What `unlisted_beneath` gives, in one list."""
    return [one for batch in store.unlisted_beneath(LANE, prefix, listing) for one in batch]


class StateStoreContract(ReconcileContract, JobsContract, TellingContract):
    """The questions."""

    @pytest.fixture
    def store(self) -> StateStore:
        """An empty store; closed by whoever made it."""
        raise NotImplementedError("override the fixture `store`")

    # documents

    def test_a_kept_row_is_found_as_it_was(self, store: StateStore) -> None:
        full = known("a/b.md", skipped="too-large", doomed="gone", held_revision="", held_fingerprint="x", listed=2**40)
        bare = Known(digest("bare"), "bare")
        store.keep(LANE, [full, bare])
        assert store.lookup(LANE, ["bare", "a/b.md", "unknown"]) == {"a/b.md": full, "bare": bare}

    @pytest.mark.parametrize("external_id", ODD_IDS, ids=ascii)
    def test_any_string_comes_back_as_it_was(self, store: StateStore, external_id: str) -> None:
        row = known(external_id, revision=external_id, derived=external_id, skipped=external_id)
        store.keep(LANE, [row, known("plain")])
        store.mark_listed(LANE, [external_id], 9)
        assert store.lookup(LANE, ["plain", external_id])[external_id] == replace(row, listed=9)
        assert replace(row, listed=9) in list(store.rows(LANE))
        store.failed(LANE, external_id, "fetch", "code", external_id, NOON)
        assert store.failures(LANE.connector)[0][1].message == external_id
        [number] = store.open_effects(1, LANE, [Effect(external_id, "create", external_id, None)])
        assert store.unfinished_effects(LANE) == [Effect(external_id, "create", external_id, None, number)]
        store.forget(LANE, [row.external_digest])
        assert ids(store.rows(LANE)) == ["plain"]

    def test_keeping_replaces_the_whole_row(self, store: StateStore) -> None:
        store.keep(LANE, [known("a", doomed="gone", skipped="x")])
        store.keep(LANE, [Known(digest("a"), "a", name="new")])
        assert store.lookup(LANE, ["a"]) == {"a": Known(digest("a"), "a", name="new")}

    def test_lanes_are_apart(self, store: StateStore) -> None:
        for lane in (LANE, OTHER, STRANGER):
            store.keep(lane, [known("a", name=str(lane))])
        store.forget(OTHER, [digest("a")])
        assert store.lookup(LANE, ["a"])["a"].name == str(LANE)
        assert store.lookup(OTHER, ["a"]) == {}
        assert store.count_sources(STRANGER) == 1

    def test_thousands_at_once(self, store: StateStore) -> None:
        rows = [known(f"{number:05}") for number in range(3000)]
        keys = [str(row.external_id) for row in rows]
        store.keep(LANE, rows)
        assert store.lookup(LANE, keys) == dict(zip(keys, rows, strict=True))
        store.mark_listed(LANE, keys[:2000], 2)
        assert store.count_orphans(LANE, 2) == 1000
        assert [row.external_id for batch in store.orphans(LANE, 2) for row in batch] == keys[2000:]
        assert ids(store.rows(LANE)) == keys

    def test_a_row_that_has_only_a_digest_is_found_and_learns_its_id(self, store: StateStore) -> None:
        store.reconcile(LANE, [source("a", external_id=None), source("y" * 900, external_id=None)])
        found = store.lookup(LANE, ["a", "b", "y" * 900])
        assert {key: row.external_id for key, row in found.items()} == {"a": None, "y" * 900: None}
        store.mark_listed(LANE, ["a", "b", "y" * 900], 5)
        assert [(row.external_id, row.listed) for row in store.rows(LANE)] == [("a", 5), ("y" * 900, 5)]

    def test_listing_takes_doom_away(self, store: StateStore) -> None:
        store.keep(LANE, [known("a"), known("b")])
        store.doom(LANE, ["a", "b", "unknown"], "deleted at the origin")
        store.mark_listed(LANE, ["b", "unknown"], 1)
        assert store.lookup(LANE, ["a", "b"]) == {"a": known("a", doomed="deleted at the origin"), "b": known("b")}

    def test_only_knowledge_is_doomed(self, store: StateStore) -> None:
        store.keep(LANE, [Known(digest("a"), "a")])
        store.doom(LANE, ["a"], "gone")
        assert store.lookup(LANE, ["a"])["a"].doomed is None

    @pytest.mark.parametrize(
        "prefix", ["dir/", "dir/ü/", "dir/\udce4", "dir/\x00", "", "z" * 600, "dir\x19", "dir\ud7ff", "\U0010ffff"]
    )
    def test_all_beneath_a_prefix_counts_as_listed_and_nothing_else(self, store: StateStore, prefix: str) -> None:
        stems = [
            *("dir", "dir/", "dir0", "di", "dir/a", "dir/ü/x", "dir/\udce4", "dir/\udce5", "dir/\x00a", "dir/\x1a0000")
        ]
        stems += [
            "z" * 600,
            "z" * 601,
            "z" * 599,
            "dir\x19x",
            "dir\x1ax",
            "dir\x00",
            "dir\ud7ffx",
            "dir\ue000",
            "\U0010ffff\U0010ffff",
            "Dir/a",
        ]
        store.keep(LANE, [known(stem) for stem in stems])
        store.mark_listed_beneath(LANE, prefix, 2)
        marked = [stem for stem, row in store.lookup(LANE, stems).items() if row.listed == 2]
        assert sorted(marked) == sorted(stem for stem in stems if stem.startswith(prefix))

        assert sorted(beneath(store, prefix, 3)) == sorted(stem for stem in stems if stem.startswith(prefix))

    def test_what_a_part_has_not_shown(self, store: StateStore) -> None:
        long = "drive/" + "z" * 600
        rows = [known("drive/1 listed", listed=2), known("drive/2 unlisted"), known("drive/3 empty", source_id=None)]
        rows += [
            known("drive/4 absent", held_fingerprint=""),
            known("other/1"),
            known(long),
            known("drive/5 doomed", doomed="x"),
        ]
        store.keep(LANE, rows)
        store.reconcile(OTHER, [source("a", external_id=None)])
        assert beneath(store, "drive/", 2) == ["drive/2 unlisted", "drive/5 doomed", long]
        assert list(store.unlisted_beneath(OTHER, "", 2)) == []

    def test_a_part_may_be_doomed_while_it_is_walked(self, store: StateStore) -> None:
        store.keep(LANE, [known(f"drive/{number:02}") for number in range(25)])
        for batch in store.unlisted_beneath(LANE, "drive/", 2, batch=10):
            store.doom(LANE, batch, "gone")
        assert store.count_orphans(LANE, None) == 25

    def test_an_unknown_id_may_lie_beneath_any_prefix(self, store: StateStore) -> None:
        store.reconcile(LANE, [source("a", external_id=None)])
        store.mark_listed_beneath(LANE, "locked/", 2)
        assert store.count_orphans(LANE, 2) == 0

    def test_orphans_are_doomed_or_not_in_the_listing(self, store: StateStore) -> None:
        rows = [known("1 listed", listed=2), known("2 unlisted"), known("3 doomed", listed=2, doomed="gone")]
        rows += [
            known("4 later", listed=3),
            known("5 absent", held_fingerprint=""),
            known("6 held", held_fingerprint="x"),
        ]
        rows += [known("7 doomed and absent", held_fingerprint="", doomed="gone"), known("8 empty", source_id=None)]
        store.keep(LANE, rows)
        doomed, unlisted = ["3 doomed", "7 doomed and absent"], ["2 unlisted", "6 held"]
        assert sorted(map(str, ids(*store.orphans(LANE, 2)))) == sorted(doomed + unlisted)
        assert sorted(map(str, ids(*store.orphans(LANE, None)))) == doomed
        assert (store.count_orphans(LANE, 2), store.count_orphans(LANE, None)) == (4, 2)

    def test_orphans_may_be_changed_while_they_are_read(self, store: StateStore) -> None:
        store.keep(LANE, [known(f"{number:02}") for number in range(25)])
        seen: list[Known] = []
        for batch in store.orphans(LANE, 2, batch=10):
            store.forget(LANE, [row.external_digest for row in batch[::2]])
            store.keep(LANE, [replace(row, source_id=None) for row in batch[1::2]])
            seen += batch
        assert len(seen) == len({row.external_id for row in seen}) == 25
        assert store.count_sources(LANE) == 0

    def test_tidying_takes_what_is_gone(self, store: StateStore) -> None:
        run = store.start_run("run", LANE.connector, NOON)
        store.keep(
            LANE, [known("held"), known("gone", source_id=None, listed=0), known("ill", source_id=None, listed=run)]
        )
        for key in ("held", "gone", "ill", "never seen"):
            store.failed(LANE, key, "fetch", "code", "message", NOON - timedelta(days=1))
        store.failed(LANE, "locked/", "list", "unreadable", "message", NOON + timedelta(minutes=1))
        store.keep(LANE, [known("held", listed=run)])
        store.tidy(LANE, run)
        assert set(store.lookup(LANE, ["held", "gone", "ill"])) == {"held", "ill"}
        assert {row.external_id for _, row in store.failures(LANE.connector)} == {"held", "ill", "locked/"}

    def test_the_digest_of_holdings_tells_every_change(self, store: StateStore) -> None:
        seen = {store.holdings_digest(LANE)}
        for row in (
            known("a"),
            known("b"),
            known("b", fingerprint="x"),
            known("b", source_id="x"),
            known("b", chunk_count=9),
        ):
            store.keep(LANE, [row])
            seen.add(store.holdings_digest(LANE))
        assert len(seen) == 6
        before = store.holdings_digest(LANE)
        store.keep(LANE, [known("c", source_id=None), known("a", listed=7, revision="2", doomed="gone")])
        store.keep(OTHER, [known("d")])
        assert store.holdings_digest(LANE) == before

    def test_counts(self, store: StateStore) -> None:
        store.keep(LANE, [known("a"), known("b", held_revision="1"), known("c", source_id=None, held_fingerprint="")])
        assert (store.count_sources(LANE), store.count_held(LANE)) == (2, 2)
        assert (store.count_sources(OTHER), store.count_held(OTHER)) == (0, 0)

    def test_a_release_lets_go_of_one_connectors_documents(self, store: StateStore) -> None:
        for lane in (LANE, OTHER, STRANGER):
            store.keep(lane, [known("a", held_revision="1", held_fingerprint="x"), known("b")])
        assert store.release(LANE.connector) == 2
        assert [store.count_held(lane) for lane in (LANE, OTHER, STRANGER)] == [0, 0, 1]
        assert store.lookup(LANE, ["a"]) == {"a": known("a")}

    def test_content_is_found_again_at_documents_that_are_not_listed(self, store: StateStore) -> None:
        rows = [known(f"old {number:02}", fingerprint="same") for number in range(12)]
        rows += [known("listed", fingerprint="same", listed=2), known("empty", fingerprint="same", source_id=None)]
        rows += [known("held", fingerprint="same", held_revision="1"), known("other")]
        rows += [known("doomed", fingerprint="same", listed=2, doomed="gone")]
        store.keep(LANE, rows)
        found = ids(store.by_fingerprint(LANE, "same", not_listed=2))
        assert found == ["doomed", *(f"old {number:02}" for number in range(9))]
        behind = ids(store.by_fingerprint(LANE, "same", not_listed=2, after=found[-1] or ""))
        assert behind
        assert not {*behind} & {*found}
        assert store.by_fingerprint(OTHER, "same", not_listed=2) == []

    def test_find_gives_equals_first_then_what_contains(self, store: StateStore) -> None:
        store.keep(LANE, [known("a/Report.md", name="x"), known("Report", name="50%_\\"), known("b", name="Report")])
        store.keep(STRANGER, [known("Report")])
        assert [(lane, row.external_id) for lane, row in store.find(LANE.connector, "Report")] == [
            (LANE, "Report"),
            (LANE, "b"),
            (LANE, "a/Report.md"),
        ]
        assert [row.external_id for _, row in store.find(LANE.connector, "report.MD")] == ["a/Report.md"]
        assert [row.external_id for _, row in store.find(LANE.connector, "0%_\\")] == ["Report"]
        assert [row.external_id for _, row in store.find(LANE.connector, "file:///b")] == ["b"]
        assert store.find(LANE.connector, "%") == store.find(LANE.connector, "0%_\\")
        assert store.find(LANE.connector, "n" * 60_000) == []

    def test_find_gives_ten_at_most(self, store: StateStore) -> None:
        store.keep(LANE, [known(f"page {number:02}") for number in range(30)] + [known("page")])
        found = [row.external_id for _, row in store.find(LANE.connector, "page")]
        assert (len(found), found[0]) == (10, "page")

    def test_tokens(self, store: StateStore) -> None:
        assert store.known_token(LANE) is None
        store.keep_token(LANE, "t1")
        assert (store.known_token(LANE), store.known_token(OTHER)) == ("t1", None)
        store.keep_token(LANE, None)
        assert store.known_token(LANE) is None

    # transactions

    def test_a_transaction_is_kept_whole_or_not_at_all(self, store: StateStore) -> None:
        def fail() -> None:
            with store.transaction():
                store.keep(STRANGER, [known("a")])
                with store.transaction():
                    store.keep(STRANGER, [known("b")])
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fail()
        assert store.lookup(STRANGER, ["a", "b"]) == {}
        with store.transaction():
            store.keep(STRANGER, [known("a")])
            with store.transaction():
                store.keep(LANE, [known("b")])
        assert set(store.lookup(STRANGER, ["a", "b"])) == {"a"}

    # journal, failures, cursors

    def test_the_journal_gives_what_was_not_closed(self, store: StateStore) -> None:
        effects = [
            Effect("a", "create", None, "fp"),
            Effect("b", "delete", "s", None),
            Effect("c", "update", "s", "fp"),
        ]
        first, second, third = store.open_effects(7, LANE, effects)
        assert store.open_effects(7, LANE, []) == []
        store.close_effects([second])
        store.close_effects([second])
        assert store.unfinished_effects(LANE) == [replace(effects[0], id=first), replace(effects[2], id=third)]
        assert store.unfinished_effects(OTHER) == []
        store.close_effects([first, third])
        assert store.open_effects(8, LANE, effects[:1])[0] not in (first, second, third)

    def test_failures_count_until_success(self, store: StateStore) -> None:
        assert not store.has_failures(LANE)
        store.failed(LANE, "a", "fetch", "timeout", "slow", NOON)
        store.failed(OTHER, "b", "write", "refused", "no", NOON + timedelta(hours=1))
        store.failed(LANE, "a", "convert", "broken", "bad", NOON + timedelta(hours=2))
        (lane, row), (_, second) = store.failures(LANE.connector)
        assert (lane, row.external_id, row.stage, row.code, row.message) == (LANE, "a", "convert", "broken", "bad")
        assert (row.attempts, row.first_at, row.last_at) == (2, NOON, NOON + timedelta(hours=2))
        assert (second.external_id, len(store.failures(LANE.connector, limit=1))) == ("b", 1)
        store.succeeded(LANE, ["a", "never failed"])
        assert (store.has_failures(LANE), store.has_failures(OTHER), store.failures("wiki")) == (False, True, [])

    def test_cursors(self, store: StateStore) -> None:
        assert store.cursor("handbook") is None
        store.keep_cursor("handbook", CursorRow("{}", "v", 3))
        store.keep_cursor("handbook", CursorRow('{"a":1}', "w", None))
        assert store.cursor("handbook") == CursorRow('{"a":1}', "w", None)
        store.keep_cursor("handbook", CursorRow("{}", "w", 4, whole=False))
        assert store.cursor("handbook") == CursorRow("{}", "w", 4, whole=False)
        store.drop_cursor("handbook")
        assert store.cursor("handbook") is None

    # history

    def test_runs_latest_first(self, store: StateStore) -> None:
        first, other, last = (store.start_run("run", name, NOON) for name in ("handbook", "wiki", "handbook"))
        store.finish_run(first, "ok", NOON + timedelta(seconds=1), "[]")
        done = store.run(first)
        assert done is not None
        assert (done.kind, done.connector, done.status, done.started_at) == ("run", "handbook", "ok", NOON)
        assert (done.finished_at, done.report) == (NOON + timedelta(seconds=1), "[]")
        assert [row.id for row in store.runs()] == [last, other, first]
        assert [row.id for row in store.runs("handbook")] == [last, first]
        assert [row.id for row in store.runs(limit=1)] == [last]
        assert (store.count_runs("handbook"), store.count_runs("nobody"), store.run(last + 1)) == (2, 0, None)
        begun = store.run(last)
        assert begun is not None
        assert (begun.finished_at, begun.report) == (None, None)

    @pytest.mark.parametrize("zone", [None, UTC, ZoneInfo("Europe/Berlin")], ids=str)
    def test_versions_come_back_equal(self, store: StateStore, zone: ZoneInfo | None) -> None:
        at = datetime(2026, 10, 25, 2, 30, tzinfo=zone, fold=1)  # in Berlin, the second of two
        whole, bare = stored("a"), StoredSource(SourceDraft("b", "b", 0, "fp", "mf", updated_at=at), ())
        numbers = [store.keep_version(LANE, one, 1) for one in (whole, bare)]
        assert [store.version(number) for number in numbers] == [whole, bare]
        assert store.version(max(numbers) + 1) is None

    def test_the_current_copy_is_the_last_one(self, store: StateStore) -> None:
        store.keep_current(LANE, stored("a", "old"))
        store.keep_current(LANE, stored("a", "new"))
        assert store.current(LANE, "a") == stored("a", "new")
        assert store.current(OTHER, "a") is None

    def test_changes_come_back_in_order(self, store: StateStore) -> None:
        run = store.start_run("run", "handbook", NOON)
        many = [ChangeRow(f"{n}", "create", "new", "\udce4", None, None, "fp", 1, 0) for n in range(1200)]
        renamed = ChangeRow("b", "retag", "renamed", "B", 3, "x", "x", 0, 0, previous_id="a\x00")
        store.record(run, LANE, many)
        store.record(run, OTHER, [renamed])
        assert list(store.changes(run)) == [*((LANE, change) for change in many), (OTHER, renamed)]

    def test_later_changes_of_a_document(self, store: StateStore) -> None:
        runs = [store.start_run("run", "handbook", NOON) for _ in range(4)]
        change = ChangeRow("a", "update", "", "A", None, None, None, 0, 0)
        store.record(runs[0], LANE, [change])
        store.record(runs[2], LANE, [change])
        store.record(runs[3], LANE, [change, replace(change, external_id="c", previous_id="b")])
        assert [store.changed_since(run, LANE, "a") for run in runs] == [runs[2], runs[2], runs[3], None]
        assert store.changed_since(runs[0], LANE, "b") == runs[3]
        assert store.changed_since(runs[0], OTHER, "a") is None

    def test_pruning_keeps_the_last_run_and_what_is_referenced(self, store: StateStore) -> None:
        old, last = (self._run_with_version(store, "handbook", NOON) for _ in range(2))
        other = self._run_with_version(store, "wiki", NOON)
        recent = self._run_with_version(store, "news", NOON + timedelta(days=2))
        store.record(last[0], LANE, [ChangeRow("b", "update", "", "", old[2], None, None, 0, 0)])
        store.keep(LANE, [known("a")])
        store.keep_current(LANE, stored("a"))
        store.keep_current(LANE, stored("forgotten"))
        effects = store.open_effects(old[0], LANE, [Effect("a", "create", None, None)])
        store.prune(NOON + timedelta(days=1))
        assert {row.id for row in store.runs()} == {last[0], other[0], recent[0]}
        assert list(store.changes(old[0])) == []
        assert [store.version(number) is None for number in (old[1], old[2], last[1], other[1], recent[1])] == [
            True,
            *[False] * 4,
        ]
        assert (store.current(LANE, "a"), store.current(LANE, "forgotten")) == (stored("a"), None)
        assert [effect.id for effect in store.unfinished_effects(LANE)] == effects

    def _run_with_version(self, store: StateStore, connector: str, at: datetime) -> tuple[int, int, int]:
        run = store.start_run("run", connector, at)
        first, second = (store.keep_version(LANE, stored("a"), run) for _ in range(2))
        store.record(run, LANE, [ChangeRow("a", "update", "", "", first, None, None, 0, 0)])
        store.finish_run(run, "ok", at, "[]")
        return run, first, second

    # leases

    def test_one_lease_at_a_time(self, store: StateStore) -> None:
        with store.lease("handbook") as lease:
            with store.lease("wiki") as other:
                other.verify()
            with (
                pytest.raises(FatalError, match=r"'handbook'.*since.* on .*process") as caught,
                store.lease("handbook"),
            ):
                pass
            assert caught.value.where == "state"
            lease.verify()
        with store.lease("handbook") as later:
            assert later.fence > lease.fence

    def test_workers_may_verify_while_a_transaction_is_open(self, store: StateStore) -> None:
        with store.lease("handbook") as lease, ThreadPoolExecutor(4) as workers, store.transaction():
            store.keep(LANE, [known("a")])
            assert [future.result() for future in [workers.submit(lease.verify) for _ in range(8)]] == [None] * 8

    def test_a_lease_that_was_given_back_is_no_longer_ours(self, store: StateStore) -> None:
        with store.lease("handbook") as lease:
            pass
        with store.lease("handbook"), pytest.raises(FatalError, match="no longer ours"):
            lease.verify()
