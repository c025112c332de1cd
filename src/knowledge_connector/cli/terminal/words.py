"""Words and numbers as people read them."""

from __future__ import annotations

from datetime import datetime

import click

_CONTROL = dict.fromkeys((*range(32), *range(127, 160)), "·")


def clean(text: str) -> str:
    """Text from outside, made harmless: a title shall not steer the terminal."""
    return text.translate(_CONTROL)


def dim(text: str) -> str:
    """For what is beside the point."""
    return click.style(text, dim=True)


def bold(text: str) -> str:
    """For what a page is about."""
    return click.style(text, bold=True)


def number(value: int) -> str:
    """`3,976`."""
    return f"{value:,}"


def counted(value: int, noun: str) -> str:
    """`1 document`, `3,976 documents`."""
    return f"{value:,} {noun}{'' if value == 1 else 's'}"


def duration(seconds: float) -> str:
    """`0.21 s`, `12.4 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def when(instant: datetime) -> str:
    """`2026-11-22 17:20`, in the time zone of this machine."""
    return f"{instant.astimezone():%Y-%m-%d %H:%M}"


def titled(name: str, external_id: str, previous_id: str | None = None) -> str:
    """A document as people know it, and its id where that says more; `old → new` if it was renamed."""
    ids = clean(external_id) if previous_id is None else f"{clean(previous_id)} → {clean(external_id)}"
    return ids if not name or name == external_id else f"{clean(name)}  {dim(ids)}"
