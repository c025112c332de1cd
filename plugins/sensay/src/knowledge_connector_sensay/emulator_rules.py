"""What Sensay takes and refuses, and how entries go from state to state. Pure functions, for the emulator alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

Row = dict[str, Any]
Test = Callable[[Any], bool]

MAX_TEXT_CHARS = 1_000_000
MAX_FILE_BYTES = 50_000_000
SIGNED_SECONDS = 7200
SEARCH_CHARS = 3
PAGE_SIZE, MAX_PAGE_SIZE = 24, 100

NEW, UPLOADED, RAW, PROCESSED, VECTOR, READY = (
    "NEW",
    "FILE_UPLOADED",
    "RAW_TEXT",
    "PROCESSED_TEXT",
    "VECTOR_CREATED",
    "READY",
)
UNPROCESSABLE = "UNPROCESSABLE"
PATH = (NEW, RAW, PROCESSED, VECTOR, READY)
FILE_PATH = (NEW, UPLOADED, RAW, PROCESSED, VECTOR, READY)
STATES = frozenset({*FILE_PATH, UNPROCESSABLE})
TYPES = frozenset({"file", "text", "website", "youtube"})
ANSWERING = frozenset({VECTOR, READY})

MEDIA: Mapping[str, tuple[str, ...]] = {
    "document": ("doc", "docx", "rtf", "pdf", "pdfa", "epub"),
    "table": ("csv", "tsv", "xls", "xlsx", "xlsm", "xlsb", "ods", "dta", "sas7bdat", "xpt"),
    "presentation": ("ppt", "pptx"),
    "text": ("txt", "md", "htm", "html", "css", "js", "xml", "json", "yml", "yaml"),
    "image": ("png", "jpg", "jpeg", "webp", "heic", "heif", "tiff", "bmp"),
    "audio": ("mp3", "wav", "aac", "ogg", "flac"),
    "video": ("mp4", "mpeg", "mov", "avi", "mpg", "webm", "mkv"),
}
EXTENSIONS = frozenset(extension for group in MEDIA.values() for extension in group)

_URL = re.compile(r"https?://[^\s/?#@]+\.[A-Za-z]{2,}(?::\d+)?(?:[/?#]\S*)?", re.IGNORECASE)
_YOUTUBE = frozenset({"youtube.com", "m.youtube.com", "youtu.be"})


class Refusal(Exception):
    """An answer other than success."""

    def __init__(self, status: int, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code


# -------------------------------------------------------------------------------------------------------------- bodies


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_long_enough(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= MAX_TEXT_CHARS


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and bool(_URL.fullmatch(value)) and not _is_google(value)


def _is_google(url: str) -> bool:
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    return host == "google.com" or host.endswith(".google.com")


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _up_to(chars: int) -> Test:
    return lambda value: isinstance(value, str) and 1 <= len(value) <= chars


def _is_quota(value: Any) -> bool:
    entries = value.get("knowledgeBaseEntries") if isinstance(value, dict) else None
    return isinstance(entries, dict) and isinstance(entries.get("totalUserQuota"), int)


CREATE: Mapping[str, Test] = {
    "title": _is_text,
    "text": _is_long_enough,
    "url": _is_url,
    "autoRefresh": _is_flag,
    "filename": _is_text,
    "usageLimits": _is_quota,
}
CHANGE: Mapping[str, Test] = {
    "title": _is_text,
    "rawText": _is_long_enough,
    "status": STATES.__contains__,
    "processedText": _is_text,
    "generatedFacts": _is_list,
    "rawTextChunks": _is_list,
    "qdrantPoints": _is_list,
    "vectorEntryID": _is_text,
    "generatedTitle": _is_text,
    "summary": _is_text,
    "language": _is_text,
    "website": _is_table,
    "youtube": _is_table,
    "file": _is_table,
    "error": _is_table,
}
REPLICA_NEEDS: Mapping[str, Test] = {
    "name": _up_to(50),
    "shortDescription": _up_to(50),
    "greeting": _up_to(600),
    "ownerID": _is_text,
    "slug": _up_to(50),
    "llm": lambda value: isinstance(value, dict) and isinstance(value.get("model"), str),
}


def check(body: Mapping[str, Any], fields: Mapping[str, Test]) -> None:
    """Refuse what a closed schema would.

    Raises:
        Refusal: 400.
    """
    for name, value in body.items():
        if name not in fields:
            raise Refusal(400, f"Unrecognized key: {name}")
        if not fields[name](value):
            raise Refusal(400, f"Invalid value: {name}")


def check_replica(body: Mapping[str, Any]) -> None:
    """Refuse a replica that lacks something.

    Raises:
        Refusal: 400.
    """
    for name, test in REPLICA_NEEDS.items():
        if name not in body or not test(body[name]):
            raise Refusal(400, f"Invalid value: {name}")


# --------------------------------------------------------------------------------------------------------------- lists


def words(values: Sequence[str], allowed: frozenset[str], name: str) -> set[str]:
    """Read a filter that comes as a comma list, repeated, or both.

    Raises:
        Refusal: 400, for words that are not known.
    """
    found = {word for value in values for word in value.split(",") if word}
    if not found <= allowed:
        raise Refusal(400, f"Invalid value: {name}")
    return found


def number(value: str | None, default: int, least: int, most: int, name: str) -> int:
    """Read a whole number within bounds.

    Raises:
        Refusal: 400.
    """
    if value is None:
        return default
    if not value.isdecimal() or not least <= int(value) <= most:
        raise Refusal(400, f"Invalid value: {name}")
    return int(value)


def has_extension(filename: str) -> bool:
    """Whether a file of this name may be uploaded."""
    return filename.rpartition(".")[2].lower() in EXTENSIONS


# ----------------------------------------------------------------------------------------------------------- addresses


def type_of(url: str) -> str:
    """`youtube` or `website`."""
    return "youtube" if _host(url) in _YOUTUBE else "website"


def playlist_of(url: str) -> str | None:
    """The playlist that an address leads to, if it does."""
    parts = urlsplit(url)
    if _host(url) not in _YOUTUBE or parts.path.rstrip("/") != "/playlist":
        return None
    return next(iter(parse_qs(parts.query).get("list", ())), None)


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower().removeprefix("www.")


# -------------------------------------------------------------------------------------------------------------- states


def start(row: Row, state: str, now: datetime) -> None:
    """Let an entry go its way from this state on."""
    row["start"], row["since"] = state, now.timestamp()


def status_of(row: Row, now: datetime, stage_seconds: float) -> str:
    """Where an entry is: it rests at its first state for one stage, and so on. Files wait until they are uploaded."""
    if row["type"] == "file" and "uploaded" not in row:
        return str(row["start"])
    path = FILE_PATH if row["type"] == "file" else PATH
    if row["start"] not in path:
        return str(row["start"])
    steps = int((now.timestamp() - row["since"]) / stage_seconds) if stage_seconds else len(path)
    reached = path[min(path.index(row["start"]) + steps, len(path) - 1)]
    has_failed = row.get("fate") and path.index(reached) >= path.index(PROCESSED)
    return UNPROCESSABLE if has_failed else reached


def answer_of(row: Row, status: str) -> str | None:
    """The text by which an entry answers questions: until a new one is processed, the one before."""
    found = row.get("rawText") if status in ANSWERING else row.get("live")
    return None if found is None else str(found)
