"""Leases between processes: exactly one holds it, a dead one gives way, and one that was overtaken learns it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from knowledge_connector.clock import SystemClock
from knowledge_connector.errors import FatalError
from knowledge_connector.ports import StateStore
from knowledge_connector.state import open_state

from .conftest import Open

HOLDER = """
import sys
from pathlib import Path
from knowledge_connector.clock import SystemClock
from knowledge_connector.errors import FatalError
from knowledge_connector.state import open_state

def verdict(lease):
    try:
        lease.verify()
    except FatalError:
        return "overtaken"
    return "ours"

store = open_state(sys.argv[1], Path("/"), SystemClock())
print("ready", flush=True)
sys.stdin.readline()
try:
    with store.lease("handbook") as lease:
        print("held", flush=True)
        sys.stdin.readline()
        print(verdict(lease), flush=True)
except FatalError:
    print("refused", flush=True)
store.close()
"""


class Holder:
    """Another process that takes the lease when told to, and asks for it when told to again."""

    def __init__(self, url: str) -> None:
        command = [sys.executable, "-c", HOLDER, url]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.answer() == "ready"

    def go(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def take(self) -> str:
        self.go()
        return self.answer()

    def end(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def start(url: str) -> Iterator[Callable[[], Holder]]:
    open_state(url, Path("/"), SystemClock()).close()  # makes the tables
    holders: list[Holder] = []

    def start_one() -> Holder:
        holders.append(Holder(url))
        return holders[-1]

    yield start_one
    for holder in holders:
        holder.end()


def change_row(store: StateStore, changes: str) -> None:
    store._db.execute(f"UPDATE leases SET {changes}")  # type: ignore[attr-defined]  # noqa: S608  # our own words


def expires_at(store: StateStore) -> int:
    return int(store._db.rows("SELECT expires_at FROM leases")[0][0])  # type: ignore[attr-defined]


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not happen within ten seconds"
        time.sleep(0.002)


def test_of_two_that_ask_at_once_exactly_one_gets_it(start: Callable[[], Holder]) -> None:
    holders = [start() for _ in range(3)]
    for holder in holders:
        holder.go()
    assert sorted(holder.answer() for holder in holders) == ["held", "refused", "refused"]


def test_a_killed_holder_gives_way_at_once(start: Callable[[], Holder], open_store: Open) -> None:
    holder = start()
    assert holder.take() == "held"
    store = open_store()
    with pytest.raises(FatalError, match=f"process {holder.process.pid}"), store.lease("handbook"):
        pass
    holder.process.kill()
    os.waitid(os.P_PID, holder.process.pid, os.WEXITED | os.WNOWAIT)  # dead, and not yet buried
    with store.lease("handbook") as lease:
        lease.verify()


def test_a_paused_holder_learns_that_it_was_overtaken(start: Callable[[], Holder], open_store: Open) -> None:
    holder = start()
    assert holder.take() == "held"
    holder.process.send_signal(signal.SIGSTOP)
    store = open_store()
    change_row(store, "expires_at = 1")
    with store.lease("handbook") as lease:
        holder.process.send_signal(signal.SIGCONT)
        assert holder.take() == "overtaken"
        lease.verify()
    holder.process.wait()
    with open_store().lease("handbook") as later:  # and the one that was overtaken gave nothing back
        assert later.fence > lease.fence


@pytest.mark.parametrize(
    ("changes", "free"),
    [
        ("machine = 'elsewhere'", False),
        ("machine = 'elsewhere', expires_at = 1", True),
        ("expires_at = expires_at + 600 * 1000000", True),  # written before the clock was put back
        ("expires_at = expires_at + 30 * 1000000", False),
        ("pid = 4194304 + 1", True),  # above the largest number that Linux gives
        ("process_started_at = 1000000", True),  # this process is a later one of the same number
        ("process_started_at = since + 600 * 1000000", False),
    ],
)
def test_who_may_be_overtaken(open_store: Open, changes: str, free: bool) -> None:
    first, second = open_store(), open_store()
    with first.lease("handbook") as lease:
        change_row(first, changes)
        if free:
            with second.lease("handbook") as other:
                assert other.fence > lease.fence
                with pytest.raises(FatalError, match="another run took over"):
                    lease.verify()
        else:
            with pytest.raises(FatalError, match="under way since"), second.lease("handbook"):
                pass
            lease.verify()


def test_a_lease_is_kept_alive(open_store: Open) -> None:
    store = open_store(lease_seconds=0.06)
    with store.lease("handbook") as lease:
        first = expires_at(store)
        wait_until(lambda: expires_at(store) > first)
        lease.verify()
    assert expires_at(store) == 0


def test_a_heartbeat_that_fails_is_tried_again(open_store: Open, caplog: pytest.LogCaptureFixture) -> None:
    store = open_store(lease_seconds=0.06)
    with store.lease("handbook") as lease:
        store._db.execute("ALTER TABLE leases RENAME TO away")  # type: ignore[attr-defined]
        wait_until(lambda: "heartbeat failed" in caplog.messages)
        store._db.execute("ALTER TABLE away RENAME TO leases")  # type: ignore[attr-defined]
        first = expires_at(store)
        wait_until(lambda: expires_at(store) > first)
        lease.verify()


def test_a_lease_that_cannot_be_given_back_hides_no_error(open_store: Open, caplog: pytest.LogCaptureFixture) -> None:
    store = open_store()

    def fail() -> None:
        with store.lease("handbook"):
            store._db.execute("ALTER TABLE leases RENAME TO away")  # type: ignore[attr-defined]
            raise KeyError("what went wrong")

    with pytest.raises(KeyError, match="what went wrong"):
        fail()
    assert "lease not given back" in caplog.messages


def test_the_fence_grows_though_the_store_was_lost(tmp_path: Path) -> None:
    fences = []
    for name in ("first.db", "second.db"):
        store = open_state(f"sqlite:///{name}", tmp_path, SystemClock())
        with store.lease("handbook") as lease:
            fences.append(lease.fence)
        store.close()
    assert fences[0] < fences[1]
