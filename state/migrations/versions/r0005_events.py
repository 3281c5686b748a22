"""Events of interactions, what they come to, the log of activities, and what was claimed."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TEXT: sa.types.TypeEngine[Any] = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_interactions()
    _create_log()
    _create_claims()
    _create_visitors()


def _create_interactions() -> None:
    op.create_table(
        "interaction_events",
        sa.Column("system", TEXT, nullable=False),
        sa.Column("event_id", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("system", "event_id", name="pk_interaction_events"),
    )
    op.create_index("ix_interaction_events_subject", "interaction_events", ["subject"])
    op.create_table(
        "interactions",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("began_at", TIME),
        sa.Column("external_id", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("until", TIME),
        sa.Column("record", sa.LargeBinary),
        sa.Column("course", sa.LargeBinary),
        sa.Column("messages", sa.LargeBinary),
        sa.PrimaryKeyConstraint("key", name="pk_interactions"),
    )
    op.create_table(
        "interaction_contacts",
        sa.Column("contact", TEXT, nullable=False),
        sa.Column("interaction", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("contact", "interaction", name="pk_interaction_contacts"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_interaction_contacts_interaction", "interaction_contacts", ["interaction"])


def _create_log() -> None:
    head = op.create_table(
        "activity_head",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_activity_head"),
    )
    op.bulk_insert(head, [{"id": 1, "sequence": 0}])
    op.create_table(
        "activities",
        sa.Column("sequence", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("item", TEXT),
        sa.Column("contacts", sa.LargeBinary, nullable=False),
        sa.Column("customer", TEXT),
        sa.Column("channel", sa.Text),
        sa.PrimaryKeyConstraint("sequence", name="pk_activities"),
    )
    op.create_table(
        "activity_contacts",
        sa.Column("contact", TEXT, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("contact", "sequence", name="pk_activity_contacts"),
        sqlite_with_rowid=False,
    )


def _create_claims() -> None:
    names = ("contact", "kind", "scope", "value", "verification")
    op.create_table(
        "event_claims",
        *(sa.Column(name, TEXT, nullable=False) for name in names),
        sa.PrimaryKeyConstraint(*names, name="pk_event_claims"),
        sqlite_with_rowid=False,
    )


def _create_visitors() -> None:
    op.create_table(
        "visitors",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("home", TEXT, nullable=False),
        sa.Column("consent", sa.Boolean),
        sa.Column("consent_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_visitors"),
    )
    op.create_table(
        "visitor_people",
        sa.Column("visitor", TEXT, nullable=False),
        sa.Column("person", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("visitor", "person", name="pk_visitor_people"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_visitor_people_person", "visitor_people", ["person"])
