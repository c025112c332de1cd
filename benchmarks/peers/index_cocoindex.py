"""The benchmark's work done with CocoIndex 1.x: LMDB for its memory, its SQLite target for the chunks.

Usage: python index_cocoindex.py ROOT STORE
"""

import pathlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import cocoindex as coco
from cocoindex.connectors import localfs, sqlite
from cocoindex.ops.text import RecursiveSplitter

from benchmarks.libraries import MAX_CHARS, is_html, to_markdown

ROOT, STORE = map(pathlib.Path, sys.argv[1:3])
DATABASE = coco.ContextKey[sqlite.ManagedConnection]("database")
SPLITTER = RecursiveSplitter()


@dataclass
class ChunkRow:
    document: str
    ordinal: int
    text: str


@coco.lifespan
def lifespan(builder: coco.EnvironmentBuilder) -> Iterator[None]:
    builder.settings.db_path = STORE / "state"
    with sqlite.managed_connection(STORE / "chunks.db", load_vec=False) as connection:
        builder.provide(DATABASE, connection)
        yield


@coco.fn(memo=True)
async def index_file(file: localfs.File, table: sqlite.TableTarget[ChunkRow]) -> None:
    document = file.file_path.path.relative_to(ROOT).as_posix()
    text = await file.read_text()
    markdown = to_markdown(text) if is_html(document) else text
    # Its size is in bytes, so that 2000 bytes are never more than 2000 characters.
    for ordinal, chunk in enumerate(SPLITTER.split(markdown, chunk_size=MAX_CHARS, language="markdown")):
        table.declare_row(row=ChunkRow(document, ordinal, chunk.text))


@coco.fn
async def index_folder() -> None:
    schema = await sqlite.TableSchema.from_class(ChunkRow, primary_key=["document", "ordinal"])
    table = await sqlite.mount_table_target(DATABASE, "chunk", schema)
    await coco.mount_each(index_file, localfs.walk_dir(ROOT, recursive=True).items(), table)


coco.App("benchmark", index_folder).update_blocking()
