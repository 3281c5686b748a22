"""What comes in by itself, work that one process does for all, and tokens of sources."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXT: sa.types.TypeEngine[Any] = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "inbox",
        sa.Column("source", TEXT, nullable=False),
        sa.Column("event_id", TEXT, nullable=False),
        sa.Column("key", TEXT),
        sa.Column("change", sa.Text),
        sa.Column("into_id", sa.Text),
        sa.Column("occurred_at", TIME),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("claim", TEXT),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("strikes", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("raw", sa.LargeBinary),
        sa.Column("handle", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("source", "event_id", name="pk_inbox"),
    )
    op.create_index("ix_inbox_state_due_at", "inbox", ["state", "due_at"])
    op.create_index("ix_inbox_claim", "inbox", ["claim"])
    op.create_index("ix_inbox_handle", "inbox", ["handle"])
    op.create_table(
        "leases",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("holder", TEXT, nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.create_table(
        "source_tokens",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_source_tokens"),
    )
