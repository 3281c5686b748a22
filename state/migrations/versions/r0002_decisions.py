"""What people decided, and what ids held when they were led on."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT: sa.types.TypeEngine[Any] = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "held_records",
        sa.Column("customer", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("customer", "key", name="pk_held_records"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "decisions",
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("sequence", sa.BigInteger),
        sa.Column("customers", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("actor", "key", name="pk_decisions"),
    )
    op.create_index("ix_decisions_digest", "decisions", ["digest"])
