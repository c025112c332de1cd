"""One library: all of it, then what has changed since.

delta page ─▶ last state of each item ─▶ folder: note it, look beneath it if it moved · file: judge it · deleted: Tombstone
    │  410, a damaged link, a folder that is gone ─▶ all of it once more ─▶ Complete
    └─▶ DrivePlace, the place to go on from
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from knowledge_connector import Complete, Document, Failure, Item, Tombstone
from knowledge_connector_sharepoint.cursor import DrivePlace, Folders
from knowledge_connector_sharepoint.files import FIELDS, FileRules, Files
from knowledge_connector_sharepoint.graph import BrokenListing, PageGuard, Refused
from knowledge_connector_sharepoint.permissions import read_acls
from knowledge_connector_sharepoint.throttle import LIST, ONE
from knowledge_connector_sharepoint.tree import Tree

if TYPE_CHECKING:
    from knowledge_connector import Clock
    from knowledge_connector_sharepoint.graph import Graph
    from knowledge_connector_sharepoint.graph import Item as GraphItem
    from knowledge_connector_sharepoint.sites import Drive

Stream = Iterator[Item | DrivePlace]

DELTA_LINK = "@odata.deltaLink"
SHARED_CHANGED = "@microsoft.graph.sharedChanged"

MAX_BEGINNINGS = 3
"""How often one reading begins a library anew. A token that is lost again at once will be lost a third time."""

_WITHOUT_SHARING = "hierarchicalsharing"
_WITH_SHARING = "deltashowremovedasdeleted, deltatraversepermissiongaps, deltashowsharingchanges"


class _BeginAnew(Exception):
    """The way back to the beginning: changes cannot be followed any further, and the whole has to be listed.

    Attributes:
        link: Where Graph says to begin.
    """

    def __init__(self, link: str | None = None) -> None:
        super().__init__()
        self.link = link


class DriveReader:
    """Reads one library.

    Args:
        graph: Whom to ask.
        drive: Which one, and which folders of it.
        rules: Which files are meant.
        clock: For permissions that expire; `None` if permissions are not asked for.
    """

    def __init__(self, graph: Graph, drive: Drive, rules: FileRules, clock: Clock | None) -> None:
        self._graph, self._drive, self._clock = graph, drive, clock
        self._tree = Tree(graph, drive.id)
        self._files = Files(graph, drive, rules, self._tree)
        self._folders = Folders()
        self._stale = False
        self._headers = {"Prefer": _WITHOUT_SHARING if clock is None else _WITH_SHARING}

    def read(self, place: DrivePlace | None, retry: Sequence[str] = ()) -> Stream:
        """Yield what there is to say since `place`, and the places to go on from, each after all that lies before it.

        Args:
            place: Where the last reading ended or broke off; `None` to show everything.
            retry: Ids of items to show again, whether they changed or not.
        """
        place = place or DrivePlace(site=self._drive.site.id)
        if not place.whole:
            yield from self._again(retry)
        for _ in range(MAX_BEGINNINGS):
            self._folders, self._stale = Folders(place.folders), place.stale
            try:
                yield from self._pages(place)
            except _BeginAnew as anew:
                place = DrivePlace(site=place.site, link=anew.link)
                yield place
            except BrokenListing as broken:
                yield self._unknown(broken.message, "broken-listing")
                yield DrivePlace(site=place.site)
                return
            except Refused as refused:
                yield self._unknown(refused.message, "refused")
                return
            else:
                return
        yield self._unknown(f"its changes could not be followed, {MAX_BEGINNINGS} times in a row", "resync")

    def _unknown(self, message: str, code: str) -> Failure:
        return Failure(self._files.id_of(""), f"library {self._drive.name!r}: {message}", code, beneath=True)

    # ----------------------------------------------------------------------------------------------------------- pages

    def _pages(self, place: DrivePlace) -> Stream:
        """Follow the links from a place to the end."""
        guard = PageGuard(f"library {self._drive.name!r}")
        link = place.link or f"/drives/{self._drive.id}/root/delta?$select={FIELDS}"
        while True:
            page = self._page(link, place)
            guard.see(link, page)
            yield from self._shown(_last_states(page["value"]), whole=place.whole)
            following = self._graph.next_of(page)
            if following is None:
                break
            link = following
            place = self._at(link, place)
            yield place
        yield from self._end(page, place)

    def _end(self, page: GraphItem, place: DrivePlace) -> Stream:
        """Behind the last page; only its own link says that it is the last."""
        link = self._graph.next_of(page, DELTA_LINK)
        if link is None:
            raise BrokenListing(f"its last page has no {DELTA_LINK}", where="origin")
        if place.whole:
            yield Complete(self._files.id_of(""))
        yield DrivePlace(site=place.site) if self._stale else self._at(link, place, whole=False)

    def _at(self, link: str, place: DrivePlace, *, whole: bool | None = None) -> DrivePlace:
        """The place at another link, with what is known by then."""
        whole = place.whole if whole is None else whole
        return DrivePlace(site=place.site, link=link, whole=whole, stale=self._stale, folders=self._folders.packed())

    def _page(self, link: str, place: DrivePlace) -> GraphItem:
        try:
            return self._graph.page(link, units=LIST if place.whole else ONE, headers=self._headers)
        except Refused as refused:
            if place.link is None or not _is_lost(refused):
                raise
            raise _BeginAnew(self._location(refused)) from refused

    def _location(self, refused: Refused) -> str | None:
        """Where a 410 says to begin; `None` for the plain beginning, also if that is another host's."""
        try:
            return self._graph.next_of({"location": refused.location}, "location")
        except BrokenListing:
            return None

    def _shown(self, items: Sequence[GraphItem], *, whole: bool) -> Iterator[Item]:
        files: list[GraphItem] = []
        moved: list[str] = []
        for item in items:
            if "deleted" in item:
                self._drop_folder(item["id"], whole=whole)
                yield Tombstone(self._files.id_of(item["id"]))
            elif "folder" in item or "root" in item:
                was_known = item["id"] in self._folders
                changed = self._noted(item) or item.get(SHARED_CHANGED)
                if changed and (was_known or not whole):
                    moved.append(item["id"])
            else:
                if "package" in item:  # a notebook, which holds its sections as a folder would
                    self._tree.note(item)
                files.append(item)
        yield from self._documents(files)
        for folder in moved:
            yield from self._beneath(folder)

    def _drop_folder(self, item_id: str, *, whole: bool) -> None:
        """What lay beneath a folder that is gone need not be named; only a listing of the whole shows that it is gone, too.

        A listing under way is not broken off for it: in a large library it might never come to its end.
        """
        if self._folders.drop(item_id):
            if not whole:
                raise _BeginAnew
            self._stale = True

    def _noted(self, item: GraphItem) -> bool:
        """Note a folder; whether it is new here, or has another name or place."""
        self._tree.note(item)
        if "root" in item:
            return False
        parent = (item.get("parentReference") or {}).get("id") or ""
        return self._folders.put(item["id"], parent, item.get("name") or "")

    def _beneath(self, folder: str) -> Iterator[Item]:
        """Show everything beneath a folder: its path has changed, or who may read it, and no delta names what lies in it."""
        waiting, seen = [folder], {folder}
        while waiting:
            folder = waiting.pop()
            try:
                for page in self._graph.pages(f"/drives/{self._drive.id}/items/{folder}/children?$select={FIELDS}"):
                    items = page["value"]
                    for item in items:
                        if "folder" in item and item["id"] not in seen:
                            self._noted(item)
                            seen.add(item["id"])
                            waiting.append(item["id"])
                    yield from self._documents([item for item in items if "folder" not in item])
            except Refused as refused:
                if refused.status != HTTPStatus.NOT_FOUND:  # gone meanwhile: the next delta says so
                    yield Failure(self._files.id_of(folder), refused.message, code="folder")

    # ------------------------------------------------------------------------------------------------------- documents

    def _documents(self, items: Sequence[GraphItem]) -> Iterator[Item]:
        judged = [(item["id"], self._files.judge(item)) for item in items]
        if self._clock is None:
            yield from (outcome for _, outcome in judged)
            return
        asked = [id_ for id_, outcome in judged if isinstance(outcome, Document)]
        acls = read_acls(self._graph, self._drive.id, asked, self._clock.now())
        for id_, outcome in judged:
            if not isinstance(outcome, Document):
                yield outcome
            elif id_ not in acls:
                yield Failure(outcome.id, "it was gone when its permissions were asked for", code="vanished")
            elif acls[id_] is None:
                yield Failure(outcome.id, "who may read it could not be fetched; the former version stays", code="acl")
            else:
                yield replace(outcome, acl=acls[id_])

    def _again(self, items: Sequence[str]) -> Iterator[Item]:
        """Show items that failed before: their state is asked for one by one."""
        paths = [f"/drives/{self._drive.id}/items/{item}?$select={FIELDS}" for item in items]
        for item, answer in zip(items, self._graph.batch(paths), strict=True):
            if answer.status == HTTPStatus.NOT_FOUND:
                yield Tombstone(self._files.id_of(item))
            elif not answer.ok:
                yield Failure(self._files.id_of(item), f"it was answered {answer.status}", code="refused")
            elif "folder" in answer.body:
                yield from self._beneath(item)
            else:
                yield from self._documents([answer.body])


def _last_states(items: Sequence[GraphItem]) -> list[GraphItem]:
    """Of several states of one item the last: a delta tells states, not events."""
    return list({item["id"]: item for item in items}.values())


def _is_lost(refused: Refused) -> bool:
    """Whether a token is worthless: expired, or damaged."""
    return refused.status == HTTPStatus.GONE or (
        refused.status == HTTPStatus.BAD_REQUEST
        and not {"syncStateNotFound", "invalidRequest", "badRequest"}.isdisjoint(refused.codes)
    )
