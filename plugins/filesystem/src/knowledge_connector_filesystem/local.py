"""A tree on a local disk or a mounted share."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge_connector import DocumentError, Failure, FatalError, Skip
from knowledge_connector_filesystem.names import file_link, id_of, link_of, local_path
from knowledge_connector_filesystem.reading import (
    NO_FOLLOW,
    FileReader,
    patiently,
    read_regular,
    revision_of_disk,
    revision_of_share,
)
from knowledge_connector_filesystem.tree import Describer, Folder, Names, code_of, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from knowledge_connector import Clock, Item
    from knowledge_connector_filesystem.config import FilesystemConfig

RACY_NANOSECONDS = 2_000_000_000
"""A file that changed this shortly before it was listed may change again without its times showing it (git's "racy" entries)."""

_MAX_SMALL_BYTES = 1_000_000
_POSIX = os.name == "posix"
_BY_DESCRIPTOR = os.scandir in os.supports_fd and os.stat in os.supports_dir_fd
_FOLDER_FLAGS = os.O_RDONLY | NO_FOLLOW | getattr(os, "O_DIRECTORY", 0)


class LocalTree:
    """Reads through `os`, by folder descriptors where the system has them, and follows no link unasked."""

    def __init__(self, config: FilesystemConfig, clock: Clock) -> None:
        self.config = config
        self.clock = clock
        self.describe = Describer(config)
        self.revision = revision_of_share if config.network_mount or not _POSIX else revision_of_disk
        self.read = FileReader(clock, config.max_file_bytes, self.revision).read
        self.max_bytes = config.max_file_bytes
        self._racy_from = _nanoseconds(clock.now()) - RACY_NANOSECONDS
        self.real_root = ""
        self._identity: tuple[int, int] | None = None

    def root(self) -> Folder:
        """Find the root and remember which folder it is."""
        given = Path(local_path(self.config.root)).expanduser()
        try:
            real = str(Path(extended(str(given.absolute()))).resolve(strict=True))
            status = Path(real).stat()
        except OSError as error:
            raise FatalError(f"root: {str(given)!r} cannot be reached ({words_of(error)})", where="origin") from error
        if not stat.S_ISDIR(status.st_mode):
            raise FatalError(f"root: {str(given)!r} is not a folder", where="origin")
        self.real_root = with_separator(real)
        self._identity = self._identify(status)
        link = self.config.base_url.rstrip("/") if self.config.base_url else file_link(real)
        return Folder("", self.real_root, "", link + "/")

    def verify(self) -> None:
        """Look whether the root is still that folder: a share that drops away in the middle leaves an empty one behind."""
        try:
            status = Path(self.real_root).stat()
        except OSError as error:
            raise FatalError(f"root: {self.config.root!r} went away while it was listed", where="origin") from error
        if self._identify(status) != self._identity:
            raise FatalError(f"root: {self.config.root!r} was replaced while it was listed", where="origin")

    def _identify(self, status: os.stat_result) -> tuple[int, int]:
        return status.st_dev, 0 if self.config.network_mount else status.st_ino

    @contextmanager
    def open(self, folder: Folder) -> Iterator[LocalListing]:
        """List a folder and keep it open, so that its files are looked at where they were found."""
        if not _BY_DESCRIPTOR:
            yield LocalListing(self, folder, None)
            return
        # without its last separator, or the system would follow a link that has taken the folder's place
        location = folder.location[:-1] or folder.location
        descriptor = patiently(self.clock, lambda: os.open(location, _FOLDER_FLAGS))
        try:
            yield LocalListing(self, folder, descriptor)
        finally:
            os.close(descriptor)

    def racy(self, status: os.stat_result) -> bool:
        """Whether a file changed so shortly before this run (or, by its clock, after it) that its times may not tell the next change."""
        if status.st_mtime_ns >= self._racy_from:
            return True
        return not self.config.network_mount and status.st_ctime_ns >= self._racy_from

    def holds(self, folder: Folder, path: str) -> bool:
        """Whether there is something at this path."""
        return os.path.lexists(folder.location + path)


class LocalListing:
    """A folder on disk that is open."""

    def __init__(self, tree: LocalTree, folder: Folder, descriptor: int | None) -> None:
        self._tree = tree
        self._folder = folder
        self._descriptor = descriptor
        self._prefix = "" if descriptor is not None else folder.location
        marks = not _POSIX and not tree.config.include_hidden
        self.names = _names(folder.location if descriptor is None else descriptor, marks=marks)
        self.separator = os.sep

    def item(self, name: str) -> Item:
        """Look at one file."""
        try:
            status = os.stat(self._prefix + name, dir_fd=self._descriptor, follow_symlinks=False)
        except OSError as error:
            return self._unseen(name, error)
        return self._seen(name, self._folder.location + name, status)

    def _seen(self, name: str, location: str, status: os.stat_result) -> Item:
        tree = self._tree
        document_id = self._folder.id + id_of(name)
        if not stat.S_ISREG(status.st_mode):
            return Skip(document_id, "not-a-regular-file")
        if status.st_size > tree.max_bytes:
            return Skip(document_id, "too-large")
        revision = None if tree.racy(status) else tree.revision(status)
        body = partial(tree.read, document_id, location, revision)
        return tree.describe(self._folder, name, document_id, body, status.st_size, status.st_mtime, revision)

    def _unseen(self, name: str, error: OSError) -> Item:
        document_id = self._folder.id + id_of(name)
        if isinstance(error, FileNotFoundError):
            return Skip(document_id, "vanished")
        return Failure(document_id, f"{document_id}: {words_of(error)}", code_of(error))

    def content(self, name: str) -> bytes:
        """Read one small file."""
        location, tree = self._folder.location + name, self._tree
        try:
            return patiently(tree.clock, lambda: read_regular(location, _MAX_SMALL_BYTES, tree.revision))
        except DocumentError as error:
            raise OSError(error.message) from error

    def follow(self, name: str) -> Folder | Item:
        """Go where a link leads, within the root and not back to a folder on the way here."""
        folder, tree = self._folder, self._tree
        document_id = folder.id + id_of(name)
        try:
            real = os.path.realpath(folder.location + name, strict=True)
            status = Path(real).stat()
        except FileNotFoundError:
            return Skip(document_id, "broken-link")
        except OSError as error:
            if error.errno == errno.ELOOP:
                return Skip(document_id, "symlink-loop", excluded=True)
            # it may lead to a folder, so what lies beneath is unknown as well
            return Failure(document_id, f"{document_id}: {words_of(error)}", code_of(error), beneath=True)
        if not with_separator(real).startswith(tree.real_root):
            return Skip(document_id, "symlink-outside-root", excluded=True)
        if not stat.S_ISDIR(status.st_mode):
            return self._seen(name, real, status)
        location = with_separator(real)
        crossed = (*folder.crossed, folder.location)
        if any(way.startswith(location) for way in crossed):
            return Skip(f"{document_id}/", "symlink-loop", excluded=True)
        return Folder(
            f"{folder.path}{name}/",
            location,
            f"{document_id}/",
            f"{folder.link}{link_of(name)}/",
            folder.ignores,
            crossed,
        )


def _names(place: int | str, *, marks: bool) -> Names:
    """List a folder; with `marks`, ask the system what it hides."""
    names = Names()
    try:
        with os.scandir(place) as entries:
            for entry in entries:
                if marks and _is_hidden(entry):
                    names.hidden.add(entry.name)
                if entry.is_file(follow_symlinks=False):
                    names.files.append(entry.name)
                elif entry.is_dir(follow_symlinks=False):
                    names.folders.append(entry.name)
                elif entry.is_symlink():
                    names.links.append(entry.name)
                else:
                    names.others.append(entry.name)
    except OSError as error:
        names.error = error
    names.sort()
    return names


def _is_hidden(entry: os.DirEntry[str]) -> bool:
    attributes: int = getattr(entry.stat(follow_symlinks=False), "st_file_attributes", 0)  # known to Windows alone
    return bool(attributes & stat.FILE_ATTRIBUTE_HIDDEN)


def with_separator(path: str) -> str:
    """End a folder's path in a separator."""
    return path if path.endswith(os.sep) else path + os.sep


def extended(path: str, *, windows: bool = os.name == "nt") -> str:
    r"""Prefix an absolute Windows path with `\\?\`, which lifts its limit of 260 characters."""
    if not windows or path.startswith("\\\\?\\"):
        return path
    return f"\\\\?\\UNC\\{path[2:]}" if path.startswith("\\\\") else f"\\\\?\\{path}"


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1000
