"""A watcher on a real state store and a real webhook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from knowledge_connector import Host
from knowledge_connector.config import Settings, load
from knowledge_connector.errors import ConfigError
from knowledge_connector.testing.context import FakeClock
from knowledge_connector.watch.watcher import TELLER, Watcher
from unit.kit.origin import Handler, Origin, answer

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONFIG = """
[connectors.docs]
type = "filesystem"
root = "docs"
fresh_within = "24h"

[connectors.old]
type = "filesystem"
root = "old"
enabled = false
fresh_within = "1s"

[notifications.ops]
type = "webhook"
url = "{url}/hook"
secret = "s3cret"
on = {topics}
"""
ALL = '["failure", "withheld", "stale", "recovery"]'


class Inbox:
    """A webhook's receiver; `down` makes it refuse."""

    def __init__(self, origin: Origin) -> None:
        self.types: list[str] = []
        self.bodies: list[str] = []
        self.down = False
        origin.answers = [self._take]

    def _take(self, handler: Handler) -> None:
        if not self.down:
            self.types.append(json.loads(handler.body)["type"])
            self.bodies.append(handler.body.decode())
        answer(404 if self.down else 200)(handler)


@pytest.fixture
def origin() -> Iterator[Origin]:
    server = Origin()
    yield server
    server.close()


@pytest.fixture
def inbox(origin: Origin) -> Inbox:
    return Inbox(origin)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START)


def settings(folder: Path, origin: Origin, topics: str = ALL) -> Settings:
    (folder / "connectors.toml").write_text(CONFIG.format(url=origin.url, topics=topics), encoding="utf-8")
    return load(folder / "connectors.toml", {})


def a_run_ends(given: Settings, clock: FakeClock, status: str, message: str = "") -> None:
    with Host(given, clock=clock) as host:
        run = host.store.start_run("run", "docs", clock.now())
        report = {"message": message, "withheld": 16 if status == "withheld" else 0}
        host.store.finish_run(run, status, clock.now(), json.dumps([report]))
    clock.advance(60)


def test_each_trouble_is_told_once_and_its_end_once(
    tmp_path: Path, origin: Origin, inbox: Inbox, clock: FakeClock
) -> None:
    given = settings(tmp_path, origin)
    watcher = Watcher(given, clock)
    told = []
    for status in ("ok", "failed", "failed", "withheld", "withheld", "ok", "partial"):
        a_run_ends(given, clock, status, "why")
        for _ in range(3):
            watcher.look()
        told.append(list(inbox.types))
        inbox.types.clear()
    assert told == [
        [],
        ["failure.begun"],
        [],
        ["failure.over", "withheld.begun"],
        [],
        ["withheld.over"],
        [],
    ]
    assert "--allow-deletes 16" in "".join(inbox.bodies)


def test_nothing_is_forgotten_with_the_process(tmp_path: Path, origin: Origin, inbox: Inbox, clock: FakeClock) -> None:
    given = settings(tmp_path, origin)
    a_run_ends(given, clock, "failed")
    for _ in range(3):
        Watcher(given, clock).look()
    a_run_ends(given, clock, "ok")
    Watcher(given, clock).look()
    assert inbox.types == ["failure.begun", "failure.over"]


def test_what_could_not_be_delivered_is_still_due(
    tmp_path: Path, origin: Origin, inbox: Inbox, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    given = settings(tmp_path, origin)
    watcher = Watcher(given, clock)
    a_run_ends(given, clock, "failed")
    inbox.down = True
    watcher.look()
    assert "a notification was not delivered" in caplog.text
    inbox.down = False
    watcher.look()
    watcher.look()
    assert inbox.types == ["failure.begun"]


def test_a_missed_freshness_goal_is_told_though_nothing_runs(
    tmp_path: Path, origin: Origin, inbox: Inbox, clock: FakeClock
) -> None:
    given = settings(tmp_path, origin)
    watcher = Watcher(given, clock)
    a_run_ends(given, clock, "ok")
    for _ in range(30):
        clock.advance(3600)
        watcher.look()
    assert inbox.types == ["stale.begun"]
    a_run_ends(given, clock, "ok")
    watcher.look()
    assert inbox.types == ["stale.begun", "stale.over"]


def test_one_process_tells_at_a_time(tmp_path: Path, origin: Origin, inbox: Inbox, clock: FakeClock) -> None:
    given = settings(tmp_path, origin)
    a_run_ends(given, clock, "failed")
    with Host(given, clock=clock) as other, other.store.lease(TELLER):
        Watcher(given, clock).look()
        assert inbox.types == []
    Watcher(given, clock).look()
    assert inbox.types == ["failure.begun"]


def test_a_store_out_of_reach_is_seen_and_not_told(
    tmp_path: Path, origin: Origin, inbox: Inbox, clock: FakeClock
) -> None:
    given = settings(tmp_path, origin)
    watcher = Watcher(given, clock)
    (tmp_path / ".connector" / "state.db").mkdir(parents=True)
    watcher.look()
    assert "state.db" in watcher.seen.store_trouble
    assert inbox.types == []


def test_no_secret_is_in_what_is_sent_or_logged(
    tmp_path: Path, origin: Origin, inbox: Inbox, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    given = settings(tmp_path, origin)
    a_run_ends(given, clock, "failed")
    inbox.down = True
    Watcher(given, clock).look()
    inbox.down = False
    Watcher(given, clock).look()
    assert "s3cret" not in "".join(inbox.bodies) + caplog.text
    assert "/hook" not in caplog.text


def test_a_broken_channel_leaves_the_former_settings(
    tmp_path: Path, origin: Origin, inbox: Inbox, clock: FakeClock
) -> None:
    given = settings(tmp_path, origin)
    watcher = Watcher(given, clock)
    file = tmp_path / "connectors.toml"
    file.write_text(
        file.read_text(encoding="utf-8") + '[notifications.bird]\ntype = "apprise"\nurl = "pigeon://x"\n',
        encoding="utf-8",
    )
    with pytest.raises(ConfigError, match=r"notifications\.bird\.url"):
        watcher.work_under(load(file, {}))
    a_run_ends(given, clock, "failed")
    watcher.look()
    assert inbox.types == ["failure.begun"]


def test_it_looks_once_more_at_the_end(tmp_path: Path, origin: Origin, inbox: Inbox, clock: FakeClock) -> None:
    given = settings(tmp_path, origin)
    watcher = Watcher(given, clock)
    a_run_ends(given, clock, "failed")
    watcher.end()
    watcher.watch()
    assert inbox.types == ["failure.begun"]
