"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _words() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True)


def _text(name: str, *, null: bool = False, key: bool = False, comment: str | None = None) -> sa.Column[str]:
    return sa.Column(name, _words(), nullable=null, primary_key=key, comment=comment)


def _int(name: str, *, null: bool = False, key: bool = False, comment: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=null, primary_key=key, autoincrement=False, comment=comment)


def _index(table: str, name: str, *columns: str, unique: bool = False, where: str | None = None) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(
        f"{table}_{name}", table, list(columns), unique=unique, sqlite_where=condition, postgresql_where=condition
    )


def upgrade() -> None:
    """Create all tables."""
    _lanes_and_documents()
    _work_under_way()
    _history()


def _lanes_and_documents() -> None:
    op.create_table("lanes", _id(), _text("connector"), _text("target"), _text("token", null=True))
    _index("lanes", "name", "connector", "target", unique=True)
    op.create_table(
        "documents",
        _id(),
        _int("lane"),
        _text("digest"),
        _text("external_id", null=True, comment="up to 500 characters"),
        _text("long_id", null=True, comment="an external id of more than 500 characters, found by its digest"),
        _text("source_id", null=True),
        _text("name"),
        _text("uri", null=True),
        _text("revision", null=True),
        _text("revision_mark", null=True),
        _text("content_mark", null=True),
        _text("fingerprint", null=True),
        _text("metadata_fingerprint", null=True),
        _text("derived", null=True),
        _int("chunk_count"),
        _text("skipped", null=True),
        _text("held_revision", null=True),
        _text("held_fingerprint", null=True),
    )
    _index("documents", "digest", "lane", "digest", unique=True)
    _index("documents", "external_id", "lane", "external_id")
    _index("documents", "unmet", "lane", where="external_id IS NULL AND long_id IS NULL")
    _index("documents", "fingerprint", "lane", "fingerprint", where="source_id IS NOT NULL")
    _index("documents", "held", "lane", where="held_revision IS NOT NULL OR held_fingerprint IS NOT NULL")
    op.create_table(
        "presence",
        _int("lane", key=True),
        _int("document", key=True),
        _int("listed"),
        _text("doomed", null=True),
        sqlite_with_rowid=False,
    )


def _work_under_way() -> None:
    op.create_table(
        "journal",
        _id(),
        _int("run"),
        _int("lane"),
        _text("digest"),
        _text("external_id"),
        _text("action"),
        _text("source_id", null=True),
        _text("fingerprint", null=True),
        sqlite_autoincrement=True,
    )
    _index("journal", "digest", "lane", "digest")
    op.create_table(
        "failures",
        _int("lane", key=True),
        _text("digest", key=True),
        _text("external_id"),
        _text("stage"),
        _text("code"),
        _text("message"),
        _int("attempts"),
        _int("first_at"),
        _int("last_at"),
    )
    op.create_table(
        "cursors", _text("connector", key=True), _text("cursor"), _text("validity"), _int("listing", null=True)
    )
    op.create_table(
        "leases",
        _text("connector", key=True),
        _int("fence"),
        _text("token", null=True, comment="of the holder; NULL if nobody holds it"),
        _text("host", null=True),
        _text("machine", null=True, comment="host, boot and space of process numbers: where a pid means something"),
        _int("pid", null=True),
        _int(
            "process_started_at",
            null=True,
            comment="tells a process from a later one of the same number; NULL in the first seconds",
        ),
        _int("since", null=True),
        _int("expires_at"),
    )


def _history() -> None:
    op.create_table(
        "runs",
        _id(),
        _text("kind"),
        _text("connector"),
        _text("status"),
        _int("started_at"),
        _int("finished_at", null=True),
        _text("report", null=True),
        sqlite_autoincrement=True,
    )
    _index("runs", "connector", "connector")
    _changes()
    op.create_table(
        "versions",
        _id(),
        _int("lane"),
        _int("run"),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sqlite_autoincrement=True,
    )
    _index("versions", "run", "run")
    op.create_table(
        "currents",
        _int("lane", key=True),
        _text("digest", key=True),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )


def _changes() -> None:
    op.create_table(
        "changes",
        _id(),
        sa.Column(
            "run",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            sa.ForeignKey("runs.id", ondelete="CASCADE"),
            nullable=False,
        ),
        _int("lane"),
        _text("digest"),
        _text("previous_digest", null=True),
        _text("external_id"),
        _text("action"),
        _text("reason"),
        _text("name"),
        _int("before", null=True),
        _text("fingerprint_before", null=True),
        _text("fingerprint_after", null=True),
        _int("chunks_written"),
        _int("chunks_deleted"),
        _text("previous_id", null=True),
    )
    _index("changes", "run", "run")
    _index("changes", "digest", "lane", "digest", "run")
    _index("changes", "previous", "lane", "previous_digest", "run")
    _index("changes", "before", "before")
