"""Zip files as documents are made of them, read with bounds: a bomb is refused before it goes off."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from knowledge_connector.errors import DocumentError, Unreadable

MAX_BYTES = 256 * 1024 * 1024
"""What all parts that are read may have together."""

MAX_RATIO = 100
_HARMLESS_BYTES = 16 * 1024 * 1024  # so much may any part have, however well it was packed
_MAX_PARTS = 100_000


class Package:
    """The parts of a zip file, by name. Use it as a context manager.

    Args:
        content: The file.
        max_bytes: What all parts that are read may have together.

    Raises:
        DocumentError: It is damaged (code `malformed`) or holds absurdly many parts (`bomb`).
    """

    def __init__(self, content: bytes, *, max_bytes: int = MAX_BYTES) -> None:
        self._left = max_bytes
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise DocumentError("it is damaged: its zip directory cannot be read", code="malformed") from error
        self._parts = {info.filename: info for info in self._zip.infolist()}
        if len(self._parts) > _MAX_PARTS:
            raise DocumentError(f"it holds more than {_MAX_PARTS} parts", code="bomb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name in self._parts

    def __iter__(self) -> Iterator[str]:
        """The names of all files in it, in the order of its directory; no folders."""
        return (name for name, info in self._parts.items() if not info.is_dir())

    def read(self, name: str) -> bytes:
        """Give a part.

        Raises:
            DocumentError: It is missing or damaged (code `malformed`), or unpacks too far (`bomb`).
            Unreadable: It is locked with a password (code `encrypted`).
        """
        info = self._parts.get(name)
        if info is None:
            raise DocumentError(f"the part {name} is missing", code="malformed")
        if info.flag_bits & 1:
            raise Unreadable("it is locked with a password", code="encrypted")
        allowed = min(self._left, max(_HARMLESS_BYTES, MAX_RATIO * info.compress_size))
        if info.file_size > allowed:
            raise _bomb(name)
        content = self._unpack(info, allowed)
        self._left -= len(content)
        return content

    def _unpack(self, info: zipfile.ZipInfo, allowed: int) -> bytes:
        try:
            with self._zip.open(info) as part:
                content = part.read(allowed + 1)
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, RuntimeError) as error:
            raise DocumentError(f"the part {info.filename} is damaged", code="malformed") from error
        if len(content) > allowed:
            raise _bomb(info.filename)
        return content


def _bomb(name: str) -> DocumentError:
    return DocumentError(f"the part {name} unpacks to far more than a document has", code="bomb")
