"""Incremental cursors: what counts as later, where to start, and in which windows to ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from knowledge_connector import ConfigError, DocumentError
from knowledge_connector_rest.expressions import as_text, evaluate
from knowledge_connector_rest.times import NUMBER, TEXT, read_moment, write_moment

if TYPE_CHECKING:
    from knowledge_connector_rest.config import Incremental
    from knowledge_connector_rest.paging import Record
    from knowledge_connector_rest.position import Mark


@dataclass(frozen=True, slots=True)
class Window:
    """What to ask for: from `start` to `end`, either of which may be open."""

    start: Mark = None
    end: Mark = None


class Changes:
    """The arithmetic of one `incremental` table. Marks are numbers, texts, or moments in ISO 8601, which sort as they pass."""

    def __init__(self, options: Incremental) -> None:
        self.options = options
        self._zone = ZoneInfo(options.timezone) if options.timezone else None

    def mark_of(self, record: Record) -> Mark:
        """The mark of a record; `None` if it has none and that is fine.

        Raises:
            DocumentError: It has none, or none that can be read.
        """
        value = evaluate(self.options.cursor, record)
        if value is None and self.options.without_cursor != "fail":
            return None
        return self.mark(value)

    def mark(self, value: object) -> Mark:
        """Read a value as the service writes it.

        Raises:
            DocumentError: It cannot be read.
        """
        if self.options.format == TEXT:
            return as_text(value)
        if self.options.format == NUMBER:
            return _number(value)
        *tried, last = self.options.read_formats or (None if self.options.format == "iso" else self.options.format,)
        for pattern in tried:
            with suppress(DocumentError):
                return _stored(read_moment(value, self._zone, pattern))
        return _stored(read_moment(value, self._zone, last))

    def initial(self) -> Mark:
        """Where the first reading starts.

        Raises:
            ConfigError: It is not written as `format` says.
        """
        if self.options.initial is None:
            return None
        try:
            return self.mark(self.options.initial)
        except DocumentError:
            try:
                return _stored(read_moment(self.options.initial, self._zone or UTC))
            except DocumentError as error:
                raise ConfigError(f"incremental.initial: {error.message}") from error

    def start_after(self, mark: Mark) -> Mark:
        """Where to start, if everything up to `mark` has been seen: a little before, as the options say."""
        options = self.options
        back = options.lookback + (0 if options.inclusive else options.granularity)
        return mark if mark is None else self._moved(mark, -back)

    def windows(self, start: Mark, until: Mark) -> Iterator[Window]:
        """One open window, or as many as it takes."""
        step = self.options.step
        if step is None or start is None or until is None:
            yield Window(start)
            return
        while start <= until:  # type: ignore[operator]  # both are what `mark` made of the same format
            following = self._moved(start, step)
            if following <= start:  # type: ignore[operator]  # the same
                raise ConfigError("incremental.step: is smaller than what can be told apart")
            last = self._moved(following, -self.options.granularity)
            yield Window(start, min(last, until))  # type: ignore[type-var]  # the same
            start = following

    def until(self, now: datetime) -> Mark:
        """Where the last window ends."""
        return self.options.end if self.options.counts else _stored(now)

    def written(self, mark: Mark) -> Any:
        """A mark as the service wants it."""
        if mark is None or self.options.format in (NUMBER, TEXT):
            return mark
        return write_moment(_moment(mark), self.options.format, self._zone)

    def is_older(self, mark: Mark, start: Mark) -> bool:
        """Whether a record belongs to an earlier reading."""
        return mark is not None and start is not None and mark < start  # type: ignore[operator]  # as above

    def later(self, one: Mark, other: Mark) -> Mark:
        """The greater mark."""
        return other if one is None or (other is not None and other > one) else one  # type: ignore[operator]  # as above

    def _moved(self, mark: Mark, by: float) -> Mark:
        if self.options.format == TEXT:
            return mark
        if isinstance(mark, int | float):
            return _plain(mark + by)
        return _stored(_moment(mark) + timedelta(seconds=by))


def _moment(mark: Mark) -> datetime:
    return datetime.fromisoformat(str(mark))


def _stored(moment: datetime) -> str:
    """All with the same number of digits, so that they sort."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _number(value: object) -> float | int:
    try:
        return _plain(float(as_text(value)))
    except ValueError as error:
        raise DocumentError(f"{value!r:.60} is no number", code="cursor", where="origin") from error


def _plain(number: float) -> float | int:
    return int(number) if number == int(number) else number
