"""Jobs: how far each is, and which run was for which due time."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Runs that were asked for by hand have no job."""
    op.create_table(
        "jobs",
        _text("job", null=False, key=True),
        _text("rule", null=False),
        _int("settled_until", null=False),
        _int("due_at"),
        _int("attempts", null=False),
        _text("status", null=False),
        _int("started_at"),
        _int("finished_at"),
    )
    op.add_column("runs", _text("job"))
    op.add_column("runs", _int("due_at"))
    by_job = sa.text("job IS NOT NULL")
    op.create_index("runs_job", "runs", ["job", "due_at"], sqlite_where=by_job, postgresql_where=by_job)


def _text(name: str, *, null: bool = True, key: bool = False) -> sa.Column[str]:
    words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, words, nullable=null, primary_key=key)


def _int(name: str, *, null: bool = True) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=null)
