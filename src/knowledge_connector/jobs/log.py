"""Events as lines of the log: INFO for what goes well, WARNING for what a person should read tomorrow."""

from __future__ import annotations

import logging
import re
from dataclasses import asdict
from datetime import datetime
from typing import Any

from knowledge_connector.jobs.events import ConfigRefused, Event, JobEnded, JobOverran, JobSkipped, RunEnded

log = logging.getLogger(__name__)

WELL = ("ok", "interrupted", "skipped", "busy")
"""What needs nobody's attention; that something was skipped is told by an event of its own."""


class Logging:
    """A `Listener` that logs."""

    def hear(self, event: Event) -> None:
        """Log one event: its name in words, and its fields."""
        phrase = re.sub(r"(?<!^)(?=[A-Z])", " ", type(event).__name__).lower()
        log.log(_level(event), phrase, extra=_fields(event))


def _level(event: Event) -> int:
    if isinstance(event, JobSkipped | JobOverran | ConfigRefused):
        return logging.WARNING
    if isinstance(event, RunEnded | JobEnded) and event.status not in WELL:
        return logging.WARNING
    return logging.INFO


def _fields(event: Event) -> dict[str, Any]:
    """What says something; reports are in the history."""
    fields = {name: value for name, value in asdict(event).items() if name not in ("at", "reports")}
    if isinstance(event, RunEnded):
        fields |= {"runs": sorted({report["run"] for report in event.reports}), "seconds": round(event.seconds, 3)}
    said = {name: _said(value) for name, value in fields.items() if value not in (None, "", [])}
    return {name.replace("message", "reason"): value for name, value in said.items()}


def _said(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
