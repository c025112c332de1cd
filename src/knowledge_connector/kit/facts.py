"""What documents say of themselves, in one form."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from knowledge_connector.model import Converted

_SEPARATORS = re.compile(r"[,;]")
_NO_TITLE = re.compile(
    r"(?:untitled|document|presentation|slide|book|mappe|dokument|präsentation|microsoft (?:word|powerpoint|excel)\b.*)\W*\d*"
    r"|.*\.(?:doc|docx|dot|ppt|pptx|xls|xlsx|odt|odp|rtf|pdf|tex|dvi|indd|qxd|fm|html?)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Facts:
    """Title, keywords and metadata of a document."""

    title: str | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, str | int] = field(default_factory=dict)

    @classmethod
    def of(cls, title: str, keywords: str, said: dict[str, str]) -> Facts:
        """Keep what says something: titles that somebody gave, each keyword once, and what is not empty of all that is said."""
        metadata: dict[str, str | int] = {key: value for key, value in said.items() if value}
        return cls(title if _is_title(title) else None, _words(keywords), metadata)

    def with_text(self, markdown: str, title: str | None) -> Converted:
        """Join them with the text; `title` is for documents that have none of their own."""
        return Converted(markdown, self.title or title, self.tags, self.metadata)


def _is_title(text: str) -> bool:
    """Whether this is a title that somebody gave, rather than a file name or what a program puts there."""
    return bool(text) and not _NO_TITLE.fullmatch(text)


def _words(keywords: str) -> tuple[str, ...]:
    """Split keywords at commas and semicolons."""
    return tuple(dict.fromkeys(filter(None, map(str.strip, _SEPARATORS.split(keywords)))))
