"""Moments as services write them, and as they want them."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from email.utils import format_datetime, parsedate_to_datetime
from typing import Annotated

from pydantic import AfterValidator

from knowledge_connector import DocumentError

ISO, SECONDS, MILLISECONDS, HTTP, NUMBER, TEXT = "iso", "epoch_seconds", "epoch_milliseconds", "http", "number", "text"
WORDS = (ISO, SECONDS, MILLISECONDS, HTTP)
ORDERS = (*WORDS, NUMBER, TEXT)

_LEAST_MILLISECONDS = 100_000_000_000  # as seconds this would be the year 5138


def _pattern(text: str) -> str:
    if text not in WORDS and "%" not in text:
        raise ValueError(f"should be one of {', '.join(WORDS)}, or a pattern such as %Y-%m-%d")
    return text


def _order(text: str) -> str:
    if text not in ORDERS and "%" not in text:
        raise ValueError(f"should be one of {', '.join(ORDERS)}, or a pattern such as %Y-%m-%d")
    return text


TimeFormat = Annotated[str, AfterValidator(_pattern)]
CursorFormat = Annotated[str, AfterValidator(_order)]


def read_moment(value: object, zone: tzinfo | None, pattern: str | None = None) -> datetime:
    """Read ISO 8601, seconds or milliseconds since 1970, RFC 1123, or a pattern of one's own.

    Args:
        value: As the service gave it.
        zone: Of times that do not say theirs; `None` refuses those.
        pattern: As for `strptime`, or one of `WORDS`; `None` tries what is usual.

    Raises:
        DocumentError: It is no moment, or its zone is unknown (code `time`).
    """
    try:
        moment = _read(value, pattern)
    except (ValueError, OverflowError, OSError) as error:
        raise DocumentError(f"{value!r:.60} is no moment in the format {pattern or 'iso'!r}", code="time") from error
    if moment.tzinfo is None:
        if zone is None:
            raise DocumentError(f"{value!r:.60} has no time zone; say which with `timezone`", code="time")
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC)


def _read(value: object, pattern: str | None) -> datetime:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("neither text nor number")  # noqa: TRY004  # its caller makes one error of both
    if pattern is not None and "%" in pattern:
        return datetime.strptime(str(value), pattern)  # noqa: DTZ007  # the caller gives it a zone
    number = _number(value)
    if number is not None:
        milliseconds = pattern == MILLISECONDS or (pattern is None and abs(number) >= _LEAST_MILLISECONDS)
        return datetime.fromtimestamp(number / 1000 if milliseconds else number, UTC)
    try:
        return datetime.fromisoformat(str(value).strip())
    except ValueError:
        return parsedate_to_datetime(str(value))


def _number(value: str | float) -> float | None:
    if isinstance(value, str) and not value.strip().removeprefix("-").replace(".", "", 1).isdigit():
        return None
    text = str(value).strip()
    return None if isinstance(value, str) and len(text) < 9 else float(text)  # `2024` and `20240131` are no epochs


def write_moment(moment: datetime, pattern: str, zone: tzinfo | None = None) -> str | int:
    """Write a moment as a service wants it, in `zone` or UTC."""
    local = moment.astimezone(zone or UTC)
    if pattern == SECONDS:
        return int(local.timestamp())
    if pattern == MILLISECONDS:
        return int(local.timestamp() * 1000)
    if pattern == HTTP:
        return format_datetime(moment.astimezone(UTC), usegmt=True)
    if pattern == ISO:
        return local.isoformat().replace("+00:00", "Z")
    return local.strftime(pattern)
