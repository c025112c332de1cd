"""Alive and ready: pure functions of what the runner and the watcher saw last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from knowledge_connector.jobs.events import Overview
from knowledge_connector.watch.watcher import Seen

SILENCE = timedelta(minutes=3)
"""Due jobs are looked for every half minute; after this long without a look something hangs."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether all is well, and why not."""

    well: bool
    reasons: tuple[str, ...] = ()


def alive(overview: Overview, now: datetime) -> Verdict:
    """Whether the process does its rounds; if not, only a restart helps."""
    if overview.last_tick is not None and now - overview.last_tick > SILENCE:
        return Verdict(False, (f"due jobs were looked for last at {overview.last_tick.isoformat()}",))
    return Verdict(True)


def ready(overview: Overview, seen: Seen, refused: str, now: datetime) -> Verdict:
    """Whether due jobs would be run as they should.

    Args:
        overview: What the runner says.
        seen: What the watcher saw.
        refused: Why the newest configuration does not count; empty if it does.
        now: The time.
    """
    reasons = [*alive(overview, now).reasons]
    if overview.last_tick is None:
        reasons.append("due jobs have not been looked for yet")
    if trouble := overview.trouble or seen.store_trouble:
        reasons.append(f"state store: {trouble}")
    if refused:
        reasons.append(f"the configuration was changed and is broken, so the former one counts: {refused}")
    return Verdict(not reasons, tuple(reasons))
