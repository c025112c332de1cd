"""What people have been told."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Nobody has been told anything yet."""
    op.create_table(
        "told",
        *(_key(name) for name in ("channel", "kind", "subject")),
        sa.Column("since", sa.BigInteger(), nullable=False),
    )


def _key(name: str) -> sa.Column[str]:
    words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, words, nullable=False, primary_key=True)
