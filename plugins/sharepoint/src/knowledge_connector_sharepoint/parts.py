"""What can be read by itself: a library, the pages of a site, the lists of a site; each has a key that finds it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self, get_args

from knowledge_connector import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knowledge_connector_sharepoint.config import SharePointConfig
    from knowledge_connector_sharepoint.sites import Drive, Site

Kind = Literal["drive", "pages", "lists"]

_SEPARATOR = "|"
"""Ids hold letters, digits and `,.!-_` only."""


@dataclass(frozen=True, slots=True)
class Part:
    """One of them.

    Attributes:
        site: Id of its site.
        drive: Id of the library.
        folders: Ids of those folders of the library that are meant; none for all of it.
        name: For people.
    """

    kind: Kind
    site: str
    drive: str = ""
    folders: frozenset[str] = frozenset()
    name: str = ""

    @property
    def key(self) -> str:
        """All of it but the name."""
        return _SEPARATOR.join([self.kind, self.site, self.drive, *sorted(self.folders)])

    @classmethod
    def of(cls, key: str) -> Self:
        """Find it again.

        Raises:
            ConfigError: That is no key of ours.
        """
        kind, *ids = key.split(_SEPARATOR)
        for known in get_args(Kind):
            if kind == known and len(ids) >= 2:
                return cls(known, ids[0], ids[1], frozenset(ids[2:]))
        raise ConfigError(f"{key!r} is no partition of a SharePoint connector", where="host")


def parts_of(config: SharePointConfig, site: Site, drives: list[Drive], *, whole: bool) -> Iterator[Part]:
    """Give what there is to read of a site.

    Args:
        config: Says what is wanted.
        site: The site.
        drives: Those of its libraries that are meant.
        whole: Whether all of the site is meant, and not some libraries only.
    """
    if config.files:
        for drive in drives:
            yield Part("drive", site.id, drive.id, drive.folders, f"{site.name}: {drive.name}")
    if config.pages and whole:
        yield Part("pages", site.id, name=f"{site.name}: pages")
    if config.lists and whole:
        yield Part("lists", site.id, name=f"{site.name}: lists")
