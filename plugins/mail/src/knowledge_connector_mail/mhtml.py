"""Web pages as browsers save them into one file: MHTML (RFC 2557)."""

from __future__ import annotations

from collections.abc import Mapping
from email import message_from_bytes
from typing import Any, ClassVar

from knowledge_connector import Converted, Converter, DocumentError, Raw
from knowledge_connector.kit.text import decode
from knowledge_connector_mail.eml import Part, charset_of, content_of, header
from knowledge_connector_mail.letter import from_page, one_line


class SavedPageConverter(Converter):
    """Reads the page itself; its pictures and styles are left aside. It has no settings of its own."""

    name = "mhtml"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset({"multipart/related"})
    extensions: ClassVar[Mapping[str, str]] = {".mhtml": "multipart/related", ".mht": "multipart/related"}

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:  # noqa: ARG002  # there are none
        """Give the readable part of the page, titled as it was in the browser; links lead where they led there.

        Raises:
            DocumentError: There is no page in it (code `malformed`), or its parts nest too deeply (`too-deep`).
        """
        try:
            message = message_from_bytes(raw.content)
            page = _page(message)
        except RecursionError as error:
            raise DocumentError("its parts are nested too deeply", code="too-deep") from error
        address = header(message, "Snapshot-Content-Location") or header(page, "Content-Location")
        text = decode(content_of(page), charset_of(page)).text
        facts = {"saved_from": one_line(address)} if address else {}
        return Converted(from_page(text, address or None), one_line(header(message, "Subject")) or None, (), facts)


def _page(message: Part) -> Part:
    """The root of the parts: that which `start` names, or the first page."""
    start = message.get_param("start")
    pages = [part for part in message.walk() if part.get_content_type() in ("text/html", "application/xhtml+xml")]
    if not pages:
        raise DocumentError("there is no page in this file", code="malformed")
    return next((page for page in pages if page.get("Content-ID") == start), pages[0])
