"""A listing that began at a cursor may be resumed, too."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Until now only listings that began without a cursor had a number."""
    whole = sa.Column(
        "whole", sa.BigInteger(), nullable=False, server_default="1", comment="1 if that listing began without a cursor"
    )
    op.add_column("cursors", whole)
