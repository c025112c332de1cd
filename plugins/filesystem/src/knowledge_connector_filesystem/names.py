"""From a file's name to an id, a label and a link, and back."""

from __future__ import annotations

import os
import re
from urllib.parse import quote_from_bytes, unquote_to_bytes

_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
_NEEDS_NO_QUOTES = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch


def id_of(path: str) -> str:
    """Make an id from a relative path: the path itself, with `%` and bytes that are not UTF-8 percent-encoded.

    Reversible, and never normalised: names that differ in their bytes differ in their ids.
    """
    if path.isascii():
        return path.replace("%", "%25") if "%" in path else path
    text = os.fsencode(path).replace(b"%", b"%25").decode("utf-8", "surrogateescape")
    return _ESCAPED_BYTE.sub(lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", text)


def path_of(document_id: str) -> str:
    """Give back the path that `id_of` was given."""
    return os.fsdecode(unquote_to_bytes(document_id))


def label_of(path: str) -> str:
    """Show a path: bytes that are not UTF-8 become the replacement character."""
    return path if path.isascii() else os.fsencode(path).decode("utf-8", "replace")


def link_of(path: str) -> str:
    """Write a path as a part of a URL."""
    return path if _NEEDS_NO_QUOTES(path) else quote_from_bytes(os.fsencode(path))


def local_path(root: str) -> str:
    """Take a path, or the path out of a `file://` URL."""
    return os.fsdecode(unquote_to_bytes(root.removeprefix("file://"))) if root.startswith("file://") else root


def file_link(path: str) -> str:
    """Make the `file://` URL of an absolute folder, without a last slash."""
    plain = path.removeprefix("\\\\?\\").replace(os.sep, "/").rstrip("/")
    return (
        "file://"
        + ("" if plain.startswith("/") or not plain else "/")
        + quote_from_bytes(os.fsencode(plain), safe="/:")
    )
