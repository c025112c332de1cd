"""What documents say of themselves, in one form."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from knowledge_connector import Converted

_SEPARATORS = re.compile(r"[,;]")
_NO_TITLE = re.compile(
    r"(?:untitled|document|presentation|slide|book|mappe|dokument|präsentation|microsoft (?:word|powerpoint|excel)\b.*)\W*\d*"
    r"|.*\.(?:doc|docx|dot|ppt|pptx|xls|xlsx|odt|odp|rtf|pdf|tex|dvi|indd|qxd)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Facts:
    """Title, keywords and metadata of a document."""

    title: str | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, str | int] = field(default_factory=dict)

    def with_text(self, markdown: str, title: str | None) -> Converted:
        """Join them with the text; `title` is for documents that have none of their own."""
        return Converted(markdown, self.title or title, self.tags, self.metadata)


def is_title(text: str) -> bool:
    """Whether this is a title that somebody gave, rather than a file name or what a program puts there."""
    return bool(text) and not _NO_TITLE.fullmatch(text)


def words(keywords: str) -> tuple[str, ...]:
    """Split keywords at commas and semicolons."""
    return tuple(dict.fromkeys(filter(None, map(str.strip, _SEPARATORS.split(keywords)))))


def day(stamp: str) -> str:
    """Make an ISO date with seconds of a time stamp; empty if it is none."""
    try:
        return datetime.fromisoformat(stamp).replace(microsecond=0).isoformat()
    except ValueError:
        return ""
