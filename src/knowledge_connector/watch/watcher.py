"""Looks again and again, and tells what is new."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from knowledge_connector.app import Host
from knowledge_connector.config import Settings
from knowledge_connector.config.tables import seconds_of
from knowledge_connector.errors import ConnectorError, LeaseHeld
from knowledge_connector.ports import Clock, StateStore
from knowledge_connector.watch.channels import Channel, open_channel
from knowledge_connector.watch.notices import Notice, due
from knowledge_connector.watch.troubles import JobPast, Past, Trouble, troubles_of

LOOK_SECONDS = 30.0
TELLER = "*notifications*"
"""The lease of who tells people; no connector can have this name."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found at the last look.

    Attributes:
        at: When that was.
        store_trouble: Why the state store could not be asked; empty if it could.
    """

    at: datetime
    troubles: tuple[Trouble, ...] = ()
    last_success: Mapping[str, datetime] = field(default_factory=dict)
    store_trouble: str = ""


class Watcher:
    """Watches connectors and jobs. `look` belongs to one thread; `seen` may be read by any, and `wake` called by any.

    Args:
        settings: To begin with; see `work_under`.

    Raises:
        ConfigError: A channel is not configured well.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._clock = clock
        self._since = clock.now()
        self._woken = threading.Event()
        self._ended = threading.Event()
        self.seen = Seen(self._since)
        self.work_under(settings)

    def work_under(self, settings: Settings) -> None:
        """Watch by these settings from now on.

        Raises:
            ConfigError: A channel is not configured well; the former settings stay.
        """
        channels = {name: open_channel(name, one, self._clock) for name, one in settings.notifications.items()}
        self._work: tuple[Settings, dict[str, Channel]] = (settings, channels)
        self.wake()

    def wake(self) -> None:
        """Look soon."""
        self._woken.set()

    def end(self) -> None:
        """Let `watch` return."""
        self._ended.set()
        self._woken.set()

    def watch(self) -> None:
        """Look until `end` is called, and once more then."""
        last = False
        while not last:
            self._woken.wait(LOOK_SECONDS)
            self._woken.clear()
            last = self._ended.is_set()
            self.look()

    def look(self) -> None:
        """See what is wrong, and tell every channel what it does not know yet. Trouble with the state store is kept in `seen`."""
        settings, channels = self._work
        try:
            with Host(settings, clock=self._clock) as host:
                self.seen = self._look(settings, host.store)
                self._tell(settings, channels, host.store)
        except ConnectorError as error:
            log.warning("cannot look for trouble", extra={"error": error.message})
            self.seen = Seen(self._clock.now(), store_trouble=error.message)

    def _look(self, settings: Settings, store: StateStore) -> Seen:
        now, pasts, jobs = self._clock.now(), self._pasts(settings, store), store.jobs()
        known = [
            JobPast(jobs[name], job.connectors) for name, job in settings.jobs.items() if job.enabled and name in jobs
        ]
        last_success = {past.connector: past.last_success for past in pasts if past.last_success}
        return Seen(now, tuple(troubles_of(pasts, known, now)), last_success)

    def _pasts(self, settings: Settings, store: StateStore) -> list[Past]:
        pasts = []
        for name, connector in settings.connectors.items():
            if connector.enabled:
                fresh = timedelta(seconds=seconds_of(connector.fresh_within)) if connector.fresh_within else None
                pasts.append(Past(name, fresh, store.last_ended_run(name), store.last_success(name), self._since))
        return pasts

    def _tell(self, settings: Settings, channels: Mapping[str, Channel], store: StateStore) -> None:
        """One process at a time tells; what another is telling is left to it."""
        if not self._due(settings, store):
            return
        try:
            with store.lease(TELLER):
                for channel, notice in self._due(settings, store):
                    self._deliver(channels[channel], notice, store)
        except LeaseHeld:
            log.info("another process tells people")

    def _due(self, settings: Settings, store: StateStore) -> list[tuple[str, Notice]]:
        told = store.told()
        return [
            (name, notice)
            for name, channel in settings.notifications.items()
            for notice in due(name, channel.on, self.seen.troubles, told, self.seen.at)
        ]

    def _deliver(self, channel: Channel, notice: Notice, store: StateStore) -> None:
        try:
            if notice.text:
                channel.send(notice)
        except ConnectorError as error:
            log.warning("a notification was not delivered", extra={"error": error.message})
            return
        if notice.over:
            store.forget_told(notice.told)
        else:
            store.keep_told(notice.told)
