"""From a drive's item to a document, or the reason why it is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from knowledge_connector import Document, Failure, Skip
from knowledge_connector_sharepoint.content import fetch, listed_hash
from knowledge_connector_sharepoint.graph import Refused
from knowledge_connector_sharepoint.media import media_type_of

if TYPE_CHECKING:
    from knowledge_connector.kit.matching import Patterns
    from knowledge_connector_sharepoint.config import SharePointConfig
    from knowledge_connector_sharepoint.graph import Graph, Item
    from knowledge_connector_sharepoint.sites import Drive
    from knowledge_connector_sharepoint.tree import Tree

FIELDS = (
    "id,name,size,webUrl,createdDateTime,lastModifiedDateTime,createdBy,lastModifiedBy,eTag,file,folder,package,remoteItem,root,"
    "deleted,malware,parentReference"
)

USELESS = (
    "~$*", "*.aspx", "*.url", "*.one", "*.onetoc2", "*.mp4", "*.mov", "*.avi", "*.wmv", "*.mkv", "*.webm", "*.m4v",
)  # fmt: skip
"""What `builtin_excludes` leaves out."""

_PROTECTED = (".pfile", ".ppdf", ".ptxt", ".pxml", ".pjpg", ".ppng")
"""Endings that rights management gives to what it has encrypted."""


@dataclass(frozen=True, slots=True)
class FileRules:
    """Which files are meant.

    Attributes:
        include, exclude: Patterns of the configuration; `exclude` with those of our own.
    """

    include: Patterns
    exclude: Patterns
    max_bytes: int

    @classmethod
    def of(cls, config: SharePointConfig) -> FileRules:
        """Read them from the options."""
        from knowledge_connector.kit.matching import Patterns  # pathspec is needed by runs alone

        exclude = (*(USELESS if config.builtin_excludes else ()), *config.exclude)
        return cls(Patterns(config.include), Patterns(exclude), config.max_file_bytes)


class Files:
    """Judges the items of one drive.

    Args:
        graph: Fetches contents.
        drive: Where they lie.
        rules: Which of them are meant.
        tree: The folders above them.
    """

    def __init__(self, graph: Graph, drive: Drive, rules: FileRules, tree: Tree) -> None:
        self._graph, self._drive, self._rules, self._tree = graph, drive, rules, tree

    def id_of(self, item_id: str) -> str:
        """A document's id; ids of items are unique within their drive, and change when they move to another."""
        return f"{self._drive.id}/{item_id}"

    def judge(self, item: Item) -> Document | Skip | Failure:
        """Give what becomes of an item that is neither a folder nor deleted."""
        id_ = self.id_of(item["id"])
        try:
            above = self._tree.above(item)
        except Refused as refused:
            return Failure(id_, f"a folder above it cannot be read: {refused.message}", code="folder")
        folders, names = [folder for folder, _ in above], [name for _, name in above]
        path = "/".join([*names, item["name"]])
        reason = self._excluded(folders, path)
        if reason:
            return Skip(id_, reason, excluded=True)
        reason = _unreadable(item, self._rules.max_bytes)
        return Skip(id_, reason) if reason else self._document(item, "/".join(names))

    def _excluded(self, folders: list[str], path: str) -> str | None:
        """The rule of the user's that leaves an item out."""
        if self._drive.folders and self._drive.folders.isdisjoint(folders):
            return "other-folder"
        if self._rules.exclude.excludes(path):
            return "excluded"
        return None if self._rules.include.includes(path) else "not-included"

    def _document(self, item: Item, folder: str) -> Document:
        empty = item.get("size") == 0  # nothing to fetch
        fetching = partial(fetch, self._graph, self._drive.id, item, max_bytes=self._rules.max_bytes)
        return Document(
            self.id_of(item["id"]),
            title=item["name"],
            body="" if empty else fetching,
            media_type="text/plain" if empty else media_type_of(item["name"], item["file"].get("mimeType")),
            uri=item.get("webUrl"),
            updated_at=moment(item.get("lastModifiedDateTime")),
            revision=revision_of(item),
            metadata=_facts(item, self._drive, folder),
            size_bytes=item.get("size"),
        )


def revision_of(item: Item) -> str | None:
    """The hash of the content, which a rename or move leaves alone; the eTag while SharePoint has not reckoned it yet."""
    return listed_hash(item) or item.get("eTag")


def moment(text: str | None) -> datetime | None:
    """Read a time of Graph's; `None` for none."""
    return datetime.fromisoformat(text) if text else None


def person(identity: Item | None) -> str:
    """The name of who did something; empty if Graph does not say."""
    return str(((identity or {}).get("user") or {}).get("displayName") or "")


def _facts(item: Item, drive: Drive, folder: str) -> dict[str, str]:
    facts = {
        "site": drive.site.name,
        "library": drive.name,
        "folder": folder,
        "author": person(item.get("lastModifiedBy")),
    }
    return {name: value for name, value in facts.items() if value}


def _unreadable(item: Item, max_bytes: int) -> str | None:
    """Why nobody can read an item's content, if that shows in the listing."""
    if "package" in item:
        return "notebook"
    if "remoteItem" in item:
        return "shortcut"
    if "file" not in item:
        return "not-a-file"
    if "malware" in item:
        return "malware"
    if item["name"].lower().endswith(_PROTECTED):
        return "encrypted"
    return "too-large" if (item.get("size") or 0) > max_bytes else None
