"""What somebody bound themselves to, and by what it was kept."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TEXT: sa.types.TypeEngine[Any] = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "commitments",
        sa.Column("number", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("customer", TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_commitments"),
    )
    op.create_index("ix_commitments_actor_key", "commitments", ["actor", "key"], unique=True)
    op.create_index("ix_commitments_customer", "commitments", ["customer"])
    op.create_table(
        "commitment_fulfilments",
        sa.Column("commitment", TEXT, nullable=False),
        sa.Column("evidence", TEXT, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("commitment", name="pk_commitment_fulfilments"),
    )
