"""Mails as they travel: RFC 5322 and MIME."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from email import errors, message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar, TypeAlias

from knowledge_connector import Attachment, Converted, Converter, DocumentError, Raw, Unreadable
from knowledge_connector.kit.text import decode
from knowledge_connector_mail.letter import Letter, best_body, from_page, from_plain, wanted_body

Part: TypeAlias = "Message[str, str]"

_FACTS = {"from": "From", "to": "To", "cc": "Cc", "message_id": "Message-ID"}
_SIGNATURES = ("application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature")
_LOCKED = ("application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted")
_SAYS_NOTHING = ("application/octet-stream", "text/plain")
"""Types that programs give to whatever they do not know; the name of the attachment tells more."""


class MailConverter(Converter):
    """Reads mails; the setting `body` picks `auto`, `plain` or `html` where a mail has its text twice."""

    name = "mail"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset({"message/rfc822"})
    extensions: ClassVar[Mapping[str, str]] = {".eml": "message/rfc822"}

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Give the text of a mail; its headers are metadata, and what is enclosed are attachments.

        Raises:
            Unreadable: It is encrypted (code `encrypted`).
            DocumentError: Its parts nest too deeply (code `too-deep`).
        """
        try:
            message = message_from_bytes(raw.content)
            return _Reading(message, wanted_body(settings)).letter().converted()
        except RecursionError as error:
            raise DocumentError("its parts are nested too deeply", code="too-deep") from error


class _Reading:
    def __init__(self, message: Part, wanted: str) -> None:
        self._message = message
        self._wanted = wanted
        self._letter = Letter(header(message, "Subject"))
        self._locked = False

    def letter(self) -> Letter:
        letter = self._letter
        letter.facts = {key: header(self._message, name) for key, name in _FACTS.items()}
        letter.facts["created"] = _sent(self._message)
        letter.body = self._text(self._message)
        if self._locked and not letter.body.strip():
            raise Unreadable("the mail is encrypted", code="encrypted")
        return letter

    def _text(self, part: Part) -> str:
        """What there is to read in a part, as Markdown; what is enclosed in it goes to the letter."""
        kind = part.get_content_type()
        if kind == "message/rfc822":
            self._enclose_mail(part)
            return ""
        if kind == "multipart/alternative":
            return self._alternative(part)
        if part.is_multipart():
            return "\n\n".join(filter(None, map(self._text, parts_of(part)))) if kind.startswith("multipart/") else ""
        if kind in _LOCKED or kind in _SIGNATURES:
            self._locked = self._locked or kind in _LOCKED
            return ""
        if _is_enclosed(part):
            self._enclose(part, kind)
            return ""
        return self._leaf(part, kind)

    def _alternative(self, part: Part) -> str:
        """The same text in several versions; and now and then something that is none of them, an invitation for instance."""
        plain, page, flowed, others = "", "", False, []
        for version in parts_of(part):
            shown = _first_text(version)
            if shown is None or shown.get_content_type() not in ("text/plain", "text/html"):
                others.append(version)
            elif shown.get_content_type() == "text/html":
                page = self._decoded(shown) or page
                self._companions(version, shown)
            elif text := self._decoded(shown).strip("\n"):
                plain, flowed = text, _is_flowed(shown)
        rest = [self._text(other) for other in others]
        return "\n\n".join(filter(None, [best_body(plain, page, self._wanted, flowed=flowed), *rest]))

    def _companions(self, version: Part, shown: Part) -> None:
        """What came with a page: its pictures, which it shows, and files, which are enclosed."""
        for part in version.walk():
            if part is not shown and not part.is_multipart() and _is_enclosed(part):
                self._enclose(part, part.get_content_type())

    def _leaf(self, part: Part, kind: str) -> str:
        if kind == "text/html":
            return from_page(self._decoded(part))
        return from_plain(self._decoded(part), flowed=_is_flowed(part))

    def _decoded(self, part: Part) -> str:
        try:
            return decode(content_of(part), charset_of(part)).text
        except DocumentError as error:
            self._letter.unread.append(f"a part of the text ({error.code})")
            return ""

    def _enclose(self, part: Part, kind: str) -> None:
        if kind.startswith("image/") and part.get("Content-ID") and part.get_content_disposition() != "attachment":
            return  # a picture within the text
        name = decoded(part.get_filename() or "") or f"attachment{len(self._letter.attachments) + 1}"
        given = None if kind in _SAYS_NOTHING else kind
        self._letter.attachments.append(Attachment(name, content_of(part), given))

    def _enclose_mail(self, part: Part) -> None:
        for message in parts_of(part):
            name = decoded(part.get_filename() or "") or header(message, "Subject") or "message"
            try:
                content = message.as_bytes()
            except (
                UnicodeError,
                LookupError,
                ValueError,
                TypeError,
                AttributeError,
            ):  # headers that cannot be written again
                self._letter.unread.append(f"{name} (malformed)")
            else:
                self._letter.attachments.append(Attachment(name, content, "message/rfc822"))


def parts_of(part: Part) -> list[Part]:
    """The parts of a multipart message."""
    payload = part.get_payload()
    return [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []


def content_of(part: Part) -> bytes:
    """The bytes of a part, decoded from base64 or quoted-printable as well as they can be."""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def charset_of(part: Part) -> str | None:
    """What a part says of its encoding."""
    charset = part.get_param("charset")
    return charset if isinstance(charset, str) else None


def header(message: Part, name: str) -> str:
    """A header in readable form; empty if there is none."""
    wanted = name.lower()
    return next((decoded(str(value)) for key, value in message.raw_items() if key.lower() == wanted), "")


def decoded(value: str) -> str:
    """Text with its encoded words (RFC 2047) read; those that cannot be read stay as they are."""
    if not value.isascii():  # bytes that were put there as they came, which is not allowed and done all the same
        value = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if "=?" not in value:
        return value
    try:
        return str(make_header(decode_header(value)))
    except (errors.HeaderParseError, LookupError, UnicodeError, ValueError):
        return value


def _sent(message: Part) -> str:
    """When it was sent, in ISO 8601."""
    try:
        return parsedate_to_datetime(str(message.get("Date", ""))).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""


def _first_text(part: Part) -> Part | None:
    """The text of a version: itself, or the first text within."""
    return next((one for one in _leaves(part) if one.get_content_maintype() == "text"), None)


def _leaves(part: Part) -> Iterator[Part]:
    return (one for one in part.walk() if not one.is_multipart())


def _is_enclosed(part: Part) -> bool:
    is_text = part.get_content_type() in ("text/plain", "text/html") or part.get_content_maintype() == "multipart"
    return part.get_content_disposition() == "attachment" or not is_text or bool(part.get_filename())


def _is_flowed(part: Part) -> bool:
    return str(part.get_param("format", "")).lower() == "flowed"
