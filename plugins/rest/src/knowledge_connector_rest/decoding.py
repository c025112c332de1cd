"""From the bytes of an answer to data: JSON, JSON Lines, CSV, XML; packed or not."""

from __future__ import annotations

import csv
import io
import json
import zipfile
import zlib
from typing import Annotated, Any, Literal

from pydantic import Field

from knowledge_connector import Unreadable
from knowledge_connector.kit.config import Options
from knowledge_connector.kit.text import decode

MAX_BYTES = 100_000_000
"""Of an answer when it is unpacked; as many as the client takes of one that is not packed."""

MAX_DEPTH = 200
"""Of arrays and objects in each other."""


class Undecodable(ValueError):
    """The answer is not what it should be; perhaps it is next time."""


class Packed(Options):
    """What all kinds have in common."""

    packed: Literal["no", "gzip", "zip"] = Field(
        default="no",
        description="How the answer itself is packed, besides what HTTP does; all files of a ZIP are read.",
    )

    def decode(self, content: bytes, charset: str | None) -> Any:
        """Give the data.

        Raises:
            Undecodable: It is nothing of the kind.
        """
        parts = list(_unpacked(content, self.packed))
        if len(parts) == 1:
            return self._data(parts[0], charset)
        found = [self._data(part, charset) for part in parts]
        return [record for one in found for record in (one if isinstance(one, list) else [one])]

    def _data(self, content: bytes, charset: str | None) -> Any:
        raise NotImplementedError


class JsonDecoder(Packed):
    """One JSON value (RFC 8259)."""

    type: Literal["json"] = Field(default="json", description="JSON.")

    def _data(self, content: bytes, charset: str | None) -> Any:
        return _json(_json_text(content, charset))


class JsonLinesDecoder(Packed):
    """A JSON value in each line."""

    type: Literal["jsonl"] = Field(description="A JSON value in each line.")

    def _data(self, content: bytes, charset: str | None) -> Any:
        return [_json(line) for line in _json_text(content, charset).split("\n") if line.strip()]


class CsvDecoder(Packed):
    """A table whose first line has the names of its columns."""

    type: Literal["csv"] = Field(description="A table; its first line has the names.")
    delimiter: str = Field(default=",", min_length=1, max_length=1, description="What stands between the columns.")

    def _data(self, content: bytes, charset: str | None) -> Any:
        text = _text(content, charset)
        if not text.strip():
            raise Undecodable("empty, not even names of columns")
        if text.lstrip()[:1] == "<":
            raise Undecodable("markup, and no table")
        try:
            return [
                {key: value for key, value in row.items() if key is not None}  # cells beyond the last name
                for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=self.delimiter)
            ]
        except csv.Error as error:
            raise Undecodable(f"no table: {error}") from error


class XmlDecoder(Packed):
    """XML as tables: attributes have an `@` before their name, text beside elements is `#text`."""

    type: Literal["xml"] = Field(description="XML; attributes are `@name`, text beside elements `#text`.")
    lists: tuple[str, ...] = Field(
        default=(), description="Elements that are lists, even where there is but one of them.", examples=[["entry"]]
    )

    def _data(self, content: bytes, charset: str | None) -> Any:  # noqa: ARG002  # XML says itself how it is written
        from xml.parsers.expat import ExpatError

        import xmltodict

        try:
            return xmltodict.parse(content, force_list=self.lists or None)
        except (ExpatError, ValueError) as error:  # ValueError: entities, which are refused
            raise Undecodable(f"no XML: {error}") from error


Decoder = Annotated[
    JsonDecoder | JsonLinesDecoder | CsvDecoder | XmlDecoder,
    Field(discriminator="type"),
]


def _json(text: str) -> Any:
    try:
        data = json.loads(text, parse_constant=lambda _: None)  # NaN and the infinities, which JSON does not know
    except (ValueError, RecursionError) as error:
        what = "empty" if not text.strip() else "HTML" if text.lstrip()[:1] == "<" else "no JSON"
        raise Undecodable(what) from error
    _check_depth(data)
    return data


def _check_depth(data: Any) -> None:
    level = [data]
    for _ in range(MAX_DEPTH):
        level = [inner for one in level if isinstance(one, dict | list) for inner in _within(one)]
        if not level:
            return
    raise Undecodable(f"nested deeper than {MAX_DEPTH} levels")


def _within(data: dict[str, Any] | list[Any]) -> list[Any]:
    inner = data.values() if isinstance(data, dict) else data
    return [one for one in inner if isinstance(one, dict | list)]


def _json_text(content: bytes, charset: str | None) -> str:
    """JSON is UTF-8, whatever the header says; only what is not is read as declared."""
    try:
        return content.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError:
        return _text(content, charset)


def _text(content: bytes, charset: str | None) -> str:
    try:
        return decode(content, charset).text
    except Unreadable as error:
        raise Undecodable("no text") from error


def _unpacked(content: bytes, packed: str) -> list[bytes]:
    try:
        if packed == "gzip" and content[:2] == b"\x1f\x8b":  # a client or proxy may have done it already
            return [_gunzipped(content)]
        if packed == "zip":
            return _unzipped(content)
    except (zlib.error, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise Undecodable(f"no {packed}: {type(error).__name__}") from error
    return [content]


def _gunzipped(content: bytes) -> bytes:
    unpacking = zlib.decompressobj(wbits=31)
    data = unpacking.decompress(content, MAX_BYTES)
    if unpacking.unconsumed_tail:
        raise Undecodable(f"more than {MAX_BYTES} bytes when unpacked")
    if not unpacking.eof:
        raise EOFError
    return data


def _unzipped(content: bytes) -> list[bytes]:
    parts, left = [], MAX_BYTES
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            if entry.is_dir():
                continue
            with archive.open(entry) as file:
                part = file.read(left + 1)
            left -= len(part)
            if left < 0:
                raise Undecodable(f"more than {MAX_BYTES} bytes when unpacked")
            parts.append(part)
    return parts
