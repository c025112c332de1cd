"""Trees with every special case, made by script, and the changes that people and programs make to them."""

from __future__ import annotations

import os
import socket
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from knowledge_connector import Document, Failure, Item, Skip
from knowledge_connector.testing.context import LATER, FakeClock, FakeContext
from knowledge_connector_filesystem import FilesystemConfig, FilesystemConnector

PLAIN = {
    "readme.md": "# Welcome\n",
    "notes.txt": "Notes\n",
    "data.csv": "a,b\n1,2\n",
    "guide/setup.rst": "Setup\n=====\n",
    "guide/deep/er/page.html": "<h1>Page</h1>",
    "guide/UPPER.MD": "# Upper\n",
    "empty.txt": "",
    "no ending": "text\n",
    "100%.txt": "per cent\n",
    ".hidden.md": "# Hidden\n",
    ".secret/inside.md": "# Inside\n",
    "draft.tmp": "temporary\n",
    "~$report.docx": "lock\n",
    "node_modules/module.md": "# Module\n",
    "archive/old.md": "# Old\n",
    "archive/.knowledgeignore": "*.md\n!kept.md\nlogs/\n",
    "archive/kept.md": "# Kept\n",
    "archive/logs/kept.md": "# Not to be had back\n",
}
"""What any store can hold: names and contents."""


def write(root: Path, files: Mapping[str, str] = PLAIN) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def write_odd_names(root: Path) -> dict[bytes, str]:
    """Write files with names that only bytes can hold, and tell their ids."""
    odd = {
        b"new\nline.md": "new\nline.md",
        b"-rf.md": "-rf.md",
        b"blank .md ": "blank .md ",
        "🎉 feier.md".encode(): "🎉 feier.md",
        b"latin-\xe9.md": "latin-%E9.md",
        b"latin-%E9.md": "latin-%25E9.md",
        unicodedata.normalize("NFC", "é.md").encode(): unicodedata.normalize("NFC", "é.md"),
        unicodedata.normalize("NFD", "é.md").encode(): unicodedata.normalize("NFD", "é.md"),
        b"x" * 252 + b".md": "x" * 252 + ".md",
        b"quote\"'<&>.md": "quote\"'<&>.md",
    }
    root.mkdir(exist_ok=True)
    for name in odd:
        Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_bytes(b"# Odd\n")
    return odd


def write_special_files(root: Path, outside: Path) -> None:
    """Write what is no regular file: links of every kind, a FIFO, a socket."""
    write(root, {"a/one.md": "# One\n", "a/b/two.md": "# Two\n"})
    outside.mkdir()
    (outside / "foreign.md").write_text("# Foreign\n", encoding="utf-8")
    (root / "link.md").symlink_to("a/one.md")
    (root / "folder-link").symlink_to("a")
    (root / "a/b/loop").symlink_to("..")
    (root / "self").symlink_to("self")
    (root / "broken.md").symlink_to("nowhere.md")
    (root / "outside.md").symlink_to(outside / "foreign.md")
    (root / "outside").symlink_to(outside)
    os.mkfifo(root / "fifo.md")
    with socket.socket(socket.AF_UNIX) as door:
        here = Path.cwd()
        os.chdir(root)  # a socket's path may have 107 bytes at most
        try:
            door.bind("socket.md")
        finally:
            os.chdir(here)


def context(now: datetime = LATER) -> FakeContext:
    return FakeContext(clock=FakeClock(now))


def read(root: Path | str, now: datetime = LATER, **options: object) -> list[Item]:
    config = FilesystemConfig.model_validate({"root": str(root), **options})
    return list(FilesystemConnector(config).read(context(now)))


def outcome(items: list[Item]) -> dict[str, str]:
    """Say of every id what became of it."""
    found: dict[str, str] = {}
    for item in items:
        assert isinstance(item, (Document, Skip, Failure))
        assert item.id not in found, f"{item.id!r} came twice"
        found[item.id] = _word(item)
    return found


def _word(item: Document | Skip | Failure) -> str:
    if isinstance(item, Document):
        return "listed"
    if isinstance(item, Failure):
        return f"{item.code}/" if item.beneath else item.code
    return f"-{item.reason}" if item.excluded else item.reason


def documents(items: list[Item]) -> dict[str, Document]:
    return {item.id: item for item in items if isinstance(item, Document)}


def body(document: Document) -> bytes:
    assert callable(document.body)
    content = document.body()
    assert isinstance(content, bytes)
    return content
