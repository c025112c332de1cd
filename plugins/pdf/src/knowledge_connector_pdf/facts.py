"""What a PDF says of itself, in the form of all documents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from knowledge_connector.kit.facts import Facts

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument  # type: ignore[import-untyped]  # pypdfium2 ships no types

_DATE = re.compile(r"D:(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?([Zz]|[+-]\d\d'?\d\d)?")


def facts(document: PdfDocument) -> Facts:
    """Read the document's information dictionary (ISO 32000-2, 14.3.3)."""
    said = {key: " ".join(value.split()) for key, value in document.get_metadata_dict(skip_empty=True).items()}
    found = {
        "author": said.get("Author", ""),
        "created": iso(said.get("CreationDate", "")),
        "modified": iso(said.get("ModDate", "")),
        "subject": said.get("Subject", ""),
    }
    return Facts.of(said.get("Title", ""), said.get("Keywords", ""), found)


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
