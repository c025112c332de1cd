"""The one changed tree that every tool is given, and what has to be in its store afterwards.

Of 1 % of the files half are edited, a sixth each are deleted, renamed and new. Every file that will be edited carries a
block of marked lines, longer than one chunk, from the beginning; the edit replaces it by one line with another mark. So
a store that misses the edit lacks the new mark, and one that keeps a stale chunk still holds the old.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

OLD_MTIME = 1_700_000_000
"""Of the youngest file in a fresh tree, the others are a minute apart: no tool has to suspect that it was written just now."""

SETTLE_SECONDS = 3.0
"""A pause after writing a tree: the inodes' own change times cannot be set back, and careful tools look at them."""


@dataclass(frozen=True, slots=True)
class Changes:
    edited: tuple[str, ...]
    deleted: tuple[str, ...]
    renamed: tuple[str, ...]
    created: tuple[str, ...]

    @property
    def watched(self) -> tuple[str, ...]:
        """Edited files whose marks are looked for afterwards: some, because each may cost a process."""
        return self.edited[:12]

    @property
    def marks(self) -> tuple[str, ...]:
        return tuple(self.mark(path, version) for path in self.watched for version in ("old", "new"))

    @property
    def gone(self) -> tuple[str, ...]:
        return self.deleted + self.renamed

    @property
    def arrived(self) -> tuple[str, ...]:
        return tuple(map(_renamed, self.renamed)) + self.created

    def mark(self, path: str, version: str) -> str:
        """A word that occurs nowhere else; `version` is `old` or `new`."""
        return f"kcmark{_digest(path)[:12]}{version}"


def choose(corpus: Path) -> Changes:
    """The same choice for the same corpus."""
    paths = sorted((each.relative_to(corpus).as_posix() for each in corpus.rglob("*") if each.is_file()), key=_digest)
    some = max(6, len(paths) // 100)
    edits, others = some // 2, some // 6
    chosen = paths[: edits + 3 * others]
    first, second, third = edits, edits + others, edits + 2 * others
    return Changes(
        edited=tuple(chosen[:first]),
        deleted=tuple(chosen[first:second]),
        renamed=tuple(chosen[second:third]),
        created=tuple(_inserted(path, "new-page") for path in chosen[third:]),
    )


def lay(corpus: Path, tree: Path, changes: Changes) -> None:
    """A fresh tree, as before the change."""
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(corpus, tree)
    for path in changes.edited:
        mark = changes.mark(path, "old")
        lines = [
            f"Line {number} of a block that will go: {mark}, and so that it fills a chunk." for number in range(50)
        ]
        _append(tree / path, lines)
    for age, entry in enumerate(sorted(tree.rglob("*"))):
        mtime = OLD_MTIME - 60 * age
        os.utime(entry, (mtime, mtime))
    time.sleep(SETTLE_SECONDS)


def apply(corpus: Path, tree: Path, changes: Changes) -> None:
    """Change the tree in place."""
    now = time.time() - 10
    for path in changes.edited:
        shutil.copyfile(corpus / path, tree / path)
        _append(tree / path, [f"A line that came instead: {changes.mark(path, 'new')}."])
        os.utime(tree / path, (now, now))
    for path in changes.deleted:
        (tree / path).unlink()
    for path in changes.renamed:
        (tree / path).rename(tree / _renamed(path))
    for path in changes.created:
        _append(tree / path, ["A page that was not there before.", f"It says {changes.mark(path, 'new')}."])
        os.utime(tree / path, (now, now))
    time.sleep(SETTLE_SECONDS)


def _append(path: Path, lines: list[str]) -> None:
    html = path.suffix == ".html"
    text = path.read_bytes().decode("utf-8") if path.exists() else ""
    block = "".join(f"<p>{line}</p>\n" if html else f"\n{line}\n" for line in lines)
    body, end, rest = text.rpartition("</body>") if html else (text, "", "")
    path.write_bytes((f"{body}{block}{end}{rest}" if end else text + block).encode("utf-8"))


def _renamed(path: str) -> str:
    return _inserted(path, "renamed")


def _inserted(path: str, word: str) -> str:
    """`a/b.rst.txt` → `a/word-b.rst.txt`, the same kind of file in the same folder."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{word}-{name}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
