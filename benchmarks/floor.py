"""The floor: what a bare script needs for the same work with the same libraries, and no promises.

It walks, compares size, times and inode with what it saw last, reads, converts, splits and inserts, in one transaction,
in one process (HTML: two, because the converter is the work). No plan, no report, no guard against a half listing.

Usage: python -m benchmarks.floor ROOT STORE
"""

from __future__ import annotations

import os
import sqlite3
import sys
from typing import TYPE_CHECKING

from benchmarks.libraries import is_html, split, to_markdown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SCHEMA = """
    create table if not exists document (path text primary key, size int, mtime int, ctime int, inode int);
    create table if not exists chunk (id integer primary key, document text, ordinal int, text text);
    create index if not exists chunk_document on chunk (document);
    create virtual table if not exists search using fts5 (text, content='chunk', content_rowid='id');
"""

Stamp = tuple[int, int, int, int]


def main(root: str, store: str) -> None:
    database = sqlite3.connect(os.path.join(store, "chunks.db"))  # noqa: PTH118  # pathlib costs a tenth of an unchanged run
    database.executescript(SCHEMA)
    known = {path: tuple(stamp) for path, *stamp in database.execute("select * from document")}
    found = dict(walk(root))
    changed = [path for path, stamp in found.items() if known.get(path) != stamp]
    outdated = [path for path in known if found.get(path) != known[path]]
    with database:
        forget(database, outdated)
        insert(database, chunked(root, changed), searchable=bool(known))
        database.executemany("insert into document values (?, ?, ?, ?, ?)", ((path, *found[path]) for path in changed))
        if not known:
            database.execute("insert into search (search) values ('rebuild')")
    database.close()


def walk(root: str, below: str = "") -> Iterator[tuple[str, Stamp]]:
    with os.scandir(os.path.join(root, below)) as entries:  # noqa: PTH118  # scandir is a third of pathlib's time
        for entry in entries:
            path = f"{below}/{entry.name}" if below else entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from walk(root, path)
            else:
                stat = entry.stat(follow_symlinks=False)
                yield path, (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


def forget(database: sqlite3.Connection, paths: Iterable[str]) -> None:
    for path in paths:
        database.execute(
            "insert into search (search, rowid, text) select 'delete', id, text from chunk where document = ?", (path,)
        )
        database.execute("delete from chunk where document = ?", (path,))
        database.execute("delete from document where path = ?", (path,))


def insert(database: sqlite3.Connection, documents: Iterable[tuple[str, list[str]]], *, searchable: bool) -> None:
    for path, chunks in documents:
        for ordinal, text in enumerate(chunks):
            row = database.execute("insert into chunk values (null, ?, ?, ?)", (path, ordinal, text)).lastrowid
            if searchable:
                database.execute("insert into search (rowid, text) values (?, ?)", (row, text))


def chunked(root: str, paths: list[str]) -> Iterator[tuple[str, list[str]]]:
    pages = [(root, path) for path in paths if is_html(path)]
    if len(pages) < 100:  # two processes cost more than they save
        yield from map(chunk_one, ((root, path) for path in paths))
        return
    import multiprocessing

    yield from map(chunk_one, ((root, path) for path in paths if not is_html(path)))
    with multiprocessing.Pool(2) as pool:
        yield from pool.imap_unordered(chunk_one, pages, chunksize=8)


def chunk_one(job: tuple[str, str]) -> tuple[str, list[str]]:
    root, path = job
    with open(f"{root}/{path}", encoding="utf-8", errors="replace") as file:  # noqa: PTH123  # as above
        text = file.read()
    return path, split(to_markdown(text) if is_html(path) else text)


if __name__ == "__main__":
    main(*sys.argv[1:3])
