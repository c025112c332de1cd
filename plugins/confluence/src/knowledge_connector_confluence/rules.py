"""What the user wants of a wiki, and what is left out by which rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from knowledge_connector_confluence.config import ConfluenceConfig
from knowledge_connector_confluence.wiki import Entry, File, Space


@dataclass(frozen=True, slots=True)
class Rules:
    """The filters of a configuration."""

    config: ConfluenceConfig

    def leaves_out_space(self, space: Space) -> str | None:
        """Which option leaves a space out; `None` if none does."""
        wanted = self.config.space_keys
        if _fits(space.key, self.config.exclude_space_keys):
            return "exclude_space_keys"
        if space.key in wanted:
            return None
        if space.is_personal and not self.config.personal_spaces:
            return "personal_spaces"
        return None if not wanted or _fits(space.key, wanted) else "space_keys"

    @property
    def named_spaces(self) -> list[str]:
        """Keys that are written out, so that these spaces have to be there."""
        return [key for key in self.config.space_keys if not set(key) & set("*?[")]

    @property
    def asks_for_labels(self) -> bool:
        """Whether labels have to be known."""
        return bool(self.config.label_tags or self.config.labels or self.config.exclude_labels)

    @property
    def asks_for_ancestors(self) -> bool:
        """Whether it has to be known what is above an entry."""
        return bool(self.config.ancestor_ids or self.config.exclude_ancestor_ids)

    def leaves_out(self, entry: Entry, above: Iterable[str]) -> str | None:
        """Which option leaves a page or blog post out; `None` if none does.

        Args:
            entry: With its labels, if they are asked for.
            above: Ids of what is above it, if that is asked for.
        """
        labels, line = set(entry.labels or ()), {*above, entry.id}
        if not labels.isdisjoint(self.config.exclude_labels):
            return "exclude_labels"
        if self.config.labels and labels.isdisjoint(self.config.labels):
            return "labels"
        if not line.isdisjoint(self.config.exclude_ancestor_ids):
            return "exclude_ancestor_ids"
        if self.config.ancestor_ids and line.isdisjoint(self.config.ancestor_ids):
            return "ancestor_ids"
        return None

    def leaves_out_file(self, file: File) -> str | None:
        """Which option leaves an attachment out; `None` if none does."""
        patterns = [pattern.lower() for pattern in self.config.exclude_attachments]
        return "exclude_attachments" if _fits(file.name.lower(), patterns) else None


def _fits(word: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(word, pattern) for pattern in patterns)
