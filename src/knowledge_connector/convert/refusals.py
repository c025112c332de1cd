"""Why nobody reads a type, in words that say what would help."""

from __future__ import annotations

from knowledge_connector.convert.containers import ENCRYPTED
from knowledge_connector.errors import Unreadable

_BY_KIND = (
    ("image/", "a picture; text in pictures is read by the plugin knowledge-connector-pdf with its extra [ocr]"),
    ("audio/", "sound; subtitles beside it (.srt, .vtt) are read"),
    ("video/", "film; subtitles beside it (.srt, .vtt) are read"),
    ("font/", "a font"),
    ("application/x-7z", "an archive of a kind that is not opened; zip and tar can be"),
    ("application/vnd.rar", "an archive of a kind that is not opened; zip and tar can be"),
    ("application/vnd.ms-outlook-pst", "a mailbox; save its mails as .eml or .msg"),
    ("application/octet-stream", "neither text nor of a known type"),
)


def refusal(media_type: str) -> Unreadable:
    """Give the error for a type that no converter reads: code `encrypted` or `unsupported`."""
    if media_type == ENCRYPTED:
        return Unreadable("it is locked with a password", code="encrypted")
    why = next((f": {words}" for kind, words in _BY_KIND if media_type.startswith(kind)), "")
    return Unreadable(f"there is no converter for {media_type or 'it'}{why}", code="unsupported")
