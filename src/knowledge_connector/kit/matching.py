"""Gitignore-style patterns over POSIX-style paths relative to a root; a folder's path ends in `/`.

pathspec translates each pattern into a regular expression. What is added here is what git does around the single pattern: an entry is
asked about on its own, level by level, the last pattern that matches it decides, and nothing is re-included beneath a folder that
is out. pathspec's own `match_file` also matches an entry through the folders above it, which gives another answer for `*`, `!*/`.

Reference: gitignore(5), "Pattern format".
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple
from unicodedata import normalize

from pathspec.patterns.gitignore.base import GitIgnorePatternError
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    _Groups = list[tuple[bool, Callable[[str], re.Match[str] | None]]]

_NAMED_GROUP = re.compile(r"\(\?P<\w+>")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class _Rule(NamedTuple):
    text: str
    positive: bool
    regex: str


class Patterns:
    """Compiled patterns, asked once per entry. Paths and patterns are compared in Unicode NFC; case counts."""

    def __init__(self, lines: Iterable[str]) -> None:
        """Compile the patterns of an option.

        Raises:
            ValueError: A line is no pattern (blank, a comment, malformed); the message quotes it.
        """
        self._take([_compile(line) for line in lines])

    @classmethod
    def from_file(cls, content: bytes) -> Patterns:
        """Compile an ignore file.

        As in git, blank lines, comments and malformed patterns match nothing. Bytes that are not UTF-8 match themselves.
        """
        text = content.removeprefix(_BYTE_ORDER_MARK).decode("utf-8", "surrogateescape")
        patterns = cls(())
        patterns._take(list(_valid(text.split("\n"))))
        return patterns

    def _take(self, rules: list[_Rule]) -> None:
        self._rules = rules
        grouped = [
            (positive, [rule.regex for rule in group]) for positive, group in groupby(rules, lambda r: r.positive)
        ]
        regexes = [(positive, re.compile("|".join(group), re.DOTALL)) for positive, group in reversed(grouped)]
        self._itself: _Groups = [(positive, regex.fullmatch) for positive, regex in regexes]
        self._within: _Groups = [(positive, regex.match) for positive, regex in regexes]

    def __bool__(self) -> bool:
        return bool(self._rules)

    def decide(self, path: str) -> bool | None:
        """Say whether the last pattern that matches this very entry is a plain one (`True`) or a negated one; `None` if none matches.

        For walkers, which ask about each folder on their way and do not enter what is out.
        """
        return _first(self._itself, path)

    def excludes(self, path: str) -> bool:
        """Say whether the entry, or a folder above it, is matched: what a walker would have found out on its way."""
        return any(self.decide(level) for level in levels(path))

    def includes(self, path: str) -> bool:
        """Say whether the last pattern that matches the entry or any folder above it is a plain one.

        No pattern at all includes everything.
        """
        return not self._rules or bool(_first(self._within, path))

    def deciding(self, path: str, *, within: bool = False) -> str | None:
        """Name the pattern behind `decide` (or, with `within`, behind `includes`)."""
        path = _composed(path)
        for rule in reversed(self._rules):
            regex = re.compile(rule.regex, re.DOTALL)
            if regex.match(path) if within else regex.fullmatch(path):
                return rule.text
        return None


def levels(path: str) -> Iterator[str]:
    """Give the folders above an entry, outermost first, each ending in `/`, and the entry itself."""
    end = path.find("/") + 1
    while 0 < end < len(path):
        yield path[:end]
        end = path.find("/", end) + 1
    yield path


def _first(groups: _Groups, path: str) -> bool | None:
    path = _composed(path)
    for positive, match in groups:
        if match(path):
            return positive
    return None


def _composed(text: str) -> str:
    return text if text.isascii() else normalize("NFC", text)


def _valid(lines: Iterable[str]) -> Iterator[_Rule]:
    for line in lines:
        try:
            yield _compile(line.removesuffix("\r"))
        except ValueError:
            continue


def _compile(line: str) -> _Rule:
    try:
        pattern = GitIgnoreSpecPattern(_spelt_out(_composed(line)))
    except GitIgnorePatternError:
        raise ValueError(f"{line!r} is not a gitignore pattern") from None
    if pattern.include is None or pattern.regex is None:
        raise ValueError(f"{line!r} matches nothing: it is blank, a comment, or its brackets are not a range")
    return _Rule(line, pattern.include, f"(?:{_NAMED_GROUP.sub('(?:', pattern.regex.pattern)})")


def _spelt_out(line: str) -> str:
    """Write `*` as `?*` and a last `**` as `**/?*`.

    They mean the same, but do not take pathspec's short cuts, which also match what lies beneath.
    """
    if line.startswith("#"):
        return line
    line = line if line.endswith("\\ ") else line.rstrip()
    sign, body = ("!", line[1:]) if line.startswith("!") else ("", line)
    segments = ["?*" if segment == "*" else segment for segment in body.split("/")]
    last = -2 if len(segments) > 1 and not segments[-1] else -1
    if segments[last] == "**":
        segments.insert(len(segments) + last + 1, "?*")
    return sign + "/".join(segments)
