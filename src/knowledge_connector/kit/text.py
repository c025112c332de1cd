"""Bytes → text, whatever they were written with: one ladder for every converter.

byte order mark → declared → strict UTF-8 → UTF-16 without a mark → guessed → default, with replacements
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from knowledge_connector.errors import Unreadable

DEFAULT_ENCODING = "cp1252"

_MAX_REPLACED_SHARE = 0.05
_GUESS_BYTES = 256 * 1024
_PROBE_BYTES = 4096
_TOO_SHORT_TO_GUESS = 64

# UTF-32 goes first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = {"utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"}
# Names that Python can decode and nobody writes documents in; UTF-7 also lets markup pass as plain letters.
_NOT_FOR_DOCUMENTS = {"utf-7", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
# Who declares these means Windows' superset of them (WHATWG Encoding, section 4.2).
_MEANT = {"ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "gb2312": "gb18030", "gbk": "gb18030"}

_CONTROL_BYTES = bytes(b for b in (*range(32), 127) if b not in b"\t\n\r")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_LATER_CONTROLS = re.compile("[\x80-\x84\x86-\x9f]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text with Unix line ends and no control characters but tab; `replaced` counts what could not be read."""

    text: str
    encoding: str
    replaced: int = 0


def decode(content: bytes, declared: str | None = None, default: str = DEFAULT_ENCODING) -> Decoded:
    """Read bytes as text.

    Args:
        content: The bytes of a whole document.
        declared: What the document or its carrier says of itself (`charset=`); names nobody knows are passed over.
        default: For what is neither declared nor UTF-8 and too short or too odd to be guessed.

    Raises:
        Unreadable: Code `binary`: more than 5 % would have to be replaced or are control characters.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _lenient(content[len(mark) :], encoding)
    return (
        _strict(content, _usable(declared, content))
        or _utf8(content)
        or _strict(content, _guess(content))
        or _lenient(content, _usable(default, content) or DEFAULT_ENCODING)
    )


def clean(text: str) -> str:
    """Make line ends Unix ones, strip control characters but tab and newline, and replace half characters (lone surrogates).

    What is clean comes back as it is: the same object.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        raw = text.encode()
    return _CONTROLS.sub("", text).replace("\x85", "\n") if has_controls(raw) or _has_later(raw) else text


def has_controls(raw: bytes) -> bool:
    """Whether there are control characters of ASCII in it, but tab and line ends.

    The search for one number goes at the speed of memory; thirty of them take half the time of one look at each byte.
    """
    return any(map(raw.__contains__, _CONTROL_BYTES))


def _has_later(raw: bytes) -> bool:
    """Whether there are U+0080 to U+009F in it, which is UTF-8; what follows a further such byte is looked at alone."""
    return b"\xc2" in raw and any(after < b"\xa0" for after in raw.split(b"\xc2")[1:])


def _utf8(content: bytes) -> Decoded | None:
    """Strict UTF-8. Most documents are, so they pass through C code alone, at memory speed."""
    if b"\0" in content[:_PROBE_BYTES] and _wide_without_mark(content):
        return None
    try:
        text = (content.translate(None, _CONTROL_BYTES) if has_controls(content) else content).decode("utf-8")
    except UnicodeDecodeError:
        return None
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _has_later(content):
        text = _LATER_CONTROLS.sub("", text).replace("\x85", "\n")
    return Decoded(text, "utf-8")


def _strict(content: bytes, encoding: str | None) -> Decoded | None:
    if encoding is None or encoding == "utf-8":
        return None
    try:
        text = content.decode(encoding)
    except UnicodeError:
        return None
    return Decoded(clean(text.removeprefix("\ufeff")), encoding)


def _lenient(content: bytes, encoding: str) -> Decoded:
    text = content.decode(encoding, "replace")
    replaced = text.count("\ufffd")
    controls = 0 if encoding in _WIDE or encoding == "utf-8" else len(_CONTROLS.findall(text))
    if replaced + controls > _MAX_REPLACED_SHARE * len(text):
        raise Unreadable(
            f"more than {_MAX_REPLACED_SHARE:.0%} of it is not text in {encoding} or any other encoding we know",
            code="binary",
        )
    return Decoded(clean(text), encoding, replaced)


def _usable(name: str | None, content: bytes) -> str | None:
    """The codec a declaration means, or `None` if it means none that could have written these bytes."""
    if not name:
        return None
    try:
        encoding = codecs.lookup(name.strip().strip("\"'")).name
        "".encode(encoding)
    except (LookupError, ValueError):  # unknown; not an encoding of text; not even a name
        return None
    if encoding in _NOT_FOR_DOCUMENTS or (encoding in _WIDE and b"\0" not in content[:_PROBE_BYTES]):
        return None
    return _MEANT.get(encoding, encoding)


def _guess(content: bytes) -> str | None:
    wide = _wide_without_mark(content)
    if wide or len(content) < _TOO_SHORT_TO_GUESS:
        return wide
    from charset_normalizer import from_bytes  # 30 ms that UTF-8 never pays

    best = from_bytes(content[:_GUESS_BYTES]).best()
    return best.encoding if best else None


def _wide_without_mark(content: bytes) -> str | None:
    """UTF-16 of Western text shows as a NUL in every second byte."""
    probe = content[: min(_PROBE_BYTES, len(content) // 2 * 2)]
    pairs = len(probe) // 2
    if not pairs:
        return None
    if probe[1::2].count(0) > 0.7 * pairs > probe[0::2].count(0) * 4:
        return "utf-16-le"
    if probe[0::2].count(0) > 0.7 * pairs > probe[1::2].count(0) * 4:
        return "utf-16-be"
    return None
