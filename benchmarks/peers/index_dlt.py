"""The benchmark's work done with dlt: its filesystem source, incremental by modification date, merged into DuckDB.

A document's chunks are replaced together (`merge_key`). dlt's filesystem source does not report what has gone, so that
deleted files keep their rows; the table of results says so.

Usage: python index_dlt.py ROOT STORE
"""

import pathlib
import sys
from collections.abc import Iterator

import dlt
from dlt.common.storages.fsspec_filesystem import FileItemDict
from dlt.sources.filesystem import filesystem
from langchain_text_splitters import RecursiveCharacterTextSplitter

from benchmarks.libraries import MAX_CHARS, is_html, to_markdown

ROOT, STORE = map(pathlib.Path, sys.argv[1:3])
SPLITTER = RecursiveCharacterTextSplitter(chunk_size=MAX_CHARS, chunk_overlap=0)


@dlt.transformer(name="chunk", write_disposition="merge", merge_key="document")
def chunks(files: list[FileItemDict]) -> Iterator[list[dict[str, object]]]:
    for file in files:
        document = file["relative_path"]
        text = file.read_bytes().decode("utf-8", "replace")
        markdown = to_markdown(text) if is_html(document) else text
        yield [
            {"document": document, "ordinal": ordinal, "text": chunk}
            for ordinal, chunk in enumerate(SPLITTER.split_text(markdown))
        ]


files = filesystem(bucket_url=ROOT.as_uri(), file_glob="**/*", incremental=dlt.sources.incremental("modification_date"))
pipeline = dlt.pipeline(
    "benchmark",
    pipelines_dir=str(STORE / "state"),
    destination=dlt.destinations.duckdb(str(STORE / "chunks.duckdb")),
    dataset_name="benchmark",
)
pipeline.run(files | chunks)
