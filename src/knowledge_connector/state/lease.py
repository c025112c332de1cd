"""The right to be the one run of a connector, over processes and machines.

One row per connector says who holds it and until when; a thread with a connection of its own keeps moving that end. A holder that is
paused, cut off or killed is overtaken when its time is over, and at once if it was a process of this machine that is no more. The
fence grows with every lease, so the overtaken one is recognised wherever it still tries to write.
"""

from __future__ import annotations

import logging
import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from knowledge_connector.errors import ConnectorError, FatalError, LeaseHeld
from knowledge_connector.state.database import Database
from knowledge_connector.state.part import instant

SECOND = 1_000_000
BEATS = 3
"""Heartbeats within the time that a lease lasts."""

logger = logging.getLogger(__name__)

# Changes nothing, and locks the row until the end of the transaction.
CLAIM = """
    UPDATE leases SET fence = fence WHERE connector = :connector
    RETURNING fence, token, host, machine, pid, process_started_at, since, expires_at"""
TAKE = """
    UPDATE leases SET fence = :fence, token = :token, host = :host, machine = :machine, pid = :pid,
        process_started_at = NULL, since = :since, expires_at = :expires_at
    WHERE connector = :connector"""
OURS = "WHERE connector = :connector AND fence = :fence AND token = :token"


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of `leases`; times are microseconds since 1970."""

    fence: int
    token: str | None
    host: str | None
    machine: str | None
    pid: int | None
    process_started_at: int | None
    since: int | None
    expires_at: int

    def free(self, now: int, lasts: int) -> bool:
        """Whether somebody else may take it. An end that lies too far ahead was written before the clock was put back."""
        return self.token is None or not now < self.expires_at <= now + 2 * lasts or self._holder_is_dead()

    def _holder_is_dead(self) -> bool:
        return self.machine == machine() and self.pid is not None and not _lives(self.pid, self.process_started_at)


class HeldLease:
    """A lease that is ours until somebody overtakes us."""

    def __init__(self, database: Database, connector: str, fence: int, token: str, lasts: int) -> None:
        self._database = database
        self._connector = connector
        self._fence = fence
        self._which = {"connector": connector, "fence": fence, "token": token}
        self._lasts = lasts
        self._lock = threading.Lock()
        self._reader: Database | None = None
        self._stop = threading.Event()
        self._lost = False
        self._thread = threading.Thread(target=self._keep_alive, name=f"lease of {connector}", daemon=True)

    @property
    def fence(self) -> int:
        """Grows with every lease of this connector."""
        return self._fence

    def verify(self) -> None:
        """Ask the state store whether the lease is still ours; from any thread.

        Raises:
            FatalError: Somebody else took it over; stop writing.
        """
        with self._lock:
            if not self._lost:
                self._lost = not self._is_ours()
        if self._lost:
            raise FatalError(
                f"The lease of {self._connector!r} is no longer ours: another run took over while this one was silent "
                f"for {self._lasts // SECOND} s. This one stops, and the other one does the rest.",
                where="state",
            )

    def start(self) -> None:
        """Begin to keep it alive."""
        self._thread.start()

    def give_back(self) -> None:
        """Stop keeping it alive, and let go of it if it is still ours."""
        self._stop.set()
        self._thread.join()
        with self._lock:
            self._lost = True
            if self._reader is not None:
                self._reader.close()
        try:
            self._database.execute(f"UPDATE leases SET token = NULL, expires_at = 0 {OURS}", self._which)
        except ConnectorError as error:  # it ends by itself, and what went wrong before matters more
            logger.warning("lease not given back", extra={"connector": self._connector, "error": error.message})

    def renew(self, database: Database) -> bool:
        """Move the end of the lease; false if it is no longer ours."""
        values = {
            **self._which,
            "expires_at": database.now() + self._lasts,
            "started": _process_started_at(os.getpid()),
        }
        return bool(
            database.execute(
                f"UPDATE leases SET expires_at = :expires_at, process_started_at = :started {OURS}", values
            )
        )

    def _is_ours(self) -> bool:
        # A connection for reading alone: one that waits for a lock in a heartbeat would make the workers wait too.
        if self._reader is None:
            self._reader = self._database.sibling()
        return self._reader.first(f"SELECT 1 FROM leases {OURS}", self._which) is not None

    def _keep_alive(self) -> None:
        database: Database | None = None
        while not self._lost and not self._stop.wait(self._lasts / SECOND / BEATS):
            try:
                database = database or self._database.sibling()
                self._lost = not self.renew(database)
            except ConnectorError as error:  # the next beat may come through, and if none does, `verify` says so
                logger.warning("heartbeat failed", extra={"connector": self._connector, "error": error.message})
        if database is not None:
            database.close()


@contextmanager
def hold(database: Database, connector: str, *, lasts: int) -> Iterator[HeldLease]:
    """Take the lease of a connector, keep it alive, and give it back at the end.

    Args:
        database: The caller's connection.
        connector: Whose lease.
        lasts: Microseconds without a heartbeat after which others may take it.

    Raises:
        LeaseHeld: Another run holds it.
    """
    lease = _take(database, connector, lasts)
    lease.start()
    try:
        yield lease
    finally:
        lease.give_back()


def _take(database: Database, connector: str, lasts: int) -> HeldLease:
    token = os.urandom(16).hex()
    with database.transaction():
        database.execute(
            "INSERT INTO leases (connector, fence, expires_at) VALUES (:connector, 0, 0) ON CONFLICT DO NOTHING",
            {"connector": connector},
        )
        row = _Row(*database.rows(CLAIM, {"connector": connector})[0])
        now = database.now()
        if not row.free(now, lasts):
            raise LeaseHeld(_held(connector, row), where="state")
        # Starts from the clock, not from 1, so that it also grows when the state store was lost and made anew.
        fence = max(row.fence + 1, now)
        who = {"token": token, "host": platform.node(), "machine": machine(), "pid": os.getpid()}
        database.execute(TAKE, {"connector": connector, "fence": fence, **who, "since": now, "expires_at": now + lasts})
    return HeldLease(database, connector, fence, token, lasts)


def _held(connector: str, row: _Row) -> str:
    since = instant(row.since or 0).isoformat(sep=" ", timespec="seconds")
    return (
        f"Another run of {connector!r} is under way since {since} on {row.host} (process {row.pid}). "
        "Wait until it is done, or end it; a run that was killed gives way by itself within a minute."
    )


def machine() -> str:
    """Where a process number means something: host, boot and, in containers, the space that process numbers are counted in."""
    parts = [platform.node()]
    with suppress(OSError):  # not Linux
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


def _lives(pid: int, started_at: int | None) -> bool:
    """Whether the process is there, and is not a later one of the same number."""
    import psutil  # slow to load, and asked only when two runs meet

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return started_at is None or int(process.create_time() * SECOND) <= started_at + SECOND
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _process_started_at(pid: int) -> int:
    import psutil  # slow to load, and needed from the first heartbeat on, which short runs do not live to see

    return int(psutil.Process(pid).create_time() * SECOND)
