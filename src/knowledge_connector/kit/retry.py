"""When to try again, and how long to wait before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})

_LEAST_EPOCH_SECONDS = 1_000_000_000  # the year 2001; smaller numbers in a reset header are a pause
_LEAST_EPOCH_MILLISECONDS = 100_000_000_000  # the same number of seconds would be in the year 5138


@dataclass(frozen=True, slots=True)
class Retries:
    """How often one request is tried, and how long it may wait in all.

    Attributes:
        tries: The first one counts.
        base_seconds: Upper bound of the first wait; doubles with each try. The wait is anything between zero and the bound.
        cap_seconds: Upper bound of one such wait. A pause that the server asks for is not cut short.
        max_wait_seconds: Upper bound of all waits of one request together.
    """

    tries: int = 5
    base_seconds: float = 1
    cap_seconds: float = 60
    max_wait_seconds: float = 600

    def backoff_seconds(self, attempt: int, jitter: float) -> float:
        """Give the wait after the attempt of this number (from 0), for a `jitter` between 0 and 1."""
        return jitter * float(min(self.cap_seconds, self.base_seconds * 2**attempt))


def is_retriable(status: int) -> bool:
    """Whether the same request may be answered better later."""
    return status in (408, 425, 429) or 500 <= status <= 599


def pause_asked_for(headers: Mapping[str, str], now: datetime) -> float | None:
    """Give the seconds that an answer asks to wait; `None` if it does not say.

    Args:
        headers: With names in lower case, or a mapping that does not care.
        now: The wall clock, with time zone.

    Reference: RFC 9110, section 10.2.3, for `Retry-After`. `X-RateLimit-Reset` has no standard: it is met as seconds to wait, as seconds
    or milliseconds since 1970, and as ISO 8601.
    """
    for name in ("retry-after", "ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"):
        seconds = _seconds(headers.get(name, ""), now)
        if seconds is not None:
            return max(0.0, seconds)
    return None


def calls_left(headers: Mapping[str, str]) -> int | None:
    """Give how many more calls an answer says it would bear; `None` if it does not say. None of these headers is a standard."""
    names = ("ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining")
    said = [text for name in names if (text := headers.get(name, "").strip()).isdecimal()]
    return min(map(int, said), default=None)


def _seconds(text: str, now: datetime) -> float | None:
    try:
        number = float(text)
    except ValueError:
        moment = _moment(text)
        return None if moment is None else (moment - now).total_seconds()
    if number >= _LEAST_EPOCH_MILLISECONDS:
        return number / 1000 - now.timestamp()
    return number - now.timestamp() if number >= _LEAST_EPOCH_SECONDS else number


def _moment(text: str) -> datetime | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(text)
        except ValueError:
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None
