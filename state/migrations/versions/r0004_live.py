"""Records as they are compared, by their blocking keys, and what waits to be settled."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT: sa.types.TypeEngine[Any] = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _create_index()
    _create_counts()
    op.add_column(
        "shared_identifiers",
        sa.Column("public", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "identity_drift",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("records", sa.BigInteger, nullable=False),
        sa.Column("moved", sa.BigInteger, nullable=False),
        sa.Column("disagreement", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_drift"),
    )


def _create_index() -> None:
    op.create_table(
        "compared_records",
        sa.Column("number", NUMBER, nullable=False, autoincrement=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("form", sa.Integer, nullable=False),
        sa.Column("row", sa.LargeBinary, nullable=False),
        sa.Column("blocks", sa.LargeBinary, nullable=False),
        sa.Column("terms", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_compared_records"),
    )
    op.create_index("ix_compared_records_key_form", "compared_records", ["key", "form"])
    op.create_table(
        "record_blocks",
        sa.Column("block", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("number", sa.BigInteger, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("block", "number", name="pk_record_blocks"),
        sqlite_with_rowid=False,
    )


def _create_counts() -> None:
    op.create_table(
        "term_counts",
        sa.Column("value", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("value", "kind", name="pk_term_counts"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "unsettled_records",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("taken", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_unsettled_records"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_unsettled_records_taken", "unsettled_records", ["taken"])
