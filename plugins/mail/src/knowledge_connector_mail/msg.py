"""Mails as Outlook saves them: properties in the streams of an OLE file.

Reference: [MS-OXMSG] for the storages, [MS-OXPROPS] for the numbers of properties.
"""

from __future__ import annotations

import io
import struct
from array import array
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from knowledge_connector import Attachment, Converted, Converter, DocumentError, Raw
from knowledge_connector.kit.text import decode
from knowledge_connector_mail.letter import Letter, best_body, wanted_body

_Storage = Any  # olefile ships no types
_Entry = Any  # the same

_SUBJECT, _PLAIN, _HTML, _RTF = 0x0037, 0x1000, 0x1013, 0x1009
_SENDER_NAME, _SENDER, _SENDER_SMTP = 0x0C1A, 0x0C1F, 0x5D01
_TO, _CC, _MESSAGE_ID = 0x0E04, 0x0E03, 0x1035
_SUBMITTED, _DELIVERED = 0x0039, 0x0E06
_CODE_PAGE, _INTERNET_CODE_PAGE = 0x3FFD, 0x3FDE
_FILE_NAME, _SHORT_NAME, _DATA, _MIME, _CONTENT_ID, _HIDDEN = 0x3707, 0x3704, 0x3701, 0x370E, 0x3712, 0x7FFE

# olefile keeps what is in a storage by its name in small letters.
_PROPERTIES = "__properties_version1.0"
_ENCLOSED = "__attach_version1.0_#"
_MAIL_WITHIN = "__substg1.0_3701000d"
_STREAM = 2
_MAX_DEPTH = 3
_DAMAGE = (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, struct.error)
"""All the ways in which olefile stumbles over a damaged file."""


class OutlookConverter(Converter):
    """Reads `.msg`; the setting `body` picks `auto`, `plain` or `html` where a mail has its text twice."""

    name = "outlook"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset({"application/vnd.ms-outlook"})
    extensions: ClassVar[Mapping[str, str]] = {".msg": "application/vnd.ms-outlook"}

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Give the text of a mail; who wrote it to whom is metadata, and what is enclosed are attachments.

        Raises:
            DocumentError: It is damaged, or no mail of Outlook (code `malformed`).
        """
        import olefile

        wanted = wanted_body(settings)
        try:
            with olefile.OleFileIO(io.BytesIO(raw.content)) as storage:
                return _Folder(storage, storage.root).letter(wanted).converted()
        except _DAMAGE as error:
            raise DocumentError("this is no whole mail of Outlook", code="malformed") from error


class _Folder:
    """A storage within the file that holds properties: the mail, something enclosed, or a mail within the mail."""

    def __init__(self, storage: _Storage, entry: _Entry, depth: int = 0, header_bytes: int = 32) -> None:
        self._storage = storage
        self._entries: Mapping[str, _Entry] = entry.kids_dict
        self._depth = depth
        self._fixed = self._fixed_properties(header_bytes)
        page = self._number(_CODE_PAGE) or self._number(_INTERNET_CODE_PAGE)
        self._encoding = f"cp{page}" if page and page != 65001 else "utf-8" if page else "cp1252"

    def letter(self, wanted: str) -> Letter:
        """The mail in this storage."""
        letter = Letter(self._text(_SUBJECT))
        sender = self._text(_SENDER_SMTP) or self._text(_SENDER)
        name = self._text(_SENDER_NAME)
        letter.facts = {
            "from": f"{name} <{sender}>" if name and "@" in sender and name != sender else name or sender,
            "to": self._text(_TO),
            "cc": self._text(_CC),
            "message_id": self._text(_MESSAGE_ID),
            "created": self._time(_SUBMITTED) or self._time(_DELIVERED),
        }
        letter.body = best_body(self._text(_PLAIN), self._page(), wanted)
        if not letter.body.strip():
            self._take_rtf(letter)
        for folder in self._enclosed():
            folder.enclose(letter, wanted)
        return letter

    def enclose(self, letter: Letter, wanted: str) -> None:
        """Put what is in this storage into a letter."""
        inner = self._entries.get(_MAIL_WITHIN)
        name = self._text(_FILE_NAME) or self._text(_SHORT_NAME)
        if inner is not None and _PROPERTIES in inner.kids_dict:
            self._enclose_mail(_Folder(self._storage, inner, self._depth + 1, 24), name, letter, wanted)
        elif not self._number(_HIDDEN) and not (self._text(_CONTENT_ID) and self._text(_MIME).startswith("image/")):
            content = self._stream(f"{_DATA:04X}0102")
            if content is not None:
                letter.attachments.append(Attachment(name or "attachment", content))

    def _enclose_mail(self, folder: _Folder, name: str, letter: Letter, wanted: str) -> None:
        """A mail within: its text, and after it what was enclosed there."""
        if folder._depth > 2 * _MAX_DEPTH:
            letter.unread.append(f"{name or 'message'} (too-deep)")
            return
        inner = folder.letter(wanted)
        lines = [f"{key.capitalize()}: {value}" for key, value in inner.facts.items() if value and key != "message_id"]
        text = "\n\n".join(["  \n".join(lines), inner.body])
        letter.attachments.append(Attachment(inner.subject or name or "message", text.encode(), "text/markdown"))
        letter.attachments += inner.attachments
        letter.unread += inner.unread

    def _enclosed(self) -> Iterator[_Folder]:
        names = sorted(name for name in self._entries if name.startswith(_ENCLOSED))
        return (_Folder(self._storage, self._entries[name], self._depth + 1, 8) for name in names)

    def _page(self) -> str:
        """The text in HTML, which says its own encoding or has that of the mail."""
        content = self._stream(f"{_HTML:04X}0102")
        if content is None:
            return self._text(_HTML)
        page = self._number(_INTERNET_CODE_PAGE)
        return decode(content, None if page == 65001 or not page else f"cp{page}").text

    def _take_rtf(self, letter: Letter) -> None:
        """A mail whose text is there as RTF alone: whoever reads RTF shall read it."""
        from compressed_rtf import decompress  # type: ignore[import-untyped]  # it ships no types; few mails need it

        packed = self._stream(f"{_RTF:04X}0102")
        if packed:
            letter.attachments.append(Attachment("message.rtf", decompress(packed), "application/rtf"))

    def _text(self, number: int) -> str:
        wide = self._stream(f"{number:04X}001F")
        if wide is not None:
            return wide.decode("utf-16-le", "replace").rstrip("\0")
        narrow = self._stream(f"{number:04X}001E")
        return "" if narrow is None else decode(narrow.rstrip(b"\0"), self._encoding).text

    def _stream(self, name: str) -> bytes | None:
        entry = self._entries.get(f"__substg1.0_{name.lower()}")
        return None if entry is None else content_of(self._storage, entry)

    def _fixed_properties(self, header_bytes: int) -> dict[int, int]:
        """Values of eight bytes and less, by number; they stand in one stream, behind a header in rows of sixteen bytes."""
        entry = self._entries.get(_PROPERTIES)
        if entry is None:
            raise DocumentError("this is no mail of Outlook: it has no properties", code="malformed")
        table = content_of(self._storage, entry)
        rows = (table[at : at + 16] for at in range(header_bytes, len(table) - 15, 16))
        return {number: value for _, number, _, value in (struct.unpack("<HHIQ", row) for row in rows)}

    def _number(self, number: int) -> int:
        """A property of four bytes; 0 if there is none."""
        return self._fixed.get(number, 0) & 0xFFFFFFFF

    def _time(self, number: int) -> str:
        """A time in ISO 8601; Windows counts tenths of microseconds since 1601."""
        ticks = self._fixed.get(number)
        return (datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10)).isoformat() if ticks else ""


def content_of(storage: _Storage, entry: _Entry) -> bytes:
    """The bytes of a stream; at once if its sectors follow each other, which olefile would read one by one.

    Raises:
        OSError: It is no stream, or damaged beyond reading.
    """
    if entry.entry_type != _STREAM:
        raise OSError("this is no stream")
    first, sectors = entry.isectStart, -(-entry.size // storage.sectorsize)
    end = first + sectors
    if entry.size >= storage.minisectorcutoff and end <= len(storage.fat):
        following = array(storage.fat.typecode, range(first + 1, end))
        if storage.fat[first : end - 1] == following:
            storage.fp.seek(storage.sectorsize * (first + 1))
            content: bytes = storage.fp.read(entry.size)
            return content
    # `openstream` would look for its name first, among all there are: too long where thousands of files are enclosed.
    read: bytes = storage._open(entry.isectStart, entry.size).read()  # noqa: SLF001  # see above
    return read
