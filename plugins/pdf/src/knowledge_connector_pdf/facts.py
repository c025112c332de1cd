"""What a PDF says of itself, in the form of all documents."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument  # type: ignore[import-untyped]  # pypdfium2 ships no types

_SEPARATORS = re.compile(r"[,;]")
_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?([Zz]|[+-]\d\d'?\d\d)?")
_NO_TITLE = re.compile(
    r"(?:untitled|document|presentation|microsoft (?:word|powerpoint|excel)\b.*)\W*\d*"
    r"|.*\.(?:doc|docx|dot|ppt|pptx|xls|xlsx|odt|odp|rtf|pdf|tex|dvi|indd|qxd|fm|html?)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Facts:
    """Title, keywords and metadata."""

    title: str | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, str | int] = field(default_factory=dict)


def facts(document: PdfDocument) -> Facts:
    """Read the document's information dictionary (ISO 32000-2, 14.3.3)."""
    said = {key: " ".join(value.split()) for key, value in document.get_metadata_dict(skip_empty=True).items()}
    found = {
        "author": said.get("Author", ""),
        "created": iso(said.get("CreationDate", "")),
        "modified": iso(said.get("ModDate", "")),
        "subject": said.get("Subject", ""),
    }
    title = said.get("Title", "")
    keywords = filter(None, map(str.strip, _SEPARATORS.split(said.get("Keywords", ""))))
    return Facts(
        title if title and not _NO_TITLE.fullmatch(title) else None,
        tuple(dict.fromkeys(keywords)),
        {key: value for key, value in found.items() if value},
    )


def iso(stamp: str) -> str:
    """A date of PDF in ISO form, as far as it goes; empty if it is none (ISO 32000-2, 7.9.4)."""
    match = _DATE.match(stamp)
    if not match:
        return ""
    year, month, day, hour, minute, second, zone = match.groups()
    date = f"{year}-{month or '01'}-{day or '01'}"
    if hour is None:
        return date
    offset = "" if not zone else "+00:00" if zone in "Zz" else f"{zone[:3]}:{zone[-2:]}"
    return f"{date}T{hour}:{minute or '00'}:{second or '00'}{offset}"
