"""Everything around the runner of `connector serve`: the door, the metrics, and who tells people."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from knowledge_connector.config import Settings, load
from knowledge_connector.jobs.events import ConfigRefused, ConfigReloaded, Event, JobEnded, Overview, RunEnded
from knowledge_connector.ports import Clock
from knowledge_connector.server.door import Pages, open_door
from knowledge_connector.server.health import Verdict, alive, ready
from knowledge_connector.server.metrics import Metrics
from knowledge_connector.watch.channels import open_channel
from knowledge_connector.watch.watcher import Watcher


class Attendance:
    """A `Listener` that counts what it hears, and has people told.

    Args:
        settings: To begin with; host, port and token of the door stay as they are in these.
        clock: Whose time it is.
        overview: Gives what the runner says.

    Raises:
        ConfigError: A channel of `[notifications]` is not configured well.
    """

    def __init__(self, settings: Settings, clock: Clock, overview: Callable[[], Overview]) -> None:
        self._settings = self._loaded = settings
        self._clock, self._overview = clock, overview
        self._refused = ""
        self._watcher = Watcher(settings, clock)
        self._metrics = Metrics(overview, lambda: self._watcher.seen, clock)

    def load(self) -> Settings:
        """Read the configuration anew; it counts for us when `ConfigReloaded` is heard.

        Raises:
            ConfigError: It is broken, or a channel of it is.
        """
        settings = load(self._settings.file)
        for name, channel in settings.notifications.items():
            open_channel(name, channel, self._clock)
        self._loaded = settings
        return settings

    def hear(self, event: Event) -> None:
        """See `Listener`."""
        self._metrics.hear(event)
        if isinstance(event, ConfigReloaded):
            self._refused = ""
            self._watcher.work_under(self._loaded)
        elif isinstance(event, ConfigRefused):
            self._refused = event.message
        elif isinstance(event, RunEnded | JobEnded):
            self._watcher.wake()

    @contextmanager
    def door(self) -> Iterator[str]:
        """Serve health and metrics while this lasts, and give the address.

        Raises:
            ConfigError: The port is taken.
        """
        serve = self._settings.serve
        token = serve.token.get_secret_value() if serve.token else ""
        with open_door(serve.host, serve.port, Pages(self._alive, self._ready, self._metrics.render, token)) as url:
            yield url

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Have people told while this lasts, and once more at the end."""
        thread = threading.Thread(target=self._watcher.watch, name="watcher", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._watcher.end()
            thread.join()

    def _alive(self) -> Verdict:
        return alive(self._overview(), self._clock.now())

    def _ready(self) -> Verdict:
        return ready(self._overview(), self._watcher.seen, self._refused, self._clock.now())
