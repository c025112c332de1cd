"""Time stamps as office files hold them."""

from __future__ import annotations

from datetime import datetime


def day(stamp: str) -> str:
    """Make an ISO date with seconds of a time stamp; empty if it is none."""
    try:
        return datetime.fromisoformat(stamp).replace(microsecond=0).isoformat()
    except ValueError:
        return ""
