"""What the walk needs to know of a tree of files, be it on a local disk or in a remote store."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from knowledge_connector import Document
from knowledge_connector_filesystem.media import MEDIA_TYPES, TITLED_BY_CONTENT
from knowledge_connector_filesystem.names import label_of, link_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from knowledge_connector import Item
    from knowledge_connector_filesystem.config import FilesystemConfig
    from knowledge_connector_filesystem.rules import Ignore


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder to be listed.

    Attributes:
        path: Relative to the root, as the origin spells it; `""` for the root, else ending in `/`.
        location: Where it really is, ending in a separator; differs from root and path beneath a followed link.
        id: What the ids of its files begin with.
        link: What their links begin with.
        ignores: The ignore files that apply, outermost first.
        crossed: Locations of the folders whose links were followed on the way here.
    """

    path: str
    location: str
    id: str
    link: str
    ignores: tuple[Ignore, ...] = ()
    crossed: tuple[str, ...] = ()


@dataclass(slots=True)
class Names:
    """The names in one folder, sorted backwards, so that the walk can take them off the end and let go of them."""

    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    """Those that the system marks as hidden (Windows does), dot files aside."""
    error: OSError | None = None
    """What ended the listing early; the names are those that came before it."""

    def only(self, name: str) -> Names:
        """Give these names without all others."""
        files, folders, links, others = (
            [one for one in names if one == name] for names in (self.files, self.folders, self.links, self.others)
        )
        return Names(files, folders, links, others, self.hidden, self.error)

    def counted(self) -> str:
        """Say how many there are."""
        rest = len(self.links) + len(self.others)
        return f"{len(self.files):,} files, {len(self.folders):,} folders" + (f", {rest:,} others" if rest else "")

    def __contains__(self, name: str) -> bool:
        return any(name in names for names in (self.files, self.links, self.others))

    def sort(self) -> None:
        """Bring them into their order."""
        for names in (self.files, self.folders, self.links, self.others):
            names.sort(reverse=True)


class Listing(Protocol):
    """A folder that is open."""

    names: Names
    separator: str
    """What ends a location."""

    def item(self, name: str) -> Item:
        """Look at one of its files: a Document, or why it is none."""
        ...

    def content(self, name: str) -> bytes:
        """Read one of its files that is small.

        Raises:
            OSError: It cannot be read.
        """
        ...

    def follow(self, name: str) -> Folder | Item:
        """Go where a link leads: to a folder that can be listed, a Document, or the reason why not."""
        ...


class Tree(Protocol):
    """Files in folders."""

    def root(self) -> Folder:
        """Find the root.

        Raises:
            FatalError: It is not there, is no folder, or cannot be read.
        """
        ...

    def open(self, folder: Folder) -> AbstractContextManager[Listing]:
        """List a folder.

        Raises:
            OSError: It cannot be listed at all.
        """
        ...

    def holds(self, folder: Folder, path: str) -> bool:
        """Whether there is something at this path beneath the folder, as far as one can see."""
        ...

    def verify(self) -> None:
        """Look at the root again, after a listing.

        Raises:
            FatalError: It is not the folder it was at the beginning.
        """
        ...


def code_of(error: OSError) -> str:
    """Name an error for counting."""
    if isinstance(error, PermissionError):
        return "permission-denied"
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return "vanished"
    return "not-a-regular-file" if error.errno == errno.ELOOP else "unreadable"


def words_of(error: OSError) -> str:
    """Say what went wrong, without the path that Python adds."""
    if error.strerror:
        return error.strerror
    if isinstance(error, FileNotFoundError):  # fsspec raises it with nothing but the path
        return "No such file or folder"
    return "Permission denied" if isinstance(error, PermissionError) else str(error) or type(error).__name__


class Describer:
    """Makes Documents from what a listing says."""

    def __init__(self, config: FilesystemConfig) -> None:
        self._always_name = config.title == "name"

    def __call__(
        self,
        folder: Folder,
        name: str,
        document_id: str,
        body: Callable[[], bytes],
        size: int,
        modified: float | None,
        revision: str | None,
    ) -> Document:
        """Describe one file; `modified` is in seconds since 1970, `body` is what fetches it."""
        stem, dot, ending = name.rpartition(".")
        media_type = MEDIA_TYPES.get(ending.lower()) if stem else None
        titled = not self._always_name and media_type in TITLED_BY_CONTENT
        return Document(
            document_id,
            "" if titled else label_of(stem or dot + ending),
            body,
            media_type,
            folder.link + link_of(name),
            None if modified is None else _moment(modified),
            revision,
            (),
            # an id differs from the path only where it has a percent sign
            {"path": document_id if "%" not in document_id else label_of(folder.path + name)},
            None,
            size,
        )


def _moment(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None  # a file system can hold years that the calendar cannot
