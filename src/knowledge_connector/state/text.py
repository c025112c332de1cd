"""Strings that a database refuses, in a form that it takes.

SQLite takes no surrogates (file names that are not UTF-8), PostgreSQL takes neither those nor NUL. Such a character is written as
U+001A (SUBSTITUTE) and four hexadecimal digits, and so is U+001A itself. Every code has the same length, so one string begins with
another exactly if their encodings do.
"""

from __future__ import annotations

import re
from typing import Any

_ESCAPE = "\x1a"
_ODD = re.compile("[\x00\x1a\ud800-\udfff]")
_CODE = re.compile("\x1a([0-9a-f]{4})")


def encode(value: Any) -> Any:
    """The value as a database takes it; anything but an odd string is returned as it is."""
    if type(value) is not str or _is_plain(value):
        return value
    return _ODD.sub(lambda odd: f"{_ESCAPE}{ord(odd[0]):04x}", value)


def encode_all(texts: list[Any]) -> list[Any]:
    """The same for many; a batch without an odd string costs one look at all of it together."""
    try:
        if _is_plain("".join(texts)):
            return texts
    except TypeError:  # numbers
        return texts
    return [encode(text) for text in texts]


def decode(value: Any) -> Any:
    """What `encode` was given."""
    if type(value) is not str or _ESCAPE not in value:
        return value
    return _CODE.sub(lambda code: chr(int(code[1], 16)), value)


def decode_rows(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows with every string decoded; rows without an odd string are returned as they are."""
    if any(_ESCAPE in _joined(column) for column in zip(*rows, strict=True)):
        return [tuple([decode(value) for value in row]) for row in rows]
    return rows


def plain_head(text: str) -> str:
    """The part of `text` before its first odd character: it is stored as it is."""
    odd = _ODD.search(text)
    return text[: odd.start()] if odd else text


def _is_plain(text: str) -> bool:
    return "\x00" not in text and _ESCAPE not in text and (text.isascii() or not _has_surrogate(text))


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _joined(column: tuple[Any, ...]) -> str:
    try:
        return "".join(column)
    except TypeError:  # not all are strings
        return "".join([value for value in column if type(value) is str])
