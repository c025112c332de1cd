"""The benchmark's work done with LangChain's indexing API: a SQL record manager, `cleanup="full"`, a store in SQLite.

The vector store is a stand-in that keeps ids and texts and computes no vectors: embedding is nobody's work here.

Usage: python index_langchain.py ROOT STORE
"""

import pathlib
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Self

from langchain_classic.indexes import SQLRecordManager
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.indexing import index
from langchain_core.vectorstores import VectorStore
from langchain_text_splitters import RecursiveCharacterTextSplitter

from benchmarks.libraries import MAX_CHARS, is_html, to_markdown

ROOT, STORE = map(pathlib.Path, sys.argv[1:3])


class SqliteStore(VectorStore):
    """As much of a vector store as `index` asks for."""

    def __init__(self, path: pathlib.Path) -> None:
        self._database = sqlite3.connect(path)
        self._database.execute("create table if not exists chunk (id text primary key, document text, text text)")

    def add_documents(self, documents: list[Document], *, ids: Sequence[str], **_: Any) -> list[str]:
        rows = [(key, each.metadata["source"], each.page_content) for key, each in zip(ids, documents, strict=True)]
        with self._database:
            self._database.executemany("insert or replace into chunk values (?, ?, ?)", rows)
        return list(ids)

    def delete(self, ids: Sequence[str] | None = None, **_: Any) -> bool:
        with self._database:
            self._database.executemany("delete from chunk where id = ?", [(key,) for key in ids or ()])
        return True

    def similarity_search(self, query: str, k: int = 4, **_: Any) -> list[Document]:
        raise NotImplementedError("nothing is searched here")

    @classmethod
    def from_texts(cls, texts: list[str], embedding: Embeddings, metadatas: Any = None, **_: Any) -> Self:
        raise NotImplementedError("documents come through index()")


def documents() -> Iterator[Document]:
    splitter = RecursiveCharacterTextSplitter(chunk_size=MAX_CHARS, chunk_overlap=0)
    for path in sorted(ROOT.rglob("*")):
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            markdown = to_markdown(text) if is_html(path.name) else text
            yield from splitter.create_documents([markdown], [{"source": path.relative_to(ROOT).as_posix()}])


records = SQLRecordManager("benchmark", db_url=f"sqlite:///{STORE / 'records.db'}")
records.create_schema()
index(
    documents(),
    records,
    SqliteStore(STORE / "chunks.db"),
    cleanup="full",
    source_id_key="source",
    key_encoder="sha256",
)
