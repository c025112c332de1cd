"""Writes OLE files ([MS-CFB], version 3), for tests: what Outlook and the old Office programs keep their documents in."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

Tree = Mapping[str, "bytes | Tree"]
"""Streams by name, and storages that hold further ones."""

_SECTOR, _MINI, _CUTOFF = 512, 64, 4096
_END, _FREE, _FAT, _NONE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD, 0xFFFFFFFF


@dataclass
class _Entry:
    name: str
    kind: int
    content: bytes = b""
    children: list[int] = field(default_factory=list)
    right: int = _NONE
    start: int = _END


def write_ole(tree: Tree) -> bytes:
    """Give a file that holds a tree."""
    entries = [_Entry("Root Entry", 5)]
    _add(entries, 0, tree)
    small = [entry for entry in entries if entry.kind == 2 and 0 < len(entry.content) < _CUTOFF]
    mini_fat, mini_stream = _chained(small, _MINI)
    entries[0].content = mini_stream
    big = [entry for entry in entries if entry not in small and entry.content]
    directory, mini_table = _Entry("", 0), _Entry("", 0, _table(mini_fat))
    directory.content = bytes(-(-len(entries) // 4) * _SECTOR)
    held = [directory, *([mini_table] if mini_fat else []), *big]
    fat, body = _chained(held, _SECTOR)
    fat_sectors = 1
    while fat_sectors * 128 < len(fat) + fat_sectors:
        fat_sectors += 1
    first = len(fat)
    table = _table(fat + [_FAT] * fat_sectors).ljust(fat_sectors * _SECTOR, b"\xff")
    written = b"".join(_row(entry) for entry in entries).ljust(len(directory.content), b"\0")
    header = struct.pack(
        "<8s16x5H6x9I",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        *(62, 3, 0xFFFE, 9, 6),
        *(
            0,
            fat_sectors,
            directory.start,
            0,
            _CUTOFF,
            mini_table.start,
            -(-len(mini_table.content) // _SECTOR),
            _END,
            0,
        ),
    )
    places = struct.pack("<109I", *range(first, first + fat_sectors), *[_FREE] * (109 - fat_sectors))
    return header + places + written + body[len(written) :] + table


def _add(entries: list[_Entry], parent: int, tree: Tree) -> None:
    before: int | None = None
    for name, content in sorted(tree.items(), key=lambda item: (len(item[0]), item[0].upper())):
        number = len(entries)
        entries.append(_Entry(name, 2, content) if isinstance(content, bytes) else _Entry(name, 1))
        if before is None:
            entries[parent].children.append(number)
        else:
            entries[before].right = number
        before = number
        if not isinstance(content, bytes):
            _add(entries, number, content)


def _chained(entries: list[_Entry], size: int) -> tuple[list[int], bytes]:
    """The contents one after another in sectors, and for each sector the next of its chain."""
    chain: list[int] = []
    body = b""
    for entry in entries:
        sectors = -(-len(entry.content) // size)
        entry.start = len(chain)
        chain += [*range(len(chain) + 1, len(chain) + sectors), _END]
        body += entry.content.ljust(sectors * size, b"\0")
    return chain, body


def _table(chain: list[int]) -> bytes:
    return struct.pack(f"<{len(chain)}I", *chain).ljust(-(-4 * len(chain) // _SECTOR) * _SECTOR, b"\xff")


def _row(entry: _Entry) -> bytes:
    name = (entry.name + "\0").encode("utf-16-le")
    child = entry.children[0] if entry.children else _NONE
    links = (_NONE, entry.right, child)
    start = entry.start if entry.content else (0 if entry.kind == 1 else _END)
    size = len(entry.content)
    return struct.pack("<64sHBB3I16x4x16xIQ", name, len(name), entry.kind, 1, *links, start, size)
