"""Which entries are left out, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knowledge_connector.kit.matching import Patterns
    from knowledge_connector_filesystem.config import FilesystemConfig

_FOLDERS = frozenset({".git", ".svn", ".hg", "node_modules", "__pycache__"})
_FILES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
_BEGINNINGS = ("~$", ".~lock.")
_ENDINGS = (".tmp", ".part", ".crdownload", ".swp")


class Ignore(NamedTuple):
    """One ignore file: the path of its folder (`""` or ending in `/`), its name and its patterns."""

    folder: str
    name: str
    patterns: Patterns


class Rules:
    """The options that leave something out, applied to one entry at a time. Reasons are short words, for counting."""

    def __init__(self, config: FilesystemConfig) -> None:
        self._builtin = config.builtin_excludes
        self._hidden = config.include_hidden
        self.ignore_names = config.ignore_file
        self._include = _compiled(config.include)
        self._exclude = _compiled(config.exclude)

    def leaves_out_folder(self, name: str, path: str, ignores: Sequence[Ignore]) -> str | None:
        """Say why a folder is not entered; `None` if it is. `path` ends in `/`."""
        if not self._hidden and name[0] == ".":
            return "hidden"
        if self._builtin and name in _FOLDERS:
            return "excluded"
        return self._matched(path, ignores)

    def leaves_out_file(self, name: str, path: str, ignores: Sequence[Ignore]) -> str | None:
        """Say why a file is not taken; `None` if it is."""
        if not self._hidden and name[0] == ".":
            return "hidden"
        if name in self.ignore_names or (
            self._builtin and (name in _FILES or name.endswith(_ENDINGS) or name.startswith(_BEGINNINGS))
        ):
            return "excluded"
        if reason := self._matched(path, ignores):
            return reason
        return None if self._include is None or self._include.includes(path) else "not-included"

    def _matched(self, path: str, ignores: Sequence[Ignore]) -> str | None:
        if self._exclude is not None and self._exclude.decide(path):
            return "excluded"
        return "ignored" if ignores and _deciding(path, ignores) else None

    def because(self, reason: str, path: str, ignores: Sequence[Ignore]) -> str:
        """Name the option, file and pattern behind a reason, for a person."""
        if reason == "hidden":
            return "its name begins with a dot and `include_hidden` is false"
        if reason == "not-included":
            pattern = self._include.deciding(path, within=True) if self._include is not None else None
            return f"`include` takes it back with {pattern!r}" if pattern else "no pattern of `include` matches it"
        if reason == "ignored" and (ignore := _deciding(path, ignores)):
            pattern = ignore.patterns.deciding(path.removeprefix(ignore.folder))
            return f"{ignore.folder}{ignore.name} says {pattern!r}"
        pattern = self._exclude.deciding(path) if self._exclude is not None else None
        return f"`exclude` says {pattern!r}" if pattern else "it is one of the built-in excludes or an ignore file"


def _deciding(path: str, ignores: Sequence[Ignore]) -> Ignore | None:
    """Find the ignore file that leaves this entry out. The innermost with an opinion has it, as in git."""
    for ignore in reversed(ignores):
        decision = ignore.patterns.decide(path[len(ignore.folder) :])
        if decision is not None:
            return ignore if decision else None
    return None


def _compiled(lines: Sequence[str]) -> Patterns | None:
    if not lines:
        return None
    # pathspec costs more to import than a small folder to read; without patterns it is never needed
    from knowledge_connector.kit.matching import Patterns

    return Patterns(lines)
