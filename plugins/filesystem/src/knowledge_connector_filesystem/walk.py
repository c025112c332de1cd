"""One pass over a tree, folder by folder, files before subfolders, each in the order of their names.

Only the names of the folder at hand and of the folders still to do are held, so a tree of any size takes little memory.
"""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING

from knowledge_connector import Failure, FatalError, Skip
from knowledge_connector_filesystem.names import id_of, label_of, link_of
from knowledge_connector_filesystem.rules import Ignore
from knowledge_connector_filesystem.tree import Folder, code_of, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knowledge_connector import Item
    from knowledge_connector_filesystem.rules import Rules
    from knowledge_connector_filesystem.tree import Listing, Tree

_PATH = attrgetter("path")


class Walk:
    """Lists a tree by the rules."""

    def __init__(self, tree: Tree, rules: Rules, *, follow_symlinks: bool) -> None:
        self._tree = tree
        self._rules = rules
        self._follow_symlinks = follow_symlinks

    def items(self) -> Iterator[Item]:
        """Give all there is. What cannot be listed is a Failure for everything beneath it.

        Raises:
            FatalError: The root cannot be read, or is not the same any more at the end.
        """
        pending = [self._tree.root()]
        while pending:
            folder = pending.pop()
            try:
                with self._tree.open(folder) as listing:
                    yield from self._folder(folder, listing, pending)
            except OSError as error:
                if not folder.path:
                    raise FatalError(f"root: it cannot be listed: {words_of(error)}", where="origin") from error
                yield _unknown(folder, error)
        self._tree.verify()

    def _folder(self, folder: Folder, listing: Listing, pending: list[Folder]) -> Iterator[Item]:
        if listing.names.error is not None:
            yield _unknown(folder, listing.names.error)
        yield from self.entries(with_ignores(folder, listing, self._rules.ignore_names), listing, pending)

    def entries(self, folder: Folder, listing: Listing, pending: list[Folder]) -> Iterator[Item]:
        """Judge what a folder holds, and add the folders to be entered to `pending`, the first of them last."""
        entered: list[Folder] = []
        yield from self._files(folder, listing)
        yield from self._others(folder, listing)
        yield from self._links(folder, listing, entered)
        yield from self._folders(folder, listing, entered)
        entered.sort(key=_PATH, reverse=True)
        pending += entered

    def _files(self, folder: Folder, listing: Listing) -> Iterator[Item]:
        path, ignores, files, hidden = folder.path, folder.ignores, listing.names.files, listing.names.hidden
        leaves_out = self._rules.leaves_out_file
        while files:
            name = files.pop()
            reason = leaves_out(name, path + name, ignores) or ("hidden" if name in hidden else None)
            yield Skip(folder.id + id_of(name), reason, excluded=True) if reason else listing.item(name)

    def _others(self, folder: Folder, listing: Listing) -> Iterator[Item]:
        for name in reversed(listing.names.others):
            reason = self._rules.leaves_out_file(name, folder.path + name, folder.ignores)
            yield Skip(folder.id + id_of(name), reason or "not-a-regular-file", excluded=bool(reason))

    def _links(self, folder: Folder, listing: Listing, entered: list[Folder]) -> Iterator[Item]:
        for name in reversed(listing.names.links):
            found = (
                listing.follow(name)
                if self._follow_symlinks
                else Skip(folder.id + id_of(name), "symlink", excluded=True)
            )
            judge = self._rules.leaves_out_folder if isinstance(found, Folder) else self._rules.leaves_out_file
            path = folder.path + name + ("/" if isinstance(found, Folder) else "")
            if reason := judge(name, path, folder.ignores):
                yield Skip(id_of(path), reason, excluded=True)
            elif isinstance(found, Folder):
                entered.append(replace(found, ignores=folder.ignores))
            else:
                yield found

    def _folders(self, folder: Folder, listing: Listing, entered: list[Folder]) -> Iterator[Item]:
        for name in reversed(listing.names.folders):
            path = f"{folder.path}{name}/"
            reason = self._rules.leaves_out_folder(name, path, folder.ignores)
            if reason or name in listing.names.hidden:
                yield Skip(id_of(path), reason or "hidden", excluded=True)
            else:
                entered.append(subfolder(folder, name, listing.separator))


def subfolder(folder: Folder, name: str, separator: str) -> Folder:
    """Step down; `separator` is that of locations."""
    return replace(
        folder,
        path=f"{folder.path}{name}/",
        location=f"{folder.location}{name}{separator}",
        id=f"{folder.id}{id_of(name)}/",
        link=f"{folder.link}{link_of(name)}/",
    )


def with_ignores(folder: Folder, listing: Listing, names: tuple[str, ...]) -> Folder:
    """Add the ignore files that lie in this folder.

    Raises:
        OSError: One cannot be read; nobody knows what it would have left out, so the folder has to count as unknown.
    """
    present = [name for name in names if name in listing.names]
    if not present:
        return folder
    # pathspec costs more to import than a small folder to read; without patterns it is never needed
    from knowledge_connector.kit.matching import Patterns

    found = [Ignore(folder.path, name, Patterns.from_file(_content(listing, name))) for name in present]
    return replace(folder, ignores=(*folder.ignores, *found))


def _content(listing: Listing, name: str) -> bytes:
    try:
        return listing.content(name)
    except OSError as error:
        raise OSError(error.errno, f"its {name} cannot be read: {words_of(error)}") from error


def _unknown(folder: Folder, error: OSError) -> Failure:
    label = label_of(folder.path) or "the root"
    return Failure(folder.id, f"{label}: {words_of(error)}", code_of(error), beneath=True)
