"""What the emulated Intellia goes by: types, states, pages, search, ETLs. Pure functions of rows and time.

What the vendor does not document follows the guesses that the README lists.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

Row = dict[str, Any]

MAX_PAGE = 100
DEFAULT_PAGE = 20
MAX_TITLE = 255
PIECE_CHARS = 1000

STATUSES = ("WAITING-UPLOAD", "ENQUEUED", "PROCESSING", "READY", "ERROR")
BASE_TYPES = ("ORGANIZATION", "PERSONAL")
ETL_TYPES = ("agent", "action-chain")
COMPARISONS = ("EQUALS", "CONTAINS", "STARTS_WITH", "ENDS_WITH", "IS_EMPTY", "IS_NOT_EMPTY")
OPERATORS = ("AND", "OR")

TYPES: Mapping[str, tuple[str, tuple[bytes, ...]]] = {
    ".pdf": ("application/pdf", (b"%PDF-",)),
    ".png": ("image/png", (b"\x89PNG\r\n\x1a\n",)),
    ".jpg": ("image/jpeg", (b"\xff\xd8\xff",)),
    ".jpeg": ("image/jpeg", (b"\xff\xd8\xff",)),
    ".gif": ("image/gif", (b"GIF87a", b"GIF89a")),
    ".webp": ("image/webp", (b"RIFF",)),
    ".docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", (b"PK\x03\x04",)),
    ".txt": ("text/plain", ()),
    ".md": ("text/markdown", ()),
    ".csv": ("text/csv", ()),
    ".json": ("application/json", ()),
    ".xml": ("application/xml", ()),
    ".html": ("text/html", ()),
}
"""Endings, media types, and how such files begin; files without such a beginning are text."""

_BEGINNINGS = dict(TYPES.values())


class Refusal(Exception):
    """An answer of 4xx, with a message for people."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


# -- requests ---------------------------------------------------------------------------------------------------------------


def text_of(body: Mapping[str, Any], name: str, *, longest: int = 100_000) -> str:
    """A required field of text."""
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Refusal(422, f"{name} is required")
    if len(value) > longest:
        raise Refusal(422, f"{name} is longer than {longest} characters")
    return value


def one_of(value: object, name: str, known: Sequence[str]) -> str:
    """A required field of a few values."""
    if not isinstance(value, str) or value not in known:
        raise Refusal(422, f"{name} must be one of {', '.join(known)}")
    return value


def number_of(params: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    """A number of the query."""
    try:
        number = int(params.get(name, default))
    except ValueError:
        raise Refusal(400, f"{name} must be a number") from None
    if number < least:
        raise Refusal(400, f"{name} must be at least {least}")
    return number


def page_of(items: Sequence[Row], params: Mapping[str, str]) -> Row:
    """Cut a page out of a list; `cursor` is an offset."""
    limit = min(number_of(params, "limit", DEFAULT_PAGE, least=1), MAX_PAGE)
    offset = number_of(params, "cursor", 0, least=0)
    ordered = _ordered(items, params.get("orderBy", ""))
    return {"items": ordered[offset : offset + limit], "totalRows": len(items), "offset": offset}


def _ordered(items: Sequence[Row], order: str) -> Sequence[Row]:
    field = order.removeprefix("-")
    if not order or not items:
        return items
    if field not in items[0]:
        raise Refusal(400, f"orderBy: there is no field {field}")
    return sorted(items, key=lambda row: str(row[field]), reverse=order.startswith("-"))


def etl_of(body: Mapping[str, Any]) -> Row:
    """The fields of an ETL configuration."""
    conditions = body.get("conditions", [])
    if not isinstance(conditions, list) or not all(isinstance(one, dict) for one in conditions):
        raise Refusal(422, "conditions must be a list")
    for number, condition in enumerate(conditions, start=1):
        text_of(condition, "field")
        one_of(condition.get("comparison"), "comparison", COMPARISONS)
        if number < len(conditions) or "mergeOperator" in condition:
            one_of(condition.get("mergeOperator"), "mergeOperator", OPERATORS)
    return {
        "etlType": one_of(body.get("etlType"), "etlType", ETL_TYPES),
        "agentId": body.get("agentId"),
        "prompt": body.get("prompt"),
        "conditions": conditions,
    }


# -- files ------------------------------------------------------------------------------------------------------------------


def is_supported(name: str, content_type: str) -> bool:
    """Whether ending or media type is known."""
    return PurePosixPath(name).suffix.lower() in TYPES or content_type.partition(";")[0].strip() in _BEGINNINGS


def complaint_about(content: bytes, content_type: str) -> str | None:
    """Why bytes cannot be taken in as what they were declared to be; `None` if they can."""
    beginnings = _BEGINNINGS.get(content_type.partition(";")[0].strip(), ())
    if not content:
        return "The file is empty"
    if beginnings:
        return None if content.startswith(beginnings) else f"The file is not {content_type}"
    try:
        text = content.decode()
        if content_type == "application/json":
            json.loads(text)
    except ValueError:
        return f"The file cannot be read as {content_type}"
    return "The file is binary" if "\0" in text else None


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a file waits, and is worked on."""

    queue_seconds: float
    processing_seconds: float


def state_of(row: Row, pace: Pace, now: datetime) -> tuple[str, str]:
    """Status and time of the last change, as they follow from when the bytes came and what is to come of them.

    Args:
        row: With `since`, when the bytes came; `lag`, how long the storage takes to tell of them; and `fate`.
        pace: Of what follows.
        now: What time it is.
    """
    if row["since"] is None:
        return "WAITING-UPLOAD", row["createdAt"]
    moment, status = datetime.fromisoformat(row["since"]), "WAITING-UPLOAD"
    steps = [("ENQUEUED", row["lag"]), ("PROCESSING", pace.queue_seconds), (row["fate"], pace.processing_seconds)]
    for following, seconds in steps:
        if moment + timedelta(seconds=seconds) > now or following == "STUCK":
            break
        moment, status = moment + timedelta(seconds=seconds), following
    return status, moment.isoformat()


# -- search -----------------------------------------------------------------------------------------------------------------


def pieces_of(text: str) -> list[str]:
    """What the vendor would embed one by one."""
    return [text[start : start + PIECE_CHARS] for start in range(0, len(text), PIECE_CHARS)]


def similarity(query: str, text: str) -> float:
    """The share of the words asked for that are there: enough of a search to be checked against."""
    wanted = set(_words(query))
    return len(wanted & set(_words(text))) / len(wanted) if wanted else 0.0


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
