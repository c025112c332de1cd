"""Reading a local file, sure that it is the one that was listed and that it held still."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, TypeVar

from knowledge_connector import DocumentError, Unreadable
from knowledge_connector_filesystem.tree import code_of, words_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from knowledge_connector import Clock

FLEETING = frozenset({errno.EIO, errno.ESTALE})
"""Errors of network mounts that often pass."""

PAUSES_SECONDS = (0.1, 0.5, 2.0)
"""Waits between attempts; one attempt more than there are waits."""

# Windows has neither FIFOs, whose opening waits for a writer for ever without O_NONBLOCK, nor O_NOFOLLOW; it does have text mode.
NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_FLAGS = os.O_RDONLY | NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

T = TypeVar("T")


def revision_of_disk(status: os.stat_result) -> str:
    """What changes with every edit, replacement and restored time on a local disk."""
    return f"{status.st_size:x}.{status.st_mtime_ns:x}.{status.st_ctime_ns:x}.{status.st_ino:x}"


def revision_of_share(status: os.stat_result) -> str:
    """What is stable on a network share, where inode numbers and change times are not."""
    return f"{status.st_size:x}.{status.st_mtime_ns:x}"


class ChangingError(OSError):
    """A file did not hold still while it was read."""


def patiently(clock: Clock, operation: Callable[[], T]) -> T:
    """Do something, and again after a while if it fails in a way that often passes.

    Raises:
        OSError: It failed in another way, or to the last.
    """
    for pause in PAUSES_SECONDS:
        try:
            return operation()
        except OSError as error:
            if error.errno not in FLEETING and not isinstance(error, ChangingError):
                raise
        clock.sleep(pause)
    return operation()


def read_regular(
    location: str, max_bytes: int, revision: Callable[[os.stat_result], str], expected: str | None = None
) -> bytes:
    """Read a file once, and make sure that it is `expected` and holds still.

    Raises:
        OSError: It cannot be opened or read; `ChangingError` if it did not hold still.
        DocumentError: It is not a regular file, is too large, or is not what was expected.
    """
    descriptor = os.open(location, _FLAGS)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise DocumentError("it is not a regular file any more", code="not-a-regular-file", where="origin")
        if status.st_size > max_bytes:
            raise Unreadable(f"it has grown beyond {max_bytes:,} bytes", code="too-large", where="origin")
        before = revision(status)
        if expected is not None and before != expected:
            raise DocumentError("it was changed after it had been listed", code="changed-while-read", where="origin")
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(status.st_size + 1)
        if len(content) != status.st_size or revision(os.fstat(descriptor)) != before:
            raise ChangingError("it kept changing while it was read")
        return content
    finally:
        os.close(descriptor)


class FileReader:
    """Reads listed files, with patience."""

    def __init__(self, clock: Clock, max_bytes: int, revision: Callable[[os.stat_result], str]) -> None:
        self._clock = clock
        self._max_bytes = max_bytes
        self._revision = revision

    def read(self, document_id: str, location: str, expected: str | None) -> bytes:
        """Read a listed file.

        Args:
            document_id: For messages.
            location: Where it is.
            expected: The revision it was listed with; `None` if the listing could not be sure of one.

        Raises:
            DocumentError: It cannot be read, or does not hold still; the code says which.
        """
        try:
            return patiently(self._clock, lambda: read_regular(location, self._max_bytes, self._revision, expected))
        except DocumentError as error:
            raise type(error)(
                f"{document_id}: {error.message}", code=error.code, where="origin", document_id=document_id
            ) from error
        except OSError as error:
            code = "changed-while-read" if isinstance(error, ChangingError) else code_of(error)
            raise DocumentError(
                f"{document_id}: {words_of(error)}", code=code, where="origin", document_id=document_id
            ) from error
