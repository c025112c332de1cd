"""The tables, as SQLAlchemy Core. Read by migrations and by the test that compares them; queries are plain SQL.

    lanes ─┬─ documents ── presence     what is known of a document · what the last listing said of it
           ├─ journal                   effects that are under way
           ├─ failures                  documents that are ill
           ├─ versions, currents        content kept for undo
           └─ changes ── runs           history
    cursors, leases                     by connector
    jobs, told                          by the names of jobs and of channels

Times are microseconds since 1970. `digest` columns hold `model.digest(external_id)`; where an id of any length must be found, the
digest is what the index holds, because PostgreSQL's indexes take no more than some 2,700 bytes.

`presence` is apart from `documents` because every run writes it for every document: its rows are a few bytes, and no index has to follow.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text, text

metadata = MetaData()

Words = Text().with_variant(Text(collation="C"), "postgresql")  # order by code point, as SQLite does
Number = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts up only a column that is called INTEGER

lanes = Table(
    "lanes",
    metadata,
    Column("id", Number, primary_key=True),
    Column("connector", Words, nullable=False),
    Column("target", Words, nullable=False),
    Column("token", Words),
    Index("lanes_name", "connector", "target", unique=True),
)

_holding = text("source_id IS NOT NULL")
_held = text("held_revision IS NOT NULL OR held_fingerprint IS NOT NULL")
_unmet = text("external_id IS NULL AND long_id IS NULL")

documents = Table(
    "documents",
    metadata,
    Column("id", Number, primary_key=True),
    Column("lane", BigInteger, nullable=False),
    Column("digest", Words, nullable=False),
    Column("external_id", Words, comment="up to 500 characters"),
    Column("long_id", Words, comment="an external id of more than 500 characters, found by its digest"),
    Column("source_id", Words),
    Column("name", Words, nullable=False),
    Column("uri", Words),
    Column("revision", Words),
    Column("revision_mark", Words),
    Column("content_mark", Words),
    Column("fingerprint", Words),
    Column("metadata_fingerprint", Words),
    Column("derived", Words),
    Column("chunk_count", BigInteger, nullable=False),
    Column("skipped", Words),
    Column("held_revision", Words),
    Column("held_fingerprint", Words),
    Index("documents_digest", "lane", "digest", unique=True),
    Index("documents_external_id", "lane", "external_id"),
    Index("documents_unmet", "lane", sqlite_where=_unmet, postgresql_where=_unmet),
    Index("documents_fingerprint", "lane", "fingerprint", sqlite_where=_holding, postgresql_where=_holding),
    Index("documents_held", "lane", sqlite_where=_held, postgresql_where=_held),
)

presence = Table(
    "presence",
    metadata,
    Column("lane", BigInteger, primary_key=True, autoincrement=False),
    Column("document", BigInteger, primary_key=True, autoincrement=False),
    Column("listed", BigInteger, nullable=False),
    Column("doomed", Words),
    sqlite_with_rowid=False,
)

journal = Table(
    "journal",
    metadata,
    Column("id", Number, primary_key=True),
    Column("run", BigInteger, nullable=False),
    Column("lane", BigInteger, nullable=False),
    Column("digest", Words, nullable=False),
    Column("external_id", Words, nullable=False),
    Column("action", Words, nullable=False),
    Column("source_id", Words),
    Column("fingerprint", Words),
    Index("journal_digest", "lane", "digest"),
    sqlite_autoincrement=True,
)

failures = Table(
    "failures",
    metadata,
    Column("lane", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", Words, primary_key=True),
    Column("external_id", Words, nullable=False),
    Column("stage", Words, nullable=False),
    Column("code", Words, nullable=False),
    Column("message", Words, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
)

cursors = Table(
    "cursors",
    metadata,
    Column("connector", Words, primary_key=True),
    Column("cursor", Words, nullable=False),
    Column("validity", Words, nullable=False),
    Column("listing", BigInteger),
    Column("whole", BigInteger, nullable=False, server_default="1", comment="1 if that listing began without a cursor"),
)

_for_a_job = text("job IS NOT NULL")

runs = Table(
    "runs",
    metadata,
    Column("id", Number, primary_key=True),
    Column("kind", Words, nullable=False),
    Column("connector", Words, nullable=False),
    Column("status", Words, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("report", Words),
    Column("job", Words),
    Column("due_at", BigInteger),
    Index("runs_connector", "connector"),
    Index("runs_job", "job", "due_at", sqlite_where=_for_a_job, postgresql_where=_for_a_job),
    sqlite_autoincrement=True,
)

jobs = Table(
    "jobs",
    metadata,
    Column("job", Words, primary_key=True),
    Column("rule", Words, nullable=False),
    Column("settled_until", BigInteger, nullable=False),
    Column("due_at", BigInteger),
    Column("attempts", BigInteger, nullable=False),
    Column("status", Words, nullable=False),
    Column("started_at", BigInteger),
    Column("finished_at", BigInteger),
)

told = Table(
    "told",
    metadata,
    Column("channel", Words, primary_key=True),
    Column("kind", Words, primary_key=True),
    Column("subject", Words, primary_key=True),
    Column("since", BigInteger, nullable=False),
)

changes = Table(
    "changes",
    metadata,
    Column("id", Number, primary_key=True),
    Column("run", Number, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("lane", BigInteger, nullable=False),
    Column("digest", Words, nullable=False),
    Column("previous_digest", Words),
    Column("external_id", Words, nullable=False),
    Column("action", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("before", BigInteger),
    Column("fingerprint_before", Words),
    Column("fingerprint_after", Words),
    Column("chunks_written", BigInteger, nullable=False),
    Column("chunks_deleted", BigInteger, nullable=False),
    Column("previous_id", Words),
    Index("changes_run", "run"),
    Index("changes_digest", "lane", "digest", "run"),
    Index("changes_previous", "lane", "previous_digest", "run"),
    Index("changes_before", "before"),
)

versions = Table(
    "versions",
    metadata,
    Column("id", Number, primary_key=True),
    Column("lane", BigInteger, nullable=False),
    Column("run", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Index("versions_run", "run"),
    sqlite_autoincrement=True,
)

currents = Table(
    "currents",
    metadata,
    Column("lane", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", Words, primary_key=True),
    Column("payload", LargeBinary, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("connector", Words, primary_key=True),
    Column("fence", BigInteger, nullable=False),
    Column("token", Words, comment="of the holder; NULL if nobody holds it"),
    Column("host", Words),
    Column("machine", Words, comment="host, boot and space of process numbers: where a pid means something"),
    Column("pid", BigInteger),
    Column(
        "process_started_at",
        BigInteger,
        comment="tells a process from a later one of the same number; NULL in the first seconds",
    ),
    Column("since", BigInteger),
    Column("expires_at", BigInteger, nullable=False),
)
