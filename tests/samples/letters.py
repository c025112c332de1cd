"""Makes mails for tests, as they travel and as Outlook keeps them."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage

from samples.ole import Tree, write_ole

HEADERS = {
    "From": "Ada Lovelace <ada@example.com>",
    "To": "Charles Babbage <charles@example.com>, notes@example.com",
    "Date": "Tue, 05 Mar 2024 10:30:00 +0100",
    "Message-ID": "<note-g@example.com>",
}


def mail(
    text: str = "",
    *,
    html: str = "",
    subject: str = "Note G",
    files: Sequence[tuple[str, bytes, str]] = (),
    mails: Sequence[bytes] = (),
) -> bytes:
    """Give a mail; `files` are name, content and media type."""
    message = EmailMessage(policy=policy.SMTP)
    message["Subject"] = subject
    for name, value in HEADERS.items():
        message[name] = value
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    for name, content, media_type in files:
        kind, _, subkind = media_type.partition("/")
        message.add_attachment(content, maintype=kind, subtype=subkind, filename=name)
    for inner in mails:
        message.add_attachment(message_from_bytes(inner, policy=policy.SMTP))
    return message.as_bytes()


def saved_page(page: str, address: str = "https://example.com/a/page.html", subject: str = "A page") -> bytes:
    """Give a page as a browser saves it into one file."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = "<Saved by Blink>"
    message["Snapshot-Content-Location"] = address
    message["Subject"] = subject
    message.set_content(page, subtype="html")
    message["Content-Location"] = address
    message.add_related(b"\x89PNG\r\n\x1a\n", maintype="image", subtype="png", cid="<picture>")
    return message.as_bytes()


Values = Mapping[int, "str | bytes | int"]
"""Properties of Outlook by number: text, bytes, or a number of at most eight bytes."""

SUBJECT, PLAIN, HTML, RTF = 0x0037, 0x1000, 0x1013, 0x1009
SENDER_NAME, SENDER_SMTP, TO, SUBMITTED = 0x0C1A, 0x5D01, 0x0E04, 0x0039
CODE_PAGE, FILE_NAME, DATA, MIME, CONTENT_ID, HIDDEN = 0x3FFD, 0x3707, 0x3701, 0x370E, 0x3712, 0x7FFE


def outlook(values: Values, enclosed: Sequence[Tree] = (), *, narrow: str = "") -> bytes:
    """Give a mail of Outlook; `narrow` names an encoding for its texts, instead of UTF-16."""
    return write_ole(outlook_tree(values, enclosed, blank=32, narrow=narrow))


def outlook_tree(values: Values, enclosed: Sequence[Tree] = (), *, blank: int = 24, narrow: str = "") -> Tree:
    """Give the storage of a mail; `blank` says how many bytes stand before its table: 32 in a file, 24 within a mail."""
    tree = dict(_storage(values, blank, narrow))
    for number, inner in enumerate(enclosed):
        tree[f"__attach_version1.0_#{number:08X}"] = inner
    return tree


def enclosed_file(values: Values, within: Tree | None = None) -> Tree:
    """Give the storage of something enclosed; `within` is a mail."""
    tree = dict(_storage(values, 8, ""))
    return {**tree, "__substg1.0_3701000D": within} if within else tree


def _storage(values: Values, blank: int, narrow: str) -> Tree:
    tree: dict[str, bytes | Tree] = {}
    rows = [bytes(blank)]
    for number, value in values.items():
        if isinstance(value, int):
            rows.append(struct.pack("<HHIQ", 0x0014, number, 6, value))
        elif isinstance(value, bytes):
            tree[f"__substg1.0_{number:04X}0102"] = value
        else:
            kind, encoding = ("001E", narrow) if narrow else ("001F", "utf-16-le")
            tree[f"__substg1.0_{number:04X}{kind}"] = value.encode(encoding)
    return {**tree, "__properties_version1.0": b"".join(rows)}
