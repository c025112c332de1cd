"""What a person asks about one file: is it listed, and if not, by which rule? The walk itself answers, led to that one name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge_connector import Document, Skip
from knowledge_connector_filesystem.names import label_of, local_path, path_of
from knowledge_connector_filesystem.tree import words_of
from knowledge_connector_filesystem.walk import Walk, with_ignores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knowledge_connector import Item
    from knowledge_connector_filesystem.config import FilesystemConfig
    from knowledge_connector_filesystem.rules import Rules
    from knowledge_connector_filesystem.tree import Folder, Tree

_REASONS = {
    "too-large": "it is larger than `max_file_bytes`",
    "not-a-regular-file": "it is not a regular file",
    "symlink": "it is a symbolic link, and `follow_symlinks` does not apply",
    "symlink-outside-root": "it is a symbolic link to somewhere outside the root",
    "symlink-loop": "it is a symbolic link back to a folder on its own path",
    "broken-link": "it is a symbolic link to nothing",
    "vanished": "it went away while it was looked at",
}


class Explainer:
    """Answers for one tree."""

    def __init__(self, config: FilesystemConfig, tree: Tree, rules: Rules) -> None:
        self._config = config
        self._tree = tree
        self._rules = rules
        self._walk = Walk(tree, rules, follow_symlinks=config.follow_symlinks)
        self._root = tree.root()

    def sentence(self, needle: str) -> str | None:
        """Explain a path (relative to the root, or absolute), an id or a link; `None` for the address of something else."""
        paths = list(dict.fromkeys(self._paths(needle)))
        for path in paths:
            if found := self._at(path):
                return found
        return f"There is nothing at {label_of(paths[0])!r} beneath {self._config.root!r}." if paths else None

    def _paths(self, needle: str) -> Iterator[str]:
        needle = needle.rstrip("/")
        if needle.startswith(self._root.link):
            yield path_of(needle.removeprefix(self._root.link))
        elif "://" in needle and not needle.startswith("file://"):
            return
        else:
            plain = local_path(needle)
            if not self._config.scheme:
                absolute = str(Path(plain).absolute().parent.resolve() / Path(plain).name)
                if absolute.startswith(self._root.location):
                    yield absolute.removeprefix(self._root.location).replace(os.sep, "/")
            if not Path(plain).is_absolute():
                yield plain
                yield path_of(plain)

    def _at(self, path: str) -> str | None:
        folder = self._root
        names = path.split("/")
        for depth, name in enumerate(names, start=1):
            try:
                with self._tree.open(folder) as listing:
                    folder = with_ignores(folder, listing, self._rules.ignore_names)
                    listing.names = listing.names.only(name)
                    entered: list[Folder] = []
                    items = list(self._walk.entries(folder, listing, entered))
            except OSError as error:
                place = label_of(folder.path) or "the root"
                return f"{place} cannot be listed ({words_of(error)}): what lies beneath is unknown, and kept."
            if items and not (isinstance(items[0], Document) and depth < len(names)):
                return self._verdict(folder, name, items[0])
            if not entered:
                return None
            folder = entered[0]
        return f"{label_of(path)}/ is a folder that is listed."

    def _verdict(self, folder: Folder, name: str, item: Item) -> str:
        label = label_of(folder.path + name)
        if isinstance(item, Document):
            kind = item.media_type or "a type that its content decides"
            surely = (
                f"revision {item.revision}"
                if item.revision
                else "read in every run until its times lie two seconds back"
            )
            return f"{label} is listed: {kind}, {item.size_bytes:,} bytes, {surely}."
        if isinstance(item, Skip):
            path = folder.path + name + ("/" if item.id.endswith("/") else "")
            why = _REASONS.get(item.reason) or self._rules.because(item.reason, path, folder.ignores)
            return f"{label} is {'left out' if item.excluded else 'skipped'} ({item.reason}): {why}."
        return f"{label} cannot be looked at, and what is known of it is kept."
