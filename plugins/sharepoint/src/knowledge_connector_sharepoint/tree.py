"""Where a drive's items are: paths by the ids of the folders above, because every path that SharePoint writes down goes stale."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from knowledge_connector import FatalError

if TYPE_CHECKING:
    from knowledge_connector_sharepoint.graph import Graph, Item

MAX_DEPTH = 200
"""SharePoint's own bound is 400 characters of path."""

REMEMBERED = 50_000
"""Folders whose name is kept in memory; what is not (any more) is asked for."""


class _Place(NamedTuple):
    parent: str | None
    name: str


class Tree:
    """The folders of one drive, as far as they were met."""

    def __init__(self, graph: Graph, drive: str, *, remembered: int = REMEMBERED) -> None:
        self._graph = graph
        self._drive = drive
        self._remembered = remembered
        self._places: OrderedDict[str, _Place] = OrderedDict()

    def note(self, item: Item) -> None:
        """Remember a folder, or the root."""
        parent = None if "root" in item else (item.get("parentReference") or {}).get("id")
        self._places[item["id"]] = _Place(parent, item.get("name") or "")
        self._places.move_to_end(item["id"])
        if len(self._places) > self._remembered:
            self._places.popitem(last=False)

    def above(self, item: Item) -> list[tuple[str, str]]:
        """Ids and names of the folders that an item lies in, outermost first, without the root.

        Raises:
            Refused: A folder above it cannot be read.
        """
        folders: list[tuple[str, str]] = []
        folder = (item.get("parentReference") or {}).get("id")
        while folder is not None:
            place = self._place(folder)
            if place.parent is None:
                break
            folders.append((folder, place.name))
            folder = place.parent
            if len(folders) > MAX_DEPTH:
                raise FatalError(f"drive {self._drive}: its folders lie within themselves", where="origin")
        return folders[::-1]

    def _place(self, folder: str) -> _Place:
        if folder not in self._places:
            path = f"/drives/{self._drive}/items/{folder}?$select=id,name,parentReference,root,folder"
            self.note({**self._graph.get(path), "id": folder})
        self._places.move_to_end(folder)
        return self._places[folder]
