"""The embedded target: one SQLite file with a full-text index, zero configuration.

target.py    configuration, `check`, and the two doors: `open` for a run, `search` and `holdings` for readers
session.py   one run's writes: whole sources, many to a transaction
search.py    questions to the index; `query.py` makes a safe one of whatever was typed
file.py      tables, opening, and what SQLite's errors mean to a person
rows.py      our values as rows, and back
"""

from knowledge_connector.targets.sqlite.target import SqliteTarget, SqliteTargetConfig

__all__ = ["SqliteTarget", "SqliteTargetConfig"]
