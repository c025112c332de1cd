"""One reading: site after site, library after library, and what has become of those that are not there any more.

sites ─▶ for each: libraries (delta) · pages · lists ─▶ what the cursor knows and nobody showed: gone, or unknown
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING

from knowledge_connector import Checkpoint, Complete, Failure, Item
from knowledge_connector_sharepoint.cursor import Cursor, DrivePlace
from knowledge_connector_sharepoint.drives import DriveReader
from knowledge_connector_sharepoint.files import FileRules
from knowledge_connector_sharepoint.graph import Graph, NotReadable, Refused
from knowledge_connector_sharepoint.lists import ListReader
from knowledge_connector_sharepoint.pages import PageReader
from knowledge_connector_sharepoint.parts import Part
from knowledge_connector_sharepoint.sites import Discovery, Drive, Selection, Site, Trouble

if TYPE_CHECKING:
    from knowledge_connector import SyncContext
    from knowledge_connector_sharepoint.config import SharePointConfig


class Reading:
    """What is read, and how far.

    Args:
        config: What is meant.
        context: Lends client, cursor, clock and log.
    """

    def __init__(self, config: SharePointConfig, context: SyncContext) -> None:
        self._config, self._context = config, context
        self.graph = Graph(config, context)
        self.discovery = Discovery(self.graph, config)
        self._rules = FileRules.of(config)
        self._before = Cursor.parse(context.cursor, context.log)
        self._cursor = self._before or Cursor()
        self._sites: set[str] = set()
        self._drives: set[str] = set()

    # ------------------------------------------------------------------------------------------------------- the whole

    def everything(self) -> Iterator[Item]:
        """Read all that is meant.

        Raises:
            ConnectorError: None of the sites could be read.
        """
        read, error = 0, None
        for found in self.discovery.sites():
            trouble = found if isinstance(found, Trouble) else (yield from self._site(found))
            if trouble is None:
                read += 1
            else:
                error = error or trouble.error
                yield from self._troubled(trouble)
        if error is not None and not read:
            raise error
        if self._before is not None:
            yield from self._missing(self._before)
        yield Checkpoint(self._cursor)

    def _site(self, selection: Selection) -> Generator[Item, None, Trouble | None]:
        """Read a site, or give what is wrong with it."""
        site = selection.site
        try:
            drives = self.discovery.drives(selection) if self._config.files else []
        except NotReadable as error:
            return Trouble(selection.key, site.id, error)
        self._sites.add(site.id)
        self._cursor = self._cursor.model_copy(update={"sites": {**self._cursor.sites, selection.key: site.id}})
        for drive in drives:
            yield from self._drive(drive)
        if selection.libraries is None:
            yield from self._pages_and_lists(site)
        return None

    def _pages_and_lists(self, site: Site) -> Iterator[Item]:
        if self._config.pages:
            yield from self._pages(site, expanded=self._before is None)
        if self._config.lists:
            yield from ListReader(self.graph, site, self._config.lists).read()

    def _pages(self, site: Site, *, expanded: bool) -> Iterator[Item]:
        reader = PageReader(self.graph, site, drafts=self._config.drafts, log=self._context.log)
        return reader.read(expanded=expanded)

    def _drive(self, drive: Drive) -> Iterator[Item]:
        """Read a library, with a checkpoint after each page; but changes only where there are some: most libraries have none."""
        self._drives.add(drive.id)
        reader = DriveReader(self.graph, drive, self._rules, self._context.clock if self._config.acl else None)
        said = False
        for one in reader.read(self._cursor.drives.get(drive.id), self._failed_before(drive.id)):
            if not isinstance(one, DrivePlace):
                said = True
                yield one
                continue
            self._cursor = self._cursor.model_copy(update={"drives": {**self._cursor.drives, drive.id: one}})
            if said or one.whole:
                yield Checkpoint(self._cursor)
            said = False

    def _failed_before(self, drive: str) -> list[str]:
        """Ids of the items of a library that failed before; an id that is nothing but a prefix is no item's."""
        prefix = f"{drive}/"
        return [id_.removeprefix(prefix) for id_ in self._context.retry if id_.startswith(prefix) and id_ != prefix]

    # ---------------------------------------------------------------------------------------------- what is not there

    def _troubled(self, trouble: Trouble) -> Iterator[Item]:
        """A site that cannot be read makes unknown what is known of it; without a cursor nobody can say what that is."""
        site = trouble.site or self._cursor.sites.get(trouble.key)
        message = f"site {trouble.key}: {trouble.error.message}"
        if self._before is None:
            yield Failure("", message, "site", beneath=True)
            return
        if site is None:
            yield Failure(trouble.key, message, "site")
            return
        self._sites.add(site)
        yield Failure(f"{site}/", message, "site", beneath=True)
        for id_, place in self._before.drives.items():
            if place.site == site and id_ not in self._drives:
                self._drives.add(id_)
                yield Failure(f"{id_}/", message, "site", beneath=True)

    def _missing(self, before: Cursor) -> Iterator[Item]:
        """Libraries and sites that were there and are not listed any more: gone if asking for them says so, too."""
        for id_ in sorted(before.drives.keys() - self._drives):
            verdict = self._verdict(f"/drives/{id_}?$select=id", f"{id_}/", "library")
            if isinstance(verdict, Complete):
                drives = {key: place for key, place in self._cursor.drives.items() if key != id_}
                self._cursor = self._cursor.model_copy(update={"drives": drives})
            yield verdict
        for site in sorted(set(before.sites.values()) - self._sites):
            verdict = self._verdict(f"/sites/{site}?$select=id", f"{site}/", "site")
            if isinstance(verdict, Complete):
                sites = {key: id_ for key, id_ in self._cursor.sites.items() if id_ != site}
                self._cursor = self._cursor.model_copy(update={"sites": sites})
            yield verdict

    def _verdict(self, path: str, beneath: str, what: str) -> Complete | Failure:
        try:
            self.graph.get(path)
        except Refused as refused:
            if refused.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
                return Complete(beneath)
            return Failure(beneath, f"a {what} is not listed any more: {refused.message}", "missing", beneath=True)
        message = f"a {what} is not listed any more, and still there; what is known of it stays"
        return Failure(beneath, message, "missing", beneath=True)

    # ----------------------------------------------------------------------------------------------------- single parts

    def part(self, key: str) -> Iterator[Item]:
        """Read one part.

        Raises:
            Refused: Its site, or the library itself, cannot be read.
        """
        part = Part.of(key)
        site = self.discovery.site(part.site)
        if part.kind == "pages":
            yield from self._pages(site, expanded=True)
        elif part.kind == "lists":
            yield from ListReader(self.graph, site, self._config.lists).read()
        else:
            yield from self._drive(self.discovery.drive(part.drive, site, part.folders))
            yield Checkpoint(self._cursor)
