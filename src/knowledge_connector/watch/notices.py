"""What is to be told: a pure function of what is wrong and what has been told."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from knowledge_connector.ports import Told
from knowledge_connector.watch.troubles import Trouble

Topic = Literal["failure", "withheld", "stale", "recovery"]


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one channel.

    Attributes:
        topic: The kind of trouble, or that it is over.
        over: Whether it tells of the end of what it is about.
        told: What the channel knows once it has been delivered.
    """

    topic: Topic
    title: str
    text: str
    over: bool
    told: Told


def due(
    channel: str, topics: Collection[Topic], troubles: Iterable[Trouble], told: Iterable[Told], now: datetime
) -> list[Notice]:
    """Give what a channel has to be told.

    Args:
        channel: Its name.
        topics: What it wants to hear of.
        troubles: All there are now.
        told: What the channel knows of.
        now: For how long something lasted.
    """
    here = {trouble.key: trouble for trouble in troubles if trouble.kind in topics}
    known = {(one.kind, one.subject): one for one in told if one.channel == channel}
    begun = [_begun(channel, here[key]) for key in here.keys() - known.keys()]
    over = [_over(known[key], now, silent=not {key[0], "recovery"} <= {*topics}) for key in known.keys() - here.keys()]
    return sorted([*begun, *over], key=lambda notice: (notice.told.since, notice.told.subject, notice.topic))


def _begun(channel: str, trouble: Trouble) -> Notice:
    text = f"{_sentence(trouble.summary)}\nSince {_time(trouble.since)}. Next: {trouble.advice}"
    told = Told(channel, trouble.kind, trouble.subject, trouble.since)
    return Notice(trouble.kind, f"{trouble.subject}: {_HEADLINES[trouble.kind]}", text, False, told)


def _over(told: Told, now: datetime, *, silent: bool) -> Notice:
    """The end of a trouble; without a text if the channel does not want to hear of it."""
    lasted = now - told.since
    text = (
        f"{_HEADLINES[told.kind].capitalize()} since {_time(told.since)}: over after {str(lasted).partition('.')[0]}."
    )
    return Notice("recovery", f"{told.subject}: well again", "" if silent else text, True, told)


_HEADLINES = {"failure": "failed", "withheld": "deletes withheld", "stale": "not fresh"}


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
