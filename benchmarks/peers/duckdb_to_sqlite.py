"""Copy the chunks that dlt wrote into SQLite, where the benchmark looks at every tool's store with the same eyes.

Usage: python duckdb_to_sqlite.py STORE TARGET
"""

import sqlite3
import sys

import duckdb

store, target = sys.argv[1:3]
rows = duckdb.connect(f"{store}/chunks.duckdb", read_only=True).execute("select document, text from benchmark.chunk")
database = sqlite3.connect(target)
database.execute("create table chunk (document text, text text)")
database.executemany("insert into chunk values (?, ?)", rows.fetchall())
database.commit()
