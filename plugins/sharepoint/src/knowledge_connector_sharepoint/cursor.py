"""Where a reading is: for each drive the link to go on with, and what its folders were called."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

if TYPE_CHECKING:
    from logging import Logger, LoggerAdapter

KEY_BYTES, PLACE_BYTES = 5, 4
"""Of a folder's id, and of where it is. Two ids that share five bytes cost a needless look; nothing is lost by it."""

_ROW = KEY_BYTES + PLACE_BYTES


class DrivePlace(BaseModel):
    """One drive.

    Attributes:
        site: Id of its site.
        link: What to ask next; Graph's own, opaque. `None` to begin anew.
        whole: Whether the listing under way began at the beginning, so that at its end everything has been shown.
        stale: Whether something was shown in the listing under way that has gone since, unnamed; then the next one is whole, too.
        folders: `Folders`, packed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: str
    link: str | None = None
    whole: bool = True
    stale: bool = False
    folders: str = ""


class Cursor(BaseModel):
    """All drives, and the sites that were read.

    Attributes:
        sites: Ids of sites, by the address or id under which they were found.
        drives: By id.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    sites: dict[str, str] = {}
    drives: dict[str, DrivePlace] = {}

    @classmethod
    def parse(cls, stored: Mapping[str, Any] | None, log: LoggerAdapter[Logger]) -> Self | None:
        """Understand what was kept; `None` asks for a full listing, with a warning if there was something to understand."""
        if stored is None:
            return None
        try:
            cursor = cls.model_validate(stored)
        except ValidationError:
            cursor = None
        if cursor is None or cursor.version != 1:
            log.warning("the kept cursor cannot be understood; everything is listed anew")
            return None
        return cursor


class Folders:
    """Which folders a drive had, and where: nine bytes each. Says whether one was moved or renamed, and whether an id is a folder's."""

    def __init__(self, packed: str = "") -> None:
        try:
            raw = base64.b64decode(packed, validate=True)
        except binascii.Error:
            raw = b""
        self._places = {
            raw[start : start + KEY_BYTES]: raw[start + KEY_BYTES : start + _ROW] for start in range(0, len(raw), _ROW)
        }

    def __contains__(self, folder: str) -> bool:
        return _digest(KEY_BYTES, folder) in self._places

    def packed(self) -> str:
        """All of it as text."""
        return base64.b64encode(b"".join(key + place for key, place in self._places.items())).decode("ascii")

    def put(self, folder: str, parent: str, name: str) -> bool:
        """Note where a folder is; whether that is new or different."""
        key, place = _digest(KEY_BYTES, folder), _digest(PLACE_BYTES, parent, name)
        changed = self._places.get(key) != place
        self._places[key] = place
        return changed

    def drop(self, folder: str) -> bool:
        """Forget a folder; whether it was known."""
        return self._places.pop(_digest(KEY_BYTES, folder), None) is not None


def _digest(size: int, *parts: str) -> bytes:
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=size).digest()
