"""Who was redacted at the source stays so."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "contacts", sa.Column("redacted", sa.Boolean, nullable=False, server_default=sa.false())
    )
