"""The log: to stderr, one line an event, with its fields. Configured here and nowhere else."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

OURS = ("knowledge_connector", "connector_plugins")
"""First parts of the names of our loggers and those of plugins; `-v` is about them, others speak from WARNING on."""

_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
_STANDARD = {*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName"}


class StderrHandler(logging.Handler):
    """Writes to what `sys.stderr` is at that moment, so that a progress display can make room.

    Args:
        as_json: Write one object a line, for machines.

    Attributes:
        fields: Ride along with every event that does not say otherwise: the run and the connector.
    """

    def __init__(self, level: int, *, as_json: bool = False) -> None:
        super().__init__(level)
        self.fields: dict[str, object] = {}
        self._write = _json_line if as_json else _text_line

    def emit(self, record: logging.LogRecord) -> None:
        """Write one event."""
        try:
            sys.stderr.write(self.format(record) + "\n")
        except (OSError, ValueError):  # stderr is gone, and there is nowhere to say so
            self.handleError(record)

    def filter(self, record: logging.LogRecord) -> bool:
        """Let others speak only if something is wrong: their INFO may hold addresses with tokens in them."""
        return record.levelno >= logging.WARNING or record.name.startswith(OURS)

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        own = {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
        return self._write(record, {**self.fields, **own})


def _text_line(record: logging.LogRecord, fields: Mapping[str, object]) -> str:
    """`time level message key=value …`."""
    words = [f"{key}={_value(value)}" for key, value in fields.items()]
    time = logging.Formatter().formatTime(record, "%H:%M:%S")
    line = " ".join([time, f"{record.levelname:<7}", record.getMessage(), *words])
    return f"{line}\n{logging.Formatter().formatException(record.exc_info)}" if record.exc_info else line


def _json_line(record: logging.LogRecord, fields: Mapping[str, object]) -> str:
    """One object: `time` (ISO 8601, UTC), `level`, `logger`, `event`, then the fields."""
    time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    line = {
        "time": time,
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": record.getMessage(),
        **fields,
    }
    if record.exc_info:
        line["exception"] = logging.Formatter().formatException(record.exc_info)
    return json.dumps(line, ensure_ascii=False, default=str)


def _value(value: object) -> str:
    text = str(value)
    return repr(text) if not text or any(char.isspace() or char in "\"'=" for char in text) else text


@contextmanager
def log_to_stderr(verbosity: int, *, as_json: bool = False) -> Iterator[None]:
    """Let the log through while a command runs: warnings; with one `-v` phases, with two every document."""
    level = _LEVELS[min(verbosity, len(_LEVELS) - 1)]
    root, handler = logging.getLogger(), StderrHandler(level, as_json=as_json)
    before = root.level
    root.addHandler(handler)
    root.setLevel(level)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def ride_along(run: int, connector: str) -> None:
    """Put the run and the connector into every line of the log from now on."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, StderrHandler):
            handler.fields = {"run_id": run, "connector": connector}
