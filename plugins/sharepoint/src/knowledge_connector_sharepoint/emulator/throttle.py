"""How much an application may ask for: resource units a minute and a day, and times when nobody is served.

A request that is refused counts as well, so that who does not wait never comes to an end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime

from knowledge_connector.testing.emulation import Fault, Services
from knowledge_connector_sharepoint.emulator.options import Options
from knowledge_connector_sharepoint.emulator.tenant import NAME
from knowledge_connector_sharepoint.emulator.wire import Refusal

MINUTE_SECONDS, DAY_SECONDS = 60, 86_400
NOTICE_SHARE = 0.8

FAULTS = {
    "unavailable": "503 with the Retry-After that `retry_after` says, and a pause of `seconds`",
}


@dataclass(slots=True)
class _Window:
    """What was spent since when."""

    seconds: int
    began: datetime
    used: int = 0

    def spend(self, units: int, now: datetime) -> None:
        if (now - self.began).total_seconds() >= self.seconds:
            self.began, self.used = now, 0
        self.used += units

    def left_seconds(self, now: datetime) -> int:
        return max(1, math.ceil(self.seconds - (now - self.began).total_seconds()))


class Throttle:
    """Counts what is spent.

    Attributes:
        units: Everything that was spent.
        during_pause: Requests that came although a 503 had asked for a pause that was not over.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._options = Options(services)
        now = services.clock.now()
        self._windows = (_Window(MINUTE_SECONDS, now), _Window(DAY_SECONDS, now))
        self._pause: tuple[Fault, datetime, datetime] | None = None
        self.units = 0
        self.during_pause = 0

    def spend(self, units: int, operation: str) -> dict[str, str]:
        """Count a request, and give the headers that say what is left.

        Raises:
            Refusal: 429 or 503; not now.
        """
        now = self._services.clock.now()
        self.units += units
        self._check_pause(now, operation)
        headers: dict[str, str] = {}
        for window, limit in zip(self._windows, self._limits, strict=True):
            window.spend(units, now)
            if limit and window.used > limit:
                seconds = str(window.left_seconds(now))
                raise Refusal(429, headers={**_told(window, limit, now), "Retry-After": seconds})
            if limit and window.seconds == MINUTE_SECONDS:
                headers = _told(window, limit, now)
        return headers

    @property
    def _limits(self) -> tuple[int, int]:
        return self._options.number("units_per_minute"), self._options.number("units_per_day")

    def _check_pause(self, now: datetime, operation: str) -> None:
        if self._pause and now < self._pause[2]:
            fault, begins, ends = self._pause
            self.during_pause += now >= begins
        elif fault_now := self._services.faults.take(NAME, "unavailable", operation):
            fault, ends = fault_now, now + timedelta(seconds=fault_now.pause_seconds)
            self._pause = fault, now + timedelta(seconds=fault.grace_seconds), ends
        else:
            return
        raise Refusal(503, headers=_retry_after(fault.retry_after, ends, now))


def _told(window: _Window, limit: int, now: datetime) -> dict[str, str]:
    """What Graph says from four fifths of the limit on."""
    if window.used < NOTICE_SHARE * limit:
        return {}
    return {
        "RateLimit-Limit": str(limit),
        "RateLimit-Remaining": str(max(0, limit - window.used)),
        "RateLimit-Reset": str(window.left_seconds(now)),
    }


def _retry_after(form: str | None, ends: datetime, now: datetime) -> dict[str, str]:
    if form == "none":
        return {}
    if form == "date":
        whole = ends.replace(microsecond=0) + timedelta(seconds=ends.microsecond > 0)
        return {"Retry-After": format_datetime(whole, usegmt=True)}
    return {"Retry-After": form or str(math.ceil((ends - now).total_seconds()))}
