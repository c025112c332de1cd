"""`type = "filesystem"`: the walk, and what a person may ask about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knowledge_connector import ConfigError, Connector, Document, FatalError, Finding
from knowledge_connector_filesystem.config import FilesystemConfig
from knowledge_connector_filesystem.explain import Explainer
from knowledge_connector_filesystem.rules import Rules
from knowledge_connector_filesystem.tree import words_of
from knowledge_connector_filesystem.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knowledge_connector import Item, SyncContext
    from knowledge_connector_filesystem.tree import Tree


class FilesystemConnector(Connector[FilesystemConfig]):
    """Lists a folder on a local disk, a network mount or in a remote store; every file becomes one document."""

    type = "filesystem"

    def read(self, context: SyncContext) -> Iterator[Item]:
        """List the whole tree; contents are read only when they are asked for.

        Raises:
            FatalError: The root is missing or not what it should be; nothing is deleted.
        """
        tree = self._tree(context)
        self._require_marker(tree)
        count = 0
        for item in Walk(tree, Rules(self.config), follow_symlinks=self.config.follow_symlinks).items():
            if isinstance(item, Document):
                count += 1
            yield item
        if count < self.config.minimum_count:
            raise FatalError(
                f"root: {self.config.root!r} holds {count:,} documents, and `minimum_count` asks for {self.config.minimum_count:,}; "
                "nothing is deleted",
                where="origin",
            )

    def check(self, context: SyncContext) -> Iterator[Finding]:
        """Look at the root, what lies at its top, and the marker."""
        try:
            tree = self._tree(context)
            with tree.open(tree.root()) as listing:
                names = listing.names
        except (ConfigError, FatalError, OSError) as error:
            yield Finding(ok=False, subject="root", message=str(error))
            return
        if names.error is not None:
            yield Finding(ok=False, subject="root", message=f"listing it broke off: {words_of(names.error)}")
        yield Finding(ok=True, subject="root", message=f"{self.config.root}: {names.counted()} at the top")
        if self.config.marker_file is not None:
            yield self._marker(tree)

    def explain(self, needle: str, context: SyncContext) -> str | None:
        """Say whether a path, id or link is listed, or which rule leaves it out."""
        return Explainer(self.config, self._tree(context), Rules(self.config)).sentence(needle)

    def _tree(self, context: SyncContext) -> Tree:
        if self.config.scheme:
            from knowledge_connector_filesystem.remote import RemoteTree

            return RemoteTree(self.config, context.clock)
        from knowledge_connector_filesystem.local import LocalTree

        return LocalTree(self.config, context.clock)

    def _marker(self, tree: Tree) -> Finding:
        marker = self.config.marker_file or ""
        present = tree.holds(tree.root(), marker)
        return Finding(ok=present, subject="marker_file", message=f"{marker!r} is {'' if present else 'not '}there")

    def _require_marker(self, tree: Tree) -> None:
        if self.config.marker_file is not None and not self._marker(tree).ok:
            raise FatalError(
                f"marker_file: {self.config.marker_file!r} is not beneath {self.config.root!r}, so this is not the folder it should be "
                "(not mounted?); nothing is deleted",
                where="origin",
            )
