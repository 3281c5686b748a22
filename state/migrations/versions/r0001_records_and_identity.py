"""Records, cursors, last-good children; customers, memberships, links and their history."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT: sa.types.TypeEngine[Any] = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_records()
    _create_terms()
    _create_customers()
    _create_links()
    _create_history()


def _key(*names: str) -> tuple[sa.Column[Any], ...]:
    return tuple(sa.Column(name, TEXT, nullable=False) for name in names)


def _create(name: str, *columns: sa.Column[Any], key: list[str], **options: Any) -> None:
    primary = sa.PrimaryKeyConstraint(*key, name=f"pk_{name}")
    op.create_table(name, *columns, primary, **options)


def _index(table: str, *columns: str) -> None:
    op.create_index("_".join(("ix", table, *columns)), table, list(columns))


def _create_records() -> None:
    _create(
        "sync_cursors",
        *_key("source", "kind"),
        sa.Column("cursor", sa.Text),
        sa.Column("scan_started_at", TIME),
        sa.Column("scan_finished_at", TIME),
        sa.Column("updated_at", TIME),
        key=["source", "kind"],
    )
    _create(
        "contacts",
        *_key("key"),
        sa.Column("updated_at", TIME),
        sa.Column("fetched_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("deleted_at", TIME),
        sa.Column("merged_into", TEXT),
        sa.Column("digest", sa.LargeBinary),
        sa.Column("body", sa.LargeBinary),
        key=["key"],
    )
    _create(
        "kept_children",
        *_key("source", "kind", "parent_by", "parent"),
        sa.Column("page", sa.LargeBinary, nullable=False),
        key=["source", "kind", "parent_by", "parent"],
    )


def _create_terms() -> None:
    identifier = ["value", "kind", "scope"]
    _create(
        "contact_identifiers",
        *_key(*identifier, "key"),
        key=[*identifier, "key"],
        sqlite_with_rowid=False,
    )
    _index("contact_identifiers", "key", "value")
    _create("contact_words", *_key("word", "key"), key=["word", "key"], sqlite_with_rowid=False)
    _index("contact_words", "key", "word")
    _create("shared_identifiers", *_key(*identifier), key=identifier, sqlite_with_rowid=False)


def _create_customers() -> None:
    _create(
        "identity_state",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        key=["id"],
    )
    op.execute("INSERT INTO identity_state (id, version) VALUES (1, 0)")
    _create(
        "customers",
        *_key("id"),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("confidence", sa.Double, nullable=False),
        sa.Column("successor", TEXT),
        sa.Column("standing", TEXT, nullable=False),
        sa.Column("erased_at", TIME),
        key=["id"],
    )
    _index("customers", "standing")
    _index("customers", "successor")
    _create(
        "memberships",
        *_key("key", "customer"),
        sa.Column("since", sa.BigInteger, nullable=False),
        key=["key"],
    )
    _index("memberships", "customer", "key")


def _create_links() -> None:
    _create(
        "links",
        *_key("left_key", "right_key"),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("match_weight", sa.Double),
        sa.Column("match_probability", sa.Double),
        sa.Column("prior_weight", sa.Double),
        sa.Column("model_version", sa.Text),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Text, nullable=False),
        sa.Column("actor_name", sa.Text),
        sa.Column("decided_at", TIME, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("levels", sa.Text, nullable=False),
        key=["left_key", "right_key"],
    )
    _index("links", "right_key")
    _index("links", "status", "match_weight")


def _create_history() -> None:
    _create(
        "identity_events",
        sa.Column("sequence", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("before_ids", sa.LargeBinary, nullable=False),
        sa.Column("after_ids", sa.LargeBinary, nullable=False),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Text, nullable=False),
        sa.Column("actor_name", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("at", TIME, nullable=False),
        key=["sequence"],
    )
    _create(
        "identity_event_customers",
        *_key("customer"),
        sa.Column("sequence", sa.BigInteger, nullable=False, autoincrement=False),
        key=["customer", "sequence"],
        sqlite_with_rowid=False,
    )
